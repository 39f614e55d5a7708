"""Sessions: follow-up questions, evidence cited across runs, crashes, forks, locks, and two databases."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmate.app.runs import RunOutcome, load_outcome, replay_run
from benchmate.app.sessions import Session, Sessions
from benchmate.runtime.errors import BenchmateError, InvalidInput, NotFound, Refused, StorageError
from benchmate.runtime.journal import open_existing
from benchmate.runtime.settings import Settings, load_settings

pytestmark = pytest.mark.usefixtures("inline_tools")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(
        data_dir=tmp_path / "data", runs_dir=tmp_path / "runs", person="ada", fetch_model=False
    )


@pytest.fixture
def sessions(settings: Settings) -> Iterator[Sessions]:
    with Sessions(settings) as opened:
        yield opened


async def ask(session: Session, question: str) -> RunOutcome:
    return await session.ask(question, engine=NoModel())


class NoModel:
    """No question here needs a model: one that is asked is a fault."""

    name, version = "none", "0"

    async def aclose(self) -> None:
        pass


def tools_called(outcome: RunOutcome) -> list[tuple[str, bool]]:
    """Return the tools a run has results of, and whether it cites them from an earlier run."""
    journal = open_existing(outcome.folder)
    try:
        return [
            (r.body["name"], "cites" in r.body)
            for r in journal.records("call.finished")
            if r.body["type"] == "tool" and r.body["name"] != "find_entities"
        ]
    finally:
        journal.close()


async def test_a_follow_up_is_about_what_was_asked_before(sessions: Sessions) -> None:
    with sessions.open() as session:
        for question, answer in [
            ("What is the TPSA of ibuprofen?", "The topological polar surface area of ibuprofen is 37.3 Å²."),
            ("and its logP?", "The logP of ibuprofen is 3.0732."),
            ("how similar is it to naproxen?", "The Tanimoto similarity of naproxen to ibuprofen is 0.4211."),
            ("and their molecular weight?", "ibuprofen is 206.28 g/mol"),
            ("What is the TPSA of caffeine?", "caffeine is 61.82 Å²"),
            ("and the logP?", "The logP of caffeine is −1.0293."),
        ]:  # the values are RDKit's, as for a question of its own
            outcome = await ask(session, question)
            assert answer in outcome.answer.replace("-1.0293", "−1.0293"), question


async def test_columns_of_a_table_spoken_of_before_are_known(sessions: Sessions) -> None:
    with sessions.open() as session:
        await ask(session, "mean per species for sample:iris")
        outcome = await ask(session, "and the correlation of sepal length with petal width?")
        assert "0.8179" in outcome.answer  # Fisher 1936: r = 0.8179


async def test_what_was_found_is_cited_and_not_computed_again(sessions: Sessions) -> None:
    with sessions.open() as session:
        first = await ask(session, "What is the TPSA of ibuprofen?")
        again = await ask(session, "and its logP?")
    assert set(tools_called(first)) == {("compute_descriptors", False)}
    assert tools_called(again)[0] == ("compute_descriptors", True)
    assert first.report is not None and again.report is not None
    assert {e.id for e in first.report.evidence} == {e.id for e in again.report.evidence}
    assert (
        again.report.evidence[0].at == first.report.evidence[0].at
    )  # when it was measured, not when it was cited


async def test_a_run_that_cites_can_be_replayed_without_what_it_cites(
    sessions: Sessions, settings: Settings, tmp_path: Path
) -> None:
    with sessions.open() as session:
        first = await ask(session, "Draw ibuprofen")
        second = await ask(session, "draw it")
    (first.folder / "journal.sqlite").rename(tmp_path / "gone")
    replayed = await replay_run(second.folder, out=tmp_path / "replays")
    assert (replayed.folder / "report.html").read_bytes() == (second.folder / "report.html").read_bytes()


async def test_a_session_is_there_after_the_program_ended(settings: Settings) -> None:
    with Sessions(settings) as before, before.open() as session:
        await ask(session, "What is the TPSA of ibuprofen?")
        session.draft = "and its"
        name = session.info.id
    with Sessions(settings) as after, after.open(name) as session:
        assert [t.question for t in session.turns] == ["What is the TPSA of ibuprofen?"]
        assert session.draft == "and its"
        assert session.info.title == "What is the TPSA of ibuprofen?"
        assert "ibuprofen" in (await ask(session, "and its logP?")).answer


async def test_a_run_that_was_asked_to_stop_goes_on_later(sessions: Sessions) -> None:
    stop = threading.Event()
    stop.set()
    with sessions.open() as session:
        with pytest.raises(Refused) as stopped:
            await session.ask("What is the TPSA of ibuprofen?", engine=NoModel(), stop=stop)
        assert stopped.value.code == "stopped"
        assert (unfinished := session.unfinished()) is not None
        assert unfinished.outcome().status == "unfinished"
        outcome = await session.resume(engine=NoModel())
        assert outcome.status == "complete"
        assert session.unfinished() is None


async def test_a_fork_shares_the_past_and_not_the_future(sessions: Sessions) -> None:
    with sessions.open() as session:
        await ask(session, "What is the TPSA of ibuprofen?")
        await ask(session, "What is the TPSA of caffeine?")
        name = session.info.id
    copy = sessions.fork(name, after=1)
    assert (copy.parent, copy.forked_after, copy.turns) == (name, 1, 1)
    with sessions.open(copy.id) as forked:
        assert "ibuprofen" in (await ask(forked, "and its logP?")).answer
        assert len(forked.turns) == 2
    with sessions.open(name) as session:
        assert [t.number for t in session.turns] == [1, 2]
        assert "caffeine" in (await ask(session, "and its logP?")).answer


async def test_a_refused_question_leaves_no_turn(sessions: Sessions) -> None:
    with sessions.open() as session:
        with pytest.raises(InvalidInput):
            await ask(session, "   ")
        assert session.turns == []


def test_two_processes_cannot_use_one_session(sessions: Sessions, settings: Settings) -> None:
    with sessions.open() as session:
        program = (
            "from benchmate.app.sessions import Sessions\nfrom benchmate.runtime.settings import load_settings\n"
            f"s = load_settings(data_dir={str(settings.data_dir)!r}, runs_dir={str(settings.runs_dir)!r}, person='ada')\n"
            f"with Sessions(s) as all, all.open({session.info.id!r}):\n    pass\n"
        )
        made = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert "session_locked" in made.stderr or "is open in another process" in made.stderr
    made = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr


def test_sessions_of_others_are_not_shown(settings: Settings, sessions: Sessions) -> None:
    with sessions.open() as session:
        name = session.info.id
    with Sessions(settings.model_copy(update={"person": "bob"})) as others:
        assert others.list() == []
        with pytest.raises(NotFound) as unknown:
            others.find(name)
        assert unknown.value.code == "no_such_session"


async def test_a_private_session_stays_private(sessions: Sessions) -> None:
    with sessions.open(private=True) as session:
        outcome = await ask(session, "What is the TPSA of ibuprofen?")
        name = session.info.id
    assert outcome.report is not None and "private" in outcome.report.claims[0].labels
    with sessions.open() as session:
        public = session.info.id
    with pytest.raises(InvalidInput), sessions.open(public, private=True):
        pass
    assert sessions.find(name).private and sessions.fork(name).private


async def test_forgetting_a_session_leaves_its_runs(sessions: Sessions) -> None:
    with sessions.open() as session:
        outcome = await ask(session, "What is the TPSA of ibuprofen?")
        name = session.info.id
    sessions.remove(name)
    assert sessions.list() == []
    assert load_outcome(outcome.folder).status == "complete"


async def test_postgres_holds_sessions_and_checkpoints(settings: Settings, tmp_path: Path) -> None:
    pgserver = pytest.importorskip("pgserver", exc_type=ImportError)
    with pgserver.get_server(tmp_path / "pg") as server:
        beyond = settings.model_copy(update={"database": server.get_uri()})
        with Sessions(beyond) as sessions:
            with sessions.open() as session:
                outcome = await ask(session, "What is the TPSA of ibuprofen?")
                assert "logP of ibuprofen" in (await ask(session, "and its logP?")).answer
                with (
                    Sessions(beyond) as other,
                    pytest.raises(StorageError) as locked,
                    other.open(session.info.id),
                ):
                    pass
                assert locked.value.code == "session_locked"
            assert [s.turns for s in sessions.list()] == [2]
            assert sessions.fork("last", 1).turns == 1
        assert not (outcome.folder / "checkpoints.sqlite").exists()


async def test_a_place_that_cannot_be_written_is_said(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    with pytest.raises(BenchmateError) as refused:
        Sessions(settings)
    assert refused.value.info.kind == "storage"
