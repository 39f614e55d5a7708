"""Intake: what the question or the inputs are about, resolved before any agent sees it and independent of what agents do."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from pydantic import Field

from benchmate.agents.contracts import Contract, Plan
from benchmate.runtime.context import RunContext, TaskScope
from benchmate.runtime.errors import ErrorInfo
from benchmate.runtime.evidence import Entity
from benchmate.tools.calls import call_batch, call_tool

SCOPE = "intake"


class Candidate(Contract):
    """A piece of the question that could be an argument: its text, what it is, and where it stands."""

    text: str
    kind: str = Field(description="compound, dna, protein, equation, unit, number, file")
    start: int
    end: int
    key: str | None = None


class Intake(Contract):
    """What the run is about."""

    question: str = ""
    candidates: tuple[Candidate, ...] = ()
    entities: tuple[Entity, ...] = ()
    unresolved: dict[str, ErrorInfo] = Field(default_factory=dict)

    @functools.cached_property
    def _keys(self) -> dict[str, str]:
        keys: dict[str, str] = {}
        for entity in self.entities:
            for name in (
                entity.given.strip().lower(),
                entity.label.lower(),
                str(entity.details.get("smiles", "")),
            ):
                keys.setdefault(name, entity.key)
        return keys

    def key_of(self, given: str) -> str | None:
        """Return the identity that intake resolved a name or SMILES to, or None."""
        return self._keys.get(given.strip()) or self._keys.get(given.strip().lower())


async def read_question(context: RunContext, question: str, tables: Sequence[str] = ()) -> Intake:
    """Return what a question holds: names, structures, sequences, equations, numbers and units, with compounds resolved.

    `tables` are files spoken of before, whose columns may be meant.
    """
    arguments = {"text": question} | ({"tables": list(tables)} if tables else {})
    evidence = await call_tool(context, TaskScope(SCOPE), "find_entities", arguments)
    return Intake(
        question=question,
        candidates=tuple(Candidate.model_validate(c) for c in evidence.result.data["candidates"]),
        entities=tuple(e for e in evidence.result.entities if e.argument != "text"),
    )


async def read_inputs(context: RunContext, plan: Plan) -> Intake:
    """Return the identities of a plan's compounds: each resolved once, here; what cannot be resolved is kept as an error.

    The question that a plan answers is read like one that is asked.
    """
    asked = await read_question(context, plan.question) if plan.question else Intake()
    given: list[Any] = []
    for name, kind in plan.input_kinds.items():
        if kind == "compound" and plan.inputs.get(name) is not None:
            value = plan.inputs[name]
            given += value if isinstance(value, list) else [value]
    outcomes = (
        await call_batch(context, TaskScope(SCOPE), "identify_compound", [{"compound": g} for g in given])
        if given
        else []
    )
    entities, unresolved = list(asked.entities), {}
    for item, outcome in zip(given, outcomes, strict=True):
        if isinstance(outcome, ErrorInfo):
            unresolved[item if isinstance(item, str) else str(item)] = outcome
        else:
            entities += list(outcome.result.entities)
    return asked.model_copy(update={"entities": tuple(entities), "unresolved": unresolved})
