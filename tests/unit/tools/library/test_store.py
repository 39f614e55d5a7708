"""The library: ingesting twice changes nothing, changes replace, and what cannot be read is told."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmate.runtime.errors import InvalidInput, NotFound, StorageError, Transient
from benchmate.tools.library import embedding
from benchmate.tools.library.store import Library

NOTES = {
    "perovskite.md": "# Films\n\nThe perovskite film degrades in humid air within two days.\n\n"
    "## Remedy\n\nA layer of PMMA keeps the moisture out for three weeks.\n",
    "enzymes/assay.txt": "The enzyme loses its activity above 60 °C.\r\n\r\nThe assay is read at 405 nm.\r\n",
    "quakes.md": "# Stations\n\nStation RJOB recorded the earthquake with three channels at 100 Hz.\n",
}


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    for name, text in NOTES.items():
        file = tmp_path / "notes" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
    return tmp_path / "notes"


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library(tmp_path / "library") as opened:
        yield opened


def test_finds_by_meaning_and_quotes_exactly(library: Library, notes: Path) -> None:
    report = library.ingest(notes)
    assert report.added == ("notes/enzymes/assay.txt", "notes/perovskite.md", "notes/quakes.md")
    assert report.passages == library.count() == 4
    first, *_ = library.search("How can I protect the halide layer from water?", 2)
    assert first.source == "notes/perovskite.md" and first.heading == "Films > Remedy"
    assert first.lines == (5, 7)
    document = (notes / "perovskite.md").read_bytes().decode()
    assert document[slice(*first.span)] == first.text
    (heated,) = library.search("thermal inactivation of the protein", 1)
    assert heated.text == NOTES["enzymes/assay.txt"].strip()


def test_scores_are_cosines_in_order(library: Library, notes: Path) -> None:
    library.ingest(notes)
    found = library.search("earthquake", 10)
    assert len(found) == 4
    assert [p.score for p in found] == sorted((p.score for p in found), reverse=True)
    (same,) = library.search(
        "Stations\n# Stations\n\nStation RJOB recorded the earthquake with three channels at 100 Hz.", 1
    )
    assert same.score == pytest.approx(1, abs=1e-3)


def test_a_second_ingest_changes_nothing_and_embeds_nothing(
    library: Library, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.ingest(notes)
    before = library.search("moisture", 10)
    monkeypatch.setattr(embedding, "_model", None)  # whoever embeds now fails
    again = library.ingest(notes)
    monkeypatch.undo()
    assert len(again.unchanged) == 3 and not (again.added or again.replaced or again.problems)
    assert library.search("moisture", 10) == before
    with Library(library.folder) as reopened:
        assert reopened.search("moisture", 10) == before


def test_a_changed_file_replaces_its_passages(library: Library, notes: Path) -> None:
    library.ingest(notes)
    kept = {p.text: p.id for p in library.search("film", 10)}
    text = "A new first line.\n\n" + NOTES["perovskite.md"].replace("PMMA", "Al2O3")
    (notes / "perovskite.md").write_text(text)
    report = library.ingest(notes)
    assert report.replaced == ("notes/perovskite.md",) and len(report.unchanged) == 2
    found = {p.text: p for p in library.search("film", 10)}
    assert not any("PMMA" in passage for passage in found) and any("Al2O3" in passage for passage in found)
    assert len(found) == 5
    moved = next(p for t, p in found.items() if "humid" in t)
    assert moved.id == kept[moved.text] and moved.lines == (3, 5)  # the same passage, two lines further down


@settings(max_examples=5)
@given(
    st.lists(
        st.sampled_from(["alpha beta.", "alpha beta.", "gamma.", "# Head", "", "delta epsilon."]), min_size=1
    )
)
def test_ingest_is_idempotent(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    base = tmp_path_factory.mktemp("idempotent")
    (base / "a.md").write_text("\n".join(["First.", *lines]))
    with Library(base / "library") as library:
        first = library.ingest(base / "a.md")
        ids = {p.id for p in library.search("alpha", 50)}
        second = library.ingest(base / "a.md")
        assert (second.unchanged, second.passages) == (first.added, first.passages)
        assert {p.id for p in library.search("alpha", 50)} == ids and library.count() == first.passages


def test_files_that_cannot_be_read_are_told_and_the_rest_goes_in(library: Library, notes: Path) -> None:
    (notes / "picture.txt").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0")
    (notes / "zeros.txt").write_bytes(b"text\0text")
    (notes / "empty.md").write_text(" \n")
    (notes / "paper.pdf").write_bytes(b"%PDF")
    (notes / "wide.txt").write_bytes("Die Säule wird gespült.".encode("utf-16"))
    (notes / ".hidden.md").write_text("secret")
    report = library.ingest(notes)
    assert {p.source: p.error.code for p in report.problems} == {
        "notes/picture.txt": "not_text",
        "notes/zeros.txt": "not_text",
        "notes/empty.md": "empty_file",
    }
    assert report.skipped == ("notes/paper.pdf",)
    assert "notes/wide.txt" in report.added and len(report.added) == 4
    assert ".hidden" not in " ".join(library.sources())


def test_deleted_files_are_told_and_stay_until_removed(library: Library, notes: Path) -> None:
    library.ingest(notes)
    (notes / "quakes.md").unlink()
    assert library.ingest(notes).missing == ("notes/quakes.md",)
    assert library.remove("notes/quakes.md") == 1
    assert library.sources() == ["notes/enzymes/assay.txt", "notes/perovskite.md"]
    with pytest.raises(NotFound, match="notes/perovskite.md"):
        library.remove("notes/perovskit.md")


def test_a_file_keeps_its_name_and_a_namesake_is_refused(
    library: Library, notes: Path, tmp_path: Path
) -> None:
    library.ingest(notes)
    assert library.ingest(notes / "quakes.md").unchanged == ("notes/quakes.md",)
    other = tmp_path / "elsewhere" / "notes"
    other.mkdir(parents=True)
    (other / "quakes.md").write_text("Other notes.")
    (problem,) = library.ingest(other).problems
    assert problem.error.code == "source_taken"
    (notes / "quakes.md").rename(tmp_path / "gone.md")  # the first one is gone: the name is free
    assert library.ingest(other).replaced == ("notes/quakes.md",)


def test_an_empty_library_makes_no_folder(library: Library) -> None:
    assert library.count() == 0 and library.sources() == []
    with pytest.raises(NotFound) as refusal:
        library.search("anything")
    assert refusal.value.code == "empty_library"
    assert library.folder is not None and not library.folder.exists()


def test_refusals(library: Library, notes: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no file or folder"):
        library.ingest(tmp_path / "nowhere")
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    with pytest.raises(InvalidInput, match=".md") as unsupported:
        library.ingest(tmp_path / "a.pdf")
    assert unsupported.value.code == "unsupported_file"
    with pytest.raises(StorageError) as unwritable:
        Library(notes / "quakes.md" / "library").ingest(notes)
    assert unwritable.value.code == "folder_not_writable"
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "chroma.sqlite3").write_bytes(b"this is no database" * 100)
    with pytest.raises(StorageError) as unreadable:
        Library(damaged).count()
    assert unreadable.value.code == "library_unreadable"


def test_a_collection_of_another_model_is_refused(tmp_path: Path, notes: Path) -> None:
    import chromadb
    from chromadb.config import Settings

    settings = Settings(anonymized_telemetry=False)
    client = chromadb.PersistentClient(tmp_path / "library", settings=settings)
    client.create_collection("library", embedding_function=None)
    with Library(tmp_path / "library") as library:
        for use in (library.count, lambda: library.search("x"), lambda: library.ingest(notes)):
            with pytest.raises(InvalidInput) as refusal:
                use()
            assert refusal.value.code == "embedding_mismatch"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    port = free_port()
    command = [
        str(Path(sys.executable).with_name("chroma")),
        "run",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    process = subprocess.Popen(
        [*command, "--path", str(tmp_path / "server")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except ConnectionError:
                time.sleep(0.1)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def test_a_server_holds_a_library_as_a_folder_does(server: str, notes: Path) -> None:
    with Library(server=server) as library, Library(server=f"http://{server}") as other:
        assert library.count() == 0
        assert library.ingest(notes).passages == 4
        (found,) = other.search("keep moisture out", 1)
        assert found.heading == "Films > Remedy"
        assert len(library.ingest(notes).unchanged) == 3


@pytest.mark.parametrize(("address", "code"), [("localhost", "bad_server"), ("host:port", "bad_server")])
def test_addresses_that_are_none(address: str, code: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        Library(server=address)
    assert refusal.value.code == code


def test_a_server_that_does_not_answer_is_told() -> None:
    with pytest.raises(Transient) as refusal:
        Library(server=f"127.0.0.1:{free_port()}")
    assert refusal.value.code == "server_unreachable" and "chroma run" in str(refusal.value)


def test_the_vendored_tokenizer_is_the_one_in_the_notice() -> None:
    import hashlib

    folder = Path(embedding.__file__).parent
    sha = hashlib.sha256((folder / "tokenizer.json").read_bytes()).hexdigest()
    assert sha in (folder / "NOTICE.txt").read_text()
