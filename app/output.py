"""What the command line prints: results on standard output, all else on standard error; and exit codes."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from benchmate.app.report.text import plain_text

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

    from benchmate.runtime.errors import ErrorInfo

COMPLETE, USAGE, PARTIAL, FAILED, REFUSED, OVER_BUDGET, INTERRUPTED = 0, 2, 3, 4, 5, 6, 130
READER_GONE = 1  # what typer and rich exit with on a broken pipe, too
CODE_OF_STATUS = {
    "complete": COMPLETE,
    "partial": PARTIAL,
    "failed": FAILED,
    "refused": REFUSED,
    "waiting": REFUSED,
    "budget": OVER_BUDGET,
}
CODE_OF_KIND = {"invalid": USAGE, "not_found": USAGE, "policy": REFUSED, "budget": OVER_BUDGET}
GRAPH_NOTE = "During task with name "  # what LangGraph adds to an error, in its own words
PIPE_WIDTH = 10_000  # a table that goes into a pipe has one line for each row


_document: TextIO | None = None  # where the one JSON document goes while standard output is reserved for it


def wants_document(words: Sequence[str]) -> bool:
    """Return whether these command-line words ask for one JSON document (they may not even parse)."""
    options = words[: words.index("--")] if "--" in words else words
    return "--json" in options


@contextlib.contextmanager
def reserved_output(reserve: bool) -> Iterator[None]:
    """Keep standard output for the JSON document: whatever else prints there goes to standard error.

    That includes C libraries and worker processes, which write to the file descriptor.
    """
    global _document
    if not reserve:
        yield
        return
    stdout, saved = sys.stdout, None
    stdout.flush()
    with contextlib.suppress(OSError, ValueError):  # a stream without a descriptor, as in tests
        number = stdout.fileno()
        saved = os.dup(number)
        os.dup2(sys.stderr.fileno(), number)
    _document = stdout if saved is None else os.fdopen(saved, "w", encoding="utf-8")
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        document, _document = _document, None
        if saved is not None:
            stdout.flush()
            os.dup2(document.fileno(), number)
            document.close()


def emit(as_json: bool, document: Any, view: RenderableType, code: int = COMPLETE) -> int:
    """Print a command's result, as JSON or for a reader, and return the exit code."""
    if as_json:
        return emit_document(document, code)
    show(view)
    return code


def show(view: RenderableType) -> None:
    """Print for a reader: a terminal wraps long lines, a pipe gets them in one piece, and a str as it is."""
    screen = console()
    if isinstance(view, str):
        sys.stdout.write(view)
    elif screen.is_terminal:
        screen.print(view)
    else:
        with screen.capture() as text:
            screen.print(view, crop=False, no_wrap=True, overflow="ignore")
        sys.stdout.writelines(f"{line.rstrip()}\n" for line in text.get().splitlines())


def emit_document(document: Any, code: int = COMPLETE) -> int:
    """Print the JSON document on the standard output that is reserved for it, and return the exit code."""
    stream = _document or sys.stdout
    stream.write(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    stream.flush()
    return code


def console(*, stderr: bool = False) -> Console:
    """Return a console for standard output or error. Text is never read as markup: SMILES hold brackets."""
    from rich.console import Console

    made = Console(stderr=stderr, markup=False, highlight=False, emoji=False, soft_wrap=False)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = PIPE_WIDTH
    return made


def note(*lines: str) -> None:
    """Print lines for the person on standard error."""
    print(*map(plain_text, lines), sep="\n", file=sys.stderr, flush=True)


def paragraph(text: str, style: str = "") -> Text:
    """Return text that is shown as it stands: it cannot command the terminal."""
    from rich.text import Text

    return Text(plain_text(text), style=style)


def grid(rows: Iterable[Sequence[str | Text]], *titles: str, styles: Sequence[str] = ()) -> Table:
    """Return a plain table; with no titles, without a head."""
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=None, show_header=bool(titles), pad_edge=False, padding=(0, 2, 0, 0), header_style="bold"
    )
    cells = [[Text(plain_text(c)) if isinstance(c, str) else c for c in row] for row in rows]
    for index in range(len(titles) or (len(cells[0]) if cells else 0)):
        table.add_column(
            titles[index] if titles else "",
            style=styles[index] if index < len(styles) else "",
            overflow="fold",
        )
    for row in cells:
        table.add_row(*row)
    return table


def forget_reader() -> None:
    """After the reader of standard output has gone: let nothing more be said about it, now or at exit."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


# --- errors -------------------------------------------------------------------------------------------------


def report_error(error: BaseException, as_json: bool) -> int:
    """Say what went wrong as `error:` and `hint:` lines, and as a document if asked; return the exit code."""
    info = error_info(error)
    if logs := sys.modules.get("benchmate.runtime.logs"):  # not imported: no log was begun
        logs.log_error(error)
    if info.code == "internal_error" and os.environ.get("BENCHMATE_DEBUG") == "1":
        traceback.print_exception(error, file=sys.stderr)
    note(f"error: {info.message}")
    for other in info.details.get("problems", [])[1:]:
        note(f"also: {other}")
    if info.hint:
        note(f"hint: {info.hint}")
    for said in getattr(error, "__notes__", ()):
        if not said.startswith(GRAPH_NOTE):
            note(f"note: {said}")
    if as_json:
        emit_document({"error": info.model_dump(mode="json")})
    return CODE_OF_KIND.get(info.kind, FAILED)


def error_info(error: BaseException) -> ErrorInfo:
    """Return any exception as data: a typed error, wrong usage, the system's word, or a fault of ours."""
    from typer.exceptions import TyperException

    from benchmate.runtime.errors import BenchmateError, ErrorInfo
    from benchmate.runtime.files import storage_error

    while isinstance(
        error, BaseExceptionGroup
    ):  # of tasks that failed together, the first says what happened
        error = error.exceptions[0]
    if isinstance(error, BenchmateError):
        return error.info
    if isinstance(error, TyperException):
        return _usage(error)
    if isinstance(error, OSError) and error.filename is not None:
        return storage_error(f"{error.filename} cannot be used", error).info
    return ErrorInfo(
        code="internal_error",
        kind="internal",
        message=f"internal error: {type(error).__name__}: {error}",
        hint="this is a fault in benchmate, please report it with what BENCHMATE_DEBUG=1 prints",
    )


def _usage(error: Exception) -> ErrorInfo:
    from benchmate.runtime.errors import ErrorInfo

    message, _, close = str(getattr(error, "message", "") or "").partition(" Did you mean ")
    possible = getattr(error, "possibilities", None)
    context = getattr(error, "ctx", None)
    if close:
        hint = f"did you mean {close}"
    elif possible:
        hint = f"did you mean {', '.join(sorted(possible))}?"
    else:
        message = error.format_message() if hasattr(error, "format_message") else str(error)
        hint = f"`{context.command_path if context else 'benchmate'} --help` shows how"
    return ErrorInfo(
        code="usage", kind="invalid", message=message[:1].lower() + message[1:].rstrip("."), hint=hint
    )
