"""The machine's database: migrations, transactions, and what is said when it cannot be used."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmate.runtime import database
from benchmate.runtime.database import MIGRATIONS, Database
from benchmate.runtime.errors import StorageError


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "deep" / "benchmate.sqlite")
    yield opened
    opened.close()


def test_what_a_transaction_did_is_undone_when_it_fails(db: Database) -> None:
    def fail() -> None:
        with db.transaction():
            db.execute("INSERT INTO sessions (id, title, person, created) VALUES ('s', 't', 'p', 1)")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert db.execute("SELECT * FROM sessions") == []


def test_an_older_schema_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "b.sqlite"
    Database(path).close()
    monkeypatch.setattr(
        database, "MIGRATIONS", (*MIGRATIONS, ("ALTER TABLE sessions ADD COLUMN colour TEXT",))
    )
    newer = Database(path)
    newer.execute(
        "INSERT INTO sessions (id, title, person, created, colour) VALUES ('a', 't', 'p', 1, 'red')"
    )
    assert newer.execute("SELECT version FROM schema_version") == [{"version": len(MIGRATIONS) + 1}]
    newer.close()
    Database(path).close()  # opened again, nothing is applied twice


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "b.sqlite"
    db = Database(path)
    db.execute("UPDATE schema_version SET version = 99")
    db.close()
    with pytest.raises(StorageError) as refused:
        Database(path)
    assert refused.value.code == "database_version"


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    path = tmp_path / "b.sqlite"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(StorageError) as refused:
        Database(path)
    assert refused.value.code == "database_damaged"


def test_writers_take_turns(tmp_path: Path) -> None:
    path = tmp_path / "b.sqlite"
    Database(path).close()

    def write(number: int) -> None:
        own = Database(path)
        for step in range(20):
            with own.transaction():
                own.execute(
                    "INSERT INTO feedback VALUES (?, 'r', 'f', 'p', 'good', '', 1)", (f"{number}-{step}",)
                )
        own.close()

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = Database(path)
    assert after.execute("SELECT count(*) AS n FROM feedback") == [{"n": 80}]
    after.close()


def test_the_tables_can_be_read_without_this_program(db: Database) -> None:
    with sqlite3.connect(db.place) as plain:
        names = {name for (name,) in plain.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert {"sessions", "turns", "memory", "feedback", "schema_version"} <= names
    plain.close()


def test_postgres_does_what_sqlite_does(tmp_path: Path) -> None:
    pgserver = pytest.importorskip("pgserver", exc_type=ImportError)
    with pgserver.get_server(tmp_path / "pg") as server:
        place = server.get_uri()
        db = Database(place)
        with db.transaction():
            db.execute(
                "INSERT INTO sessions (id, title, person, created) VALUES (?, ?, ?, ?)",
                ("s", "50 %?", "p", 1.5),
            )
        rows = db.execute("SELECT id, title, created, private FROM sessions WHERE id = ?", ("s",))
        assert rows == [{"id": "s", "title": "50 %?", "created": 1.5, "private": 0}]
        db.close()
        again = Database(place)  # the schema is there already
        assert again.execute("SELECT count(*) AS n FROM sessions") == [{"n": 1}]
        again.close()


def test_an_address_that_nobody_answers_is_said_without_its_password() -> None:
    pytest.importorskip("psycopg", exc_type=ImportError)
    with pytest.raises(StorageError) as refused:
        Database("postgresql://somebody:secret@127.0.0.1:9/none")
    assert refused.value.code == "database_unreachable"
    assert "secret" not in str(refused.value)
