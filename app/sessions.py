"""Sessions: conversations that hold runs, survive the program, and can be taken up, forked and shared by several at once."""

from __future__ import annotations

import datetime
import secrets
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmate.agents.approval import ApprovalAnswer
from benchmate.agents.attachments import Source
from benchmate.agents.contracts import Plan
from benchmate.app.open_run import Listener, new_run_id
from benchmate.app.runs import Approver, RunOutcome, execute, load_outcome, resume_run
from benchmate.runtime.budget import BudgetLimits
from benchmate.runtime.database import Database
from benchmate.runtime.errors import BenchmateError, InvalidInput, NotFound, StorageError, did_you_mean
from benchmate.runtime.journal import open_existing
from benchmate.runtime.policy import Policy
from benchmate.runtime.settings import Settings, load_settings

LONGEST_TITLE = 60


@dataclass(frozen=True)
class Turn:
    """One question of a session and the run that answers it."""

    number: int
    question: str
    run: str
    folder: Path
    begun: float

    @property
    def profile(self) -> str | None:
        """The profile of the model that its run was begun with. Raises NotFound (`no_such_run`) when the folder is gone."""
        journal = open_existing(self.folder)
        try:
            opened = journal.first("run.opened")
        finally:
            journal.close()
        return opened.body.get("profile") if opened else None

    def outcome(self) -> RunOutcome:
        """Return how its run stands. Raises NotFound (`no_such_run`) when the folder is gone."""
        return load_outcome(self.folder)


@dataclass(frozen=True)
class SessionInfo:
    """What is known of a session without opening it."""

    id: str
    title: str
    person: str
    created: float
    parent: str | None = None
    forked_after: int | None = None
    private: bool = False
    turns: int = 0


class Session:
    """A conversation. Open one with `open_session`; only one process at a time can.

    A follow-up question may speak of what the turns before were about; what they found is cited, not computed again.
    """

    def __init__(self, info: SessionInfo, database: Database, settings: Settings) -> None:
        self.info, self.settings = info, settings
        self._database = database

    @property
    def turns(self) -> list[Turn]:
        """The turns in order."""
        rows = self._database.execute(
            "SELECT number, question, run, folder, begun FROM turns WHERE session = ? ORDER BY number",
            (self.info.id,),
        )
        return [Turn(r["number"], r["question"], r["run"], Path(r["folder"]), r["begun"]) for r in rows]

    async def ask(
        self,
        question: str | Plan | None = None,
        *,
        workflow: str | None = None,
        inputs: Mapping[str, Any] | None = None,
        engine: Any = None,
        listeners: Sequence[Listener] = (),
        approver: Approver | None = None,
        budget: BudgetLimits | None = None,
        policy: Policy | None = None,
        attach: Sequence[Source] = (),
        stop: threading.Event | None = None,
    ) -> RunOutcome:
        """Answer a question, or run a plan or a workflow, as the next turn. It is kept before the run begins, so that a crash loses nothing.

        Raises what `execute` raises; a question that never became a run leaves no turn.
        """
        run = new_run_id()
        before = self.turns
        plan = question if isinstance(question, Plan) else None
        title = plan.title if plan else workflow or str(question)
        number = self._add_turn(title, run)
        folders = [t.folder for t in before if (t.folder / "journal.sqlite").is_file()]
        try:
            return await execute(
                question=None if plan or workflow else str(question), plan=plan, workflow=workflow, inputs=inputs, settings=self.settings, engine=engine, listeners=listeners, approver=approver,
                budget=budget, policy=policy, private=self.info.private, attach=attach, run_id=run, follows=folders,
                stop=stop,
            )  # fmt: skip
        except BenchmateError:
            if not (self.settings.runs_dir / run / "journal.sqlite").is_file():
                self._database.execute(
                    "DELETE FROM turns WHERE session = ? AND number = ?", (self.info.id, number)
                )
            raise

    async def resume(
        self,
        *,
        engine: Any = None,
        listeners: Sequence[Listener] = (),
        approver: Approver | None = None,
        answer: ApprovalAnswer | None = None,
        budget: BudgetLimits | None = None,
        stop: threading.Event | None = None,
    ) -> RunOutcome:
        """Go on with the last turn, where it stopped or waits. Raises NotFound (`no_turn`) and what `resume_run` raises."""
        turn = self.turn()
        return await resume_run(
            turn.folder,
            engine=engine,
            listeners=listeners,
            approver=approver,
            answer=answer,
            budget=budget,
            stop=stop,
        )

    def turn(self, number: int | None = None) -> Turn:
        """Return a turn, the last one by default. Raises NotFound (`no_turn`)."""
        turns = self.turns
        if not turns:
            raise NotFound("no_turn", "nothing was asked in this session yet", hint="type a question")
        if number is None:
            return turns[-1]
        found = next((t for t in turns if t.number == number), None)
        if found is None:
            raise NotFound(
                "no_turn", f"this session has no turn {number}", hint=f"it has turns 1 to {turns[-1].number}"
            )
        return found

    def unfinished(self) -> Turn | None:
        """Return the last turn when its run stopped before its end or waits for a person."""
        turns = self.turns
        if not turns:
            return None
        try:
            return turns[-1] if turns[-1].outcome().status in ("unfinished", "waiting") else None
        except NotFound:  # killed before the run's first record: asking again is all there is
            return turns[-1]

    def _add_turn(self, question: str, run: str) -> int:
        folder = (self.settings.runs_dir / run).absolute()
        with self._database.transaction():
            rows = self._database.execute(
                "SELECT COALESCE(MAX(number), 0) AS last FROM turns WHERE session = ?", (self.info.id,)
            )
            number = int(rows[0]["last"]) + 1
            self._database.execute(
                "INSERT INTO turns VALUES (?, ?, ?, ?, ?, ?)",
                (self.info.id, number, question, run, str(folder), time.time()),
            )
            if number == 1 and not self.info.title:
                title = " ".join(question.split())[:LONGEST_TITLE]
                self._database.execute("UPDATE sessions SET title = ? WHERE id = ?", (title, self.info.id))
                self.info = replace(self.info, title=title)
        return number

    # --- what is typed and not sent ---------------------------------------------------------------------------------

    @property
    def draft(self) -> str:
        """What was typed and not sent when the program ended."""
        rows = self._database.execute("SELECT text FROM drafts WHERE session = ?", (self.info.id,))
        return str(rows[0]["text"]) if rows else ""

    @draft.setter
    def draft(self, text: str) -> None:
        with self._database.transaction():
            self._database.execute("DELETE FROM drafts WHERE session = ?", (self.info.id,))
            if text:
                self._database.execute("INSERT INTO drafts VALUES (?, ?)", (self.info.id, text))


class Sessions:
    """The sessions of one person."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or load_settings()
        self.database = Database(self.settings.database_place)

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    def __enter__(self) -> Sessions:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def list(self) -> list[SessionInfo]:
        """Return the person's sessions, the one used last first."""
        rows = self.database.execute(
            "SELECT s.id, s.title, s.person, s.created, s.parent, s.forked_after, s.private, COUNT(t.number) AS turns, "
            "COALESCE(MAX(t.begun), s.created) AS used FROM sessions s LEFT JOIN turns t ON t.session = s.id "
            "WHERE s.person = ? GROUP BY s.id, s.title, s.person, s.created, s.parent, s.forked_after, s.private "
            "ORDER BY used DESC, s.id DESC",
            (self.settings.person,),
        )
        return [
            SessionInfo(
                r["id"], r["title"], r["person"], r["created"], r["parent"], r["forked_after"], bool(r["private"]), r["turns"]
            )
            for r in rows
        ]  # fmt: skip

    def find(self, name: str) -> SessionInfo:
        """Return the session named by its id, the beginning of one, or `last`. Raises NotFound (`no_such_session`)."""
        known = self.list()
        if name == "last" and known:
            return known[0]
        matches = [s for s in known if s.id == name] or [s for s in known if s.id.startswith(name)]
        if len(matches) == 1:
            return matches[0]
        hint = ", ".join(s.id for s in matches[:5]) or did_you_mean(name, [s.id for s in known])
        what = f"{len(matches)} sessions begin with {name!r}" if matches else f"there is no session {name!r}"
        raise NotFound("no_such_session", what, hint=hint or "`benchmate chat` begins one")

    @contextmanager
    def open(self, name: str | None = None, *, private: bool = False) -> Iterator[Session]:
        """Open a session, a new one without a name, and keep others out of it while it is open.

        Raises NotFound (`no_such_session`), StorageError (`session_locked`, and what the database raises).
        """
        info = self.find(name) if name else self._create(private=private)
        if private and not info.private:
            raise InvalidInput(
                "not_private", f"the session {info.id} is not private, and what was asked in it is known already",
                hint="`benchmate chat --private` begins one that is",
            )  # fmt: skip
        with self._locked(info):
            yield Session(info, self.database, self.settings)

    def fork(self, name: str, after: int | None = None) -> SessionInfo:
        """Return a new session that shares the turns of another, up to and with turn `after` (default: all of them).

        Neither changes the other from then on. Raises NotFound (`no_such_session`, `no_turn`).
        """
        source = self.find(name)
        session = Session(source, self.database, self.settings)
        last = session.turn(after).number
        with self.database.transaction():
            copy = self._create(
                title=source.title, parent=source.id, forked_after=last, private=source.private
            )
            self.database.execute(
                "INSERT INTO turns SELECT ?, number, question, run, folder, begun FROM turns WHERE session = ? AND number <= ?",
                (copy.id, source.id, last),
            )
        return replace(copy, turns=last)

    def remove(self, name: str) -> SessionInfo:
        """Forget a session. Its runs stay where they are. Raises NotFound (`no_such_session`), StorageError (`session_locked`)."""
        info = self.find(name)
        with self._locked(info), self.database.transaction():
            for table in ("turns", "drafts"):
                self.database.execute(f"DELETE FROM {table} WHERE session = ?", (info.id,))
            self.database.execute("DELETE FROM sessions WHERE id = ?", (info.id,))
        return info

    def _create(
        self, *, title: str = "", parent: str | None = None, forked_after: int | None = None, private: bool = False
    ) -> SessionInfo:  # fmt: skip
        now = datetime.datetime.now(datetime.UTC)
        info = SessionInfo(
            f"s-{now:%Y%m%d}-{secrets.token_hex(3)}", title, self.settings.person, now.timestamp(), parent, forked_after, private
        )  # fmt: skip
        values = (
            info.id,
            info.title,
            info.person,
            info.created,
            info.parent,
            info.forked_after,
            int(private),
        )
        self.database.execute(
            "INSERT INTO sessions (id, title, person, created, parent, forked_after, private) VALUES (?, ?, ?, ?, ?, ?, ?)",
            values,
        )
        return info

    @contextmanager
    def _locked(self, info: SessionInfo) -> Iterator[None]:
        """Keep other processes out of a session: by a file on this machine, by PostgreSQL's own lock beyond it."""
        if self.database.is_postgres:
            with self._locked_in_postgres(info):
                yield
            return
        from filelock import FileLock, Timeout

        folder = self.settings.data_dir / "sessions"
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"{info.id}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise _is_locked(info) from None
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def _locked_in_postgres(self, info: SessionInfo) -> Iterator[None]:
        (row,) = self.database.execute("SELECT pg_try_advisory_lock(hashtext(?)) AS got", (info.id,))
        if not row["got"]:
            raise _is_locked(info)
        try:
            yield
        finally:
            self.database.execute("SELECT pg_advisory_unlock(hashtext(?))", (info.id,))


def _is_locked(info: SessionInfo) -> StorageError:
    return StorageError(
        "session_locked", f"the session {info.id} is open in another process",
        hint=f"close it there, or `benchmate sessions fork {info.id}` and go on in the copy",
    )  # fmt: skip
