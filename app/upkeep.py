"""Runs that are kept: what there is, what needs them, and clearing away what nothing needs."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmate.app.runs import load_outcome
from benchmate.runtime.database import Database
from benchmate.runtime.errors import BenchmateError, InvalidInput, StorageError
from benchmate.runtime.files import storage_error
from benchmate.runtime.journal import open_existing

DAY = 86_400.0
_AGE = re.compile(r"(\d+)\s*(d|days?|w|weeks?)?")


@dataclass(frozen=True)
class KeptRun:
    """A run on disk: what was asked, how it stands, its size, and what needs it."""

    run: str
    folder: Path
    title: str
    status: str
    at: float
    size: int
    needed_by: tuple[str, ...]


def kept_runs(runs: Path, database: Database) -> list[KeptRun]:
    """Return the runs in a folder, oldest first. One that cannot be read is listed as `damaged`."""
    needed = _needed(database)
    found = []
    for journal_file in sorted(runs.glob("*/journal.sqlite")):
        folder = journal_file.parent
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        title, status, at = "", "damaged", journal_file.stat().st_mtime
        try:
            journal = open_existing(folder)
            try:
                opened = journal.first("run.opened")
            finally:
                journal.close()
            if opened is not None:
                title, at = str(opened.body.get("question") or opened.body.get("title") or ""), opened.at
            status = load_outcome(folder).status
        except BenchmateError:
            pass
        found.append(
            KeptRun(folder.name, folder, title, status, at, size, tuple(needed.get(folder.name, ())))
        )
    return sorted(found, key=lambda run: (run.at, run.run))


def _needed(database: Database) -> dict[str, list[str]]:
    needed: dict[str, list[str]] = {}
    for row in database.execute("SELECT run, session FROM turns ORDER BY session, number"):
        needed.setdefault(row["run"], []).append(f"session {row['session']}")
    for row in database.execute("SELECT run, verdict FROM feedback ORDER BY at"):
        needed.setdefault(row["run"], []).append(f"marked {row['verdict']}")
    return needed


def read_age(text: str) -> float:
    """Return an age like '90d', '12 weeks' or '30' (days) in seconds. Raises InvalidInput (`bad_age`)."""
    found = _AGE.fullmatch(text.strip().lower())
    if found is None:
        raise InvalidInput("bad_age", f"{text!r} is no age", hint="write it as in 90d or 12w")
    return int(found[1]) * DAY * (7 if (found[2] or "d").startswith("w") else 1)


def unneeded(kept: Sequence[KeptRun], *, older_than: float = 0.0, keep_last: int = 0) -> Iterator[KeptRun]:
    """Yield the runs that nothing needs, that have ended and can be read, and that are older than so many seconds; the last few stay."""
    now = time.time()
    for run in kept[: len(kept) - keep_last] if keep_last else kept:
        if (
            not run.needed_by
            and run.status not in ("waiting", "unfinished", "damaged")
            and now - run.at >= older_than
        ):
            yield run


def remove(run: KeptRun, *, force: bool = False) -> None:
    """Delete a run's folder. Raises InvalidInput (`needed`), StorageError (`run_locked`, `storage_denied`)."""
    from filelock import FileLock, Timeout

    if run.needed_by and not force:
        raise InvalidInput(
            "needed",
            f"{run.run} is needed by {', '.join(run.needed_by)}",
            hint="--force removes it all the same",
        )
    lock = FileLock(run.folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise StorageError(
            "run_locked", f"another process is working on {run.run}", hint="wait for it to end"
        ) from None
    except OSError as error:
        raise storage_error(f"{run.folder} cannot be removed", error) from error
    try:
        shutil.rmtree(run.folder)
    except OSError as error:
        raise storage_error(f"{run.folder} cannot be removed", error) from error
    finally:
        lock.release()
