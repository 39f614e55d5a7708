"""What differs between two runs: nothing for a replay, the changed number and its claim otherwise."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import Any

import pytest

from benchmate.app.diff import compare_runs
from benchmate.app.relive import relive
from benchmate.app.runs import execute, replay_run
from benchmate.runtime.errors import NotFound
from benchmate.tools.registry import load_registry

pytestmark = pytest.mark.usefixtures("inline_tools")


class NoModel:
    name = version = "none"


async def ask(question: str, out: Path) -> Path:
    return (await execute(question=question, out=out, engine=NoModel())).folder


async def test_a_replay_differs_in_nothing(tmp_path: Path) -> None:
    first = await ask("What is the TPSA of ibuprofen?", tmp_path / "runs")
    again = (await replay_run(first, out=tmp_path / "replays")).folder
    found = compare_runs(first, again)
    assert found.same and found.settings == []


async def test_the_same_question_again_finds_the_same(tmp_path: Path) -> None:
    runs = [await ask("What is the TPSA of ibuprofen?", tmp_path / "runs") for _ in range(2)]
    assert compare_runs(*runs).same


async def test_what_changed_is_named_with_its_claims(tmp_path: Path) -> None:
    a = await ask("What is the logP of ibuprofen?", tmp_path / "runs")
    b = await ask("What is the logP of aspirin?", tmp_path / "runs")
    found = compare_runs(a, b)
    assert not found.same
    logp = next(c for c in found.evidence if c.what.endswith("compute_descriptors, logp"))
    assert (logp.a, logp.b) == ("3.0732", "1.3101")  # RDKit's Wildman-Crippen logP
    assert logp.relative == pytest.approx((1.3101 - 3.0732) / 3.0732, rel=1e-4)
    assert any("logP of aspirin is 1.3101. [supported]" in c.b for c in found.claims)
    assert any(c.what == "question" for c in found.settings)
    assert found.as_json()["same"] is False


def test_a_run_that_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        compare_runs(tmp_path / "a", tmp_path / "b")


async def test_calls_made_again_today_give_the_same(tmp_path: Path) -> None:
    first = await ask("What is the TPSA of ibuprofen?", tmp_path / "runs")
    before = (first / "journal.sqlite").read_bytes()
    found = await relive(first, engine=NoModel())
    assert (found.same, found.changes) == (1, [])
    assert found.outcome.folder != first and found.outcome.status == "complete"
    assert (first / "journal.sqlite").read_bytes() == before


async def test_a_tool_that_changed_is_said_with_its_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await ask("What is the TPSA of ibuprofen?", tmp_path / "runs")
    tool = load_registry()["compute_descriptors"]
    inner = tool.function

    @functools.wraps(inner)  # the same arguments
    def changed(*args: Any, **named: Any) -> Any:
        result = inner(*args, **named)
        tpsa = result.quantities["tpsa"].model_copy(update={"value": 40.0})
        return result.model_copy(update={"quantities": {**result.quantities, "tpsa": tpsa}})

    newer = dataclasses.replace(tool, function=changed, version="99")
    monkeypatch.setitem(load_registry()._tools, "compute_descriptors", newer)
    found = await relive(first, engine=NoModel())
    told = {c.what: (c.a, c.b) for c in found.changes}
    assert told["compute_descriptors, version"] == (tool.version, "99")
    assert told["compute_descriptors, tpsa"] == ("37.3 Å²", "40 Å²")
    assert set(told) == {"compute_descriptors, version", "compute_descriptors, tpsa"}
