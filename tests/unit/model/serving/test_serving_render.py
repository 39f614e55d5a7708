"""Plans and the files made from them: what a shell, systemd, Docker, Kubernetes and SLURM would run."""

import json
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from benchmate.model.serving.deployment import Deployment
from benchmate.model.serving.plan import Plan, Process, plan_of
from benchmate.model.serving.presets import PRESETS, deployment_of
from benchmate.model.serving.render import _systemd_word, needed_env, render, shell_command, write
from benchmate.runtime.errors import InvalidInput, StorageError

GOLDEN = Path(__file__).parent / "golden"
KEY = "sk-very-secret-key"
ODD = '/data/it\'s $HOME `x` %n "q"; rm -rf/ü'


def plan(target: str, **changes: Any) -> Plan:
    return plan_of(deployment_of(target, changes))


def odd_plan(tmp_path: Path, lmdeploy: Path) -> Plan:
    return plan(
        "intern-s1-fp8",
        model=ODD,
        lmdeploy=str(lmdeploy),
        env={"FAKE": "echo", "ODD": ODD},
        server_port=41999,
    )


def run(script: str, **env: str) -> str:
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=False, timeout=60, env={"PATH": os.environ["PATH"], **env}
    )  # fmt: skip
    return done.stdout + done.stderr


def yaml_of(text: str) -> list[dict[str, Any]]:
    return list(YAML(typ="safe").load_all(text))


@pytest.mark.parametrize("preset", PRESETS)
def test_the_plan_is_the_golden_one(preset: str) -> None:
    """A difference is a change of what would be launched. UPDATE_GOLDEN=1 writes the files anew."""
    made = plan_of(PRESETS[preset])
    seen = made.model_dump(mode="json", exclude={"deployment"})
    seen["problems"] = [f"{problem.severity}: {problem.code}" for problem in made.problems]
    if os.environ.get("UPDATE_GOLDEN"):
        (GOLDEN / f"{preset}.json").write_text(json.dumps(seen, indent=1) + "\n")
    assert seen == json.loads((GOLDEN / f"{preset}.json").read_text())


def test_the_cards_launch_is_in_the_plan() -> None:
    """The model card of Intern-S1-Pro: `--tp 1 --dp 16 --ep 16 --nnodes 2 --node-rank N --proxy-url …`."""
    for rank, node in enumerate(plan("intern-s1-pro", nodes=["10.0.0.1", "10.0.0.2"]).nodes):
        server = node.processes[-1]
        words = " ".join(server.argv)
        for part in (
            "lmdeploy serve api_server internlm/Intern-S1-Pro --backend pytorch", "--tp 1 --dp 16 --ep 16",
            f"--nnodes 2 --node-rank {rank}", "--proxy-url http://10.0.0.1:8000", "--tool-call-parser qwen3",
        ):  # fmt: skip
            assert part in words
        assert server.env["LMDEPLOY_DP_MASTER_ADDR"] == "10.0.0.1"
        assert server.ports == tuple(range(23333, 23341))


def test_tensor_parallelism_over_nodes_starts_one_server_on_a_ray_cluster() -> None:
    first, second = plan("intern-s1-pro-tp16", accept=["empty_expert_shards"]).nodes
    assert [p.name for p in first.processes] == ["ray", "api_server"]
    assert [p.name for p in second.processes] == ["ray"]
    assert "--address=node0:6379" in second.processes[0].argv


@pytest.mark.parametrize("preset", PRESETS)
def test_shell_scripts_are_shell_and_yaml_is_yaml(preset: str, tmp_path: Path) -> None:
    for file in write(plan_of(PRESETS[preset]), tmp_path):
        if file.suffix in (".sh", ".sbatch"):
            subprocess.run(["bash", "-n", str(file)], check=True)
            assert os.access(file, os.X_OK)
        if file.suffix == ".yaml":
            documents = yaml_of(file.read_text())
            assert documents and all(isinstance(document, dict) for document in documents)


@pytest.mark.parametrize("preset", PRESETS)
def test_keys_are_never_in_a_file(preset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LMDEPLOY_API_KEY", "HF_TOKEN"):
        monkeypatch.setenv(name, KEY)
    made = plan(preset, pass_env=["HF_TOKEN"])
    files = render(made)
    assert needed_env(made) == ["LMDEPLOY_API_KEY", "HF_TOKEN"]
    assert KEY not in made.model_dump_json() + "".join(files.values())
    assert files["secrets.env.example"].endswith("LMDEPLOY_API_KEY=\nHF_TOKEN=\n")


def test_the_node_script_runs_the_planned_command(tmp_path: Path, fake_lmdeploy: Path) -> None:
    made = odd_plan(tmp_path, fake_lmdeploy)
    said = run(render(made)["node0.sh"], LMDEPLOY_API_KEY="a b")
    assert json.loads(said) == [*made.nodes[0].processes[0].argv[1:], "--api-keys", "a b"]


def test_a_missing_key_stops_the_script(tmp_path: Path, fake_lmdeploy: Path) -> None:
    assert "set LMDEPLOY_API_KEY" in run(render(odd_plan(tmp_path, fake_lmdeploy))["node0.sh"])


def test_the_compose_service_runs_the_planned_command(tmp_path: Path, fake_lmdeploy: Path) -> None:
    made = odd_plan(tmp_path, fake_lmdeploy)
    service = yaml_of(render(made)["compose.yaml"])[0]["services"]["api-server-0"]
    environment = {k: v.replace("$$", "$") for k, v in service["environment"].items()} | {
        "LMDEPLOY_API_KEY": "k"
    }
    assert environment["ODD"] == ODD
    said = run(service["command"][0].replace("$$", "$"), **environment)
    assert json.loads(said) == [*made.nodes[0].processes[0].argv[1:], "--api-keys", "k"]


def test_the_pod_runs_the_planned_command(tmp_path: Path, fake_lmdeploy: Path) -> None:
    made = odd_plan(tmp_path, fake_lmdeploy)
    workload = yaml_of(render(made)["kubernetes.yaml"])[1]
    container = workload["spec"]["template"]["spec"]["containers"][0]
    assert workload["kind"] == "Deployment" and container["resources"]["limits"] == {"nvidia.com/gpu": 4}
    said = run(container["command"][2], LMDEPLOY_API_KEY="k")
    assert json.loads(said) == [*made.nodes[0].processes[0].argv[1:], "--api-keys", "k"]


def test_several_nodes_are_a_leader_worker_set(fake_lmdeploy: Path) -> None:
    made = plan("intern-s1-pro", lmdeploy=str(fake_lmdeploy), env={"FAKE": "echo"})
    service, workload = yaml_of(render(made)["kubernetes.yaml"])
    group = workload["spec"]["leaderWorkerTemplate"]
    assert (workload["kind"], group["size"]) == ("LeaderWorkerSet", 2)
    assert service["spec"]["ports"][0]["port"] == 8000
    assert [c["name"] for c in group["leaderTemplate"]["spec"]["containers"]] == ["proxy", "api-server"]
    worker = group["workerTemplate"]["spec"]["containers"][0]
    assert worker["env"][0]["valueFrom"]["secretKeyRef"] == {
        "name": "intern-s1-pro-keys",
        "key": "LMDEPLOY_API_KEY",
    }
    said = run(
        worker["command"][2], LMDEPLOY_API_KEY="k", LWS_LEADER_ADDRESS="lead.svc", LWS_WORKER_INDEX="1"
    )
    expected = [
        "http://lead.svc:8000" if w == "http://node0:8000" else w for w in made.nodes[1].processes[0].argv[1:]
    ]
    assert json.loads(said) == [*expected, "--api-keys", "k"]


def test_slurm_puts_its_hosts_where_the_planned_ones_stood(tmp_path: Path, fake_lmdeploy: Path) -> None:
    made = plan("intern-s1-pro", lmdeploy=str(fake_lmdeploy), env={"FAKE": "echo"})
    for name, body in {
        "scontrol": "printf 'gpu07\\ngpu09\\n'",
        "srun": 'shift; for i in 0 1; do SLURM_PROCID=$i "$@"; done',
    }.items():
        (fake_lmdeploy.parent / name).write_text(f"#!/bin/bash\n{body}\n")
        (fake_lmdeploy.parent / name).chmod(0o755)
    script = render(made)["slurm.sbatch"]
    assert "node0:" not in script
    path = f"{fake_lmdeploy.parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=60, check=True,
        env={"PATH": path, "SLURM_JOB_NODELIST": "gpu[07,09]", "LMDEPLOY_API_KEY": "k"},
    )  # fmt: skip
    greeting, *said = done.stdout.splitlines()
    assert greeting == "clients connect to http://gpu07:8000/v1"
    servers = [argv for argv in map(json.loads, said) if argv[1] == "api_server"]
    for argv in servers:
        assert argv[argv.index("--proxy-url") + 1] == "http://gpu07:8000"
    assert sorted(argv[argv.index("--node-rank") + 1] for argv in servers)[-1] == "1"


def test_units_name_the_file_with_the_keys_and_what_comes_first() -> None:
    files = render(plan("intern-s1-pro"))
    unit = files["systemd/intern-s1-pro-node0-api-server.service"]
    assert "EnvironmentFile=/etc/benchmate/intern-s1-pro.env" in unit
    assert "After=network-online.target intern-s1-pro-node0-proxy.service" in unit
    assert unit.count("--api-keys ${LMDEPLOY_API_KEY}") == 1
    assert "Requires" not in files["systemd/intern-s1-pro-node1-api-server.service"]


def test_a_unit_doubles_what_systemd_would_expand() -> None:
    assert _systemd_word('a b$c%d"e\\') == '"a b$$c%%d\\"e\\\\"'
    assert _systemd_word("plain/path=1") == "plain/path=1"


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20), min_size=1, max_size=5
    )
)
def test_any_argument_survives_the_shell(argv: list[str]) -> None:
    assert shlex.split(shell_command(Process(name="api_server", argv=tuple(argv)))) == argv


def test_tls_and_a_private_ca_reach_every_file() -> None:
    made = plan("intern-s1-fp8", tls=True, ca_bundle="/etc/ssl/lab.pem", model="/models/s1", offline=True)
    files = render(made)
    assert made.client_url == "https://localhost:23333/v1"
    assert ': "${SSL_KEYFILE:?set SSL_KEYFILE}"' in files["node0.sh"]
    assert "export REQUESTS_CA_BUNDLE=/etc/ssl/lab.pem" in files["node0.sh"]
    assert "export HF_HUB_OFFLINE=1" in files["node0.sh"]
    container = yaml_of(files["kubernetes.yaml"])[1]["spec"]["template"]["spec"]["containers"][0]
    assert container["startupProbe"]["httpGet"]["scheme"] == "HTTPS"
    assert {"name": "SSL_KEYFILE", "value": "/etc/tls/tls.key"} in container["env"]
    assert "/models/s1" in {mount["mountPath"] for mount in container["volumeMounts"]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"modle": "x"}, "no 'modle'"),
        ({"gpus.per_nod": 4}, "no 'gpus.per_nod'"),
        ({"tp": "four"}, "'tp' of the deployment is 'four'"),
        ({"model": "--tp"}, "begin with a dash"),
        ({"env": {"A": "x\ny"}}, "control characters"),
        ({"nodes": ["$(reboot)"]}, r"nodes\.0"),
        ({"name": "../x"}, "'name'"),
        ({"api_key_env": ["A-B"]}, "api_key_env"),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        deployment_of("intern-s1-fp8", changes)


def test_a_folder_that_cannot_be_written_is_an_error_of_storage(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        write(plan("intern-s1-fp8"), tmp_path / "file")


def test_any_hugging_face_id_is_a_deployment() -> None:
    made = deployment_of("Qwen/Qwen3-8B")
    assert isinstance(made, Deployment) and (made.model, made.name) == ("Qwen/Qwen3-8B", "qwen3-8b")
