"""The analyst: rankings and flags that can be computed again from what they cite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from benchmate.agents.analyst import run_analyst
from benchmate.agents.contracts import Claim, Task, TaskResult
from benchmate.agents.intake import Intake
from benchmate.agents.verifier import verify_claims
from benchmate.app.runs import OpenRun
from benchmate.runtime.context import TaskScope
from benchmate.runtime.errors import InvalidInput
from benchmate.tools.calls import call_tool

# By molecular weight (PubChem): caffeine (194.19, CID 2519) > aspirin (180.16, CID 2244) > toluene (92.14, CID 1140)
COMPOUNDS = ("aspirin", "caffeine", "toluene")


async def described(
    run: OpenRun, compounds: Sequence[str] = COMPOUNDS, tool: str = "compute_descriptors"
) -> TaskResult:
    found = [await call_tool(run.context, TaskScope("a"), tool, {"compound": c}) for c in compounds]
    labels = frozenset[Any]().union(*(e.result.labels for e in found))
    return TaskResult(task="a", attempt=1, status="ok", evidence=tuple(e.id for e in found), labels=labels)


def analyse(run: OpenRun, result: TaskResult, **options: Any) -> TaskResult:
    task = Task(id="rank", kind="agent", agent="analyst", needs=("a",), arguments=options)
    return run_analyst(run.context, task, {"a": result}, {"inputs": {"most": 5}, "steps": {}})


async def statuses(run: OpenRun, claims: Sequence[Claim]) -> set[tuple[str, str]]:
    return {(v.status, v.method) for v in await verify_claims(run.context, claims, Intake())}


@pytest.mark.parametrize(
    ("order", "names"),
    [("descending", ["caffeine", "aspirin", "toluene"]), ("ascending", ["toluene", "aspirin", "caffeine"])],
)
async def test_subjects_are_ranked_by_what_the_tools_measured(
    run: OpenRun, order: str, names: list[str]
) -> None:
    result = analyse(run, await described(run), rank={"by": "molecular_weight", "order": order})
    assert result.output["ranking"] == names
    assert [c.value for c in result.claims] == [1, 2, 3]
    assert await statuses(run, result.claims) == {("supported", "derived")}


async def test_a_place_that_is_not_the_subjects_is_contradicted(run: OpenRun) -> None:
    first, *_ = analyse(run, await described(run), rank={"by": "molecular_weight"}).claims
    wrong = first.model_copy(update={"value": 2, "text": first.text.replace("ranks 1", "ranks 2")})
    assert await statuses(run, [wrong]) == {("contradicted", "derived")}


async def test_equals_share_a_place(run: OpenRun) -> None:
    isomers = ["propan-1-ol", "propan-2-ol", "toluene"]
    result = analyse(run, await described(run, isomers), rank={"by": "molecular_weight"})
    assert sorted((c.subject.label, c.value) for c in result.claims if c.subject) == [
        ("propan-1-ol", 2), ("propan-2-ol", 2), ("toluene", 1),
    ]  # fmt: skip


async def test_flags_are_raised_where_they_hold_and_say_so_where_they_do_not(run: OpenRun) -> None:
    flags = [{"name": "heavy", "when": "molecular_weight > 150 and logp < ${inputs.most}"}]
    result = analyse(run, await described(run), flags=flags)
    assert result.output["flags"] == {"heavy": ["aspirin", "caffeine"]}
    assert [c.value for c in result.claims] == [True, True, False]
    assert await statuses(run, result.claims) == {("supported", "derived")}


async def test_a_subject_without_the_property_is_left_out_of_the_ranking(run: OpenRun) -> None:
    both, alerts = await described(run), await described(run, ["ibuprofen"], "check_druglikeness")
    joined = both.model_copy(update={"evidence": (*both.evidence, *alerts.evidence)})
    result = analyse(run, joined, rank={"by": "tpsa"})
    assert "ibuprofen" not in result.output["ranking"]
    assert len(result.claims) == 3


@pytest.mark.parametrize(
    ("options", "code", "hint"),
    [
        ({"rank": {"by": "molecular_wieght"}}, "unknown_property", "molecular_weight"),
        ({"flags": [{"name": "x", "when": "lgp > 5"}]}, "unknown_property", "logp"),
        ({}, "nothing_to_analyse", "rank"),
    ],
)
async def test_what_cannot_be_analysed_is_named(
    run: OpenRun, options: dict[str, Any], code: str, hint: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        analyse(run, await described(run), **options)
    assert caught.value.code == code
    assert hint in str(caught.value)


async def test_labels_of_the_evidence_are_those_of_the_ranking(run: OpenRun) -> None:
    run.context.labels = frozenset({"private"})
    result = analyse(run, await described(run), rank={"by": "molecular_weight"})
    assert result.labels == {"private"}
    assert all(c.labels == {"private"} for c in result.claims)
