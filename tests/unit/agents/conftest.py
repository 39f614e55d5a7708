"""A run's context for agents' tests: real tools, run in this process; no model unless a test brings one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from benchmate.app.runs import OpenRun, open_run
from benchmate.runtime.settings import ModelProfile, Settings, load_settings
from benchmate.tools.registry import load_registry


class NoModel:
    """A model that must not be called."""

    name = version = "none"


@pytest.fixture
async def run(tmp_path: Path, inline_tools: None) -> AsyncIterator[OpenRun]:
    """An open run without a model."""
    async with open_run(tmp_path / "runs", engine=NoModel()) as opened:
        opened.context.journal.append("run.opened", {"title": "test"})
        yield opened


@pytest.fixture
def own_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Install the tools of `tests/own_tools`; returns the folder where they keep things."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "own_tools"))
    kept = tmp_path / "kept"
    kept.mkdir()
    monkeypatch.setenv("OWN_TOOLS", str(kept))
    load_registry.cache_clear()
    yield kept
    load_registry.cache_clear()


@pytest.fixture
def free() -> Settings:
    """The settings of a model that plans and judges."""
    return load_settings(profile="free", profiles={"free": ModelProfile(plans=True, judges=True)})
