"""The graph with a capable model: it plans and calls tools freely, and code has the last word on what it claims."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from scientist import Scientist, call, conclusion, planned, seen, weight_of_aspirin

from benchmate.app.runs import RunOutcome, execute
from benchmate.runtime.errors import InvalidInput, Transient
from benchmate.runtime.journal import Journal, Record, RecordKind
from benchmate.runtime.settings import Settings

QUESTION = "What is the molecular weight of aspirin?"
ONE_TASK = planned(("chemist", "Find the molecular weight of aspirin."))
DESCRIBE = call("compute_descriptors", compound="aspirin")

Ask = Callable[..., Awaitable[RunOutcome]]


@pytest.fixture
def ask(tmp_path: Path, inline_tools: None, free: Settings) -> Ask:
    async def ask_it(scientist: Scientist, question: str = QUESTION, **options: Any) -> RunOutcome:
        return await execute(
            question=question, out=tmp_path / "runs", settings=free, engine=scientist.engine, **options
        )

    return ask_it


def records(outcome: RunOutcome, *kinds: RecordKind) -> list[Record]:
    journal = Journal(outcome.folder / "journal.sqlite", read_only=True)
    try:
        return list(journal.records(*kinds))
    finally:
        journal.close()


def verdicts(outcome: RunOutcome) -> list[tuple[str, str]]:
    assert outcome.report is not None
    return [(v.status, v.method) for v in outcome.report.verdicts.values()]


async def test_a_plan_is_made_run_and_its_claim_checked(ask: Ask) -> None:
    scientist = Scientist(plan=[ONE_TASK], turns=[DESCRIBE, "Done."], final=[weight_of_aspirin()])
    outcome = await ask(scientist)
    assert outcome.status == "complete"
    assert outcome.answer == "The molecular weight of aspirin is 180.16 g/mol."  # PubChem CID 2244
    assert verdicts(outcome) == [("supported", "independent")]
    assert outcome.report is not None
    assert outcome.report.unbacked_digits == ()


async def test_the_planner_is_told_of_the_agents_and_the_agent_of_its_tools(ask: Ask) -> None:
    scientist = Scientist(plan=[ONE_TASK], turns=[DESCRIBE, "Done."], final=[weight_of_aspirin()])
    await ask(scientist)
    assert "- chemist: " in scientist.asked["plan"][0].messages[0].text
    offered = {tool.name for tool in scientist.asked["turns"][0].tools}
    assert {"compute_descriptors", "search_library"} <= offered
    assert not offered & {
        "translate_dna",
        "find_entities",
        "identify_compound",
    }  # another field's; the graph's


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (planned(("wizard", "Guess.")), "'wizard'"),
        (planned(("chemist", "Rank them.", [1])), "does not come before it"),
        (planned(("chemist", "Rank them.", [2]), ("chemist", "Weigh them.")), "does not come before it"),
        ('{"tasks": []}', "at least 1 item"),
        ("I would ask a chemist.", "Expecting value"),
    ],
)
async def test_a_bad_plan_is_repaired_once(ask: Ask, bad: str, says: str) -> None:
    scientist = Scientist(plan=[bad, ONE_TASK], turns=[DESCRIBE, "Done."], final=[weight_of_aspirin()])
    outcome = await ask(scientist)
    assert outcome.status == "complete"
    assert says in scientist.asked["plan"][1].messages[-1].text


async def test_a_plan_that_is_bad_twice_ends_the_run_with_a_typed_error(ask: Ask, tmp_path: Path) -> None:
    scientist = Scientist(plan=[planned(("wizard", "Guess."))])
    with pytest.raises(InvalidInput, match="no usable plan") as caught:
        await ask(scientist)
    assert caught.value.code == "bad_plan"
    assert len(scientist.asked["plan"]) == 2
    (path,) = (tmp_path / "runs").glob("*/journal.sqlite")
    journal = Journal(path, read_only=True)
    closed = journal.last("run.closed")
    journal.close()
    assert closed is not None
    assert closed.body["status"] == "failed"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (call("compute_descriptors", compound="nonsensol"), "unknown_compound"),
        (call("compute_descriptors", molecule="aspirin"), "bad_arguments"),
        (call("compute_descriptors"), "bad_arguments"),
        (call("compute_descriptors", compound=["aspirin"]), "bad_arguments"),
        (call("compute_descriptor", compound="aspirin"), "unknown_tool"),
        (call("translate_dna", sequence="ATG"), "unknown_tool"),
        (call("identify_compound", compound="aspirin"), "unknown_tool"),
    ],
)
async def test_a_failed_call_is_told_to_the_model_which_may_do_better(
    ask: Ask, wrong: Any, code: str
) -> None:
    scientist = Scientist(plan=[ONE_TASK], turns=[wrong, DESCRIBE, "Done."], final=[weight_of_aspirin()])
    outcome = await ask(scientist)
    assert outcome.status == "complete"
    assert seen(scientist.asked["turns"][1])[0]["error"]["code"] == code


async def test_two_calls_in_one_turn_are_both_answered(ask: Ask) -> None:
    both = [call("compute_descriptors", compound="caffeine"), DESCRIBE]
    scientist = Scientist(plan=[ONE_TASK], turns=[both, "Done."], final=[weight_of_aspirin()])
    outcome = await ask(scientist)
    assert [r["about"] for r in seen(scientist.asked["turns"][1])] == [["caffeine"], ["aspirin"]]
    assert outcome.status == "complete"


async def test_a_model_that_only_fails_gives_a_failed_task_with_the_last_error(ask: Ask) -> None:
    wrong = call("compute_descriptors", compound="nonsensol")
    outcome = await ask(
        Scientist(plan=[ONE_TASK], turns=[lambda asked: "I give up." if seen(asked) else wrong])
    )
    assert outcome.status == "failed"
    assert outcome.report is not None
    assert {f.error.code for f in outcome.report.failures} == {"unknown_compound"}


async def test_a_model_that_never_ends_is_stopped(ask: Ask) -> None:
    scientist = Scientist(plan=[ONE_TASK], turns=[DESCRIBE])
    outcome = await ask(scientist)
    assert outcome.status == "failed"
    assert outcome.report is not None
    assert [f.error.code for f in outcome.report.failures] == ["too_many_turns"]


async def test_a_final_answer_of_the_wrong_form_is_repaired_once(ask: Ask) -> None:
    good = weight_of_aspirin()
    scientist = Scientist(plan=[ONE_TASK], turns=[DESCRIBE, "Done."], final=['{"answer": 3}', good])
    outcome = await ask(scientist)
    assert outcome.status == "complete"
    assert "not the asked form" in scientist.asked["final"][1].messages[-1].text


async def test_a_final_answer_that_stays_wrong_is_a_failure(ask: Ask) -> None:
    outcome = await ask(Scientist(plan=[ONE_TASK], turns=[DESCRIBE, "Done."], final=["no"]))
    assert outcome.report is not None
    assert {f.error.code for f in outcome.report.failures} == {"bad_model_output"}


@pytest.mark.parametrize("cite", ["E-0123456789ab#/quantities/molecular_weight", "PubChem", "E-0123456789ab"])
async def test_an_invented_citation_is_insufficient(ask: Ask, cite: str) -> None:
    outcome = await ask(
        Scientist(plan=[ONE_TASK], turns=[DESCRIBE, "Done."], final=[weight_of_aspirin(cite=cite)])
    )
    assert outcome.status == "partial"
    assert {status for status, _ in verdicts(outcome)} == {"insufficient"}


async def test_a_wrong_number_is_contradicted_though_the_citation_is_right(ask: Ask) -> None:
    outcome = await ask(
        Scientist(plan=[ONE_TASK], turns=[calls_once], final=[weight_of_aspirin(value=181.16)])
    )
    assert outcome.status == "partial"
    assert {status for status, _ in verdicts(outcome)} == {"contradicted"}


async def test_invented_digits_in_the_answer_are_marked(ask: Ask) -> None:
    def embellished(asked: Any) -> str:
        told = json.loads(weight_of_aspirin()(asked))
        return json.dumps({**told, "answer": f"{told['answer']} It melts at 135 degrees, at pH 7.4."})

    outcome = await ask(Scientist(plan=[ONE_TASK], turns=[DESCRIBE, "Done."], final=[embellished]))
    assert outcome.report is not None
    assert outcome.report.unbacked_digits == ("135", "7.4")


TWO_TASKS = planned(
    ("chemist", "Find the molecular weight of aspirin."), ("analyst", "Say that it is an example.")
)


def of_goal(part: str, then: Any, otherwise: Any) -> Callable[[Any], Any]:
    """Return a line that depends on which goal the model was given."""

    def say(asked: Any) -> Any:
        line = then if part in asked.messages[1].text else otherwise
        return line(asked) if callable(line) else line

    return say


def told_wrong(asked: Any) -> Any:
    """The first attempt invents its citation; the second, told so, does not."""
    honest = "A check of the last attempt found" in asked.messages[1].text
    return weight_of_aspirin(cite=None if honest else "E-0123456789ab#/quantities/molecular_weight")(asked)


def calls_once(asked: Any) -> Any:
    return "Done." if seen(asked) else DESCRIBE


async def test_what_is_unsupported_is_tried_once_more_with_the_reason_and_nothing_else_is(ask: Ask) -> None:
    scientist = Scientist(
        plan=[TWO_TASKS], turns=[of_goal("weight", calls_once, "Done.")],
        final=[of_goal("weight", told_wrong, conclusion("An example."))],
    )  # fmt: skip
    outcome = await ask(scientist)
    assert outcome.status == "complete"
    attempts = [(r.task, r.attempt) for r in records(outcome, "outcome")]
    assert sorted(attempts) == [("task-1", 1), ("task-1", 2), ("task-2", 1)]
    feedback = scientist.asked["final"][-1].messages[1].text
    assert "E-0123456789ab, which is not in this run's record" in feedback


async def test_what_stays_unsupported_is_not_tried_a_third_time(ask: Ask) -> None:
    wrong = weight_of_aspirin(cite="E-0123456789ab#/quantities/molecular_weight")
    outcome = await ask(Scientist(plan=[ONE_TASK], turns=[calls_once], final=[wrong]))
    assert outcome.status == "partial"
    assert [r.attempt for r in records(outcome, "outcome")] == [1, 2]
    assert [r.body["round"] for r in records(outcome, "verdicts")] == [1, 2]


def interpretation(text: str) -> Callable[[Any], str]:
    def conclude(asked: Any) -> str:
        cite = f"{seen(asked)[-1]['evidence']}#/quantities/molecular_weight"
        return conclusion(text, {"text": text, "kind": "interpretation", "cites": [cite]})

    return conclude


SMALL = interpretation("aspirin is a small molecule.")


@pytest.mark.parametrize("status", ["supported", "contradicted", "insufficient"])
async def test_what_code_cannot_check_a_model_judges_and_is_marked_so(ask: Ask, status: str) -> None:
    judge = [json.dumps({"reason": "180.16 g/mol", "status": status})]
    scientist = Scientist(plan=[ONE_TASK], turns=[calls_once], final=[SMALL], judge=judge)
    outcome = await ask(scientist)
    assert verdicts(outcome) == [(status, "model-judged")]
    assert outcome.report is not None
    assert "judged by scientist" in next(iter(outcome.report.verdicts.values())).reason


async def test_the_judge_sees_the_evidence_and_is_not_asked_about_what_code_decided(ask: Ask) -> None:
    def both(asked: Any) -> str:
        wrong, open_ = json.loads(weight_of_aspirin(value=181.16)(asked)), json.loads(SMALL(asked))
        return conclusion("Both.", *wrong["claims"], *open_["claims"])

    judge = ['{"reason": "all of it is true", "status": "supported"}']
    scientist = Scientist(plan=[ONE_TASK], turns=[calls_once], final=[both], judge=judge)
    outcome = await ask(scientist)
    assert verdicts(outcome) == [("contradicted", "matched"), ("supported", "model-judged")]
    for asked in scientist.asked["judge"]:
        assert "Claim: aspirin is a small molecule." in asked.messages[1].text
        assert "180.15" in asked.messages[1].text


async def test_a_judged_claim_with_invented_digits_never_reaches_the_judge(ask: Ask) -> None:
    invented = interpretation("aspirin is 37 times as soluble as chalk.")
    outcome = await ask(Scientist(plan=[ONE_TASK], turns=[calls_once], final=[invented]))
    assert {status for status, _ in verdicts(outcome)} == {"contradicted"}


@pytest.mark.parametrize("line", ["no JSON", Transient("server_busy", "the server is busy")])
async def test_a_judge_that_fails_leaves_the_claim_unchecked(ask: Ask, line: Any) -> None:
    outcome = await ask(Scientist(plan=[ONE_TASK], turns=[calls_once], final=[SMALL], judge=[line]))
    assert outcome.status == "complete"
    assert verdicts(outcome) == [("unchecked", "none")]


async def test_a_model_server_that_fails_is_a_failed_task_and_no_lost_run(ask: Ask) -> None:
    scientist = Scientist(plan=[ONE_TASK], turns=[Transient("server_busy", "the server is busy")])
    outcome = await ask(scientist)
    assert outcome.status == "failed"
    assert outcome.report is not None
    assert [f.error.code for f in outcome.report.failures] == ["server_busy"]
    assert len(scientist.asked["turns"]) == 2  # a new attempt is a new call


async def test_a_task_sees_what_the_tasks_it_needs_have_claimed(ask: Ask) -> None:
    plan = planned(("chemist", "Find the molecular weight of aspirin."), ("analyst", "Comment on it.", [1]))
    scientist = Scientist(
        plan=[plan], turns=[of_goal("weight of aspirin.", calls_once, "Done.")],
        final=[of_goal("Comment", conclusion("A comment."), weight_of_aspirin())],
    )  # fmt: skip
    outcome = await ask(scientist)
    assert outcome.status == "complete"
    told = scientist.asked["turns"][-1].messages[1].text
    assert "Found by task-1:\n- The molecular weight of aspirin is 180.16 g/mol. [E-" in told


async def test_a_run_without_a_model_says_so(run: Any, free: Settings) -> None:
    from benchmate.agents.contracts import Plan, Task
    from benchmate.agents.intake import Intake
    from benchmate.agents.tasks import Setting, run_task

    run.context.settings = free
    task = Task(id="t", kind="agent", agent="chemist", arguments={"goal": "Weigh aspirin."})
    result = await run_task(run.context, task, Setting(Plan(title="x", tasks=(task,)), Intake(), {}))
    assert result.error is not None
    assert result.error.code == "no_model"
