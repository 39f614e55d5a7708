"""`benchmate doctor`: each check, and what it says when something is wrong."""

import json
from pathlib import Path

import httpx
import pytest
import respx
from typer.testing import CliRunner, Result

from benchmate.app import doctor
from benchmate.app.cli import app
from benchmate.runtime.errors import Unavailable
from benchmate.runtime.journal import Journal
from benchmate.runtime.settings import ModelProfile, Settings, load_settings


def invoke(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["doctor", *map(str, words)])


@pytest.fixture(autouse=True)
def own_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("CACHE_DIR", "DATA_DIR", "RUNS_DIR"):
        monkeypatch.setenv(f"BENCHMATE_{name}", str(tmp_path / name.lower()))


def run_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "runs_dir" / "20260101-000000-abcdef"
    folder.mkdir(parents=True)
    journal = Journal(folder / "journal.sqlite")
    journal.append("run.opened", {"title": "a test"})
    journal.append("run.closed", {"status": "complete"})
    journal.close()
    return folder


def test_every_check_is_a_line_and_a_missing_model_is_a_problem_with_a_hint() -> None:
    shown = invoke()
    assert shown.exit_code == 4
    for name in ("Python", "packages", "setting mode", "runs", "tools", "library", "workers", "journal"):
        assert f"ok       {name}: " in shown.stdout
    assert "problem  model: not fetched yet" in shown.stdout
    assert "hint: run `benchmate model pull`" in shown.stdout


def test_json_lists_the_checks() -> None:
    document = json.loads(invoke("--json").stdout)
    assert document["ok"] is False
    assert [check["name"] for check in document["checks"] if not check["ok"]] == ["model"]


def test_a_run_whose_journal_was_changed_is_a_problem(tmp_path: Path) -> None:
    import sqlite3

    folder = run_folder(tmp_path)
    assert f"2 records of {folder} are as they were written" in invoke().stdout
    with sqlite3.connect(folder / "journal.sqlite") as db:
        db.execute("UPDATE records SET body = replace(body, 'test', 'lie')")
    db.close()
    assert "problem  journal: record 1 of" in invoke(folder).stdout


def test_a_run_that_is_named_must_exist(tmp_path: Path) -> None:
    run_folder(tmp_path)
    shown = invoke("20270101")
    assert "problem  journal: there is no run '20270101'" in shown.stdout


def test_settings_name_where_they_come_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BENCHMATE_WORKERS__PROCESSES", "3")
    (tmp_path / "benchmate.toml").write_text('mode = "recorded"\n')
    found = {name: source for name, _, source in doctor.settings_in_force(load_settings(profile="lmdeploy"))}
    assert found["workers"] == "BENCHMATE_WORKERS__PROCESSES"
    assert found["mode"] == "benchmate.toml"
    assert found["profile"] == "option"
    assert found["library"] == "default"


def server() -> Settings:
    profile = ModelProfile(engine="http", base_url="http://model.test/v1", model="m", api_key_env="MY_KEY")
    return load_settings(profile="mine", profiles={"mine": profile})


@respx.mock
def test_a_model_server_is_asked_and_its_key_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "secret")
    route = respx.get("http://model.test/v1/models").respond(200, json={"data": []})
    assert doctor._model(server()) == "m at http://model.test/v1"
    assert route.calls.last.request.headers["Authorization"] == "Bearer secret"


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (httpx.Response(401), "put the key in MY_KEY"),
        (httpx.Response(500), "look at its log"),
        (httpx.ConnectError("refused"), "start it, or set base_url"),
    ],
)
@respx.mock
def test_a_model_server_that_does_not_answer_well_is_a_problem(
    answer: httpx.Response | Exception, hint: str
) -> None:
    route = respx.get("http://model.test/v1/models")
    route.mock(
        return_value=answer if isinstance(answer, httpx.Response) else None,
        side_effect=answer if isinstance(answer, Exception) else None,
    )
    with pytest.raises(Unavailable) as caught:
        doctor._model(server())
    assert hint in (caught.value.hint or "")


def test_a_folder_that_cannot_be_written_is_a_problem(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def denied(**options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", denied)
    with pytest.raises(Unavailable, match="Permission denied"):
        doctor._writable(tmp_path / "deep" / "runs")


def test_a_check_that_breaks_does_not_end_the_others() -> None:
    def broken() -> str:
        raise RuntimeError("the library is of another century")

    check = doctor._looked_at("library", broken)
    assert not check.ok and "another century" in check.detail
