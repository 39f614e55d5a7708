"""Answering a run's questions at a terminal."""

import io
import signal
import sys
from pathlib import Path

import pytest

from benchmate.agents.approval import ApprovalRequest
from benchmate.agents.contracts import Plan, Task
from benchmate.app.cli_approvals import approver, ask_person, details

CALL = ApprovalRequest(
    subject="call:mail:send_mail",
    message="send_mail wants to run: send_mail changes something outside the run",
    details={"tool": "send_mail", "arguments": [{"to": "a@example.org", "text": "x" * 500}], "calls": 1},
)
PLAN = Plan(
    title="Two steps",
    tasks=(
        Task(id="first", kind="tool", tool="compute_descriptors", arguments={"compound": "aspirin"}),
        Task(id="last", kind="report", needs=("first",)),
    ),
)
PLANNED = ApprovalRequest(
    subject="plan",
    message="Run this plan of 2 steps?",
    details={"plan": PLAN.model_dump(mode="json", exclude_none=True)},
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(text))


def test_yes_approves_and_says_what(capsys: pytest.CaptureFixture[str]) -> None:
    answers = approver(True)
    assert answers is not None and answers(CALL).approved
    said = capsys.readouterr()
    assert said.out == ""
    assert "approved by --yes: send_mail wants to run" in said.err and "a@example.org" in said.err


def test_without_a_terminal_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert approver(False) is None


def test_at_a_terminal_a_person_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "n it mails a stranger\n")
    monkeypatch.setattr(sys, "stderr", Terminal())
    answers = approver(False)
    assert answers is not None
    answer = answers(CALL)
    assert (answer.approved, answer.note) == (False, "it mails a stranger")


@pytest.mark.parametrize(("text", "approved"), [("y\n", True), ("YES\n", True), ("what?\n\nno\n", False)])
def test_it_asks_until_there_is_an_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str, approved: bool
) -> None:
    typed(monkeypatch, text)
    assert ask_person(CALL).approved is approved
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("Approve?") == text.count("\n")


@pytest.mark.parametrize("text", ["q\n", "quit\n", ""])
def test_who_leaves_decides_later(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    typed(monkeypatch, text)
    assert ask_person(CALL) is None


def test_ctrl_c_reaches_the_question_though_an_event_loop_holds_the_signal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted() -> str:
        signal.raise_signal(signal.SIGINT)
        return "y\n"

    typed(monkeypatch, "")
    monkeypatch.setattr(sys.stdin, "readline", interrupted)
    ours = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(KeyboardInterrupt):
            ask_person(CALL)
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, ours)


def editor(folder: Path, code: str) -> str:
    """A command that edits the file it is given, as an editor would."""
    script = folder / "editor.py"
    script.write_text(
        f"import sys, pathlib\nfile = pathlib.Path(sys.argv[1])\ntext = file.read_text()\n{code}\n"
    )
    return f"{sys.executable} {script}"


def test_a_plan_can_be_edited(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VISUAL", editor(tmp_path, "file.write_text(text.replace('aspirin', 'ibuprofen'))"))
    typed(monkeypatch, "e\n")
    answer = ask_person(PLANNED)
    assert answer.approved and answer.plan is not None
    assert answer.plan.tasks[0].arguments == {"compound": "ibuprofen"}
    assert answer.plan.tasks[1] == PLAN.tasks[1]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("file.write_text(text.replace('- first', '- frist'))", "needs 'frist', which is not in the plan"),
        ("file.write_text(text.replace('title', 'name'))", "not a plan: title: Field required"),
        ("file.write_text(']')", "not a plan:"),
        ("sys.exit(1)", "did not work"),
    ],
)
def test_an_edit_that_makes_no_plan_is_said_and_asked_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], code: str, said: str
) -> None:
    monkeypatch.setenv("VISUAL", editor(tmp_path, code))
    typed(monkeypatch, "e\nn\n")
    assert not ask_person(PLANNED).approved
    assert said in capsys.readouterr().err


def test_only_a_plan_can_be_edited(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, "e\nn\n")
    assert not ask_person(CALL).approved
    assert "[e]dit" not in capsys.readouterr().err


def test_details_are_short_lines() -> None:
    assert details(PLANNED) == ['  first: compute_descriptors {"compound": "aspirin"}', "  last: report"]
    lines = details(CALL)
    assert lines[0] == "  tool: send_mail" and max(map(len, lines)) < 120
