"""The journal: what was appended is there, whole and unchanged, or the reader is told."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmate.runtime.errors import InvalidInput, NotFound, StorageError
from benchmate.runtime.journal import Entry, Journal, open_existing

BODY = {"type": "tool", "name": "logp", "version": "1", "arguments": {"x": 1.5, "s": "Aspirin é"}}
COLUMNS = ("seq", "kind", "task", "attempt", "call_key", "at", "body", "hash")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def filled(path: Path, records: int = 3) -> None:
    journal = Journal(path)
    for number in range(records):
        journal.append("call.started", BODY | {"n": number}, task="T1", attempt=1, call_key=f"k{number}")
    journal.close()


def test_appended_records_are_there_after_reopening(path):
    filled(path)
    journal = Journal(path)
    assert [r.body["n"] for r in journal.records()] == [0, 1, 2]
    assert len(journal) == journal.verify() == 3
    journal.append("run.closed", {"status": "ok"})
    assert journal.verify() == 4
    last = journal.last("call.started")
    assert last is not None and last.seq == 3
    first = journal.first("run.closed")
    assert first is not None and first.body == {"status": "ok"}
    assert journal.first("verdicts") is None and journal.last("verdicts") is None
    assert [r.seq for r in journal.records(after=2)] == [3, 4]
    journal.close()


def test_a_closed_journal_is_one_file(path):
    filled(path)
    assert [file.name for file in path.parent.iterdir()] == ["journal.sqlite"]
    copy = path.with_name("copy.sqlite")
    copy.write_bytes(path.read_bytes())
    reader = Journal(copy, read_only=True)
    assert reader.verify() == 3
    reader.close()


def test_a_reader_sees_what_a_writer_adds(path):
    writer = Journal(path)
    writer.append("run.opened", {})
    reader = open_existing(path.parent)
    writer.append("run.closed", {"status": "ok"})
    assert [r.kind for r in reader.records()] == ["run.opened", "run.closed"]
    with pytest.raises(StorageError) as caught:
        reader.append("run.closed", {})
    assert caught.value.code == "storage_denied"
    reader.close()
    writer.close()


def verify(path: Path) -> None:
    journal = Journal(path, read_only=True)
    try:
        journal.verify()
    finally:
        journal.close()


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tamper") / "journal.sqlite"
    filled(path)
    return path


@given(
    record=st.integers(1, 3),
    column=st.sampled_from(COLUMNS[1:]),
    where=st.integers(0, 500),
    bit=st.integers(0, 7),
)
def test_any_changed_byte_is_found(rows, record, column, where, bit):
    changed = rows.with_name("changed.sqlite")
    changed.write_bytes(rows.read_bytes())
    database = sqlite3.connect(changed)
    ((value,),) = database.execute(f"SELECT CAST({column} AS BLOB) FROM records WHERE seq = ?", (record,))
    data = bytearray(value)
    data[where % len(data)] ^= 1 << bit
    database.execute(
        f"UPDATE records SET {column} = CAST(? AS {'REAL' if column == 'at' else 'TEXT'}) WHERE seq = ?",
        (bytes(data), record),
    )
    (same,) = database.execute(
        f"SELECT CAST({column} AS BLOB) FROM records WHERE seq = ?", (record,)
    ).fetchone()
    database.commit()
    database.close()
    if same == value:  # '1.0' and '1.' are one number
        return
    with pytest.raises(StorageError) as caught:
        verify(changed)
    if caught.value.code != "journal_unreadable":  # a hash at the end that is no longer text
        assert caught.value.code == "journal_tampered"
        assert f"record {record} " in caught.value.info.message


def test_a_time_changed_by_a_microsecond_is_found(path):
    filled(path)
    database = sqlite3.connect(path)
    database.execute("UPDATE records SET at = at + 0.000001 WHERE seq = 2")
    database.commit()
    database.close()
    journal = Journal(path, read_only=True)
    with pytest.raises(StorageError, match="record 2"):
        journal.verify()
    journal.close()


@pytest.mark.parametrize(
    "statement", ["DELETE FROM records WHERE seq = 2", "UPDATE records SET seq = 9 WHERE seq = 3"]
)
def test_a_removed_or_moved_record_is_found(path, statement):
    filled(path)
    database = sqlite3.connect(path)
    database.execute(statement)
    database.commit()
    database.close()
    journal = Journal(path, read_only=True)
    with pytest.raises(StorageError) as caught:
        journal.verify()
    assert caught.value.code == "journal_tampered"
    journal.close()


def test_append_many_is_all_or_nothing(path):
    journal = Journal(path)
    heard: list[int] = []
    journal.listeners.append(lambda record: heard.append(record.seq))
    journal.append("run.opened", {})
    with pytest.raises(InvalidInput):
        journal.append_many([Entry("outcome", {"x": 1}), Entry("outcome", {"x": float("nan")})])
    other = sqlite3.connect(path)  # someone takes the number after next, so that the second insert fails
    other.execute("INSERT INTO records VALUES (3, 'outcome', '', 0, '', 0.0, '{}', '')")
    other.commit()
    other.close()
    with pytest.raises(StorageError) as caught:
        journal.append_many([Entry("outcome", {"x": 1}), Entry("outcome", {"x": 2})])
    assert caught.value.code == "storage_locked"
    assert [r.seq for r in journal.records()] == [1, 3]
    assert len(journal) == 1 and heard == [1]
    journal.close()


def test_a_full_disk_is_a_typed_error_and_loses_nothing(path):
    journal = Journal(path)
    journal.append("run.opened", {})
    (pages,) = journal._db.execute("PRAGMA page_count").fetchone()
    journal._db.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StorageError) as caught:
        journal.append_many([Entry("outcome", {"text": "x" * 10_000}) for _ in range(5)])
    assert caught.value.code == "storage_full"
    journal._db.execute("PRAGMA max_page_count = 1000000")
    journal.append("run.closed", {"status": "ok"})
    assert journal.verify() == 2
    journal.close()


def test_a_folder_that_cannot_be_written_is_a_typed_error(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    for path in (tmp_path / "file" / "journal.sqlite", tmp_path / "missing" / "journal.sqlite"):
        with pytest.raises(StorageError) as caught:
            Journal(path)
        assert caught.value.code == "storage_denied"


def test_another_file_is_not_a_journal(path):
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(StorageError) as caught:
        Journal(path)
    assert caught.value.code == "journal_unreadable"


def test_another_version_is_refused(path):
    filled(path)
    database = sqlite3.connect(path)
    database.execute("UPDATE meta SET value = '99'")
    database.commit()
    database.close()
    with pytest.raises(StorageError) as caught:
        Journal(path, read_only=True)
    assert caught.value.code == "journal_version"


def test_a_damaged_body_is_a_typed_error_on_reading(path):
    filled(path)
    database = sqlite3.connect(path)
    database.execute("UPDATE records SET body = CAST(x'ff' AS TEXT) WHERE seq = 2")
    database.commit()
    database.close()
    journal = Journal(path, read_only=True)
    with pytest.raises(StorageError) as caught:
        list(journal.records())
    assert caught.value.code == "journal_damaged"
    journal.close()


def test_no_run_there(tmp_path):
    with pytest.raises(NotFound) as caught:
        open_existing(tmp_path)
    assert caught.value.code == "no_such_run"


def test_calls_are_found_by_task_attempt_and_occurrence(path):
    journal = Journal(path)
    for task, attempt in (("A", 1), ("A", 1), ("A", 2), ("B", 1)):
        journal.append("call.finished", {"result": {}}, task=task, attempt=attempt, call_key="k")
    found = journal.find_call("k", "A", 1, occurrence=1)
    assert found is not None and found.seq == 2
    assert journal.find_call("k", "A", 1, occurrence=2) is None
    assert journal.find_call("k", "A", 1, "call.started") is None
    assert [r.seq for r in journal.find_calls("k", "A", 1, "call.finished")] == [1, 2]
    journal.close()


def test_appends_from_threads_make_one_chain(path):
    from concurrent.futures import ThreadPoolExecutor

    journal = Journal(path)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: journal.append("outcome", {"n": n}), range(40)))
    assert journal.verify() == 40
    journal.close()
