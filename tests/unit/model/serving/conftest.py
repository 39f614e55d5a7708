"""A deployment whose `lmdeploy` is a small fake, on free ports."""

import socket
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmate.model.serving.deployment import Deployment
from benchmate.model.serving.presets import deployment_of

KEY = "sk-very-secret-key"
FAKE = Path(__file__).parent / "fake_lmdeploy.py"


@pytest.fixture(name="free_port")
def free_port_fixture() -> Callable[[], int]:
    return free_port


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def fake_lmdeploy(tmp_path: Path) -> Path:
    """An executable named lmdeploy, in a folder of its own."""
    executable = tmp_path / "bin" / "lmdeploy"
    executable.parent.mkdir()
    executable.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{FAKE}" "$@"\n')
    executable.chmod(executable.stat().st_mode | stat.S_IXUSR)
    return executable


@pytest.fixture
def fake_deployment(fake_lmdeploy: Path) -> Callable[..., Deployment]:
    def make(**changes: Any) -> Deployment:
        values = {"lmdeploy": str(fake_lmdeploy), "server_port": free_port(), **changes}
        return deployment_of("intern-s1-mini-fp8", values)

    return make
