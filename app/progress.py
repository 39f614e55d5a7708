"""The live view of a run: `reduce(state, event)` keeps what a person wants to know, `render(state)` draws it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

from pydantic import ValidationError

from benchmate.app.report.text import one_line, words_of
from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.events import Event, event_of
from benchmate.runtime.journal import open_existing
from benchmate.runtime.quantity import Quantity

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live
    from rich.table import Table
    from rich.text import Text

MOST_TASKS = 12  # lines of the plan on the screen; the rest is counted
MOST_CALLS, MOST_FAILURES, MOST_NOTICES = 3, 4, 2
LONGEST_FAILURE = 240  # characters; the report has all of it
MOST_FAILURE_LINES = 3  # lines a step's failed calls get where lines scroll by

# How a step stands: its glyph, the same in ASCII, its word and its colour.
STATES: dict[str, tuple[str, str, str, str]] = {
    "waiting": ("·", ".", "waiting", "dim"),
    "running": ("▸", ">", "running", "cyan"),
    "ok": ("✓", "+", "done", "green"),
    "partial": ("!", "!", "partly done", "yellow"),
    "failed": ("✗", "x", "failed", "red"),
    "refused": ("✗", "x", "refused", "red"),
    "budget": ("!", "!", "stopped by the budget", "yellow"),
    "skipped": ("–", "-", "skipped", "dim"),
}
ENDINGS = {
    "complete": "complete",
    "partial": "partial, some of it is missing",
    "failed": "failed",
    "refused": "refused",
    "budget": "stopped by the budget",
    "waiting": "waiting for an answer",
}


@dataclass(frozen=True, slots=True)
class TaskLine:
    """One step of the plan. `done` and `failed` of `total` count its items, where it has several."""

    id: str
    title: str
    status: str = "waiting"
    done: int = 0
    failed: int = 0
    total: int = 0
    failed_calls: int = 0
    started_at: float | None = None
    ended_at: float | None = None


@dataclass(frozen=True, slots=True)
class CallLine:
    """A tool call that ended well: what it was about (where that is certain) and its first quantities."""

    tool: str
    subject: str
    quantities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProgressState:
    """All that the view shows, made of events alone."""

    started_at: float | None = None
    title: str = ""
    setting: str = ""
    tasks: tuple[TaskLine, ...] = ()
    pending: tuple[tuple[str, str, str], ...] = ()  # (task, tool, subject) of calls that have not ended
    calls: tuple[CallLine, ...] = ()
    failures: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    activity: str = ""  # progress that belongs to no step: a download
    asked: str = ""
    thinking: int = 0  # model calls that have not ended
    tokens_streamed: int = 0
    tool_calls: int = 0
    model_calls: int = 0
    failed_calls: int = 0
    tokens: int = 0
    verdicts: Mapping[str, int] = field(default_factory=dict)
    report: str = ""
    closed: str = ""
    closed_at: float | None = None

    def task(self, identity: str) -> TaskLine | None:
        """Return the step with this id, or None."""
        return next((task for task in self.tasks if task.id == identity), None)

    @property
    def phase(self) -> str:
        """What is going on, in words."""
        if self.closed:
            return ENDINGS.get(self.closed, self.closed)
        if self.asked:
            return "waiting for you"
        if self.report:
            return "writing the report"
        if not self.tasks:
            return "planning" if self.title else "starting"
        if all(task.status not in ("waiting", "running") for task in self.tasks):
            return "writing the report" if self.verdicts else "checking the claims"
        return "running"

    def elapsed(self, now: float) -> float:
        """Return the seconds since the run began, up to its end."""
        end = now if self.closed_at is None else self.closed_at
        return max(0.0, end - (end if self.started_at is None else self.started_at))


def reduce(state: ProgressState, event: Event) -> ProgressState:
    """Return the state after an event. Events that the view has no use for change nothing."""
    change = _CHANGES.get(event.kind)
    return change(state, event) if change else state


def _run_opened(state: ProgressState, event: Event) -> ProgressState:
    title = one_line(str(event.data.get("title") or event.data.get("question") or "run"))
    parts = [f"{name} {event.data[name]}" for name in ("profile", "mode") if event.data.get(name)]
    started = event.at if state.started_at is None else state.started_at
    return replace(state, title=title, setting=one_line(" · ".join(parts)), started_at=started)


def _plan_set(state: ProgressState, event: Event) -> ProgressState:
    tasks = []
    for task in event.data.get("tasks", ()):
        doer = task.get("tool") or task.get("agent")
        title = one_line(task.get("title") or "") or words_of(task["id"])
        title = f"{title} ({one_line(doer)})" if doer and not task.get("title") else title
        known = state.task(task["id"])
        tasks.append(replace(known, title=title) if known else TaskLine(task["id"], title))
    title = state.title or one_line(str(event.data.get("title", "")))
    return replace(state, tasks=tuple(tasks), title=title)


def _task_started(state: ProgressState, event: Event) -> ProgressState:
    return _with_task(
        state, event.task, status="running", started_at=event.at, ended_at=None, done=0, failed=0, total=0
    )


def _progress(state: ProgressState, event: Event) -> ProgressState:
    done, total = int(event.data.get("done", 0)), int(event.data.get("total", 0))
    if state.task(event.task):
        return _with_task(state, event.task, done=done, total=total)
    note = one_line(str(event.data.get("note") or event.task))
    return replace(state, activity="" if done >= total else f"{note}: {_share(done, total)}")


def _call_started(state: ProgressState, event: Event) -> ProgressState:
    if event.data.get("type") == "model":
        return replace(state, thinking=state.thinking + 1, tokens_streamed=0)
    call = (event.task, str(event.data.get("name")), _subject(event.data.get("arguments", {})))
    return replace(state, pending=(*state.pending, call))


def _call_finished(state: ProgressState, event: Event) -> ProgressState:
    data, name = event.data, one_line(str(event.data.get("name")))
    if data.get("type") == "model":
        used = int((data.get("usage") or {}).get("total_tokens", 0))
        state = replace(
            state,
            thinking=max(0, state.thinking - 1),
            tokens_streamed=0,
            model_calls=state.model_calls + 1,
            tokens=state.tokens + used,
        )
        alike = []
    else:
        alike = [call for call in state.pending if call[:2] == (event.task, name)]
        pending = list(state.pending)
        if alike:
            pending.remove(alike[0])
        state = replace(state, pending=tuple(pending), tool_calls=state.tool_calls + 1)
    if "error" in data:
        task = state.task(event.task)
        if task:
            state = _with_task(state, task.id, failed_calls=task.failed_calls + 1)
        return _with_failure(
            replace(state, failed_calls=state.failed_calls + 1), f"{name}: {_words(data['error'])}"
        )
    if data.get("type") == "model":
        return state
    subject = alike[0][2] if len(alike) == 1 else ""  # with several alike under way nobody knows which ended
    call = CallLine(name, subject, tuple(_quantities(data.get("quantities", {}))))
    return replace(state, calls=(*state.calls, call)[-MOST_CALLS:])


def _outcome(state: ProgressState, event: Event) -> ProgressState:
    data, task = event.data, state.task(event.task)
    done, failed = int(data.get("done", 0)), int(data.get("failed", 0))
    state = _with_task(
        state,
        event.task,
        status=str(data.get("status")),
        done=done,
        failed=failed,
        total=done + failed,
        ended_at=event.at,
    )
    if not data.get("error"):
        return state
    title = task.title if task else one_line(event.task)
    words = _words(data["error"])
    if any(failure.endswith(words) for failure in state.failures):  # its one call has said so
        return state
    return _with_failure(state, f"{title}: {words}")


def _approval_asked(state: ProgressState, event: Event) -> ProgressState:
    return replace(state, asked=one_line(str(event.data.get("message", ""))) or "a question")


def _approval_given(state: ProgressState, event: Event) -> ProgressState:
    state = replace(state, asked="")
    if event.data.get("approved"):
        return state
    note = one_line(str(event.data.get("note") or ""))
    return _with_failure(state, f"a person said no{f': {note}' if note else ''}")


def _policy_decided(state: ProgressState, event: Event) -> ProgressState:
    if event.data.get("verdict") != "deny":
        return state
    tool, reason = event.data.get("tool", "a call"), event.data.get("reason", "")
    return _with_failure(state, one_line(f"{tool} is not allowed: {reason}"))


def _hazard_decided(state: ProgressState, event: Event) -> ProgressState:
    """Note what is listed, once. A call that the gate stopped says so itself."""
    text = one_line(str(event.data.get("summary", "")))
    if event.data.get("verdict") != "allow" or not text or text in state.notices:
        return state
    return replace(state, notices=(*state.notices, text)[-MOST_NOTICES:])


def _notice(state: ProgressState, event: Event) -> ProgressState:
    text = one_line(str(event.data.get("text", "")))
    return replace(state, notices=(*state.notices, text)[-MOST_NOTICES:]) if text else state


_CHANGES: dict[str, Callable[[ProgressState, Event], ProgressState]] = {
    "run.opened": _run_opened,
    "plan.set": _plan_set,
    "task.started": _task_started,
    "progress": _progress,
    "token": lambda state, event: replace(state, tokens_streamed=state.tokens_streamed + 1),
    "call.started": _call_started,
    "call.finished": _call_finished,
    "outcome": _outcome,
    "approval.asked": _approval_asked,
    "approval.given": _approval_given,
    "policy.decided": _policy_decided,
    "hazard.decided": _hazard_decided,
    "verdicts": lambda state, event: replace(state, verdicts=dict(event.data.get("counts", {}))),
    "report.written": lambda state, event: replace(state, report=one_line(str(event.data.get("status")))),
    "run.closed": lambda state, event: replace(
        state, closed=one_line(str(event.data.get("status"))), closed_at=event.at, activity=""
    ),
    "notice": _notice,
}


def _with_task(state: ProgressState, identity: str, **changes: Any) -> ProgressState:
    return replace(state, tasks=tuple(replace(t, **changes) if t.id == identity else t for t in state.tasks))


def _with_failure(state: ProgressState, words: str) -> ProgressState:
    words = words if len(words) <= LONGEST_FAILURE else f"{words[:LONGEST_FAILURE]}…"
    return replace(state, failures=(*state.failures, words)[-MOST_FAILURES:])


def _words(error: Mapping[str, Any]) -> str:
    message, hint = one_line(str(error.get("message", ""))), one_line(str(error.get("hint") or ""))
    return f"{message} ({hint})" if hint else message


def _subject(arguments: Any) -> str:
    """Return what a call is about: the first text among its arguments, or the name in the first record."""
    for value in arguments.values() if isinstance(arguments, Mapping) else ():
        named = value.get("name") if isinstance(value, Mapping) else value
        if isinstance(named, str) and named:
            line = one_line(named)
            return line if len(line) <= 30 else f"{line[:29]}…"
    return ""


def _quantities(quantities: Mapping[str, Any], most: int = 2) -> Iterator[str]:
    for key, value in list(quantities.items())[:most]:
        try:
            quantity = Quantity.model_validate(value)
        except (ValidationError, InvalidInput):  # another program's record must not end the view
            continue
        yield f"{words_of(key)} {quantity.format()}"


def _share(done: int, total: int) -> str:
    return f"{done / total:.0%}" if total > 1000 else f"{done} of {total}"


def clock(seconds: float) -> str:
    """Return a duration as a clock shows it: '0:07', '1:02:03'."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def items_of(task: TaskLine) -> str:
    """Return how many of a step's items are done and failed, or '' when it has none to count."""
    if task.total < 2 and not task.failed:
        return ""
    failed = f", {task.failed} failed" if task.failed else ""
    return f"{_share(task.done, task.total)}{failed}"


def usage_line(state: ProgressState) -> str:
    """Return what the run has used so far."""
    parts = [_plural(state.tool_calls, "tool call"), _plural(state.model_calls, "model call")]
    if state.failed_calls:
        parts.append(f"{state.failed_calls} failed")
    if state.tokens:
        parts.append(_plural(state.tokens, "token"))
    return " · ".join(parts)


def verdict_line(state: ProgressState) -> str:
    """Return how many claims have which verdict."""
    order = ("supported", "contradicted", "insufficient", "unchecked")
    counts = [f"{state.verdicts[name]} {name}" for name in order if state.verdicts.get(name)]
    return f"claims: {', '.join(counts) or 'none'}"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def render(state: ProgressState, now: float | None = None, *, ascii_only: bool = False) -> RenderableType:
    """Return the view as something rich can draw, one line for each thing, for 80 columns and more."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    now = now if now is not None else state.closed_at or state.started_at or 0.0

    def line(text: str, style: str = "") -> Text:
        text = text.encode("ascii", "replace").decode() if ascii_only else text
        return Text(text, style=style, no_wrap=True, overflow="ellipsis")

    head = line(state.title or "benchmate", "bold")
    setting = f" · {state.setting}" if state.setting else ""
    parts: list[RenderableType] = [head, line(f"{clock(state.elapsed(now))} {state.phase}{setting}", "dim")]
    if state.tasks:
        parts.append(_checklist(state, now, ascii_only, line))
    if state.asked:
        parts.append(line(f"? {state.asked}", "bold yellow"))
    if state.activity:
        parts.append(line(f"  {state.activity}"))
    if state.thinking and not state.closed:
        written = f", {_plural(state.tokens_streamed, 'token')} so far" if state.tokens_streamed else ""
        parts.append(line(f"  the model is writing{written}", "dim"))
    parts += [line(f"  {_call_text(call)}", "dim") for call in state.calls]
    sign = STATES["failed"][1 if ascii_only else 0]
    failures = Table.grid(padding=(0, 1, 0, 0))
    for failure in state.failures:
        told = line(failure, "red")
        told.no_wrap, told.overflow = False, "fold"  # why it failed is worth a second line
        failures.add_row(line(f"  {sign}", "red"), told)
    parts += [failures] if state.failures else []
    parts += [line(f"  {notice}") for notice in state.notices]
    if state.verdicts:
        parts.append(line(verdict_line(state)))
    parts.append(line(usage_line(state), "dim"))
    return Group(*parts)


def _call_text(call: CallLine) -> str:
    about = f" {call.subject}" if call.subject else ""
    return f"{call.tool}{about}{': ' if call.quantities else ''}{', '.join(call.quantities)}"


def _checklist(state: ProgressState, now: float, ascii_only: bool, line: Callable[[str, str], Text]) -> Table:
    from rich.table import Table

    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(width=1)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True, min_width=5)
    shown = visible_tasks(state)
    for task in state.tasks:
        if task in shown:
            glyph, plain, word, style = STATES.get(task.status, STATES["waiting"])
            started, ended = task.started_at, task.ended_at
            spent = clock(max(0.0, (ended or now) - started)) if started is not None else ""
            table.add_row(
                line(plain if ascii_only else glyph, style),
                line(task.title, "dim" if task.status == "waiting" else ""),
                line(" ".join(filter(None, (word, items_of(task)))), style),
                line(spent, "dim"),
            )
    hidden = [task.status for task in state.tasks if task not in shown]
    if hidden:
        counts = ", ".join(f"{hidden.count(s)} {STATES[s][2]}" for s in STATES if s in hidden)
        table.add_row("", line(f"and {len(hidden)} more: {counts}", "dim"), "", "")
    return table


def visible_tasks(state: ProgressState) -> tuple[TaskLine, ...]:
    """Return the steps worth a line of the screen: what runs, what went wrong, what ended last, what comes next."""
    if len(state.tasks) <= MOST_TASKS:
        return state.tasks
    rank = {"running": 0, "failed": 1, "refused": 1, "budget": 1, "partial": 1}
    last = max((i for i, t in enumerate(state.tasks) if t.status != "waiting"), default=0)
    order = sorted(enumerate(state.tasks), key=lambda x: (rank.get(x[1].status, 2), abs(x[0] - last), x[0]))
    kept = {index for index, _ in order[:MOST_TASKS]}
    return tuple(task for index, task in enumerate(state.tasks) if index in kept)


def plain_line(before: ProgressState, after: ProgressState, event: Event) -> str | None:
    """Return the line that an event is worth where lines scroll by, or None."""
    task = after.task(event.task)
    title = task.title if task else one_line(event.task)
    match event.kind:
        case "run.opened":
            return f"{after.title}{f' ({after.setting})' if after.setting else ''}"
        case "plan.set":
            return f"plan of {_plural(len(after.tasks), 'step')}: {', '.join(t.title for t in after.tasks)}"
        case "task.started":
            return f"started: {title}"
        case "progress" if task:
            was = before.task(event.task)
            quarter = 4 * task.done // max(1, task.total)
            passed = was and quarter > 4 * was.done // max(1, task.total) and quarter < 4
            return f"{title}: {items_of(task)}" if passed and task.total >= 8 else None
        case "call.finished" if "error" in event.data:
            failed = task.failed_calls if task else 0
            if failed > MOST_FAILURE_LINES + 1:
                return None
            if failed == MOST_FAILURE_LINES + 1:
                return f"{title}: more calls failed; they are in the report"
            return f"failed: {after.failures[-1]}"
        case "outcome" if task:
            word = STATES.get(task.status, STATES["waiting"])[2]
            why = f": {_words(event.data['error'])}" if event.data.get("error") else ""
            items = items_of(task)
            return f"{word}: {title}{f' ({items})' if items else ''}{why}"
        case "approval.asked":
            return f"waiting for approval: {after.asked}"
        case "approval.given":
            return "approved" if event.data.get("approved") else after.failures[-1]
        case "policy.decided" if event.data.get("verdict") == "deny":
            return after.failures[-1]
        case "verdicts":
            return verdict_line(after)
        case "report.written":
            return f"report written: {ENDINGS.get(after.report, after.report)}"
        case "run.closed":
            return f"run ended, {after.phase} ({usage_line(after)})"
        case "hazard.decided":
            return after.notices[-1] if after.notices != before.notices else None
        case "notice":
            return after.notices[-1] if after.notices else None
    return None


class LiveProgress:
    """Shows a run on standard error while it goes on: redrawn in place on a terminal, else a line for each event.

    `listen` takes events, `paused` stops the drawing while a person is asked something. `lines` never redraws; `transient`
    leaves nothing of the drawing behind, `only` names the kinds of events that are worth a line.
    """

    def __init__(
        self,
        *,
        quiet: bool = False,
        stream: TextIO | None = None,
        lines: bool = False,
        transient: bool = False,
        only: Collection[str] | None = None,
    ) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._quiet, self._lines, self._transient, self._only = quiet, lines, transient, only
        self._begun = time.monotonic()
        self._live: Live | None = None
        self.state = ProgressState()

    def __enter__(self) -> LiveProgress:
        self._begun = time.monotonic()
        self.state = ProgressState(started_at=time.time())
        if self._quiet:
            return self
        self._live = self._make_live()
        if self._live is None:
            if self._only is None:
                self._print("benchmate: starting")
        else:
            self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def listen(self, event: Event) -> None:
        """Take note of an event, and show it."""
        before, self.state = self.state, reduce(self.state, event)
        if not self._quiet and self._live is None:
            line = plain_line(before, self.state, event)
            if line and (self._only is None or event.kind in self._only):
                self._print(line)

    def recall(self, folder: Path) -> None:
        """Take note of what a run that is taken up again was about, and of the steps that have ended."""
        journal = open_existing(folder)
        try:
            for record in journal.records("run.opened", "plan.set", "outcome"):
                self.state = reduce(self.state, event_of(record))
        finally:
            journal.close()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave the terminal to somebody else for a while."""
        if self._live is None:
            yield
            return
        self._live.stop()
        try:
            yield
        finally:
            self._live = self._make_live()
            if self._live is not None:
                self._live.start(refresh=True)

    def _make_live(self) -> Live | None:
        """Return the live display, or None where the stream is no terminal that can redraw a line."""
        if self._lines or not self._stream.isatty():
            return None
        from rich.console import Console
        from rich.live import Live

        console = Console(file=self._stream, force_terminal=True)
        if console.is_dumb_terminal:
            return None
        ascii_only = console.options.ascii_only
        return Live(
            console=console,
            get_renderable=lambda: render(self.state, time.time(), ascii_only=ascii_only),
            refresh_per_second=4,
            redirect_stdout=False,
            transient=self._transient,
        )

    def _print(self, line: str) -> None:
        print(f"[{clock(time.monotonic() - self._begun)}] {line}", file=self._stream, flush=True)
