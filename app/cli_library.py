"""`benchmate ingest` and `benchmate search`: the library of your own papers and notes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmate.app import cli_options as options
from benchmate.app import output
from benchmate.app.cli_options import Json, Quiet

if TYPE_CHECKING:
    from rich.console import RenderableType

    from benchmate.tools.library.store import Library, Passage

DONE = ("added", "replaced", "unchanged", "skipped", "missing")


def ingest(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...", show_default=False, help="Text and Markdown files, and folders of them."
        ),
    ],
    quiet: Quiet = False,
    as_json: Json = False,
) -> int:
    """Add files to the library, or bring it up to date with them."""
    from benchmate.runtime.errors import InvalidInput, NotFound, did_you_mean

    for path in paths:
        if not path.exists():
            near = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
            raise NotFound(
                "no_such_file", f"there is no file or folder {path}", hint=did_you_mean(path.name, near)
            )
    library = open_library()
    done: dict[str, list[str]] = {name: [] for name in DONE}
    problems: list[dict[str, Any]] = []
    passages = 0
    for path in paths:
        try:
            report = library.ingest(path, progress=None if quiet else output.note)
        except InvalidInput as error:
            if error.code != "unsupported_file":
                raise
            problems.append({"source": str(path), "error": error.info.model_dump(mode="json")})
            continue
        for name in DONE:
            done[name] += getattr(report, name)
        problems += [problem.model_dump(mode="json") for problem in report.problems]
        passages += report.passages
    here = done["added"] or done["replaced"] or done["unchanged"]
    code = output.COMPLETE if not problems else output.PARTIAL if here else output.FAILED
    document = {**done, "problems": problems, "passages": passages, "library": library.place}
    return output.emit(as_json, document, _ingest_view(document), code)


def _ingest_view(document: dict[str, Any]) -> RenderableType:
    from rich.console import Group

    parts: list[RenderableType] = []
    for name in DONE:
        sources = document[name]
        if sources and name in ("skipped", "missing"):
            why = "of another type" if name == "skipped" else "in the library, but no longer in the folder"
            parts += [output.paragraph(f"{name}: {source} ({why})", "dim") for source in sources]
    for problem in document["problems"]:
        hint = f"; {problem['error']['hint']}" if problem["error"]["hint"] else ""
        parts.append(
            output.paragraph(f"failed: {problem['source']}: {problem['error']['message']}{hint}", "red")
        )
    counts = ", ".join(f"{len(document[name])} {name}" for name in DONE[:3])
    parts.append(
        output.paragraph(f"{counts}; {document['passages']} passages of them in {document['library']}")
    )
    return Group(*parts)


def search(
    query: Annotated[
        str, typer.Argument(metavar="QUERY", show_default=False, help="What to look for, in words.")
    ],
    most: Annotated[int, typer.Option("--most", "-k", min=1, max=100, help="At most so many passages.")] = 5,
    as_json: Json = False,
) -> int:
    """Find passages of the library by meaning, best first."""
    passages = open_library().search(query, most)
    document = [passage.model_dump(mode="json") for passage in passages]
    return output.emit(as_json, document, _search_view(passages))


def _search_view(passages: Sequence[Passage]) -> RenderableType:
    from rich.console import Group
    from rich.padding import Padding

    parts: list[RenderableType] = []
    for passage in passages:
        first, last = passage.lines
        place = " · ".join(filter(None, [f"{passage.source}:{first}-{last}", passage.heading]))
        parts.append(output.paragraph(f"{passage.score:.2f}  {place}", "bold cyan"))
        parts.append(Padding(output.paragraph(passage.text), (0, 0, 1, 6)))
    return Group(*parts)


def open_library() -> Library:
    """Return the library of the settings in force."""
    from benchmate.tools.library.store import Library

    settings = options.settings_of()
    library = settings.library
    return Library(settings.library_folder, library.server, library.collection)
