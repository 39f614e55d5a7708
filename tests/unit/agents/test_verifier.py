"""The verifier: each way a claim can be wrong is found in code, and the reason says what it is."""

from __future__ import annotations

from typing import Any

import pytest

from benchmate.agents import checks
from benchmate.agents.claims import claims_from
from benchmate.agents.contracts import Claim, Subject
from benchmate.agents.intake import Intake, read_question
from benchmate.agents.ledger import EvidenceIndex
from benchmate.agents.verifier import verify_claims
from benchmate.app.runs import OpenRun
from benchmate.runtime.context import TaskScope
from benchmate.runtime.errors import Transient
from benchmate.runtime.evidence import Evidence
from benchmate.runtime.journal import Entry
from benchmate.runtime.quantity import Quantity
from benchmate.tools.calls import call_tool
from benchmate.tools.registry import load_registry


async def descriptors(run: OpenRun, compound: Any, task: str = "t") -> Evidence:
    return await call_tool(run.context, TaskScope(task), "compute_descriptors", {"compound": compound})


def claims_on(evidence: Evidence, *properties: str) -> list[Claim]:
    return claims_from(load_registry()[evidence.tool], evidence, "t", properties)


async def verdict(run: OpenRun, claim: Claim, intake: Intake | None = None) -> tuple[str, str, str]:
    (found,) = await verify_claims(run.context, [claim], intake or Intake())
    return found.status, found.method, found.reason


async def test_a_true_claim_is_supported_by_making_its_call_again(run: OpenRun) -> None:
    (claim,) = claims_on(await descriptors(run, "aspirin"), "molecular_weight")
    assert claim.text == "The molecular weight of aspirin is 180.16 g/mol."  # PubChem CID 2244: 180.16
    assert (await verdict(run, claim))[:2] == ("supported", "repeated")


async def test_arguments_from_intake_make_the_check_independent(run: OpenRun) -> None:
    intake = await read_question(run.context, "What is the molecular weight of aspirin?")
    (claim,) = claims_on(await descriptors(run, "aspirin"), "molecular_weight")
    assert (await verdict(run, claim, intake))[:2] == ("supported", "independent")


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"value": 181.16, "text": "The molecular weight of aspirin is 181.16 g/mol."}, "contradicted", "180.16 g/mol"),
        ({"text": "The molecular weight of aspirin is 181.16 g/mol."}, "contradicted", "does not say 180.16"),
        ({"unit": "kg/mol"}, "contradicted", "0.1802 kg/mol"),
        ({"unit": "kelvin", "text": "The molecular weight of aspirin is 180.16 K."}, "contradicted", "the claim in kelvin"),
        ({"text": "The molecular weight of aspirin is 180.16 kg/mol."}, "contradicted", "does not say"),
        ({"property": "exact_mass"}, "contradicted", "not exact_mass"),
        ({"text": "The logP of aspirin is 180.16 g/mol."}, "contradicted", "speaks of logp"),
        ({"cites": ("E-000000000000#/quantities/molecular_weight",)}, "insufficient", "not in this run"),
        ({"cites": ()}, "insufficient", "cites no evidence"),
        ({"subject": Subject(key="RYYVLZVUVIJVGH-UHFFFAOYSA-N", label="caffeine")}, "contradicted", "about aspirin"),
        ({"subject": None}, "insufficient", "what it is about"),
        ({"text": "The molecular weight of aspirin is 180.16 g/mol, measured 7 times."}, "contradicted", "digits 7"),
    ],
)  # fmt: skip
async def test_a_spoilt_claim_is_not_supported(
    run: OpenRun, change: dict[str, Any], status: str, says: str
) -> None:
    (claim,) = claims_on(await descriptors(run, "aspirin"), "molecular_weight")
    found = await verdict(run, claim.model_copy(update=change))
    assert found[0] == status
    assert says in found[2]


async def test_a_salt_is_not_its_base(run: OpenRun) -> None:
    base, salt = await descriptors(run, "lidocaine"), await descriptors(run, "CCN(CC)CC(=O)Nc1c(C)cccc1C.Cl")
    (claim,) = claims_on(base, "molecular_weight")
    entity = salt.result.entities[0]
    spoilt = claim.model_copy(update={
        "subject": Subject(key=entity.key, label=entity.label), "text": claim.text.replace("lidocaine", entity.label),
    })  # fmt: skip
    status, _, reason = await verdict(run, spoilt)
    assert status == "contradicted"
    assert "another salt or form" in reason


async def test_a_structure_under_another_compounds_name_is_found_by_intake(run: OpenRun) -> None:
    intake = await read_question(run.context, "What is the molecular weight of aspirin?")
    confused = await descriptors(run, {"name": "aspirin", "smiles": "OC(=O)c1ccccc1O"})  # salicylic acid
    (claim,) = claims_on(confused, "molecular_weight")
    status, _, reason = await verdict(run, claim, intake)
    assert status == "contradicted"
    assert "under that name" in reason


async def test_an_older_result_of_the_same_call_is_stale(run: OpenRun) -> None:
    evidence = await descriptors(run, "aspirin")
    (claim,) = claims_on(evidence, "molecular_weight")
    result = evidence.result.model_dump(mode="json")
    result["quantities"]["molecular_weight"]["value"] = 180.2
    body = {"type": "tool", "name": evidence.tool, "version": evidence.tool_version, "result": result}
    run.context.journal.append("call.finished", body, task="later", call_key=evidence.call_key)
    status, _, reason = await verdict(run, claim)
    assert status == "contradicted"
    assert "out of date" in reason


@pytest.mark.parametrize(
    "order", [(10.0, 20.0), (20.0, 10.0)], ids=["as in the run", "as a replay may write it"]
)
async def test_of_parallel_results_the_newest_is_by_time_in_whatever_order_they_are_written(
    run: OpenRun, order: tuple[float, float]
) -> None:
    evidence = await descriptors(run, "aspirin")
    key, values = "parallel", {10.0: 180.1, 20.0: 180.2}
    for at in order:
        result = evidence.result.model_dump(mode="json")
        result["quantities"]["molecular_weight"]["value"] = values[at]
        body = {"type": "tool", "name": evidence.tool, "version": evidence.tool_version}
        arguments = {**body, "arguments": evidence.arguments}
        run.context.journal.append_many([
            Entry("call.started", arguments, f"at-{at:g}", 1, key, at),
            Entry("call.finished", {**body, "result": result}, f"at-{at:g}", 1, key, at),
        ])  # fmt: skip
    index = EvidenceIndex.of(run.context)
    found = {e.at: e for i in index for e in index[i] if e.call_key == key}
    stale = {}
    for at, observed in found.items():
        (claim,) = claims_on(observed, "molecular_weight")
        stale[at] = "out of date" in (await verdict(run, claim))[2]
    assert stale == {10.0: True, 20.0: False}


async def test_a_call_that_failed_later_makes_nothing_stale(run: OpenRun) -> None:
    evidence = await descriptors(run, "aspirin")
    (claim,) = claims_on(evidence, "molecular_weight")
    error = Transient("server_busy", "busy").info.model_dump(mode="json")
    body = {"type": "tool", "name": evidence.tool, "version": evidence.tool_version, "error": error}
    run.context.journal.append("call.finished", body, task="later", call_key=evidence.call_key)
    assert (await verdict(run, claim))[0] == "supported"


def test_derivations_are_units_aware() -> None:
    from benchmate.runtime.quantity import Quantity

    kilo, gram = (
        Quantity(value=1, unit="kilogram", property="mass"),
        Quantity(value=600, unit="gram", property="mass"),
    )
    assert checks.derive("rank_high(c0, [c1])", [kilo, gram]) == 1
    assert checks.derive("c0 > c1", [kilo, gram]) is True
    assert checks.derive("c0 - c1", [kilo, gram]).to("gram").value == pytest.approx(400)
    assert checks.derive("c0 / c1", [kilo, gram]) == pytest.approx(1000 / 600)


@pytest.mark.parametrize(
    ("claimed", "actual", "same"),
    [
        (180.16, 180.159, True), (180.15, 180.159, False), (1.31, 1.3101, True), (1.3, 1.3101, True), (2.0, 1.3101, False),
        (0.0, 0.0, True), (0.0, 0.4, False), (1e-5, 1.04e-5, False), (1.0e-5, 1e-5, True), (8564.8, 8564.77, True), (5, 4.6, False),
    ],
)  # fmt: skip
def test_a_number_agrees_when_it_is_the_value_rounded_to_its_own_digits(
    claimed: float, actual: float, same: bool
) -> None:
    assert checks.agrees(claimed, actual) is same


@pytest.mark.parametrize(
    ("text", "allowed", "loose"),
    [
        ("aspirin weighs 180.16 g/mol", [], []),
        ("aspirin weighs 180.2 g/mol", [], []),
        ("aspirin weighs 181 g/mol", [], ["181"]),
        ("2,4-dinitrotoluene weighs 180.16", ["2,4-dinitrotoluene"], []),
        ("2,4-dinitrotoluene weighs 180.16", [], ["2"]),
        ("see E-0123456789ab#/quantities/x", [], []),
        ("C9H8O4 has 21 atoms", ["C9H8O4"], ["21"]),
        ("a yield of 1,250 kg", [], ["1,250"]),
    ],
)
def test_digits_that_nothing_backs_are_listed(text: str, allowed: list[str], loose: list[str]) -> None:
    assert checks.unbacked_digits(text, allowed, [(180.159, "g/mol")])[: len(loose) or None] == loose


def test_an_uncertainty_backs_the_digits_that_state_it() -> None:
    numbers = checks.numbers_of(
        [Quantity(value=96.784, uncertainty=1.0355, property="amplitude", method="fit"), "text"]
    )
    assert checks.unbacked_digits("The amplitude is 96.78 ± 1.036.", [], numbers) == []
    assert checks.unbacked_digits("The amplitude is 96.78 ± 2.036.", [], numbers) == ["2.036"]
