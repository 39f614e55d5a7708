"""The verifier: every claim is checked in code before any model is asked, and calls behind it are made again from intake's arguments."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from benchmate.agents import checks
from benchmate.agents.checks import Known, Problem
from benchmate.agents.contracts import Claim, Task, TaskResult, Verdict, VerdictMethod
from benchmate.agents.intake import Intake
from benchmate.agents.ledger import EvidenceIndex
from benchmate.agents.phrases import Phrases
from benchmate.agents.wording import Cited, sentence
from benchmate.runtime.context import RunContext, TaskScope
from benchmate.runtime.errors import ErrorInfo, NotFound
from benchmate.runtime.evidence import Entity, Evidence
from benchmate.runtime.journal import Journal
from benchmate.runtime.quantity import Quantity
from benchmate.tools.calls import call_batch, policy_on
from benchmate.tools.registry import load_registry

SCOPE = "verify"
NOT_THE_CLAIMS_FAULT = (
    "budget",
    "policy",
    "transient",
    "crashed",
    "unavailable",
)  # why a call was not made again
MOST_REPEATS = (
    500  # calls made again in one verification; beyond that claims are matched against the record only
)


async def verify_claims(
    context: RunContext, claims: Sequence[Claim], intake: Intake, round_: int = 1
) -> list[Verdict]:
    """Return a verdict for every claim, in order.

    First what the record alone can tell: citations exist, evidence is fresh, subject, property, unit, value and text agree,
    derived values are recomputed. Then the cheap calls behind what still stands are made again, with the arguments that
    intake resolved (`independent`) or, where intake knows nothing of them, the same ones (`repeated`).
    """
    index = EvidenceIndex.of(context)
    known = known_identities(index, intake)
    allowed = allowed_phrases(index, intake)
    first: dict[str, Problem | list[Cited]] = {
        c.id: inspect(c, index, known, allowed, intake, context.journal) for c in claims
    }
    standing = [c for c in claims if not isinstance(first[c.id], Problem)]
    again = await _make_again(
        context, [item for c in standing for item in _cited(first[c.id])], intake, round_
    )
    return [_verdict(claim, first[claim.id], again) for claim in claims]


def inspect(
    claim: Claim, index: EvidenceIndex, known: Known, allowed: Phrases, intake: Intake, journal: Journal
) -> Problem | list[Cited]:
    """Return the claim's citations when the record alone finds nothing against it, else the first problem."""
    cited = checks.look_up(claim, index) if claim.kind != "interpretation" or claim.cites else []
    if isinstance(cited, Problem):
        return cited
    if claim.kind == "quote":
        whole = claim.value == cited[0].value and claim.text == sentence(claim, cited)
        return (
            cited
            if whole
            else Problem("contradicted", "the quoted words are not what stands at the cited place")
        )
    if claim.kind == "interpretation":
        loose = checks.unbacked_digits(claim.text, allowed, checks.numbers_of(c.value for c in cited))
        return Problem("contradicted", f"no evidence holds the digits {', '.join(loose)}") if loose else cited
    problem = (
        checks.check_fresh(cited, index, journal)
        or checks.check_subject(claim, cited, known, intake)
        or checks.check_property(claim, cited)
        or checks.check_value(claim, cited)
    )
    if problem is None and (own := sentence(claim, cited)) != claim.text:
        problem = (
            checks.check_words(claim, cited, load_registry())
            or checks.check_text(claim, cited, allowed)
            or Problem(
                "unchecked",
                f"its words say more than code can check; its evidence says: {own or 'nothing of the kind'}",
            )
        )
    return problem or cited


def known_identities(index: EvidenceIndex, intake: Intake) -> Known:
    """Return what each identity is called in this run, and what it is a form of."""
    names = defaultdict(set, {key: set(own) for key, own in index.names.items()})
    parents: dict[str, str] = {}
    for entity in intake.entities:
        names[entity.key] |= {entity.label.lower(), entity.given.lower()}
        if entity.details.get("parent_inchikey"):
            parents[entity.key] = entity.details["parent_inchikey"]
    return Known(names, parents | index.parents)


def allowed_phrases(index: EvidenceIndex, intake: Intake) -> Phrases:
    """Return the texts whose digits may stand in prose: names, structures, methods, and the user's own words."""
    wordings = [w for tool in load_registry().values() for w in tool.properties.values()]
    words = [word.strip() for wording in wordings for word in wording.split(",")]
    asked = [intake.question, *checks.NUMBER.findall(intake.question)]
    return Phrases([*asked, *words], base=index.phrases)


def _cited(found: Problem | list[Cited]) -> list[Cited]:
    return found if isinstance(found, list) else []


async def _make_again(
    context: RunContext, cited: Sequence[Cited], intake: Intake, round_: int
) -> dict[str, tuple[VerdictMethod, Evidence | ErrorInfo]]:
    """Return, by evidence id, the method and the outcome of making each cheap call behind the citations once more."""
    registry = load_registry()
    resolved = {e.key: e for e in intake.entities}
    wanted: dict[str, tuple[Evidence, dict[str, Any], VerdictMethod]] = {}
    for item in cited:
        name = item.evidence.tool
        tool = registry[name] if name in registry else None  # noqa: SIM401 (a missing tool is no KeyError)
        if (
            len(wanted) >= MOST_REPEATS
            or tool is None
            or tool.cost != "cheap"
            or not tool.effects <= {"compute"}
            or item.evidence.id in wanted
            or policy_on(context, TaskScope(SCOPE, round_), tool).verdict != "allow"  # nobody is asked here
        ):
            continue
        wanted[item.evidence.id] = (item.evidence, *_arguments_from_intake(item.evidence, resolved))
    by_tool: dict[str, list[str]] = defaultdict(list)
    for identity, (evidence, _, _) in wanted.items():
        by_tool[evidence.tool].append(identity)
    results: dict[str, tuple[VerdictMethod, Evidence | ErrorInfo]] = {}
    for name, identities in by_tool.items():
        outcomes = await call_batch(
            context, TaskScope(SCOPE, round_), name, [wanted[i][1] for i in identities]
        )
        for identity, outcome in zip(identities, outcomes, strict=True):
            results[identity] = (wanted[identity][2], outcome)
    return results


def _arguments_from_intake(
    evidence: Evidence, resolved: Mapping[str, Entity]
) -> tuple[dict[str, Any], VerdictMethod]:
    """Return the call's arguments with its compounds put in as intake resolved them.

    The method is `independent` when intake had resolved a subject of the call from the person's own words, to the same identity.
    """
    arguments = dict(evidence.arguments)
    takes_records = load_registry()[evidence.tool].entity_arguments
    independent = False
    for entity in evidence.result.entities:
        known = resolved.get(entity.key)
        if known is None:
            continue
        independent = True
        name, _, position = entity.argument.rstrip("]").partition("[")
        if takes_records.get(name) != "compound" or name not in arguments:
            continue
        record = {"name": entity.label, "smiles": known.details["smiles"]}
        if position:
            arguments[name] = [record if i == int(position) else a for i, a in enumerate(arguments[name])]
        else:
            arguments[name] = record
    return arguments, "independent" if independent else "repeated"


def _verdict(
    claim: Claim, found: Problem | list[Cited], again: dict[str, tuple[VerdictMethod, Evidence | ErrorInfo]]
) -> Verdict:
    if isinstance(found, Problem):
        method: VerdictMethod = (
            "derived" if claim.derivation and found.status == "contradicted" else "matched"
        )
        return Verdict(claim_id=claim.id, status=found.status, method=method, reason=found.reason)
    if claim.kind == "quote":
        return Verdict(
            claim_id=claim.id,
            status="supported",
            method="quoted",
            reason="the words stand at the cited place",
        )
    if claim.kind == "interpretation":
        return Verdict(
            claim_id=claim.id,
            status="unchecked",
            method="none",
            reason="code cannot check it, and no model here is trusted to judge",
        )
    methods = set()
    for item in found:
        if item.evidence.id not in again:
            methods.add("matched")
            continue
        method, outcome = again[item.evidence.id]
        if isinstance(outcome, ErrorInfo) and outcome.kind in NOT_THE_CLAIMS_FAULT:
            methods.add("matched")
            continue
        problem = _differs(item, outcome)
        if problem:
            return Verdict(claim_id=claim.id, status="contradicted", method=method, reason=problem)
        methods.add(method)
    weakest: VerdictMethod = next(m for m in ("matched", "repeated", "independent") if m in methods)
    if claim.derivation is not None:
        return Verdict(claim_id=claim.id, status="supported", method="derived",
                       reason=f"recomputed from {len(found)} cited values, {_how(weakest)}")  # fmt: skip
    return Verdict(claim_id=claim.id, status="supported", method=weakest, reason=_how(weakest))


def _how(method: VerdictMethod) -> str:
    return {
        "matched": "the record holds this value; the call was not made again",
        "repeated": "the same call, made again, gave the same value",
        "independent": "the call, made again with what intake resolved, gave the same value",
    }.get(method, method)


def _differs(item: Cited, outcome: Evidence | ErrorInfo) -> str | None:
    if isinstance(outcome, ErrorInfo):
        return f"made again, the call failed: {outcome.message}"
    try:
        fresh = outcome.resolve(item.pointer)
    except NotFound:
        return "made again, the call gave no such value"
    old = item.value
    if isinstance(old, Quantity) and isinstance(fresh, Quantity):
        same = fresh.unit == old.unit and math.isclose(fresh.value, old.value, rel_tol=1e-6, abs_tol=1e-12)
        return None if same else f"made again, the call gave {fresh.format()}"
    return None if fresh == old else "made again, the call gave something else"


async def verify_step(context: RunContext, task: Task, setting: Any) -> TaskResult:
    """Run a `verify` step: its output counts the verdicts on the claims of the steps it needs."""
    claims = [c for need in task.needs for c in setting.results[need].claims]
    verdicts = await verify_claims(context, claims, setting.intake, task.attempt)
    counts = Counter(v.status for v in verdicts)
    output = {
        status: counts.get(status, 0) for status in ("supported", "contradicted", "insufficient", "unchecked")
    }
    return TaskResult(
        task=task.id, attempt=task.attempt, status="ok", output={**output, "claims": len(claims)}
    )
