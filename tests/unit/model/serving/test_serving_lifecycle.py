"""Starting, watching and stopping, with a fake server in LMDeploy's place."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmate.model.serving import lifecycle
from benchmate.model.serving.deployment import Deployment
from benchmate.model.serving.lifecycle import NodeState, Seen, Started
from benchmate.model.serving.plan import plan_of
from benchmate.runtime.errors import Crashed, InvalidInput, NotFound, StorageError, Unavailable

KEY = "sk-very-secret-key"
Make = Callable[..., Deployment]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where state files go; whatever a test left running is stopped."""
    folder = tmp_path / "deployments"
    yield folder
    for file in folder.glob("*.json"):
        try:
            lifecycle.stop(NodeState.model_validate_json(file.read_text()), folder, grace=0.2)
        except ValueError:
            file.unlink()


def environment(fake: str = "") -> dict[str, str]:
    return {**os.environ, "LMDEPLOY_API_KEY": KEY, "FAKE": fake}


def start(d: Deployment, folder: Path, fake: str = "") -> NodeState:
    return lifecycle.start(plan_of(d), 0, folder, environment(fake))


def ready(state: NodeState, folder: Path, **given: object) -> list[Seen]:
    return lifecycle.wait_until_ready(state, folder, environment(), **{"seconds": 60, "every": 0.05, **given})  # type: ignore[arg-type]


def gone(pid: int) -> bool:
    return lifecycle.start_time(pid) is None


def test_up_status_and_down(fake_deployment: Make, folder: Path) -> None:
    state = start(fake_deployment(), folder)
    (seen,) = ready(state, folder)
    assert (seen.state, seen.models) == ("ready", ("internlm/Intern-S1-mini-FP8",))
    assert seen.metrics == {"num_requests_running": 2.0, "num_requests_waiting": 1.0}
    assert lifecycle.read_states(folder) == [state]
    assert lifecycle.look(state, environment())[0].state == "ready"
    assert lifecycle.stop(state, folder) >= 1
    assert gone(state.processes[0].pid) and lifecycle.read_states(folder) == []
    assert lifecycle.look(state, environment())[0].state == "stopped"


def test_the_key_is_in_no_file_and_the_log_is_private(fake_deployment: Make, folder: Path) -> None:
    ready(start(fake_deployment(), folder), folder)
    for file in folder.iterdir():
        assert KEY not in file.read_text()
    assert next(folder.glob("*.log")).stat().st_mode & 0o077 == 0


def test_progress_says_how_much_is_loaded(fake_deployment: Make, folder: Path) -> None:
    told: list[Seen] = []
    state = start(fake_deployment(), folder)
    ready(state, folder, on_progress=lambda seen: told.extend(seen))
    assert told[-1].loaded == 100
    assert {server.loaded for server in told} <= {None, 45, 100}


def test_a_server_that_dies_stops_all_and_its_last_words_are_told_without_the_key(
    fake_deployment: Make, folder: Path, free_port: Callable[[], int]
) -> None:
    state = start(fake_deployment(proxy={"port": free_port()}), folder, "die")
    with pytest.raises(Crashed, match=r"api_server ended .*out of memory \(key \$LMDEPLOY_API_KEY\)"):
        ready(state, folder)
    assert all(gone(process.pid) for process in state.processes)
    assert lifecycle.read_states(folder) == []


def test_a_server_that_is_too_slow_is_stopped(fake_deployment: Make, folder: Path) -> None:
    state = start(fake_deployment(), folder, "slow")
    with pytest.raises(Crashed, match="not ready after 0.3 seconds: api_server"):
        ready(state, folder, seconds=0.3)
    assert gone(state.processes[0].pid)


def test_ctrl_c_stops_all(fake_deployment: Make, folder: Path) -> None:
    state = start(fake_deployment(), folder, "slow")

    def interrupt(_: list[Seen]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ready(state, folder, on_progress=interrupt)
    assert gone(state.processes[0].pid)


def test_one_that_ignores_the_request_is_killed(fake_deployment: Make, folder: Path) -> None:
    state = start(fake_deployment(), folder, "stubborn")
    ready(state, folder)
    lifecycle.stop(state, folder, grace=0.1)
    assert gone(state.processes[0].pid)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="descendants are known by /proc")
def test_descendants_in_sessions_of_their_own_are_stopped(fake_deployment: Make, folder: Path) -> None:
    state = start(fake_deployment(), folder, "child")
    ready(state, folder)
    child = re.search(r"child (\d+)", state.processes[0].log.read_text())
    assert child and not gone(int(child[1]))
    lifecycle.stop(state, folder, grace=5)
    assert gone(int(child[1]))


def test_a_reused_process_id_is_left_alone(folder: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        old = Started(
            name="api_server",
            pid=other.pid,
            started="another boot/1",
            log=folder / "x.log",
            urls=("http://127.0.0.1:1",),
        )
        state = NodeState(name="m", rank=0, token="t", model="m", client_url="u", processes=(old,))
        assert not lifecycle.alive(old)
        assert lifecycle.look(state, {})[0].state == "stopped"
        assert lifecycle.stop(state, folder, grace=0.1) == 0
        time.sleep(0.1)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_second_start_is_refused(fake_deployment: Make, folder: Path) -> None:
    d = fake_deployment()
    start(d, folder, "slow")
    with pytest.raises(InvalidInput, match="runs here"):
        start(d, folder)


def test_a_port_in_use_is_named(fake_deployment: Make, folder: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InvalidInput, match=f"needs port {port}"):
            start(fake_deployment(server_port=port), folder)


def test_a_missing_key_is_named(fake_deployment: Make, folder: Path) -> None:
    with pytest.raises(InvalidInput, match="not set: LMDEPLOY_API_KEY"):
        lifecycle.start(plan_of(fake_deployment()), 0, folder, {"PATH": os.environ["PATH"]})


def test_a_missing_executable_leaves_nothing(fake_deployment: Make, folder: Path) -> None:
    with pytest.raises(Unavailable, match="there is no '/no/lmdeploy'"):
        start(fake_deployment(lmdeploy="/no/lmdeploy"), folder)
    assert lifecycle.read_states(folder) == []


def test_a_rank_that_is_not_there(fake_deployment: Make, folder: Path) -> None:
    with pytest.raises(InvalidInput, match="ranks 0 to 0, not 3"):
        lifecycle.start(plan_of(fake_deployment()), 3, folder, environment())


def test_the_wrong_key_shows_in_the_status(fake_deployment: Make, folder: Path) -> None:
    state = start(fake_deployment(), folder)
    ready(state, folder)
    (seen,) = lifecycle.look(state, {"LMDEPLOY_API_KEY": "wrong"})
    assert seen.state == "unhealthy" and "401" in seen.said


def test_an_unknown_name_and_a_damaged_file(folder: Path) -> None:
    with pytest.raises(NotFound, match="'x' was not started"):
        lifecycle.read_states(folder, "x")
    folder.mkdir()
    (folder / "m-node0.json").write_text("{")
    with pytest.raises(StorageError, match="cannot be read"):
        lifecycle.read_states(folder)
