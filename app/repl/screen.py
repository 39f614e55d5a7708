"""The screen of the chat: what is shown, in colour, without it, or in plain lines for a screen reader."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from benchmate.app.report.text import one_line, plain_text, shortened
from benchmate.app.report.view import VERDICT_MARKS

if TYPE_CHECKING:
    from rich.console import RenderableType

    from benchmate.agents.contracts import Report
    from benchmate.app.progress import LiveProgress
    from benchmate.app.runs import RunOutcome
    from benchmate.runtime.errors import BenchmateError

MOST_CLAIMS = 12  # lines of one answer; /verify shows all
# what a run is worth a line of where lines scroll by and no details are wanted
WORTH_A_LINE = frozenset({"call.finished", "approval.asked", "policy.decided", "hazard.decided", "notice"})
_STYLES = {"supported": "green", "contradicted": "bold red", "insufficient": "yellow", "unchecked": "yellow"}


class Screen:
    """Where the chat writes. `plain` draws nothing: whole sentences, one after the other, no glyphs, no colour."""

    def __init__(
        self, *, plain: bool = False, width: int | None = None, stream: TextIO | None = None
    ) -> None:
        from rich.console import Console

        self.plain = plain
        self.stream = stream or sys.stdout
        self.console = Console(
            file=self.stream, width=width, no_color=plain or None, highlight=False, emoji=False, markup=False,
            soft_wrap=plain,
        )  # fmt: skip
        self.ascii_only = self.console.options.ascii_only

    def say(self, *lines: str, style: str = "") -> None:
        """Show lines of text. Control characters in them are made visible."""
        for line in lines:
            self.console.print(plain_text(line), style="" if self.plain else style)

    def show(self, view: RenderableType) -> None:
        """Show something that rich can draw."""
        self.console.print(view)

    def error(self, error: BenchmateError) -> None:
        """Show what went wrong, and the hint on a line of its own."""
        self.say(f"error: {error.info.message}", style="red")
        if error.hint:
            self.say(f"  {error.hint}", style="yellow")

    def table(self, rows: Sequence[Sequence[str]], head: Sequence[str] = ()) -> None:
        """Show rows in columns; in plain mode each row as a sentence."""
        if self.plain:
            for row in rows:
                self.say(
                    "; ".join(
                        f"{h}: {c}" if h else c
                        for h, c in zip([*head, *[""] * len(row)], row, strict=False)
                        if c
                    )
                )
            return
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2, 0, 0))
        for number in range(max((len(r) for r in rows), default=0)):
            table.add_column(no_wrap=number == 0, overflow="fold")
        if head:
            table.add_row(*(Text(h, style="dim") for h in head))
        for row in rows:
            table.add_row(*(Text(plain_text(cell)) for cell in row))
        self.console.print(table)

    @contextmanager
    def progress(self, *, details: bool) -> Iterator[LiveProgress]:
        """Show a run while it goes on. Without `details` it makes way for the answer when it has ended."""
        from benchmate.app.progress import LiveProgress

        only = None if details else WORTH_A_LINE
        with LiveProgress(stream=self.stream, lines=self.plain, transient=not details, only=only) as progress:
            yield progress

    # --- an answer ----------------------------------------------------------------------------------------------

    def answer(self, outcome: RunOutcome, number: int) -> None:
        """Show an answer: its sentences, numbered, with what the verifier says of each, and what was left out."""
        report = outcome.report
        if outcome.waiting is not None:
            self.say(f"waiting for you: {outcome.waiting.message}", style="yellow")
            self.say("/approve yes or /approve no WHY answers it", style="dim")
            return
        if report is None:
            self.say(outcome.answer)
            return
        if more := self._beside_claims(report):
            self._prose(more)
        self._claims(report)
        if report.figures:
            titles = dict.fromkeys(one_line(f.title) or f.artifact.name for f in report.figures)
            many = f"{len(report.figures)} figures" if len(report.figures) > 1 else "figure"
            self.say(f"{many} of {', '.join(titles)}: {outcome.folder / 'report.html'}", style="cyan")
        if report.unbacked_digits:
            self.say(f"no evidence holds these numbers: {', '.join(report.unbacked_digits)}", style="yellow")
        shown = outcome.answer
        for failure in report.failures:
            message = one_line(failure.error.message)
            if message not in shown:
                self.say(f"failed: {failure.task}: {message}", style="red")
            if failure.error.hint and one_line(failure.error.hint) not in shown:
                self.say(f"  {one_line(failure.error.hint)}", style="yellow")
        self.say(self.ending(outcome, number), style="dim")

    def _beside_claims(self, report: Report) -> str:
        """Return the lines of an answer that are no claims: these are shown with their verdicts."""
        said = {" ".join(claim.text.split()) for claim in report.claims}
        lines = report.answer.splitlines()
        return "\n".join(
            line for line in lines if " ".join(line.removeprefix("- ").split()) not in said
        ).strip()

    def _prose(self, text: str) -> None:
        from rich.markdown import Markdown

        if self.plain:
            self.say(text)
        else:
            self.console.print(Markdown(plain_text(text), hyperlinks=False))

    def _claims(self, report: Report) -> None:
        for number, claim in enumerate(report.claims[:MOST_CLAIMS], 1):
            verdict = report.verdicts.get(claim.id)
            status = verdict.status if verdict else "unchecked"
            mark = VERDICT_MARKS[status]
            how = verdict.method if verdict and verdict.method != "none" else mark.word
            if verdict and status != "supported":
                how = f"{mark.word}: {one_line(verdict.reason)}"
            text = one_line(claim.text)
            if self.plain:
                self.say(f"Claim {number}, {mark.word}: {text}")
                continue
            from rich.text import Text

            glyph = mark.glyph if not self.ascii_only else "+" if status == "supported" else "?"
            line = Text.assemble((f"{glyph} ", _STYLES[status]), plain_text(shortened(text, 300)))
            line.append(f"  [{number}] {how}", style="dim" if status == "supported" else _STYLES[status])
            self.console.print(line)
        if len(report.claims) > MOST_CLAIMS:
            self.say(f"… and {len(report.claims) - MOST_CLAIMS} more; /verify shows all", style="dim")

    def ending(self, outcome: RunOutcome, number: int) -> str:
        """Return the line under an answer: how it ended, what it took, where the rest is."""
        usage = outcome.usage
        calls = int(usage.get("tool_calls", 0))
        used = [f"{calls} tool call{'' if calls == 1 else 's'}"]
        if tokens := int(usage.get("prompt_tokens", 0) + usage.get("completion_tokens", 0)):
            used.append(f"{tokens} tokens")
        more = (
            "/why 1 says how it is known"
            if outcome.report and outcome.report.claims
            else "/plan shows the steps"
        )
        return f"turn {number} {outcome.status} · {' · '.join(used)} · {more}"


def is_terminal(stream: Any) -> bool:
    """Return whether a stream is a terminal that a line can be edited on."""
    return bool(getattr(stream, "isatty", lambda: False)())
