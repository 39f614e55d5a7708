"""The journal: one append-only, hash-chained record per run.

Evidence, events, usage and reports are projections of it.
"""

from __future__ import annotations

import functools
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic_core import from_json

from benchmate.runtime.canonical import canonical_json, digest
from benchmate.runtime.errors import InvalidInput, NotFound, StorageError

SCHEMA_VERSION = 1
GENESIS = "0" * 64

RecordKind = Literal[
    "run.opened",  # question, inputs, profile, versions
    "run.resumed",  # taken up again after a stop
    "run.closed",      # status of the whole run
    "file.kept",       # a file that was given by its path, by artifact hash
    "plan.set",        # a plan, by artifact hash, and who made it
    "call.started",    # a tool or model call is about to happen
    "call.finished",   # its result, or its typed error
    "call.refused",    # it was not made: the budget, or a person who was asked, did not allow it
    "approval.asked",
    "approval.given",
    "policy.decided",  # a decision other than a plain allow
    "hazard.decided",  # what the hazard gate found on a list, and what followed
    "outcome",         # a task ended
    "verdicts",        # the verifier's verdicts, by artifact hash
    "report.written",
]  # fmt: skip

_COLUMNS = "seq, kind, task, attempt, call_key, at, body, hash"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    task TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    call_key TEXT NOT NULL,
    at REAL NOT NULL,
    body TEXT NOT NULL,
    hash TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS by_call ON records (call_key, task, attempt, kind);
CREATE INDEX IF NOT EXISTS by_kind ON records (kind);
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A record before it is written."""

    kind: RecordKind
    body: dict[str, Any]
    task: str = ""
    attempt: int = 0
    call_key: str = ""
    at: float = field(default_factory=time.time)


@dataclass(frozen=True)
class Record:
    """A record as it stands in the journal."""

    seq: int
    kind: RecordKind
    task: str
    attempt: int
    call_key: str
    at: float
    text: str  # the body as canonical JSON
    hash: str

    @functools.cached_property
    def body(self) -> dict[str, Any]:
        """The body, read when it is first asked for. Raises StorageError (`journal_damaged`)."""
        try:
            body: dict[str, Any] = from_json(self.text)
        except ValueError as error:
            raise _storage_error("journal_damaged", f"record {self.seq} cannot be read", error) from error
        return body


class Journal:
    """One run's journal in SQLite (WAL, fsync at every commit). One writer; readers may look at any time.

    `append` returns only after the record is on disk; listeners are told afterwards.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open or create the journal at `path`.

        Raises StorageError (`journal_unreadable`, `journal_version`, `storage_denied`, `storage_full`).
        """
        self.path = path
        self.read_only = read_only
        self.listeners: list[Callable[[Record], None]] = []
        self._lock = threading.RLock()  # the chain has one end
        try:
            self._db = sqlite3.connect(
                _uri(path, read_only), uri=True, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise _storage_error(
                "journal_unreadable", f"the journal {path} cannot be opened", error
            ) from error
        try:
            if not read_only:
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=FULL")
                self._db.executescript(_SCHEMA)
                self._db.execute("INSERT OR IGNORE INTO meta VALUES ('schema', ?)", (str(SCHEMA_VERSION),))
            (version,) = self._db.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
            last = self._db.execute("SELECT seq, hash FROM records ORDER BY seq DESC LIMIT 1").fetchone()
        except (sqlite3.Error, TypeError) as error:
            self._db.close()
            raise _storage_error(
                "journal_unreadable", f"the journal {path} cannot be opened", error
            ) from error
        if version != str(SCHEMA_VERSION):
            self._db.close()
            raise StorageError(
                "journal_version",
                f"{path} has journal version {version}, this program reads {SCHEMA_VERSION}",
                hint="use the benchmate version that wrote it",
            )
        self._seq: int = last[0] if last else 0
        self._hash: str = last[1] if last else GENESIS

    def append(
        self, kind: RecordKind, body: dict[str, Any], *, task: str = "", attempt: int = 0, call_key: str = ""
    ) -> Record:
        """Write one record, durably. Raises StorageError (`storage_full`, `storage_failed`)."""
        return self.append_many([Entry(kind, body, task, attempt, call_key)])[0]

    def append_many(self, entries: Sequence[Entry]) -> list[Record]:
        """Write several records in one transaction: all of them are on disk when this returns, or none is."""
        with self._lock:
            records = self._write(entries)
        for record in records:
            for listener in self.listeners:
                listener(record)
        return records

    def _write(self, entries: Sequence[Entry]) -> list[Record]:
        records, seq, chain = [], self._seq, self._hash
        rows = []
        for entry in entries:
            seq += 1
            body = canonical_json(entry.body)
            fields = (seq, entry.kind, entry.task, entry.attempt, entry.call_key, entry.at)
            chain = _link(chain, *fields, body)
            rows.append((*fields, body, chain))
            records.append(Record(*fields, body, chain))
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise _storage_error(
                "storage_failed", f"the journal {self.path} cannot be written", error
            ) from error
        self._seq, self._hash = seq, chain
        return records

    def records(self, *kinds: RecordKind, after: int = 0) -> Iterator[Record]:
        """Yield the records in order, of the given kinds (all when none is given), after number `after`."""
        where = f" AND kind IN ({','.join('?' * len(kinds))})" if kinds else ""
        yield from self._read(f"WHERE seq > ?{where} ORDER BY seq", (after, *kinds))

    def first(self, kind: RecordKind) -> Record | None:
        """Return the first record of a kind, or None."""
        return next(self.records(kind), None)

    def last(self, kind: RecordKind) -> Record | None:
        """Return the last record of a kind, or None."""
        return next(self._read("WHERE kind = ? ORDER BY seq DESC LIMIT 1", (kind,)), None)

    def at(self, seq: int) -> Record:
        """Return record number `seq`. Raises NotFound (`no_such_record`)."""
        found = next(self._read("WHERE seq = ?", (seq,)), None)
        if found is None:
            raise NotFound("no_such_record", f"the journal {self.path} has no record {seq}")
        return found

    def find_call(
        self, key: str, task: str, attempt: int, kind: RecordKind = "call.finished", occurrence: int = 0
    ) -> Record | None:
        """Return the `occurrence`-th started or finished record of a call in a task and attempt, or None."""
        where = "WHERE call_key = ? AND task = ? AND attempt = ? AND kind = ? ORDER BY seq LIMIT 1 OFFSET ?"
        return next(self._read(where, (key, task, attempt, kind, occurrence)), None)

    def find_calls(self, key: str, task: str, attempt: int, kind: RecordKind) -> list[Record]:
        """Return all started or finished records of a call in a task and attempt, in order."""
        where = "WHERE call_key = ? AND task = ? AND attempt = ? AND kind = ? ORDER BY seq"
        return list(self._read(where, (key, task, attempt, kind)))

    def newest_result(self, key: str) -> Record | None:
        """Return the newest finished record of a call that succeeded, in any task, or None."""
        records = (self.at(seq) for seq in self.newest_ends(key))
        return next((record for record in records if "result" in record.body), None)

    def newest_ends(self, key: str) -> list[int]:
        """Return the numbers of the finished records of a call in any task, newest first by time.

        A replay writes the records of parallel tasks in another order than the run did, with the same times.
        """
        try:
            rows = self._db.execute(
                "SELECT seq FROM records WHERE call_key = ? AND kind = 'call.finished' ORDER BY at DESC, seq DESC",
                (key,),
            )
            return [seq for (seq,) in rows]
        except sqlite3.Error as error:
            raise _storage_error(
                "journal_damaged", f"the journal {self.path} cannot be read", error
            ) from error

    def _read(self, where: str, values: tuple[Any, ...]) -> Iterator[Record]:
        try:
            rows = self._db.execute(f"SELECT {_COLUMNS} FROM records {where}", values)
            for seq, kind, task, attempt, key, at, body, chain in rows:
                yield Record(seq, kind, task, attempt, key, at, body, chain)
        except (sqlite3.Error, ValueError) as error:
            raise _storage_error(
                "journal_damaged", f"the journal {self.path} cannot be read", error
            ) from error

    def __len__(self) -> int:
        return int(self._seq)

    def verify(self) -> int:
        """Recompute the hash chain and return the number of records.

        Raises StorageError (`journal_tampered`) naming the first record that does not fit.
        """
        chain, expected = GENESIS, 0
        try:
            for row in self._db.execute(f"SELECT {_COLUMNS} FROM records ORDER BY seq"):
                expected += 1
                chain = _link(chain, *row[:-1])
                if row[0] != expected or chain != row[-1]:
                    raise self._tampered(expected)
        except (sqlite3.Error, InvalidInput) as error:  # not even text any more
            raise self._tampered(expected + isinstance(error, sqlite3.Error)) from error
        return expected

    def _tampered(self, seq: int) -> StorageError:
        return StorageError(
            "journal_tampered", f"record {seq} of {self.path} was changed, removed or added after the fact"
        )

    def close(self) -> None:
        """Close the file. A journal on which nothing follows can be copied as one file."""
        if not self.read_only:
            try:
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.Error as error:  # the records are safe in the WAL; say so instead of hiding it
                self._db.close()
                raise _storage_error(
                    "storage_failed", f"the journal {self.path} could not be folded", error
                ) from error
        self._db.close()


def open_existing(folder: Path) -> Journal:
    """Open the journal of a run's folder for reading. Raises NotFound (`no_such_run`)."""
    path = folder / "journal.sqlite"
    if not path.is_file():
        raise NotFound(
            "no_such_run",
            f"{folder} holds no run",
            hint="give a folder with a journal.sqlite, e.g. runs/<run-id>",
        )
    return Journal(path, read_only=True)


def _uri(path: Path, read_only: bool) -> str:
    uri = path.absolute().as_uri()
    if not read_only:
        return f"{uri}?mode=rwc"
    # Where nothing can be written SQLite cannot make a WAL's index, and without a WAL it needs none.
    alone = not path.with_name(f"{path.name}-wal").exists() and not os.access(path.absolute().parent, os.W_OK)
    return f"{uri}?mode=ro&immutable=1" if alone else f"{uri}?mode=ro"


def _link(previous: str, seq: int, kind: str, task: str, attempt: int, key: str, at: float, body: str) -> str:
    # The time goes in as text: as a number it would count at twelve digits, a hundredth of a second.
    return digest("record", previous, seq, kind, task, attempt, key, repr(at), body)


def _storage_error(code: str, message: str, error: Exception) -> StorageError:
    text = str(error)
    if "full" in text:
        return StorageError(
            "storage_full",
            f"{message}: no space left",
            hint="free some space, then `benchmate resume` the run",
        )
    if "readonly" in text or "unable to open" in text:
        return StorageError(
            "storage_denied", f"{message}: {text}", hint="choose a folder you may write with --out"
        )
    if "locked" in text or "UNIQUE" in text:  # by record number: someone else took it
        return StorageError(
            "storage_locked", f"{message}: another process is writing", hint="wait for it to end"
        )
    return StorageError(code, f"{message}: {text}")
