"""The machine's database: sessions, memory and feedback, in SQLite by default and in PostgreSQL by setting.

One dialect of SQL that both read; the schema has a version, and an older one is brought up to date when it is opened.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmate.runtime.errors import StorageError
from benchmate.runtime.files import storage_error

# Migrations in order; the version of a schema is how many of them it has seen. One that was shipped is never changed.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE sessions (id TEXT PRIMARY KEY, title TEXT NOT NULL, person TEXT NOT NULL, created DOUBLE PRECISION NOT NULL, "
        "parent TEXT, forked_after INTEGER, private INTEGER NOT NULL DEFAULT 0)",
        "CREATE TABLE turns (session TEXT NOT NULL REFERENCES sessions (id), number INTEGER NOT NULL, question TEXT NOT NULL, "
        "run TEXT NOT NULL, folder TEXT NOT NULL, begun DOUBLE PRECISION NOT NULL, PRIMARY KEY (session, number))",
        "CREATE INDEX turns_by_run ON turns (run)",
        "CREATE TABLE drafts (session TEXT PRIMARY KEY REFERENCES sessions (id), text TEXT NOT NULL)",
        "CREATE TABLE memory (person TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, "
        "source TEXT NOT NULL, confirmed DOUBLE PRECISION NOT NULL, PRIMARY KEY (person, kind, name))",
        "CREATE TABLE feedback (id TEXT PRIMARY KEY, run TEXT NOT NULL, folder TEXT NOT NULL, person TEXT NOT NULL, "
        "verdict TEXT NOT NULL, reason TEXT NOT NULL, at DOUBLE PRECISION NOT NULL)",
    ),
)


class Database:
    """A database that several processes and threads may use at once. Rows are dicts."""

    def __init__(self, place: str | Path) -> None:
        """Open the database at a path, or at a `postgresql://` address, and bring its schema up to date.

        Raises StorageError: `database_unreachable`, `database_damaged`, `database_version` (made by a newer program),
        `storage_denied`, `storage_full`.
        """
        self.place = str(place)
        self.is_postgres = self.place.startswith(("postgresql://", "postgres://"))
        self._lock = threading.RLock()
        self._db: Any = self._connect_postgres() if self.is_postgres else self._connect_sqlite()
        try:
            self._migrate()
        except BaseException:
            self._db.close()
            raise

    def _connect_sqlite(self) -> Any:
        path = Path(self.place)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        except OSError as error:
            raise storage_error(f"the database {path} cannot be opened", error) from error
        except sqlite3.Error as error:
            raise StorageError("storage_denied", f"the database {path} cannot be opened: {error}") from error
        db.row_factory = sqlite3.Row
        try:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA foreign_keys=ON")
        except sqlite3.Error as error:
            db.close()
            raise self._failure(error) from error
        return db

    def _connect_postgres(self) -> Any:
        try:
            import psycopg
            from psycopg.rows import dict_row
        except ImportError:
            raise StorageError(
                "database_unreachable",
                "PostgreSQL needs the extra `postgres`",
                hint="pip install 'benchmate[postgres]'",
            ) from None
        try:
            return psycopg.connect(self.place, autocommit=True, row_factory=dict_row)
        except psycopg.Error as error:
            raise StorageError(
                "database_unreachable", f"the database cannot be reached: {str(error).strip()}",
                hint="look at the setting `database`, or unset it for SQLite",
            ) from None  # fmt: skip

    def _migrate(self) -> None:
        self.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")
        with self.transaction():
            rows = self.execute("SELECT version FROM schema_version")
            version = rows[0]["version"] if rows else 0
            if version > len(MIGRATIONS):
                raise StorageError(
                    "database_version", f"{self._shown} has schema version {version}, this program knows {len(MIGRATIONS)}",
                    hint="use the benchmate version that wrote it",
                )  # fmt: skip
            for migration in MIGRATIONS[version:]:
                for statement in migration:
                    self.execute(statement)
            if not rows:
                self.execute("INSERT INTO schema_version VALUES (?)", (len(MIGRATIONS),))
            elif version < len(MIGRATIONS):
                self.execute("UPDATE schema_version SET version = ?", (len(MIGRATIONS),))

    @property
    def _shown(self) -> str:
        """The place without the password that an address may hold."""
        return self.place.rpartition("@")[2] if self.is_postgres else self.place

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Run one statement with `?` for its values and return its rows. Raises StorageError."""
        with self._lock:
            try:
                if self.is_postgres:
                    cursor = self._db.execute(statement.replace("?", "%s"), tuple(values))
                    return list(cursor.fetchall()) if cursor.description else []
                return [dict(row) for row in self._db.execute(statement, tuple(values))]
            except Exception as error:
                if not self._is_of_database(error):
                    raise
                raise self._failure(error) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make what is executed inside take effect as a whole, or not at all."""
        with self._lock:
            if self.is_postgres:
                with self._db.transaction():
                    self.execute("SELECT pg_advisory_xact_lock(7236482)")  # writers take turns, as in SQLite
                    yield
                return
            self.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.rollback()
                raise
            self.execute("COMMIT")

    def _is_of_database(self, error: Exception) -> bool:
        if isinstance(error, sqlite3.Error):
            return True
        if not self.is_postgres:
            return False
        import psycopg

        return isinstance(error, psycopg.Error)

    def _failure(self, error: Exception) -> StorageError:
        text = str(error).strip()
        known = {"full": "storage_full", "readonly": "storage_denied", "locked": "database_busy"}
        code = next((code for word, code in known.items() if word in text), "database_damaged")
        return StorageError(code, f"{self._shown} cannot be used: {text}")

    def close(self) -> None:
        """Close the connection."""
        self._db.close()
