"""The router: what it sees of a question, when it is trained anew, and what it makes of questions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmate.agents import router, router_training
from benchmate.agents.intake import Candidate
from benchmate.agents.router import NONE, SHIPPED, Weights, kind_counts, mask, read, route, save, scores
from benchmate.app.runs import OpenRun
from benchmate.runtime.context import TaskScope
from benchmate.runtime.errors import NotFound
from benchmate.tools.base import ToolResult, tool
from benchmate.tools.chemistry.compounds import Compound
from benchmate.tools.intake import find_candidates
from benchmate.tools.registry import Registry, load_registry

QUESTIONS = Path(__file__).parents[2] / "data/router_dev.jsonl"
REGISTRY = load_registry()


def found(question: str) -> list[Candidate]:
    return [Candidate.model_validate(c) for c in find_candidates(question)]


def likeliest(question: str) -> str:
    held = found(question)
    given = scores(read(SHIPPED), mask(question, held), kind_counts(held))
    assert sum(given.values()) == pytest.approx(1)
    return max(given, key=lambda name: given[name])


@pytest.mark.parametrize(
    ("question", "masked"),
    [
        ("How heavy is aspirin?", "How heavy is the compound?"),
        ("Is CCO valid?", "Is the structure valid?"),
        ("is C1CC1(C)(C)(C) valid", "is the structure valid"),
        ("what is 50-78-2?", "what is the compound?"),
        ("760mmHg in kPa", "some amount a unit in a unit"),
        ("how greasy is foozlamine", "how greasy is the compound"),
        ("what is in my notes on films?", "what is in my documents on films?"),
        ("balance H2 + O2 -> H2O.", "balance the reaction equation."),
        ("GC of ATGGCCATTGTAATGGGCC?", "GC of the DNA sequence?"),
    ],
)
def test_subjects_are_masked(question: str, masked: str) -> None:
    assert mask(question, found(question)) == masked


def test_subjects_are_counted_by_kind_each_once_up_to_three() -> None:
    held = found("compare aspirin, aspirin, caffeine, naproxen and ibuprofen with CCO")
    assert dict(zip(router.KINDS, kind_counts(held), strict=True)) == dict.fromkeys(router.KINDS, 0) | {
        "name": 3, "structure": 1,
    }  # fmt: skip


def test_a_phrasing_is_filled_like_a_question_is_masked() -> None:
    text, counts = router_training.fill_form("is {compound} greasier than {compound}?")
    question = "is aspirin greasier than caffeine?"
    assert (text, counts) == (mask(question, found(question)), kind_counts(found(question)))


def test_every_tool_and_none_have_phrasings() -> None:
    phrases = router_training.phrases()
    assert set(phrases) == {*REGISTRY.offered, NONE, "unanswered"}
    few = {name: len(set(phrases[name])) for name in REGISTRY.offered if len(set(phrases[name])) < 8}
    assert not few
    assert len(set(phrases[NONE])) >= 250 and sum("{" in p for p in phrases[NONE]) > 100


def test_the_shipped_router_is_for_the_installed_tools() -> None:
    # after a change of a tool or a phrasing: python -m benchmate.agents.router_training
    shipped = read(SHIPPED)
    assert shipped.fingerprint == router_training.fingerprint(REGISTRY)
    assert shipped.classes == tuple(sorted([*REGISTRY.offered, NONE]))
    assert SHIPPED.stat().st_size < 400_000


def test_the_router_is_trained_anew_when_a_tool_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @tool(domain="test", properties={"sweetness": "sweetness, how sweet"})
    def taste(name: str) -> ToolResult:
        """Taste a compound.

        Args:
            name: The compound.
        """
        raise NotImplementedError

    changed = Registry({**REGISTRY, "taste": taste})
    wanted = router_training.fingerprint(changed)
    assert wanted != router_training.fingerprint(REGISTRY)
    trained: list[str] = []

    def train(registry: Registry) -> Weights:
        trained.append(router_training.fingerprint(registry))
        return Weights(("none", "taste"), np.eye(2, 4), np.zeros(2), wanted)

    monkeypatch.setattr(router_training, "train", train)
    for _ in range(2):  # the second time from the cache
        assert router._weights.__wrapped__(tmp_path, changed).classes == ("none", "taste")
    assert trained == [wanted]
    assert router._weights.__wrapped__(tmp_path, REGISTRY).fingerprint == read(SHIPPED).fingerprint
    assert trained == [wanted]  # the shipped one serves the tools as they are


def test_training_covers_a_tool_without_phrasings() -> None:
    @tool(domain="test", properties={"sweetness": "sweetness"}, examples=("How sweet is aspirin?",))
    def taste(compound: Compound) -> ToolResult:
        """Taste a compound.

        Args:
            compound: The compound.
        """
        raise NotImplementedError

    rows = list(router_training.examples(Registry({"taste": taste})))
    assert {r.tool for r in rows} == {"taste", NONE}
    assert any(r.text == "How sweet is the compound" for r in rows)
    assert rows == list(router_training.examples(Registry({"taste": taste})))  # the same every time


def test_weights_are_read_as_written(tmp_path: Path) -> None:
    weights = Weights(("a", "none"), np.array([[0.5, 1.0], [2.0, 0.25]]), np.array([0.0, 1.0]), "f")
    save(weights, tmp_path / "deep" / "weights.npz")
    again = read(tmp_path / "deep" / "weights.npz")
    assert (again.classes, again.fingerprint) == (weights.classes, "f")
    assert np.array_equal(again.coefficients, weights.coefficients)
    assert np.array_equal(again.intercepts, weights.intercepts)


@pytest.mark.parametrize("name", REGISTRY.offered)
def test_most_of_a_tools_own_examples_lead_to_it(name: str) -> None:
    right = [likeliest(example) == name for example in REGISTRY[name].examples]
    assert sum(right) > len(right) / 2


def test_nearly_all_examples_lead_to_their_tool() -> None:
    right = [
        likeliest(example) == name for name, known in REGISTRY.offered.items() for example in known.examples
    ]
    assert sum(right) / len(right) > 0.93


def test_development_questions() -> None:
    rows = [json.loads(line) for line in QUESTIONS.read_text("utf-8").splitlines()]
    right = [likeliest(row["question"]) == row["tool"] for row in rows]
    assert (
        sum(right) / len(rows) > 0.88
    )  # measured when it was last trained; benchmarks/router.py says which are wrong


async def routed(run: OpenRun, question: str, **tools: Any) -> list[str]:
    return await route(run.context, TaskScope("t"), question, found(question), tools or REGISTRY.offered)


async def test_a_question_no_tool_answers_has_no_tool(run: OpenRun) -> None:
    for question in ("What is the viscosity of aspirin?", "Will it rain on Sunday?", "Is aspirin toxic?"):
        assert await routed(run, question) == []


async def test_the_likeliest_tool_comes_first_and_only_those_that_fit(run: OpenRun) -> None:
    assert await routed(run, "How greasy is naproxen?") == ["compute_descriptors"]
    assert await routed(run, "Draw naproxen") == ["draw_structure"]
    other = {"draw_structure": REGISTRY["draw_structure"]}
    assert await routed(run, "How greasy is naproxen?", **other) == []


async def test_a_question_without_its_subject_is_refused(run: OpenRun) -> None:
    with pytest.raises(NotFound) as refused:
        await routed(run, "What is the Tanimoto similarity of aspirin and Foo?")
    assert refused.value.code == "no_subject"
    assert "targets" in str(refused.value)


async def test_ones_own_documents_are_searched(run: OpenRun) -> None:
    for question in ("according to my notes, how greasy is naproxen?", "In our SOPs, what is said on lysis?"):
        assert await routed(run, question) == ["search_library"]
    assert await routed(run, "How greasy is naproxen? It is for my report.") != ["search_library"]


async def test_a_structure_is_asked_about_by_its_name_too(run: OpenRun) -> None:
    assert (await routed(run, "Does thalidomide have undefined stereocentres?"))[0] == "validate_structure"
    assert (await routed(run, "How similar are morphine and codeine?"))[0] == "compare_similarity"


async def test_scores_are_recorded_once(run: OpenRun, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await routed(run, "How greasy is naproxen?")

    def fail(*_: Any) -> Any:
        raise AssertionError("the scores are in the journal")

    monkeypatch.setattr(router, "scores", fail)
    assert await routed(run, "How greasy is naproxen?") == first


def test_a_part_of_a_question_finds_its_place() -> None:
    whole = "Draw aspirin. How heavy is caffeine?"
    part = "How heavy is caffeine?"
    inside = [c for c in found(whole) if c.start >= whole.index(part)]
    assert router.question_offset(part, inside) == whole.index(part)
    assert router.question_offset(part, []) == 0
