"""The graph's state: ids and small values only. Payloads live in the run's folder by hash."""

from __future__ import annotations

from typing import Annotated, TypedDict

from benchmate.runtime.errors import InternalError


class Outcome(TypedDict):
    """How a task ended: where its TaskResult is, and counts."""

    task: str
    attempt: int
    status: str
    ref: str
    done: int
    failed: int


def merge_outcomes(old: dict[str, Outcome], new: dict[str, Outcome]) -> dict[str, Outcome]:
    """Merge by task id; a later attempt replaces an earlier one; two different outcomes of one attempt are a fault.

    Order does not matter: merging any permutation of the same outcomes gives the same state.
    """
    merged = dict(old)
    for task, outcome in new.items():
        known = merged.get(task)
        if known is None or outcome["attempt"] > known["attempt"]:
            merged[task] = outcome
        elif outcome["attempt"] == known["attempt"] and outcome != known:
            raise InternalError(
                "conflicting_outcomes", f"task {task!r} ended in two ways in attempt {outcome['attempt']}"
            )
    return merged


class State(TypedDict, total=False):
    """One run. `question` or `plan` comes in; `answer`, `status` and `report` come out."""

    question: str
    attachments: str  # artifact: list[Attachment], what came with the question
    earlier: str  # artifact: the Earlier, the conversation up to the question
    plan: str  # artifact: the Plan
    intake: str  # artifact: the Intake
    outcomes: Annotated[dict[str, Outcome], merge_outcomes]
    verdicts: str  # artifact: list[Verdict]
    supported: int
    round: int
    again: bool  # another round was planned
    refused: bool  # a person said no to the plan
    report: str  # artifact: the Report
    answer: str
    status: str


class Branch(TypedDict):
    """What one Send carries to a task's branch."""

    task: str
    attempt: int
    plan: str
    intake: str
    outcomes: dict[str, Outcome]
