"""The analyst: rankings and flags over other tasks' evidence, each a claim whose derivation can be computed again."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from benchmate.agents.checks import derive
from benchmate.agents.contracts import Claim, Contract, Subject, Task, TaskResult, claim_id
from benchmate.agents.ledger import EvidenceIndex
from benchmate.agents.wording import FLAG, RANK, flag_sentence, rank_sentence, subject_of
from benchmate.runtime.context import RunContext
from benchmate.runtime.errors import InvalidInput, did_you_mean
from benchmate.runtime.evidence import Entity
from benchmate.runtime.expressions import Expression, fill
from benchmate.runtime.labels import merge_labels
from benchmate.runtime.quantity import Quantity, same_dimension
from benchmate.tools.registry import load_registry

LEAST_PLACES = 10
MOST_CITATIONS = 20_000  # of all places of one ranking together


class Ranking(Contract):
    """Rank the subjects by one property."""

    by: str
    order: Literal["ascending", "descending"] = "descending"


class Flag(Contract):
    """Mark the subjects for which an expression over their own properties holds."""

    name: str
    when: str


class Observed(NamedTuple):
    """One property of one subject, and where it stands in the evidence."""

    entity: Entity
    quantity: Quantity
    cite: str
    words: str
    labels: frozenset[Any]


Observations = dict[str, dict[str, Observed]]  # subject key -> property -> value


def observe(context: RunContext, results: Mapping[str, TaskResult]) -> Observations:
    """Return the quantities that the given results hold, by subject and property; the first of each counts."""
    index, registry = EvidenceIndex.of(context), load_registry()
    table: Observations = defaultdict(dict)
    for result in results.values():
        for identity in result.evidence:
            evidence = index[identity][-1]
            properties = registry[evidence.tool].properties if evidence.tool in registry else {}
            for key, quantity in evidence.result.quantities.items():
                entity = subject_of(evidence, key)
                if entity is None:
                    continue
                words = properties.get(quantity.property, quantity.property.replace("_", " ")).split(",")[0]
                seen = Observed(
                    entity, quantity, evidence.cite(f"/quantities/{key}"), words, evidence.result.labels
                )
                table[entity.key].setdefault(quantity.property, seen)
    return dict(table)


def run_analyst(
    context: RunContext, task: Task, results: Mapping[str, TaskResult], names: Mapping[str, Any]
) -> TaskResult:
    """Rank and flag the subjects of the tasks that this one needs.

    Options: `rank: {by, order}`, `flags: [{name, when}]`. Raises InvalidInput (`unknown_property`, `nothing_to_rank`).
    """
    options = fill(task.arguments, names)
    table = observe(context, results)
    claims: list[Claim] = []
    output: dict[str, Any] = {"ranking": [], "flags": {}}
    if options.get("rank"):
        ranking = Ranking.model_validate(options["rank"])
        claims += rank(task.id, table, ranking)
        order = sorted(claims, key=lambda c: float(c.value or 0))
        output["ranking"] = [c.subject.label for c in order if c.subject]
        output["ranked_by"] = ranking.by
    for entry in options.get("flags", []):
        flag = Flag.model_validate(entry)
        raised = flag_subjects(task.id, table, flag)
        claims += raised
        output["flags"][flag.name] = [c.subject.label for c in raised if c.subject and c.value is True]
    if not options.get("rank") and not options.get("flags"):
        raise InvalidInput(
            "nothing_to_analyse",
            f"step {task.id!r} names neither a ranking nor flags",
            hint="with: {rank: {by: qed}}",
        )
    labels = merge_labels(*(r.labels for r in results.values()), *(c.labels for c in claims))
    return TaskResult(
        task=task.id, attempt=task.attempt, status="ok", output=output, claims=tuple(claims), labels=labels
    )


def rank(task: str, table: Observations, ranking: Ranking) -> list[Claim]:
    """Return one claim per subject: its place by the property. Ties share a place."""
    rows = [row[ranking.by] for row in table.values() if ranking.by in row]
    known = {name for row in table.values() for name in row}
    if not rows:
        raise InvalidInput(
            "unknown_property", f"no earlier step gives {ranking.by!r}", hint=did_you_mean(ranking.by, known)
        )
    function = "rank_high" if ranking.order == "descending" else "rank_low"
    claims = []
    first = sorted(
        rows, key=lambda row: row.quantity.to(rows[0].quantity.unit).value, reverse=function == "rank_high"
    )
    for own in first[
        : max(LEAST_PLACES, MOST_CITATIONS // len(rows))
    ]:  # each place cites all that were compared
        others = [row for row in rows if row is not own]
        if any(not same_dimension(own.quantity.unit, other.quantity.unit) for other in others):
            raise InvalidInput(
                "unit_mismatch", f"{ranking.by!r} does not have one kind of unit in all subjects"
            )
        derivation = f"{function}(c0, rest)"
        place = int(derive(derivation, [own.quantity, *(o.quantity for o in others)]))
        text = rank_sentence(own.entity.label, place, len(rows), own.words, function, own.quantity)
        claims.append(
            _claim(task, own.entity, text, f"{RANK}{ranking.by}", place, [own, *others], derivation)
        )
    return sorted(claims, key=lambda c: (float(c.value or 0), c.subject.label if c.subject else ""))


def flag_subjects(task: str, table: Observations, flag: Flag) -> list[Claim]:
    """Return one claim per subject for which the flag's properties are known: whether it holds."""
    expression = Expression.parse(flag.when)
    wanted = sorted(expression.names)
    known = {name for row in table.values() for name in row}
    for name in wanted:
        if name not in known:
            raise InvalidInput(
                "unknown_property", f"no earlier step gives {name!r}", hint=did_you_mean(name, known)
            )
    claims = []
    for row in table.values():
        if any(name not in row for name in wanted):
            continue
        used = [row[name] for name in wanted]
        derivation = flag.when  # bare numbers in a flag are meant in the unit the tool reports
        for position, name in sorted(enumerate(wanted), key=lambda pair: -len(pair[1])):
            derivation = re.sub(rf"\b{re.escape(name)}\b", f"c{position}.value", derivation)
        holds = bool(derive(derivation, [u.quantity for u in used]))
        text = flag_sentence(used[0].entity.label, flag.name, holds, [(u.words, u.quantity) for u in used])
        claims.append(_claim(task, used[0].entity, text, f"{FLAG}{flag.name}", holds, used, derivation))
    return claims


def _claim(
    task: str,
    entity: Entity,
    text: str,
    name: str,
    value: float | bool,
    used: Sequence[Observed],
    derivation: str,
) -> Claim:
    return Claim(
        id=claim_id(task, entity.key, name),
        text=text,
        kind="relation",
        property=name,
        value=value,
        subject=Subject(key=entity.key, label=entity.label),
        cites=tuple(u.cite for u in used),
        derivation=derivation,
        task=task,
        labels=frozenset().union(*(u.labels for u in used)),
    )
