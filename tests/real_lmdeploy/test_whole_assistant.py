"""The whole assistant on LMDeploy's real server: plans, agents, tool calls, pictures and signals. Only the model's words are scripted."""

import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lmdeploy_servers import Servers

from benchmate.app.runs import RunOutcome, execute, replay_run
from benchmate.runtime.events import Event
from benchmate.runtime.journal import Journal
from benchmate.runtime.settings import ModelProfile, Settings, load_settings

MODEL = "scripted"
CONTEXT = 131072  # bytes are tokens here, and a chemist's tools take 55,000
Script = Callable[..., None]


def call(name: str, **arguments: Any) -> str:
    said = json.dumps({"name": name, "arguments": arguments}, ensure_ascii=False)
    return f"</think>I look that up.\n<tool_call>\n{said}\n</tool_call>"


def plan(*tasks: tuple[Any, ...]) -> str:
    """Return a plan as a model writes it: (agent, goal, numbers of the tasks it needs …)."""
    return json.dumps({"tasks": [{"agent": a, "goal": g, "needs": list(needs)} for a, g, *needs in tasks]})


def final(text: str, *claims: dict[str, Any]) -> str:
    return json.dumps({"answer": text, "claims": claims}, ensure_ascii=False)


PLANNER, CHEMIST, BIOLOGIST = "Split the question", "You are a chemist", "You are a molecular biologist"
CONCLUDE, RESULT = "Give the final answer", '"evidence": "E-'


WEIGHT = {
    "text": "Aspirin weighs 180.16 g/mol.", "kind": "numeric", "property": "molecular_weight", "value": 180.16,
    "unit": "g/mol", "subject": "aspirin", "cites": ["{evidence}#/quantities/molecular_weight"],
}  # fmt: skip
LENGTH = {
    "text": "The sequence is 12 bp long.", "kind": "numeric", "property": "length", "value": 12, "unit": "bp",
    "subject": "ATGGCCATTGTA", "cites": ["{evidence}#/quantities/length"],
}  # fmt: skip
QUESTION = "What does aspirin weigh, and how long is ATGGCCATTGTA?"
TWO_AGENTS = (
    (CONCLUDE, CHEMIST, final("Aspirin weighs 180.16 g/mol.", WEIGHT)),
    (CONCLUDE, BIOLOGIST, final("It is 12 bp long.", LENGTH)),
    (CHEMIST, RESULT, "</think>That is all I need."),
    (BIOLOGIST, RESULT, "</think>That is all I need."),
    (CHEMIST, call("compute_descriptors", compound="aspirin")),
    (BIOLOGIST, call("analyze_dna", sequence="ATGGCCATTGTA")),
    (PLANNER, plan(("biologist", "The length of ATGGCCATTGTA."), ("chemist", "The molecular weight of aspirin."))),
)  # fmt: skip
BOTH = {
    "The molecular weight of aspirin is 180.16 g/mol.",  # PubChem CID 2244
    "The length of ATGGCCATTGTA is 12 bp.",
}


@pytest.fixture(scope="module")
def script_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("script") / "script.json"


@pytest.fixture(scope="module")
def start(servers: Servers, script_file: Path) -> Callable[[str], str]:
    """Start servers that see and hear, say what the script tells them to, and serve one model."""
    script_file.write_text("[]")
    model = servers.folder / "wide"
    servers.python("-m", "benchmate.model.serving.tiny_model", str(model), str(CONTEXT))

    def start_one(name: str) -> str:
        return servers.server(
            name, "--tool-call-parser", "qwen3", "--model-name", MODEL, model=model, SCRIPT=str(script_file), SEES="1"
        )  # fmt: skip

    return start_one


@pytest.fixture(scope="module")
def seeing(start: Callable[[str], str]) -> str:
    return start("seeing")


@pytest.fixture
def script(script_file: Path) -> Script:
    """Write what the model says, as (words of the prompt …, text)."""

    def write(*lines: tuple[str, ...]) -> None:
        entries = [[list(words), said] for *words, said in lines]
        script_file.write_text(json.dumps(entries, ensure_ascii=False), encoding="utf-8")

    return write


@pytest.fixture
def settings(seeing: str, tmp_path: Path) -> Settings:
    return settings_for(tmp_path, seeing)


def settings_for(folder: Path, url: str, *others: str, seconds: float = 120) -> Settings:
    profile = ModelProfile(
        engine="http", dialect="lmdeploy", base_url=f"{url}/v1", endpoints=tuple(f"{u}/v1" for u in others), model=MODEL,
        template="server", context_tokens=CONTEXT, max_completion_tokens=1500, timeout_seconds=seconds, plans=True, judges=True,
        accepts=("image", "signal"),
    )  # fmt: skip
    return load_settings(profile="here", profiles={"here": profile}, runs_dir=folder / "runs")


def calls(outcome: RunOutcome, kind: str, *tasks: str) -> list[dict[str, Any]]:
    """Return the calls of models or tools that were started, in all tasks or in these."""
    journal = Journal(outcome.folder / "journal.sqlite", read_only=True)
    try:
        started = [r for r in journal.records("call.started") if r.body["type"] == kind]
        return [r.body for r in started if not tasks or r.task in tasks]
    finally:
        journal.close()


def model_calls(outcome: RunOutcome) -> list[dict[str, Any]]:
    return [body["arguments"] for body in calls(outcome, "model")]


def killing(servers: Servers, name: str, tool: str) -> Callable[[Event], None]:
    """Return a listener that kills a server when a tool of this name has been called: before the model hears of it."""

    def listen(event: Event) -> None:
        if event.kind == "call.finished" and event.data.get("name") == tool:
            servers.kill(name)

    return listen


def png(width: int, height: int, colour: tuple[int, int, int]) -> bytes:
    """Return a picture of one colour, by the PNG specification."""
    rows = (b"\0" + bytes(colour) * width) * height
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


async def test_two_agents_answer_with_checked_numbers_and_their_words_stream(
    script: Script, settings: Settings, tmp_path: Path
) -> None:
    script(*TWO_AGENTS)
    told: list[Event] = []
    outcome = await execute(
        question=QUESTION,
        settings=settings,
        listeners=[told.append],
    )
    assert outcome.status == "complete"
    assert outcome.report is not None
    assert {c.text for c in outcome.report.claims} == BOTH
    assert {(v.status, v.method) for v in outcome.report.verdicts.values()} <= {
        ("supported", "independent"), ("supported", "repeated"),
    }  # fmt: skip
    for task in ("task-1", "task-2"):
        words = [e.data["text"] for e in told if e.kind == "token" and e.task == task]
        assert "".join(words) == "I look that up.\nThat is all I need."
        assert len(words) > 10  # they came in pieces
    again = await replay_run(outcome.folder, out=tmp_path / "again")
    for name in ("report.md", "report.html"):
        assert (again.folder / name).read_bytes() == (outcome.folder / name).read_bytes()


async def test_where_a_server_dies_in_a_run_another_ends_it_and_no_tool_is_called_twice(
    script: Script, servers: Servers, start: Callable[[str], str], seeing: str, tmp_path: Path
) -> None:
    script(*TWO_AGENTS)
    settings = settings_for(tmp_path, start("doomed"), seeing)
    outcome = await execute(
        question=QUESTION, settings=settings, listeners=[killing(servers, "doomed", "compute_descriptors")]
    )
    assert outcome.status == "complete"
    assert outcome.report is not None
    assert {c.text for c in outcome.report.claims} == BOTH
    asked = [body["name"] for body in calls(outcome, "tool", "task-1", "task-2")]
    assert sorted(asked) == ["analyze_dna", "compute_descriptors"]


async def test_where_the_only_server_dies_what_was_finished_is_reported_beside_the_failure(
    script: Script, servers: Servers, start: Callable[[str], str], tmp_path: Path
) -> None:
    script(
        *TWO_AGENTS[:-1],
        (PLANNER, plan(("biologist", "The length of ATGGCCATTGTA."), ("chemist", "Weigh.", 1))),
    )
    settings = settings_for(tmp_path, start("last"), seconds=15)
    outcome = await execute(
        question=QUESTION, settings=settings, listeners=[killing(servers, "last", "compute_descriptors")]
    )
    assert outcome.status == "partial"
    assert outcome.report is not None
    assert [c.text for c in outcome.report.claims] == ["The length of ATGGCCATTGTA is 12 bp."]
    assert [v.status for v in outcome.report.verdicts.values()] == ["supported"]
    assert [f.error.code for f in outcome.report.failures] in (["model_timeout"], ["model_unreachable"])


async def test_lead_triage(script: Script, settings: Settings) -> None:
    script(("Decide whether the evidence supports", '{"reason": "-", "status": "insufficient"}'))
    outcome = await execute(
        workflow="lead_triage", inputs={"compounds": ["aspirin", "caffeine"]}, settings=settings
    )
    assert outcome.status == "complete"


async def test_a_picture_reaches_the_server_as_it_is(
    script: Script, settings: Settings, tmp_path: Path
) -> None:
    gel = tmp_path / "gel.png"
    gel.write_bytes(png(6, 4, (200, 30, 40)))
    script(
        (CONCLUDE, final("The gel is red.")),
        ("[saw a picture of (6, 4) pixels from 200,30,40]", CHEMIST, "</think>It is red."),
        (PLANNER, "gel.png (a picture)", plan(("chemist", "Say the colour of the gel."))),
    )
    outcome = await execute(question="What colour is this gel?", attach=[gel], settings=settings)
    assert outcome.status == "complete"
    assert outcome.answer.startswith("The gel is red.")
    assert any("It is red." in json.dumps(c) for c in model_calls(outcome))  # what it said on seeing it
    assert all(
        "base64" not in json.dumps(c) for c in model_calls(outcome)
    )  # the journal names it, the artifacts hold it
    assert outcome.report is not None
    assert [f.title for f in outcome.report.figures] == ["gel.png"]
    gel.unlink()
    again = await replay_run(outcome.folder, out=tmp_path / "again")
    assert (again.folder / "report.html").read_bytes() == (outcome.folder / "report.html").read_bytes()


async def test_a_signal_reaches_the_server_with_its_rate_from_a_workflow(
    script: Script, settings: Settings, tmp_path: Path
) -> None:
    np.save(tmp_path / "trace.npy", np.arange(600, dtype=np.float32).reshape(300, 2))
    (tmp_path / "listen.yaml").write_text(
        "schema: benchmate.workflow/v1\nname: listen\n"
        "inputs: {trace: {type: signal}}\n"
        "steps:\n  - id: look\n    agent: chemist\n    with: {goal: What is it?, attach: ['${inputs.trace}']}\n"
        "  - {id: report, needs: [look], report: {}}\n"
    )
    script(
        (CONCLUDE, final("It rises.")),
        (
            "[heard a signal of (300, 2) at 2000.0 Hz that sums to 179700.000]",
            "</think>It rises.",
        ),  # 599·600/2
    )
    outcome = await execute(
        workflow=str(tmp_path / "listen.yaml"), inputs={"trace": f"{tmp_path}/trace.npy@2 kHz"}, settings=settings
    )  # fmt: skip
    assert outcome.status == "complete"
    assert any("It rises." in json.dumps(c) for c in model_calls(outcome))
