"""The live view: events in, lines out. No terminal is needed; the one test of drawing has a made-up one."""

import io
from collections.abc import Iterator
from functools import reduce as fold
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from benchmate.app.progress import (
    MOST_TASKS,
    LiveProgress,
    ProgressState,
    clock,
    plain_line,
    reduce,
    render,
    visible_tasks,
)
from benchmate.runtime.canonical import canonical_json
from benchmate.runtime.events import Event, event_of
from benchmate.runtime.journal import Record

AT = 1_760_000_000.0
ERROR = {
    "code": "unknown_compound",
    "kind": "not_found",
    "message": "no compound is known as 'asprin'",
    "hint": "did you mean 'aspirin'?",
    "details": {},
}
LOGP = {"value": 1.2, "unit": "", "property": "logp", "relation": "="}
WEIGHT = {"value": 180.16, "unit": "g/mol", "property": "molecular_weight", "relation": "="}
SCREEN = "\x1b\x07\x9b\r\u202e"


def event(kind: str, task: str = "", after: float = 0.0, **data: Any) -> Event:
    return Event(kind=kind, task=task, at=AT + after, data=data)


def run() -> Iterator[Event]:
    """A triage of two compounds, one of them misspelt, as the graph tells of it."""
    yield event("run.opened", title="Lead triage", profile="embedded", mode="offline", versions={})
    yield event(
        "plan.set", after=1, ref="0" * 64, made_by="workflow lead-triage", title="Lead triage",
        tasks=[
            {"id": "descriptors", "kind": "tool", "title": "Descriptors of each compound", "tool": "compute_descriptors", "needs": []},
            {"id": "look_up", "kind": "tool", "tool": "search_library", "needs": ["descriptors"]},
        ],
    )  # fmt: skip
    yield event("task.started", "descriptors", 1, title="Descriptors of each compound")
    for name in ("aspirin", "asprin"):
        arguments = {"compound": name}
        yield event(
            "call.started", "descriptors", 2, type="tool", name="compute_descriptors", arguments=arguments
        )
        ending: dict[str, Any] = (
            {"error": ERROR} if name == "asprin" else {"quantities": {"logp": LOGP, "mw": WEIGHT}}
        )
        yield event(
            "call.finished", "descriptors", 3, type="tool", name="compute_descriptors", elapsed=0.1, **ending
        )
    yield event("progress", "descriptors", 3, done=2, total=2, note="compute_descriptors")
    yield event("outcome", "descriptors", 4, status="partial", ref="1" * 64, done=1, failed=1)
    yield event("task.started", "look_up", 4)
    yield event("call.started", "look_up", 4, type="model", name="planner", arguments={})
    yield event("token", "look_up", 5)
    yield event("call.finished", "look_up", 5, type="model", name="planner")
    yield event("outcome", "look_up", 6, status="ok", ref="2" * 64, done=0, failed=0)
    yield event("verdicts", after=7, ref="3" * 64, counts={"supported": 5, "unchecked": 1})
    yield event("report.written", after=8, ref="4" * 64, status="partial")
    yield event("run.closed", after=8, status="partial")


def shown(state: ProgressState, now: float = AT, width: int = 80, **options: Any) -> str:
    console = Console(width=width, file=io.StringIO(), color_system=None)
    with console.capture() as capture:
        console.print(render(state, now, **options))
    return capture.get()


def after(*events: Event) -> ProgressState:
    return fold(reduce, events, ProgressState())


def test_a_whole_run_ends_as_it_should() -> None:
    state = after(*run())
    assert [(t.status, t.done, t.failed) for t in state.tasks] == [("partial", 1, 1), ("ok", 0, 0)]
    assert (state.tool_calls, state.model_calls, state.failed_calls) == (2, 1, 1)
    assert state.pending == () and state.thinking == 0 and state.closed == "partial"
    assert state.elapsed(AT + 1000) == 8  # the clock stands still once the run has ended


def test_the_screen_says_what_matters_in_80_columns() -> None:
    text = shown(after(*run()))
    lines = [line.rstrip() for line in text.splitlines()]
    assert lines[0] == "Lead triage"
    assert lines[1] == "0:08 partial, some of it is missing · profile embedded · mode offline"
    assert lines[2].startswith("! Descriptors of each compound") and lines[2].endswith(
        "partly done 1 of 2, 1 failed  0:03"
    )
    assert lines[3].startswith("✓ look up (search_library)") and lines[3].endswith("0:02")
    assert lines[4] == "  compute_descriptors aspirin: logp 1.2, mw 180.16 g/mol"
    assert " ".join(lines[5:7]).split() == (
        [
            "✗",
            "compute_descriptors:",
            "no",
            "compound",
            "is",
            "known",
            "as",
            "'asprin'",
            "(did",
            "you",
            "mean",
            "'aspirin'?)",
        ]
    )
    assert lines[7] == "claims: 5 supported, 1 unchecked"
    assert lines[8] == "2 tool calls · 1 model call · 1 failed"
    assert len(lines) == 9


def test_phases_follow_the_run() -> None:
    states = [ProgressState()]
    for happening in run():
        states.append(reduce(states[-1], happening))
    phases = list(dict.fromkeys(state.phase for state in states))
    assert phases == [
        "starting", "planning", "running", "checking the claims", "writing the report",
        "partial, some of it is missing",
    ]  # fmt: skip


def test_a_step_that_runs_shows_its_share_and_time() -> None:
    events = list(run())[:3]
    state = after(*events, event("progress", "descriptors", 2, done=3, total=8, note="compute_descriptors"))
    row = shown(state, AT + 66).splitlines()[2]
    assert row.startswith("▸ Descriptors of each compound") and row.rstrip().endswith("running 3 of 8  1:05")
    assert ">" in shown(state, ascii_only=True) and "▸" not in shown(state, ascii_only=True)


def test_which_call_ended_is_only_said_where_it_is_certain() -> None:
    start = [
        event("call.started", "x", type="tool", name="logp", arguments={"compound": name})
        for name in ("aspirin", "caffeine")
    ]
    end = event("call.finished", "x", type="tool", name="logp", quantities={"logp": LOGP})
    assert [call.subject for call in after(*start, end, end).calls] == ["", "caffeine"]


def test_a_replanned_step_runs_again_and_the_others_stay() -> None:
    plan = list(run())[1]
    state = after(*run(), plan, event("task.started", "descriptors", 9))
    assert [t.status for t in state.tasks] == ["running", "ok"]
    assert state.tasks[0].failed == 0


def test_a_question_to_a_person_stands_until_it_is_answered() -> None:
    asked = event("approval.asked", subject="plan", message="Run this plan of 2 steps?", details={})
    state = after(*list(run())[:2], asked)
    assert state.phase == "waiting for you" and "? Run this plan of 2 steps?" in shown(state)
    assert reduce(state, event("approval.given", subject="plan", approved=True)).asked == ""
    refused = reduce(state, event("approval.given", subject="plan", approved=False, note="too long"))
    assert refused.failures == ("a person said no: too long",)


def test_policy_is_heard_when_it_says_no() -> None:
    said = {"tool": "pubchem", "code": "private", "reason": "the input is private", "calls": 1}
    assert after(event("policy.decided", verdict="deny", **said)).failures == (
        "pubchem is not allowed: the input is private",
    )
    assert after(event("policy.decided", verdict="ask", **said)).failures == ()


def test_a_failure_is_told_once() -> None:
    events = [*list(run())[:3], event("call.finished", "descriptors", type="tool", name="t", error=ERROR)]
    state = after(*events, event("outcome", "descriptors", status="failed", done=0, failed=0, error=ERROR))
    assert len(state.failures) == 1 and state.tasks[0].status == "failed"


def test_a_download_has_a_line_until_it_is_done() -> None:
    state = after(event("progress", done=30_000, total=120_000, note="model"))
    assert "model: 25%" in shown(state)
    assert reduce(state, event("progress", done=120_000, total=120_000, note="model")).activity == ""


def test_a_long_plan_is_cut_around_what_happens() -> None:
    tasks = [{"id": f"t{n}", "kind": "verify", "title": f"Step {n}", "needs": []} for n in range(40)]
    state = after(event("plan.set", title="long", tasks=tasks))
    for n in range(20):
        state = reduce(
            state, event("outcome", f"t{n}", status="failed" if n == 0 else "ok", done=0, failed=0)
        )
    state = reduce(state, event("task.started", "t20"))
    names = [task.id for task in visible_tasks(state)]
    assert len(names) == MOST_TASKS
    assert {"t0", "t19", "t20", "t21"} <= set(names) and names == sorted(names, key=lambda n: int(n[1:]))
    assert "and 28 more: 14 waiting, 14 done" in shown(state)


def test_records_of_the_journal_are_understood() -> None:
    body = {
        "type": "tool",
        "name": "logp",
        "version": "1",
        "elapsed": 0.1,
        "result": {"quantities": {"logp": LOGP}},
    }
    record = Record(1, "call.finished", "x", 1, "key", AT, canonical_json(body), "hash")
    assert after(event_of(record)).calls[0].quantities == ("logp 1.2",)


def test_every_line_of_a_run_where_lines_scroll_by() -> None:
    state, lines = ProgressState(), []
    for happening in run():
        before, state = state, reduce(state, happening)
        lines.append(plain_line(before, state, happening))
    assert [line for line in lines if line] == [
        "Lead triage (profile embedded · mode offline)",
        "plan of 2 steps: Descriptors of each compound, look up (search_library)",
        "started: Descriptors of each compound",
        "failed: compute_descriptors: no compound is known as 'asprin' (did you mean 'aspirin'?)",
        "partly done: Descriptors of each compound (1 of 2, 1 failed)",
        "started: look up (search_library)",
        "done: look up (search_library)",
        "claims: 5 supported, 1 unchecked",
        "report written: partial, some of it is missing",
        "run ended, partial, some of it is missing (2 tool calls · 1 model call · 1 failed)",
    ]


def test_many_failures_do_not_flood_the_lines() -> None:
    stream = io.StringIO()
    with LiveProgress(stream=stream) as progress:
        for happening in list(run())[:3]:
            progress.listen(happening)
        for _ in range(500):
            progress.listen(event("call.finished", "descriptors", type="tool", name="t", error=ERROR))
    assert stream.getvalue().count("failed") == 4
    assert progress.state.failed_calls == 500


def test_a_stream_that_is_no_terminal_gets_plain_lines_at_once() -> None:
    stream = io.StringIO()
    with LiveProgress(stream=stream) as progress:
        assert stream.getvalue() == "[0:00] benchmate: starting\n"
        for happening in run():
            progress.listen(happening)
        with progress.paused():
            pass
    assert "\x1b" not in stream.getvalue()
    assert stream.getvalue().count("\n") == 11


def test_quiet_says_nothing() -> None:
    stream = io.StringIO()
    with LiveProgress(quiet=True, stream=stream) as progress:
        for happening in run():
            progress.listen(happening)
    assert stream.getvalue() == ""
    assert progress.state.closed == "partial"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("no_color", [True, False])
def test_a_terminal_is_drawn_on_at_once_and_pauses(monkeypatch: pytest.MonkeyPatch, no_color: bool) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    with LiveProgress(stream=stream) as progress:
        assert "benchmate" in stream.getvalue()
        for happening in list(run())[:7]:
            progress.listen(happening)
        with progress.paused():
            drawn = stream.getvalue()
            stream.write("a question\n")
            assert "Descriptors of each compound" in drawn
        for happening in list(run())[7:]:
            progress.listen(happening)
    assert "partial, some of it is missing" in stream.getvalue()
    assert stream.getvalue().endswith("\x1b[?25h")  # the cursor is back
    assert ("\x1b[36m" in stream.getvalue()) is not no_color


def test_a_terminal_that_cannot_redraw_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    with LiveProgress(stream=stream):
        pass
    assert stream.getvalue() == "[0:00] benchmate: starting\n"


TEXT = st.text(st.sampled_from([*"ab [/]{}", *SCREEN, "\n", "咖"]), max_size=12)
HOSTILE_EVENTS = st.builds(
    lambda kind, text, number: event(
        kind, "t", title=text, question=text, profile=text, mode=text, name=text, type="tool", message=text, text=text,
        status=text, done=number, total=number, failed=number, note=text, verdict="deny", reason=text, tool=text,
        arguments={"x": {"name": text}}, counts={"supported": number}, quantities={text: LOGP, "bad": {"value": text}},
        tasks=[{"id": "t", "title": text, "tool": text}],
        **({"error": {"message": text, "hint": text}} if number == 1 else {}),
    ),
    st.sampled_from(["run.opened", "plan.set", "task.started", "progress", "token", "call.started", "call.finished",
                     "outcome", "approval.asked", "approval.given", "policy.decided", "verdicts", "report.written",
                     "notice", "something.else"]),
    TEXT, st.integers(0, 3),
)  # fmt: skip


@given(st.lists(HOSTILE_EVENTS, max_size=12))
def test_no_text_from_outside_commands_the_screen(events: list[Event]) -> None:
    state = ProgressState()
    for happening in events:
        before, state = state, reduce(state, happening)
        line = plain_line(before, state, happening) or ""
        assert not set(line) & {*SCREEN, "\n"}
    text = shown(state, AT)
    assert not set(text) & set(SCREEN)
    assert all(len(line) <= 80 for line in text.splitlines())


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (7.9, "0:07"), (66, "1:06"), (3723, "1:02:03")])
def test_durations_read_as_on_a_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text
