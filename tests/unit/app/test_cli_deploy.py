"""`benchmate deploy`: plans and checks on the screen and as JSON, and a fake server started and stopped."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import benchmate
from benchmate.app.cli import app
from benchmate.model.serving.lifecycle import start_time

FAKE = Path(__file__).parents[1] / "model" / "serving" / "fake_lmdeploy.py"


@pytest.fixture(autouse=True)
def own_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BENCHMATE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("LMDEPLOY_API_KEY", "sk-very-secret-key")


def deploy(*words: str) -> Result:
    return CliRunner().invoke(app, ["deploy", *words])


def test_a_plan_for_a_reader() -> None:
    shown = deploy("plan", "intern-s1-pro", "--node", "10.0.0.1", "--node", "10.0.0.2")
    assert shown.exit_code == 0
    for part in (
        "node 1 (10.0.0.2)", "LMDEPLOY_DP_MASTER_ADDR=10.0.0.1", "67.4 GB", "188.0 KiB", "http://10.0.0.1:8000/v1",
        "warning: expert parallelism needs the packages deep_ep",
    ):  # fmt: skip
        assert part in shown.stdout
    assert "sk-very-secret-key" not in shown.stdout


def test_a_refused_plan_exits_2_and_says_what_to_use_instead() -> None:
    shown = deploy("plan", "intern-s1-pro-tp16")
    assert shown.exit_code == 2
    assert "refused: tp 16 splits" in shown.stdout and "set tp=1, dp=16, ep=16" in shown.stdout


def test_a_plan_as_json() -> None:
    document = json.loads(
        deploy("plan", "intern-s1-fp8", "--set", "tp=8", "-s", "gpus.per_node=8", "--json").stdout
    )
    assert document["deployment"]["tp"] == 8
    assert [p["code"] for p in document["problems"] if p["severity"] == "refused"] == []
    assert "uneven_expert_shards" in [p["code"] for p in document["problems"]]


def test_a_deployment_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "lab.yaml"
    file.write_text(
        "preset: intern-s1-fp8\nname: lab\nmodel: /models/s1\noffline: true\nkv:\n  prefix_caching: true\n"
    )
    document = json.loads(deploy("plan", str(file), "--json").stdout)
    made = document["deployment"]
    assert (made["name"], made["tp"], made["kv"]["prefix_caching"]) == ("lab", 4, True)
    assert "--enable-prefix-caching" in document["nodes"][0]["processes"][0]["argv"]


def test_check_says_who_checked() -> None:
    shown = deploy("check", "intern-s1-fp8")
    assert shown.exit_code == 0 and "the snapshot of lmdeploy 0.18.0" in shown.stdout
    assert deploy("check", "intern-s1-fp8", "-s", "tp=3").exit_code == 2


def test_render_writes_files_and_refuses_what_cannot_work(tmp_path: Path) -> None:
    shown = deploy("render", "intern-s1-fp8", "--to", str(tmp_path / "out"), "--json")
    assert shown.exit_code == 0
    document = json.loads(shown.stdout)
    assert all(Path(file).is_file() for file in document["files"]) and document["needs_env"] == [
        "LMDEPLOY_API_KEY"
    ]
    refused = deploy("render", "intern-s1-pro-tp16", "--to", str(tmp_path / "no"))
    assert refused.exit_code == 2 and "hint: set tp=1" in refused.stderr and not (tmp_path / "no").exists()


def test_presets_are_listed() -> None:
    assert "intern-s2-preview-fp8" in deploy("presets").stdout


def fake(tmp_path: Path) -> tuple[tuple[str, ...], int]:
    """The words that make `up` start the fake, and its port."""
    executable = tmp_path / "lmdeploy"
    executable.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{FAKE}" "$@"\n')
    executable.chmod(executable.stat().st_mode | stat.S_IXUSR)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    return ("intern-s1-mini-fp8", "-s", f"lmdeploy={executable}", "-s", f"server_port={port}"), port


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_it_loads_stops_all(number: int, tmp_path: Path) -> None:
    words, _ = fake(tmp_path)
    source = str(Path(benchmate.__path__[0]).parent)
    up = subprocess.Popen(
        [sys.executable, "-m", "benchmate.app.cli", "deploy", "up", *words],
        env={**os.environ, "PYTHONPATH": source, "FAKE": "slow"}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert up.stderr is not None
    for line in up.stderr:
        if "starting" in line:
            break
    (file,) = (tmp_path / "data" / "deployments").glob("*.json")
    (process,) = json.loads(file.read_text())["processes"]
    up.send_signal(number)
    assert up.wait(timeout=60) == 130
    up.stderr.close()
    assert start_time(process["pid"]) is None and not file.exists()


def test_up_status_down(tmp_path: Path) -> None:
    words, port = fake(tmp_path)
    assert deploy("status").exit_code == 4
    up = deploy("up", *words, "--timeout", "60", "--json")
    try:
        assert up.exit_code == 0, up.stderr
        assert json.loads(up.stdout)["client_url"] == f"http://localhost:{port}/v1"
        assert "warning: the server fetches image" in up.stderr
        status = deploy("status")
        assert status.exit_code == 0 and "num_requests_running=2" in status.stdout
        assert deploy("up", *words).exit_code == 2
    finally:
        down = deploy("down", "intern-s1-mini-fp8", "--json")
    assert json.loads(down.stdout)["intern-s1-mini-fp8 node 0"] >= 1
    assert deploy("down", "intern-s1-mini-fp8").exit_code == 2
