"""The planner without a model: which parts of a question become goals, and what each goal is about."""

from __future__ import annotations

import pytest

from benchmate.agents.constrained_calls import ELSEWHERE, intake_for, no_tool, which_is_meant
from benchmate.agents.contracts import Plan
from benchmate.agents.intake import Candidate, Intake, read_question
from benchmate.agents.planner import MOST_TASKS, goals_of, make_plan
from benchmate.agents.router import mask
from benchmate.app.runs import OpenRun
from benchmate.runtime.errors import ErrorInfo, InvalidInput
from benchmate.tools.intake import find_candidates

PROTEIN = "MQIFVKTLTGKTITLEVE"


def intake(question: str) -> Intake:
    found = find_candidates(question)
    return Intake(question=question, candidates=tuple(Candidate.model_validate(c) for c in found))


GOALS = [
    ("Running a gradient tomorrow. Whats the logP of caffeine?", ["Whats the logP of caffeine?"]),
    (f"I am about to quantify a peptide, need an extinction coefficient for {PROTEIN}",
     [f"need an extinction coefficient for {PROTEIN}"]),
    ("A colleague wrote 'hydroquinone' in the notebook. What is the structure behind that name?",
     ["What is the structure behind that name?"]),
    ("CAS number and InChIKey of aspirin", ["CAS number and InChIKey of aspirin"]),
    ("is CC(=O)O valid and how similar is it to CCO", ["is CC(=O)O valid", "how similar is it to CCO"]),
    ("Draw aspirin. How heavy is it?", ["Draw aspirin", "How heavy is it?"]),
    ("logP of aspirin. Draw caffeine.", ["logP of aspirin", "Draw caffeine."]),
    ("Hello. Draw aspirin and compare it with caffeine. Thanks a lot", ["Draw aspirin", "compare it with caffeine"]),
    ("search and find freezing", ["search and find freezing"]),
    ("My insert is ATGGCCATTGTAATGGGCC, what is its GC content", ["My insert is ATGGCCATTGTAATGGGCC, what is its GC content"]),
    ("aspirin", ["aspirin"]),
    ("Do these differ? ctrl 4.1 3.8 4.6 4.0, treated 5.2 4.9 5.6 4.7.", ["Do these differ? ctrl 4.1 3.8 4.6 4.0, treated 5.2 4.9 5.6 4.7."]),
    ("Is length related to width in sample:iris? rank-based, spearman", ["Is length related to width in sample:iris? rank-based, spearman"]),
    ("Draw aspirin. Use black and white. How heavy is it?", ["Draw aspirin. Use black and white", "How heavy is it?"]),
    ("12 g Al and 40 g Cl2 react. Al + Cl2 -> AlCl3. Which runs out first, and how much product?",
     ["12 g Al and 40 g Cl2 react. Al + Cl2 -> AlCl3. Which runs out first, and how much product?"]),
]  # fmt: skip


@pytest.mark.parametrize(("question", "goals"), GOALS)
def test_what_asks_is_a_goal_and_what_tells_is_none(question: str, goals: list[str]) -> None:
    assert goals_of(question, intake(question)) == goals


@pytest.mark.parametrize(
    ("question", "goal", "subjects", "masked"),
    [
        ("A note says 'hydroquinone' here. What is the structure behind that name?", "What is the structure behind that name?",
         ["hydroquinone"], "What is the structure behind the compound?"),
        ("Draw aspirin. How heavy is it?", "How heavy is it?", ["aspirin"], "How heavy is the compound?"),
        ("Draw aspirin. How heavy is caffeine?", "How heavy is caffeine?", ["caffeine"], ""),
        ("Draw aspirin. How similar is it to caffeine?", "How similar is it to caffeine?", ["aspirin", "caffeine"], ""),
        ("Draw aspirin. The logP, please?", "The logP, please?", ["aspirin"], "The logP, please: the compound"),
        ("How heavy is it? I mean aspirin.", "How heavy is it?", ["aspirin"], "How heavy is the compound?"),
    ],
)  # fmt: skip
async def test_a_goal_without_a_subject_takes_it_from_the_rest(
    run: OpenRun, question: str, goal: str, subjects: list[str], masked: str
) -> None:
    found = (await intake_for(run.context, intake(question), goal)).candidates
    assert [c.text for c in sorted(found, key=lambda c: c.start)] == subjects
    if masked:
        assert all(c.start < 0 and c.start > -ELSEWHERE - 1 for c in found)
        assert mask(goal, found) == masked


async def plan_for(run: OpenRun, question: str) -> Plan:
    return await make_plan(run.context, question, await read_question(run.context, question), None)


async def test_a_plan_has_a_task_for_each_goal(run: OpenRun) -> None:
    plan = await plan_for(run, f"Draw aspirin and then calculate the pI of {PROTEIN}. Thank you all.")
    assert [(t.agent, t.arguments["goal"]) for t in plan.tasks] == [
        ("chemist", "Draw aspirin"), ("biologist", f"calculate the pI of {PROTEIN}"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("question", "goals"),
    [
        ("logP of aspirin and what is its TPSA?", ["logP of aspirin and what is its TPSA?"]),  # one tool says both
        ("logP of aspirin and what is the TPSA of caffeine?", ["logP of aspirin", "what is the TPSA of caffeine?"]),
        ("Draw aspirin and tell me its logP", ["Draw aspirin", "tell me its logP"]),
    ],
)  # fmt: skip
async def test_a_clause_that_goes_on_is_no_goal_of_its_own(
    run: OpenRun, question: str, goals: list[str]
) -> None:
    assert [t.arguments["goal"] for t in (await plan_for(run, question)).tasks] == goals


async def test_no_part_is_dropped_in_silence(run: OpenRun) -> None:
    with pytest.raises(InvalidInput) as refused:
        await plan_for(run, "Draw aspirin. " * (MOST_TASKS + 1))
    assert refused.value.code == "too_many_questions"


def test_the_hint_names_what_was_understood_and_no_kinds() -> None:
    error = no_tool("", intake("smell of foozlamine in 5 mL").candidates)
    assert str(error.info.hint) == "understood was foozlamine; `benchmate tool list` shows what there is"
    assert no_tool("", ()).info.hint == "`benchmate tool list` shows what there is"


def test_an_ambiguous_name_is_asked_back() -> None:
    found = [{"name": "D-glucose"}, {"name": "L-glucose"}]
    error = ErrorInfo(code="ambiguous_name", kind="invalid", message="'glucose' may be several compounds: …",
                      details={"candidates": found})  # fmt: skip
    assert which_is_meant(error).info.message == "which glucose do you mean: D-glucose, L-glucose?"
    plain = ErrorInfo(code="ambiguous_formula", kind="invalid", message="no names")
    assert which_is_meant(plain).info.message == "no names"
