"""`benchmate ingest` and `benchmate search`."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from benchmate.app.cli import app


@pytest.fixture(autouse=True)
def own_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BENCHMATE_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "assays.md").write_text(
        "# Assays\n\nCompound 7 is stable in buffer.\n\n## Kinases\n\nSelective for JAK2.\n"
    )
    (folder / "picture.png").write_bytes(b"\x89PNG")
    return folder


def invoke(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_what_is_ingested_is_found(notes: Path) -> None:
    assert json.loads(invoke("ingest", notes, "--json").stdout)["added"] == ["notes/assays.md"]
    found = json.loads(invoke("search", "kinase selectivity", "-k", "1", "--json").stdout)
    assert [passage["heading"] for passage in found] == ["Assays > Kinases"]
    assert "notes/assays.md:5-7" in invoke("search", "kinase selectivity").stdout


def test_progress_is_kept_off_standard_output(notes: Path) -> None:
    shown = invoke("ingest", notes)
    assert "notes/assays.md\n" in shown.stderr
    assert "1 added" in shown.stdout and "skipped: notes/picture.png" in shown.stdout
    assert invoke("ingest", notes, "--quiet").stderr == ""


def test_a_file_that_cannot_be_read_leaves_the_others(notes: Path) -> None:
    (notes / "bad.txt").write_bytes(b"\xff\x00")
    shown = invoke("ingest", notes)
    assert shown.exit_code == 3
    assert "failed: notes/bad.txt" in shown.stdout and "1 added" in shown.stdout


def test_a_file_of_another_type_alone_fails(notes: Path) -> None:
    shown = invoke("ingest", notes / "picture.png", "--json")
    assert shown.exit_code == 4
    assert json.loads(shown.stdout)["problems"][0]["error"]["code"] == "unsupported_file"


def test_a_misspelt_path_names_the_nearest_and_ingests_nothing(notes: Path) -> None:
    shown = invoke("ingest", notes, notes.parent / "nots")
    assert shown.exit_code == 2 and "did you mean 'notes'?" in shown.stderr
    assert invoke("search", "anything").exit_code == 2


def test_an_empty_library_says_how_to_fill_it() -> None:
    shown = invoke("search", "anything")
    assert shown.exit_code == 2 and "hint: `benchmate ingest PATH`" in shown.stderr
