"""`deploy up`, `status` and `down` of LMDeploy's real server and proxy, with the engine on the CPU in the place of a GPU's."""

import os
from pathlib import Path
from typing import Any

import httpx
import pytest
from lmdeploy_servers import KEY, PYTHON, Servers, free_port

from benchmate.model.serving import lifecycle
from benchmate.model.serving.plan import plan_of
from benchmate.model.serving.presets import deployment_of
from benchmate.runtime.errors import Crashed


@pytest.fixture
def lmdeploy(tmp_path: Path) -> Path:
    """LMDeploy's executable, but for the engine."""
    file = tmp_path / "lmdeploy"
    file.write_text(
        f'#!/bin/sh\nif [ "$2" = api_server ]; then shift 2; exec {PYTHON} -m benchmate.model.serving.cpu_engine "$@"; fi\n'
        f'exec {PYTHON} -m lmdeploy "$@"\n'
    )
    file.chmod(0o755)
    return file


def deployment(servers: Servers, lmdeploy: Path, **more: Any) -> Any:
    return deployment_of(str(servers.model), {
        "name": "tiny", "lmdeploy": str(lmdeploy), "gpus": {"kind": "H100", "per_node": 1, "memory_gb": 80},
        "server_port": free_port(), "proxy": {"port": free_port()}, "context_tokens": 4096, "max_batch_size": 4,
        "tool_call_parser": "qwen3", "api_key_env": ["LMDEPLOY_API_KEY"], **more,
    })  # fmt: skip


def test_up_status_a_chat_through_the_proxy_and_down(
    servers: Servers, lmdeploy: Path, tmp_path: Path
) -> None:
    environment = {**os.environ, "LMDEPLOY_API_KEY": KEY, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    folder = tmp_path / "deployments"
    state = lifecycle.start(plan_of(deployment(servers, lmdeploy)), 0, folder, environment)
    try:
        lifecycle.wait_until_ready(state, folder, environment, seconds=240)
        seen = {server.name: server for server in lifecycle.look(state, environment)}
        assert {name: server.state for name, server in seen.items()} == {
            "proxy": "ready",
            "api_server": "ready",
        }
        assert seen["api_server"].metrics["num_requests_running"] == 0
        body = {
            "model": str(servers.model),
            "messages": [{"role": "user", "content": "hi"}],
            "max_completion_tokens": 4,
        }
        headers = {"Authorization": f"Bearer {KEY}"}
        answer = httpx.post(
            f"{state.client_url}/chat/completions", json=body, headers=headers, timeout=60, trust_env=False
        )
        assert answer.json()["usage"]["completion_tokens"] == 4
    finally:
        assert lifecycle.stop(state, folder) >= 2
    assert lifecycle.read_states(folder) == []
    assert all(lifecycle.start_time(process.pid) is None for process in state.processes)


def test_a_model_that_cannot_load_ends_it_all_and_the_reason_is_told(
    servers: Servers, lmdeploy: Path, tmp_path: Path
) -> None:
    environment = {**os.environ, "LMDEPLOY_API_KEY": KEY, "HF_HUB_OFFLINE": "1"}
    plan = plan_of(deployment(servers, lmdeploy))
    weights = servers.model / "model.safetensors"
    weights.rename(tmp_path / "kept")
    try:
        state = lifecycle.start(plan, 0, tmp_path / "deployments", environment)
        with pytest.raises(Crashed, match="api_server ended") as caught:
            lifecycle.wait_until_ready(state, tmp_path / "deployments", environment, seconds=240)
    finally:
        (tmp_path / "kept").rename(weights)
    assert "no file named" in str(caught.value)
    assert all(lifecycle.start_time(process.pid) is None for process in state.processes)
