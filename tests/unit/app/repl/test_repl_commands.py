"""The chat without a terminal: commands, what they show, and what is said when something is wrong."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from prompt_toolkit.document import Document

from benchmate.agents.contracts import Plan, Task
from benchmate.app.repl.attaching import READERS, looking_into, reader_of
from benchmate.app.repl.chat import Chat
from benchmate.app.repl.commands import COMMANDS, read_command
from benchmate.app.repl.entry import PipedLines, Words
from benchmate.app.repl.screen import Screen
from benchmate.app.sessions import Sessions
from benchmate.runtime.errors import InvalidInput, NotFound
from benchmate.runtime.settings import load_settings
from benchmate.tools.registry import load_registry

pytestmark = pytest.mark.usefixtures("inline_tools")


class NoModel:
    """No question here needs a model."""

    name, version = "none", "0"

    async def aclose(self) -> None:
        pass


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Chat]:
    settings = load_settings(
        data_dir=tmp_path / "data", runs_dir=tmp_path / "runs", person="ada", fetch_model=False
    )
    with Sessions(settings) as sessions:
        talk = Chat(sessions, Screen(plain=True, stream=io.StringIO()), engine=NoModel())
        talk.enter()
        yield talk
        await talk.close()


@pytest.fixture
def said(chat: Chat) -> Callable[[], str]:
    """Return what the chat showed since the last time."""

    def since() -> str:
        stream = chat.screen.stream
        assert isinstance(stream, io.StringIO)
        shown = stream.getvalue()
        stream.seek(0)
        stream.truncate()
        return shown

    return since


async def talk(chat: Chat, *lines: str) -> None:
    await chat.run(PipedLines(io.StringIO("".join(f"{line}\n" for line in lines))))


async def test_a_conversation_from_a_pipe(chat: Chat, said: Callable[[], str]) -> None:
    await talk(
        chat,
        "What is the TPSA of ibuprofen?",
        "and its logP?",
        "/why",
        "/evidence",
        "/plan",
        "/turns",
        "/cost",
    )
    out = said()
    assert "Claim 1, supported: The logP of ibuprofen is 3.0732." in out
    assert "source: RDKit" in out
    assert "by Wildman-Crippen" in out
    assert "compute_descriptors (cited)" in out
    assert "1; complete; What is the TPSA of ibuprofen?" in out
    assert len(chat.session.turns) == 2


async def test_a_line_goes_on_after_a_backslash(chat: Chat, said: Callable[[], str]) -> None:
    await talk(chat, "What is the TPSA \\", "of ibuprofen?")
    assert [t.question for t in chat.session.turns] == ["What is the TPSA \nof ibuprofen?"]
    assert "37.3 Å²" in said()


async def test_every_command_is_helped_and_completed(chat: Chat, said: Callable[[], str]) -> None:
    await talk(chat, "/help")
    out = said()
    for command in COMMANDS.values():
        assert command.synopsis in out
        assert command.help.endswith(".")
    offered = [c.text for c in Words(chat).get_completions(Document("/"), None)]  # type: ignore[arg-type]
    assert offered == sorted(f"/{name}" for name in COMMANDS)
    wanted = "approve attach budget cost edit evidence fork help plan profile replay resume tools verify why".split()
    assert set(wanted) <= set(COMMANDS)


@pytest.mark.parametrize(
    ("line", "code", "hint"),
    [
        ("/bogus", "unknown_command", "/help"),
        ("/e", "unknown_command", "/edit or /evidence"),
        ("/turns 1", "too_many_arguments", "/turns"),
        ('/attach "a b', "bad_quotes", None),
    ],
)
def test_a_command_that_is_none_is_told_the_nearest(line: str, code: str, hint: str | None) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_command(line)
    assert refused.value.code == code
    assert hint is None or hint in str(refused.value.hint)


def test_a_beginning_that_only_one_command_has_is_enough() -> None:
    assert read_command("/ver 2")[0].name == "verify"
    assert read_command("/approve no it isn't safe")[1] == ["no", "it", "isn't", "safe"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["/why"], "nothing was asked in this session yet"),
        (["/resume"], "nothing was asked in this session yet"),
        (["/fork 3"], "nothing was asked in this session yet"),
        (["/approve"], "say yes or no"),
        (["/approve perhaps"], "say yes or no"),
        (["/budget calls=many"], "--budget calls"),
        (["/budget cals=3"], "there is no limit of 'cals'"),
        (["/profile nowhere"], "there is no profile 'nowhere'"),
        (["/tools qwertz"], "no tool speaks of 'qwertz'"),
        (["/attach nothing.csv"], "there is no file nothing.csv"),
        (["/attach"], "/attach takes the path of a file"),
        (["/details maybe"], "/details takes on or off"),
        (["TPSA of ibuprofen", "/why 7"], "this answer has no claim '7'"),
        (["TPSA of ibuprofen", "/fork two"], "'two' is no number of a turn"),
        (["TPSA of ibuprofen", "/evidence E-nope"], "this answer has no evidence 'E-nope'"),
        (["TPSA of ibuprofen", "/resume"], "turn 1 has ended"),
        (["TPSA of ibuprofen", "/approve yes"], "nothing waits for an answer"),
        (["/resume s-nope"], "there is no session 's-nope'"),
    ],
)
async def test_what_is_wrong_is_said_and_ends_nothing(
    chat: Chat, said: Callable[[], str], lines: list[str], message: str
) -> None:
    await talk(chat, *lines, "/help")
    out = said()
    assert message in out
    assert "/quit; Leave." in out


async def test_a_file_is_looked_into_and_then_spoken_of(chat: Chat, said: Callable[[], str]) -> None:
    await talk(chat, "/attach sample:iris", "mean of petal length per species?")
    out = said()
    assert "3.758" in out  # Fisher's table: the mean petal length in cm
    assert "1.462" in out


def test_each_reader_is_a_tool_that_takes_just_a_file() -> None:
    tools = load_registry().offered
    for name in READERS:
        assert set(tools[name].schema.get("required", [])) <= {"file"}
    assert reader_of("reads.FASTQ.gz") == "read_sequences"
    assert reader_of("POSCAR") == "analyze_crystal"
    with pytest.raises(InvalidInput) as unknown:
        reader_of("thesis.docx")
    assert unknown.value.code == "unknown_kind"
    with pytest.raises(NotFound):
        looking_into(["no/such.csv"])


async def test_a_fork_goes_its_own_way(chat: Chat, said: Callable[[], str]) -> None:
    before = chat.session.info.id
    await talk(chat, "TPSA of ibuprofen", "TPSA of caffeine", "/fork 1", "and its logP?")
    assert "logP of ibuprofen" in said()
    assert chat.session.info.id != before
    await talk(chat, f"/resume {before}", "and its logP?")
    assert "logP of caffeine" in said()


async def test_a_replay_in_the_chat_is_byte_equal(chat: Chat, said: Callable[[], str]) -> None:
    await talk(chat, "TPSA of ibuprofen", "/replay")
    assert "the same, byte for byte" in said()


async def test_a_plan_that_waits_is_answered_with_a_command(chat: Chat, said: Callable[[], str]) -> None:
    task = Task(id="weigh", kind="tool", tool="compute_descriptors", arguments={"compound": "aspirin"})
    await chat.ask(Plan(title="weigh aspirin", tasks=(task,), approve=True))
    assert "waiting for you: Run this plan of 1 steps?" in said()
    await talk(chat, "/approve yes")
    assert "turn 1 complete" in said()
    await chat.ask(Plan(title="weigh aspirin again", tasks=(task,), approve=True))
    await talk(chat, "/approve no not today")
    assert "turn 2 refused" in said()


async def test_a_limit_holds_for_each_turn(chat: Chat, said: Callable[[], str]) -> None:
    await talk(chat, "/budget calls=1", "TPSA of ibuprofen", "/budget off", "/resume")
    out = said()
    assert "budget" in out
    assert "turn 1 complete" in out


async def test_nothing_that_tools_say_can_command_the_terminal(chat: Chat, said: Callable[[], str]) -> None:
    await talk(chat, "TPSA of \x1b[31mibuprofen\x1b]0;owned\x07", "/turns")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", said().replace("\n", ""))


def test_names_are_completed(chat: Chat) -> None:
    offered = [c.text for c in Words(chat).get_completions(Document("logP of ibupro"), None)]  # type: ignore[arg-type]
    assert "ibuprofen" in offered


async def test_names_of_rows_are_no_groups(chat: Chat, said: Callable[[], str], tmp_path: Path) -> None:
    (tmp_path / "yields.csv").write_text("name,yield\nA,1.5\nB,2.5\nC,9\n")
    await talk(chat, f"/attach {tmp_path / 'yields.csv'}")
    out = said()
    assert "The mean of yields.csv (column yield) is 4.3333." in out
    assert "group A" not in out
