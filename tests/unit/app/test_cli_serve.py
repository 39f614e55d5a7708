"""What `benchmate serve-local` starts, and what it says when it cannot."""

import sys
from pathlib import Path

import pytest

from benchmate.app import cli_serve
from benchmate.app.cli_serve import serve_command
from benchmate.model.serving.cpu_engine import with_defaults
from benchmate.runtime.errors import NotFound, Unavailable


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text("{}")
    return tmp_path


def test_the_command(model: Path) -> None:
    words = serve_command(model, 8000, Path("/opt/python"), ["--tool-call-parser", "qwen3"])
    assert words == [
        "/opt/python", "-m", "benchmate.model.serving.cpu_engine", str(model), "--server-port", "8000",
        "--tool-call-parser", "qwen3",
    ]  # fmt: skip


def test_the_environment_is_found(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(Unavailable, match="make lmdeploy"):
        serve_command(model, 1, None, [])
    python = cli_serve.ENVIRONMENT / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    assert serve_command(model, 1, None, [])[0] == str(python)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    assert serve_command(model, 1, None, [])[0] == sys.executable


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no folder with a Hugging Face model"):
        serve_command(tmp_path, 1, None, [])


def test_what_the_engine_needs_is_added_unless_given() -> None:
    words = with_defaults(["m", "--max-batch-size", "8", "--logprobs_mode=raw_logits"])
    assert words[:4] == ["m", "--max-batch-size", "8", "--logprobs_mode=raw_logits"]
    assert "--logprobs-mode" not in words and words.count("--max-batch-size") == 1
    assert words[words.index("--backend") + 1] == "pytorch" and "--enable-abort-handling" in words
