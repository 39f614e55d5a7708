"""Runs that are kept: nothing that a session or a mark needs goes away by itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from benchmate.app.feedback import Feedback
from benchmate.app.runs import execute
from benchmate.app.sessions import Sessions
from benchmate.app.upkeep import KeptRun, kept_runs, read_age, remove, unneeded
from benchmate.runtime.errors import InvalidInput, StorageError
from benchmate.runtime.settings import load_settings

pytestmark = pytest.mark.usefixtures("inline_tools")


class NoModel:
    name = version = "none"


@pytest.fixture
def sessions(tmp_path: Path) -> Iterator[Sessions]:
    settings = load_settings(data_dir=tmp_path / "data", runs_dir=tmp_path / "runs", person="ada")
    with Sessions(settings) as opened:
        yield opened


async def three_runs(sessions: Sessions) -> list[KeptRun]:
    runs = sessions.settings.runs_dir
    with sessions.open() as session:
        await session.ask("TPSA of ibuprofen", engine=NoModel())
    marked = await execute(question="logP of aspirin", out=runs, engine=NoModel())
    Feedback(sessions.database, "ada").add(marked.folder, "good")
    await execute(question="logP of caffeine", out=runs, engine=NoModel())
    return kept_runs(runs, sessions.database)


async def test_only_what_nothing_needs_is_cleared_away(sessions: Sessions) -> None:
    kept = await three_runs(sessions)
    assert [r.title for r in kept] == ["TPSA of ibuprofen", "logP of aspirin", "logP of caffeine"]
    assert kept[0].needed_by[0].startswith("session ") and kept[1].needed_by == ("marked good",)
    assert [r.title for r in unneeded(kept)] == ["logP of caffeine"]
    assert list(unneeded(kept, older_than=3600)) == []
    assert list(unneeded(kept, keep_last=1)) == []
    remove(kept[2])
    assert not kept[2].folder.exists()
    with pytest.raises(InvalidInput) as refused:
        remove(kept[0])
    assert refused.value.code == "needed" and kept[0].folder.exists()
    remove(kept[0], force=True)
    assert [r.title for r in kept_runs(sessions.settings.runs_dir, sessions.database)] == ["logP of aspirin"]


async def test_a_run_that_is_under_way_or_damaged_is_not_removed_by_itself(sessions: Sessions) -> None:
    kept = await three_runs(sessions)
    with FileLock(kept[2].folder / ".lock"), pytest.raises(StorageError) as locked:
        remove(kept[2])
    assert locked.value.code == "run_locked"
    (kept[2].folder / "journal.sqlite").write_bytes(b"no database")
    damaged = kept_runs(sessions.settings.runs_dir, sessions.database)[-1]
    assert damaged.status == "damaged"
    assert damaged not in list(unneeded([damaged]))


@pytest.mark.parametrize(("text", "days"), [("90d", 90), ("12w", 84), ("30", 30), ("1 week", 7)])
def test_ages_are_read(text: str, days: int) -> None:
    assert read_age(text) == days * 86400
    assert read_age("0d") <= time.time()


def test_an_age_that_is_none_is_said() -> None:
    with pytest.raises(InvalidInput) as refused:
        read_age("a while")
    assert refused.value.code == "bad_age"
