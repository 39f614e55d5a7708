"""How many seeded faults the verifier catches, and how often it doubts a clean report. Prints both, by kind of fault.

Run: `python benchmarks/seeded_faults.py [REPORTS]`. Reports are made by real runs over random compounds, equations, sequences
and conversions; then one claim at a time is spoilt and verified again against the same record.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmate.agents.contracts import Claim, Plan, Subject, Task
from benchmate.agents.intake import Intake
from benchmate.agents.ledger import EvidenceIndex, load_results
from benchmate.agents.verifier import verify_claims
from benchmate.runtime.canonical import canonical_value, evidence_id
from benchmate.runtime.quantity import display_unit, format_number
from benchmate.tools.registry import load_registry

SEED = 7
NAMES = (
    "aspirin ibuprofen paracetamol caffeine lidocaine naproxen diclofenac warfarin diazepam morphine codeine nicotine benzene toluene "
    "phenol aniline naphthalene acetone ethanol benzoic-acid salicylic-acid vanillin menthol camphor indole quinoline pyridine furan "
    "propranolol atenolol metformin cimetidine ranitidine omeprazole ketoprofen procaine benzocaine tetracaine theophylline"
).split()  # fmt: skip
SALTS = {
    "lidocaine": "CCN(CC)CC(=O)Nc1c(C)cccc1C.Cl", "procaine": "CCN(CC)CCOC(=O)c1ccc(N)cc1.Cl", "morphine": "CN1CCC23C4C1Cc1c2c(c(cc1)O)OC3C(C=C4)O.Cl",
    "propranolol": "CC(C)NCC(O)COc1cccc2ccccc12.Cl", "nicotine": "CN1CCCC1c1cccnc1.Cl",
}  # fmt: skip
EQUATIONS = (
    "Fe2O3 + CO -> Fe + CO2",
    "KMnO4 + HCl -> KCl + MnCl2 + H2O + Cl2",
    "C8H18 + O2 -> CO2 + H2O",
    "Al + CuSO4 -> Al2(SO4)3 + Cu",
)
PROTEIN = "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG"
DNA = "ATGGCCATTGTAATGGGCCGCTGAAAGGGTGCCCGATAG"
Mutation = Callable[[Claim, list[Claim], random.Random], Claim | None]


def plan_of(rng: random.Random) -> Plan:
    """Return a random plan: properties, alerts, similarity and a ranking of a few compounds, and one call of another field."""
    chosen = rng.sample(NAMES, rng.randint(2, 4))
    compounds: list[Any] = [c.replace("-", " ") for c in chosen]
    compounds += [SALTS[c] for c in chosen if c in SALTS]
    wanted = rng.sample(
        ["molecular_weight", "exact_mass", "logp", "tpsa", "qed", "hbd", "hba", "rotatable_bonds", "fsp3"], 4
    )
    tasks = [
        Task(id="properties", kind="tool", tool="compute_descriptors", foreach="${inputs.compounds}", item_name="c",
             arguments={"compound": "${c}"}, claims=tuple(wanted)),
        Task(id="alerts", kind="tool", tool="check_druglikeness", foreach="${inputs.compounds}", item_name="c", arguments={"compound": "${c}"}),
        Task(id="similarity", kind="tool", tool="compare_similarity", arguments={"query": compounds[0], "targets": compounds[1:]}),
        Task(id="rank", kind="agent", agent="analyst", needs=("properties", "alerts"),
             arguments={"rank": {"by": rng.choice(wanted)}, "flags": [{"name": "alerts", "when": "alert_count > 0"}]}),
        rng.choice([
            Task(id="other", kind="tool", tool="balance_reaction", arguments={"equation": rng.choice(EQUATIONS)}),
            Task(id="other", kind="tool", tool="compute_protein_properties", arguments={"sequence": PROTEIN[rng.randint(0, 20):]}),
            Task(id="other", kind="tool", tool="analyze_dna", arguments={"sequence": DNA[rng.randint(0, 9):]}),
            Task(id="other", kind="tool", tool="convert_units", arguments={"value": rng.randint(1, 400) / 4, "from_unit": "kcal/mol", "to_unit": "kJ/mol"}),
        ]),
    ]  # fmt: skip
    return Plan(
        title="random",
        inputs={"compounds": compounds},
        input_kinds={"compounds": "compound"},
        tasks=tuple(tasks),
    ).check()


# --- faults ---------------------------------------------------------------------------------------------------------


def _numeric(claim: Claim) -> bool:
    return claim.kind == "numeric" and isinstance(claim.value, float)


def _with_value(claim: Claim, value: float) -> Claim:
    text = claim.text.replace(format_number(float(claim.value or 0)), format_number(value))
    return claim.model_copy(update={"value": value, "text": text})


def wrong_unit(claim: Claim, claims: list[Claim], rng: random.Random) -> Claim | None:
    others = {
        "g/mol": ["kg/mol", "g"],
        "dalton": ["kilodalton", "gram"],
        "angstrom**2": ["nm**2", "angstrom"],
        "kilojoule/mole": ["kJ", "J/mol"],
    }
    if not _numeric(claim) or not claim.unit:
        return None
    unit = rng.choice(others.get(claim.unit, ["kelvin", "meter"]))
    text = claim.text.replace(f" {display_unit(claim.unit)}", f" {display_unit(unit)}")
    which = rng.choice(["both", "text", "field"])
    return claim.model_copy(
        update={**({"unit": unit} if which != "text" else {}), **({"text": text} if which != "field" else {})}
    )


def wrong_property(claim: Claim, claims: list[Claim], rng: random.Random) -> Claim | None:
    if not _numeric(claim) or not claim.property:
        return None
    others = [
        c
        for c in claims
        if c.subject == claim.subject
        and _numeric(c)
        and c.property != claim.property
        and c.task == claim.task
    ]
    if not others:
        return None
    other = rng.choice(others)
    return other.model_copy(update={"cites": claim.cites, "value": claim.value, "unit": claim.unit,
                                    "text": other.text.replace(format_number(float(other.value or 0)), format_number(float(claim.value or 0)))})  # fmt: skip


def wrong_compound(claim: Claim, claims: list[Claim], rng: random.Random) -> Claim | None:
    others = [c.subject for c in claims if c.subject and claim.subject and c.subject.key != claim.subject.key]
    if not others or not claim.subject or claim.kind not in ("numeric", "categorical"):
        return None
    other = rng.choice(others)
    which = rng.choice(["both", "label"])
    subject = other if which == "both" else Subject(key=claim.subject.key, label=other.label)
    return claim.model_copy(
        update={"subject": subject, "text": claim.text.replace(claim.subject.label, other.label)}
    )


def salt_form(claim: Claim, claims: list[Claim], rng: random.Random) -> Claim | None:
    if not claim.subject or not _numeric(claim):
        return None
    label = claim.subject.label
    pairs = {**SALTS, **{v: k for k, v in SALTS.items()}}
    other = next((c.subject for c in claims if c.subject and c.subject.label == pairs.get(label)), None)
    if other is None:
        return None
    return claim.model_copy(update={"subject": other, "text": claim.text.replace(label, other.label)})


def swapped_citation(claim: Claim, claims: list[Claim], rng: random.Random) -> Claim | None:
    others = [
        c
        for c in claims
        if c.property == claim.property and c.subject != claim.subject and len(c.cites) == len(claim.cites)
    ]
    return claim.model_copy(update={"cites": rng.choice(others).cites}) if others else None


def altered_digit(claim: Claim, claims: list[Claim], rng: random.Random) -> Claim | None:
    if not _numeric(claim) or claim.value == 0:
        return None
    shown = format_number(float(claim.value))  # type: ignore[arg-type]
    places = [i for i, c in enumerate(shown) if c.isdigit()]
    place = rng.choice(places)
    digit = rng.choice([d for d in "123456789" if d != shown[place]])
    altered = float(shown[:place] + digit + shown[place + 1 :])
    which = rng.choice(["both", "text", "value"])
    spoilt = _with_value(claim, altered)
    return {
        "both": spoilt,
        "text": claim.model_copy(update={"text": spoilt.text}),
        "value": claim.model_copy(update={"value": altered}),
    }[which]


def invented_id(claim: Claim, claims: list[Claim], rng: random.Random) -> Claim | None:
    path = claim.cites[0].partition("#")[2]
    return claim.model_copy(update={"cites": (f"E-{rng.getrandbits(48):012x}#{path}", *claim.cites[1:])})


def invented_path(claim: Claim, claims: list[Claim], rng: random.Random) -> Claim | None:
    identity = claim.cites[0].partition("#")[0]
    return claim.model_copy(
        update={
            "cites": (
                f"{identity}#/quantities/{rng.choice(['boiling_point', 'pka', 'logd'])}",
                *claim.cites[1:],
            )
        }
    )


def wrong_derivation(claim: Claim, claims: list[Claim], rng: random.Random) -> Claim | None:
    if claim.derivation is None:
        return None
    if isinstance(claim.value, bool):
        return claim.model_copy(update={"value": not claim.value})
    compared = len(claim.cites)
    place = rng.choice([p for p in range(1, compared + 1) if p != claim.value]) if compared > 1 else 2
    text = claim.text.replace(f"ranks {format_number(float(claim.value or 0))} ", f"ranks {place} ")
    which = rng.choice(["both", "value", "order"])
    if which == "order" and compared > 2 and (compared + 1) / 2 != claim.value:
        return claim.model_copy(update={"derivation": claim.derivation.replace("rank_high", "rank_low")})
    return claim.model_copy(update={"value": float(place), **({"text": text} if which == "both" else {})})


def misleading_words(claim: Claim, claims: list[Claim], rng: random.Random) -> Claim | None:
    """Keep value, unit and citation right, and let the words say something else."""
    label = claim.subject.label if claim.subject else None
    changes = [
        (" is ", " is not "), (" is ", " is below "), (" is ", " is minus "), (" has ", " does not have "),
        (" ranks ", " never ranks "), ("highest first", "lowest first"), ("not raised", "raised"), ("The ", "The measured "),
        (".", " per gram."), (".", "%."), (".", " and it is safe."), (label or "\0", f"nor-{label}"), (label or "\0", f"{label} sodium"),
        ("molecular weight", "LD50"), ("logP", "pKa"), (" of ", " of 7 "),
    ]  # fmt: skip
    old, new = rng.choice([c for c in changes if c[0] in claim.text])
    at = claim.text.rindex(old) if old == "." else claim.text.index(old)
    return claim.model_copy(update={"text": f"{claim.text[:at]}{new}{claim.text[at + len(old) :]}"})


def loose_derivation(claim: Claim, claims: list[Claim], rng: random.Random) -> Claim | None:
    """Leave out a competitor, compare with itself, or let a formula stand for a property."""
    if claim.derivation is None or claim.subject is None:
        return None
    if "rest" in claim.derivation and len(claim.cites) > 2:
        fewer = claim.cites[:-1]
        text = claim.text.replace(f" of {len(claim.cites)} ", f" of {len(fewer)} ")
        return rng.choice([
            claim.model_copy(update={"cites": fewer}), claim.model_copy(update={"cites": (*fewer, fewer[0]), "text": text}),
        ])  # fmt: skip
    label = claim.subject.label
    return claim.model_copy(
        update={
            "derivation": "1 == 1",
            "value": True,
            "property": "solubility",
            "text": f"{label} is soluble.",
        }
    )


MUTATIONS: dict[str, Mutation] = {
    f.__name__: f for f in (wrong_unit, wrong_property, wrong_compound, salt_form, swapped_citation, altered_digit, invented_id,
                            invented_path, wrong_derivation, misleading_words, loose_derivation)
}  # fmt: skip


def stale_value(context: Any, claim: Claim, rng: random.Random, *, seen_again: bool) -> Claim | None:
    """Return a claim on an older result of the same call, which differs; the journal holds that result too."""
    if not _numeric(claim):
        return None
    identity, _, pointer = claim.cites[0].partition("#")
    evidence = EvidenceIndex.of(context)[identity][-1]
    if not load_registry()[evidence.tool].effects <= {"compute"}:
        return None
    key = pointer.rsplit("/", 1)[-1]
    old = canonical_value(evidence.result)
    old["quantities"][key]["value"] = canonical_value(float(claim.value or 0) * 1.07 + 0.5)
    body = {"type": "tool", "name": evidence.tool, "version": evidence.tool_version}
    task = f"old-{rng.getrandbits(32)}"
    for result in (old, canonical_value(evidence.result)) if seen_again else (old,):
        context.journal.append(
            "call.started", {**body, "arguments": evidence.arguments}, task=task, call_key=evidence.call_key
        )
        context.journal.append(
            "call.finished", {**body, "result": result}, task=task, call_key=evidence.call_key
        )
    value = old["quantities"][key]["value"]
    return _with_value(claim, float(value)).model_copy(
        update={"cites": (f"{evidence_id(evidence.call_key, old)}#{pointer}",)}
    )


async def wrong_arguments(context: Any, claims: list[Claim], rng: random.Random) -> Claim | None:
    """Return a claim on a call that was given another compound's structure under this compound's name."""
    from benchmate.agents.claims import claims_from
    from benchmate.runtime.context import TaskScope
    from benchmate.tools.calls import call_tool

    subjects = list(
        {c.subject.key: c.subject for c in claims if c.subject and c.subject.key.count("-") == 2}.values()
    )
    if len(subjects) < 2:
        return None
    right, other = rng.sample(subjects, 2)
    details = {
        e.key: e.details
        for items in EvidenceIndex.of(context).values()
        for i in items
        for e in i.result.entities
    }
    record = {"name": right.label, "smiles": details[other.key]["smiles"]}
    evidence = await call_tool(
        context, TaskScope(f"confused-{rng.getrandbits(32)}"), "compute_descriptors", {"compound": record}
    )
    return claims_from(load_registry()["compute_descriptors"], evidence, "confused", ["molecular_weight"])[0]


# --- measuring ------------------------------------------------------------------------------------------------------


async def measure(reports: int, folder: Path) -> tuple[Counter[str], Counter[str], int, int, list[str]]:
    from benchmate.agents.graph import build_graph
    from benchmate.app.runs import open_run

    rng = random.Random(SEED)
    seeded: Counter[str] = Counter()
    caught: Counter[str] = Counter()
    doubted, clean, missed = 0, 0, list[str]()
    for number in range(reports):
        async with open_run(folder / str(number), engine=_NoModel()) as run:
            context, plan = run.context, plan_of(rng)
            context.journal.append("run.opened", {"title": plan.title})
            state = await build_graph(context).ainvoke(
                {"plan": context.artifacts.put_json(plan.model_dump(mode="json"))}, run.config
            )
            claims = [c for r in load_results(context, plan, state["outcomes"]) for c in r.claims]
            intake = Intake.model_validate(context.artifacts.get_json(state["intake"]))
            verdicts = await verify_claims(context, claims, intake)
            clean += 1
            doubted += any(v.status != "supported" for v in verdicts)
            missed += [
                f"false alarm: {c.text} — {v.reason}"
                for c, v in zip(claims, verdicts, strict=True)
                if v.status in ("contradicted", "insufficient")
            ]
            async for kind, fault in _faults(context, claims, rng):
                (verdict,) = await verify_claims(context, [fault], intake)
                seeded[kind] += 1
                caught[kind] += verdict.status != "supported"
                if verdict.status == "supported":
                    missed.append(f"missed {kind}: {fault.text} {fault.value} {fault.unit} {fault.cites[0]}")
    return seeded, caught, clean, doubted, missed


async def _faults(context: Any, claims: list[Claim], rng: random.Random) -> Any:
    for kind, mutate in MUTATIONS.items():
        for claim in rng.sample(claims, len(claims)):
            fault = mutate(claim, claims, rng)
            if fault is not None and fault != claim and not _true_all_the_same(fault, claims):
                yield kind, fault
                break
    fault = await wrong_arguments(context, claims, rng)
    if fault is not None:
        yield "wrong_arguments", fault
    for seen_again in (True, False):
        for claim in rng.sample(claims, len(claims)):
            fault = stale_value(context, claim, rng, seen_again=seen_again)
            if fault is not None:
                yield "stale_value", fault
                break


def _true_all_the_same(fault: Claim, claims: list[Claim]) -> bool:
    """Return whether a spoilt claim happens to say the same as a clean one (two compounds with equal values and cites)."""
    return any(
        c.text == fault.text
        and c.value == fault.value
        and c.unit == fault.unit
        and c.cites == fault.cites
        and c.subject == fault.subject
        for c in claims
    )


class _NoModel:
    name, version = "none", "none"


def inline_workers() -> None:
    """Run tools in this process: what is measured is the verifier."""
    from benchmate.runtime.workers import WorkerPool

    async def inline(self: Any, function: Any, *args: Any, timeout: float | None = None) -> Any:
        return function(*args)

    WorkerPool.run = inline  # type: ignore[method-assign]
    WorkerPool.warm = lambda self: None  # type: ignore[method-assign]


def lines(seeded: Counter[str], caught: Counter[str], clean: int, doubted: int) -> Iterator[str]:
    yield f"{'fault':<20}{'seeded':>8}{'caught':>8}"
    for kind in sorted(seeded):
        yield f"{kind:<20}{seeded[kind]:>8}{caught[kind]:>8}"
    yield f"catch rate {100 * caught.total() / seeded.total():.1f} % of {seeded.total()} faults"
    yield f"false alarms {100 * doubted / clean:.1f} % of {clean} clean reports"


if __name__ == "__main__":
    inline_workers()
    with tempfile.TemporaryDirectory() as scratch:
        found = asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 100, Path(scratch)))
    print(*found[4], sep="\n", file=sys.stderr)
    print(*lines(*found[:4]), sep="\n")
