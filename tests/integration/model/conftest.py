"""The embedded model, where it is fetched: `benchmate model pull` does it, and `make test` before it runs."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import platformdirs
import pytest

from benchmate.model.embedded import EmbeddedEngine
from benchmate.model.pull import status
from benchmate.runtime.settings import ModelProfile, Settings

# Read before the tests are given folders of their own.
FETCHED = Path(os.environ.get("BENCHMATE_CACHE_DIR") or platformdirs.user_cache_dir("benchmate"))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "needs_model: runs the embedded model; skipped where it is not fetched"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    wanting = [item for item in items if item.get_closest_marker("needs_model")]
    if wanting and not status(Settings(cache_dir=FETCHED)).sha_ok:
        for item in wanting:
            item.add_marker(pytest.mark.skip(reason="the model is not fetched: run `benchmate model pull`"))


@pytest.fixture
def fetched() -> Settings:
    """Settings that find the model, with a small context."""
    profile = ModelProfile(context_tokens=1024, max_completion_tokens=64)
    return Settings(cache_dir=FETCHED, profiles={"embedded": profile})


@pytest.fixture
async def engine(fetched: Settings) -> AsyncIterator[EmbeddedEngine]:
    """The embedded model, started at its first call."""
    made = EmbeddedEngine(fetched, slots=2)
    yield made
    await made.aclose()
