"""The hazard gate: listed things are known in every disguise that has the same structure, and nothing else is stopped.

InChIKeys are those of PubChem and of the OPCW's scheduled chemicals database, not of this program.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmate.agents.contracts import Plan, Task
from benchmate.app.open_run import open_run
from benchmate.app.runs import execute, replay_run
from benchmate.runtime.context import RunContext, TaskScope
from benchmate.runtime.errors import ErrorInfo, Refused
from benchmate.runtime.evidence import Evidence, ToolResult
from benchmate.runtime.policy import HazardRule, Policy
from benchmate.tools import hazards
from benchmate.tools.base import Making, Source, ToolContext, tool
from benchmate.tools.calls import ApprovalNeeded, call_batch, call_table, call_tool
from benchmate.tools.chemistry.compounds import Compound, resolve_compound
from benchmate.tools.registry import Registry, load_registry

HERE = Source(kind="computed", name="test")
SARIN, HEROIN = "CC(C)OP(C)(=O)F", "CC(=O)OC1C=CC2C3Cc4ccc(OC(C)=O)c5OC1C2(CCN3C)c45"
KEYS = {
    "cwc-schedule-1": {
        SARIN: "DYAHQFWOVKZOOW", "CC(OP(C)(=O)F)C(C)(C)C": "GRXKLBBBQUKJJZ", "CCOP(=O)(C#N)N(C)C": "PJVJTCIRVMBVIA",
        "CCOP(C)(=O)SCCN(C(C)C)C(C)C": "JJIUCEJQJXNMHV", "ClCCSCCCl": "QKSKPIVNLNLAAV",
    },
    "cwc-schedule-3": {"O=C(Cl)Cl": "YGYAWVDWMABLBF"},
    "explosives": {
        "Cc1c([N+](=O)[O-])cc([N+](=O)[O-])cc1[N+](=O)[O-]": "SPSSULHKWOKEEL",
        "O=[N+]([O-])N1CN([N+](=O)[O-])CN([N+](=O)[O-])C1": "XTFIVUDBNACUBN",
        "O=[N+]([O-])OCC(CO[N+](=O)[O-])(CO[N+](=O)[O-])CO[N+](=O)[O-]": "TZRXHJWUDPFEEY",
    },
    "un-drugs": {
        "CCC(=O)N(c1ccccc1)C1CCN(CCc2ccccc2)CC1": "PJMPHNIQZUBGLI", HEROIN: "GVGLGOZIDCSQPN",
        "COC(=O)C1C(OC(=O)c2ccccc2)CC2CCC1N2C": "ZPUCINDJVBIVPJ", "CNC(C)Cc1ccc2OCOc2c1": "SHXWCVYOXRDMCX",
    },
    "toxins": {
        "NC(=O)OCC1N=C(N)N2CCC(O)(O)C23N=C(N)NC13": "RPQXVSUAYFXFJA",
        "OCC1(O)C2OC3(O)OC1C(O)C1(NC(N)=NC(O)C12)C3O": "CFMYXEVWODSLAX",
    },
}  # fmt: skip


@tool(domain="chemistry")
def look_up(compound: Compound, note: str = "") -> ToolResult:
    """Look something up.

    Args:
        compound: What of.
        note: A note.
    """
    return ToolResult(data={"formula": compound.formula}, source=HERE)


@tool(domain="chemistry", makes=Making())
def make_it(compound: Compound) -> ToolResult:
    """Plan to make something.

    Args:
        compound: What to make.
    """
    return ToolResult(data={"made": compound.smiles}, source=HERE)


@tool(
    domain="chemistry", makes=Making(inputs=frozenset({"compound"}), products=lambda data: data["products"])
)
def turn_into(compound: Compound, gives: list[str]) -> ToolResult:
    """Turn a compound into others.

    Args:
        compound: What goes in.
        gives: What comes out, which the gate reads off the result.
    """
    return ToolResult(data={"products": gives}, source=HERE)


@tool(domain="lab", effects={"exec"})
def run_robot(protocol: str) -> ToolResult:
    """Run a protocol.

    Args:
        protocol: What to do.
    """
    return ToolResult(data={"ran": protocol}, source=HERE)


@pytest.fixture
def setting(tmp_path: Path) -> ToolContext:
    return ToolContext(tmp_path, tmp_path, tmp_path)


class NoModel:
    name = version = "none"


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch, inline_tools: None) -> None:
    registry = Registry({**load_registry(), **{t.name: t for t in (look_up, make_it, turn_into, run_robot)}})
    for module in ("benchmate.tools.calls", "benchmate.tools.registry", "benchmate.agents.tasks"):
        monkeypatch.setattr(f"{module}.load_registry", lambda: registry)


@pytest.fixture
async def context(tmp_path: Path, own: None) -> AsyncIterator[RunContext]:
    async with open_run(tmp_path / "runs", engine=NoModel()) as run:
        yield run.context


def lists_of(compound: str) -> set[str]:
    return {f.list for f in hazards.findings_in(look_up, {"compound": resolve_compound(compound)})}


@pytest.mark.parametrize(
    ("name", "smiles", "key"), [(n, s, k) for n, rows in KEYS.items() for s, k in rows.items()]
)
def test_listed_structures_are_those_of_the_public_record(name: str, smiles: str, key: str) -> None:
    assert resolve_compound(smiles).inchikey.startswith(key)
    assert name in lists_of(smiles)


@pytest.mark.parametrize(
    "compound",
    ["caffeine", "aspirin", "paracetamol", "ibuprofen", "sucrose", "ethanol", "benzene", "water", "sodium chloride",
     "lidocaine", "penicillin G", "CN1C2CCC1CC(C2)OC(=O)C(CO)c1ccccc1", "glyphosate", "C[P+](C)(C)C", "O=P(O)(O)O", "ATP", "malathion",
     "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(n1)-c1cccnc1"],
)  # fmt: skip
def test_ordinary_compounds_are_on_no_list(compound: str) -> None:
    assert lists_of(compound) == set()


@pytest.mark.parametrize(
    ("compound", "lists"),
    [("acetone", {"dea-list-2", "eu-explosives-precursors-reportable"}), ("toluene", {"dea-list-2"}),
     ("2-butanone", {"dea-list-2"}), ("diethyl ether", {"dea-list-2"})],
)  # fmt: skip
def test_solvents_of_list_ii_are_a_notice_and_nothing_more(
    compound: str, lists: set[str], setting: ToolContext
) -> None:
    assert lists_of(compound) == lists
    for one in (look_up, make_it):
        result = one.run(one.validate({"compound": compound}), setting)
        assert {n.verdict for n in result.hazards} == {"allow"}
        assert {n.list for n in result.hazards} == lists
        assert any("listed: " in w for w in result.warnings)


@pytest.mark.parametrize(
    "disguise",
    [
        "CC(N)Cc1ccccc1.OS(=O)(=O)O", "[2H]C(C)(N)Cc1ccccc1", "C[C@H](N)Cc1ccccc1", "C[C@H]([NH3+])Cc1ccccc1.[Cl-]",
        "CC(N)Cc1ccccc1.CCCCCCCCCCCCCCCCCCCC(=O)O", "c1(CC(C)N)ccccc1", "CC(N)C[13c]1ccccc1",
        "InChI=1S/C9H13N/c1-8(10)7-9-5-3-2-4-6-9/h2-6,8H,7,10H2,1H3",
    ],
)  # fmt: skip
def test_salts_isotopes_stereo_and_mixtures_do_not_hide_amphetamine(
    disguise: str, setting: ToolContext
) -> None:
    assert "un-drugs" in lists_of(disguise)
    with pytest.raises(Refused) as refused:
        make_it.run(make_it.validate({"compound": disguise}), setting)
    assert refused.value.code == "hazard_denied"


@settings(max_examples=60)
@given(st.data())
def test_the_order_of_atoms_does_not_matter(data: st.DataObject) -> None:
    from rdkit import Chem

    name = data.draw(st.sampled_from(sorted(KEYS)))
    smiles = data.draw(st.sampled_from(sorted(KEYS[name])))
    mol = Chem.MolFromSmiles(smiles)
    order = data.draw(st.permutations(range(mol.GetNumAtoms())))
    assert name in lists_of(Chem.MolToSmiles(Chem.RenumberAtoms(mol, order), canonical=False))


@pytest.mark.parametrize(
    ("smiles", "family"),
    [("CCCOP(C)(=O)F", "1.A.1"), ("CCCCOP(CC)(=O)F", "1.A.1"), ("CC(C)OP(=O)(C#N)N(C)C", "1.A.2"),
     ("CC(C)OP(C)(=O)SCCN(CC)CC", "1.A.3"), ("CCOP(=O)(CCC)OCC", "2.B.4"),
     ("CCC(=O)N(c1ccccc1)C1CCN(CCc2cccs2)CC1", "fentanyl")],
)  # fmt: skip
def test_families_are_known_by_their_structure(smiles: str, family: str) -> None:
    found = hazards.findings_in(look_up, {"compound": resolve_compound(smiles)})
    assert any(family in f.entry and f.match == "family, by SMARTS" for f in found), found


@pytest.mark.parametrize(
    ("header", "lists"),
    [
        (">sp|P02879|RICI_RICCO Ricin OS=Ricinus communis", {"select-agents", "australia-group-pathogens"}),
        (
            ">WP_000000001.1 protective antigen [Bacillus anthracis]",
            {"select-agents", "australia-group-pathogens"},
        ),
        (">sp|P00698|LYSC_CHICK Lysozyme C OS=Gallus gallus", set()),
        (">sp|P0DTC2|SPIKE_SARS2 Spike glycoprotein OS=SARS-CoV-2", set()),
        (">sp|P42212|GFP_AEQVI Green fluorescent protein", set()),
        (">insulin", set()),
    ],
)
def test_sequences_are_known_by_what_their_header_names(
    header: str, lists: set[str], setting: ToolContext
) -> None:
    optimise = load_registry()["optimize_codons"]
    arguments = optimise.validate({"sequence": f"{header}\nMKWVTFISLLFLFSSAYSRGVFRR", "host": "E. coli"})
    if lists:
        with pytest.raises(Refused) as refused:
            optimise.run(arguments, setting)
        assert lists <= {n["list"] for n in refused.value.info.details["hazards"]} | {
            "australia-group-pathogens"
        }
        assert refused.value.code == "hazard_denied"
    else:
        assert optimise.run(arguments, setting).hazards == ()


def test_a_lookup_of_a_listed_compound_is_allowed_with_a_notice(setting: ToolContext) -> None:
    weigh = load_registry()["compute_descriptors"]
    result = weigh.run(weigh.validate({"compound": "sarin"}), setting)
    assert result.quantities["molecular_weight"].value == pytest.approx(140.09, abs=0.01)  # PubChem CID 7871
    (notice, *_) = result.hazards
    assert (notice.verdict, notice.code, notice.list) == ("allow", "hazard_notice", "cwc-schedule-1")
    for told in ("Schedule 1", "OPCW", "2020", "limits of the list"):
        assert told in notice.reason


def test_a_refusal_tells_reason_list_date_limits_and_who_decides(setting: ToolContext) -> None:
    with pytest.raises(Refused) as refused:
        make_it.run(make_it.validate({"compound": "TNT"}), setting)
    for told in ("TNT", "well-known high explosives", "2015", "ten of many", "hazards"):
        assert told in str(refused.value)


@pytest.mark.parametrize(
    ("gives", "code"), [([SARIN], "hazard_denied"), (["O=Cc1ccc2OCOc2c1"], "hazard_unasked"), (["CCO"], None),
                        (["Cc1ccccc1"], None)],
)  # fmt: skip
def test_what_a_reaction_gives_is_looked_at(gives: list[str], code: str | None, setting: ToolContext) -> None:
    arguments = turn_into.validate({"compound": "ethanol", "gives": gives})
    if code is None:
        assert turn_into.run(arguments, setting).data["products"] == gives
    else:
        with pytest.raises(Refused) as refused:
            turn_into.run(arguments, setting)
        assert refused.value.code == code


@pytest.mark.parametrize(
    "text",
    [SARIN, "sarin", "CP(=O)(F)F.CC(C)O>>CC(C)OP(C)(=O)F", "[CH3:1]P(=O)(F)F.CC(C)[OH:2]>>[CH3:1]P(=O)(F)[O:2]C(C)C",
     ">x ricin A chain\nMKWVTF", f"{SARIN}.O", "  sarin "],
)  # fmt: skip
def test_text_of_tools_that_act_outside_is_read_for_listed_things(text: str, setting: ToolContext) -> None:
    with pytest.raises(Refused) as refused:
        run_robot.run({"protocol": text}, setting)
    assert refused.value.code == "hazard_denied"
    assert run_robot.run({"protocol": "stir for 5 min"}, setting).hazards == ()


async def test_a_person_is_asked_before_a_dual_use_item_is_made(context: RunContext) -> None:
    scope = TaskScope("t")
    with pytest.raises(ApprovalNeeded) as need:
        await call_tool(context, scope, "make_it", {"compound": "piperonal"})
    assert "UN drug convention of 1988" in str(need.value) and "2024" in str(need.value)
    assert not list(context.journal.records("call.started"))
    context.journal.append("approval.given", {"subject": need.value.subject, "approved": True})
    evidence = await call_tool(context, TaskScope("t"), "make_it", {"compound": "piperonal"})
    assert {n.code for n in evidence.result.hazards} == {"hazard_approved"}
    decided = [r.body for r in context.journal.records("hazard.decided")]
    assert {d["list"] for d in decided} == {"un-drug-precursors", "dea-list-1"}
    with pytest.raises(ApprovalNeeded) as need:  # the yes was for that call
        await call_tool(context, TaskScope("t"), "make_it", {"compound": "safrole"})
    context.journal.append("approval.given", {"subject": need.value.subject, "approved": False})
    with pytest.raises(Refused):
        await call_tool(context, TaskScope("t"), "make_it", {"compound": "safrole"})


async def test_a_product_that_only_the_reaction_tells_is_asked_about_first(context: RunContext) -> None:
    arguments = {"compound": "ethanol", "gives": ["O=Cc1ccc2OCOc2c1"]}
    with pytest.raises(ApprovalNeeded) as need:
        await call_tool(context, TaskScope("t"), "turn_into", arguments)
    context.journal.append("approval.given", {"subject": need.value.subject, "approved": True})
    assert (await call_tool(context, TaskScope("t"), "turn_into", arguments)).result.data["products"]


async def test_one_listed_item_of_a_batch_fails_alone_and_is_journaled(context: RunContext) -> None:
    items = [{"compound": c} for c in ("caffeine", "sarin", "aspirin")]
    outcomes = await call_batch(context, TaskScope("t"), "make_it", items)
    assert [o.code if isinstance(o, ErrorInfo) else "ok" for o in outcomes] == ["ok", "hazard_denied", "ok"]
    (decided, *_) = [r.body for r in context.journal.records("hazard.decided")]
    assert (decided["verdict"], decided["list"], decided["tool"]) == ("deny", "cwc-schedule-1", "make_it")


async def test_tables_pass_the_gate_row_by_row(context: RunContext) -> None:
    (evidence,) = await call_table(context, TaskScope("t"), "make_it", [{"compound": c} for c in ("caffeine", "TNT", "toluene")])  # fmt: skip
    table = context.artifacts.get(evidence.result.artifacts[0].sha).decode()
    assert "hazard_denied" in table and "DEA List II" in table
    assert evidence.result.quantities["failed_count"].value == 1


async def test_only_the_machines_policy_lifts_a_list_and_by_its_name(context: RunContext) -> None:
    lifted = Policy(
        hazards=(HazardRule(list="explosives", decision="allow", reason="licensed"),), mode_network=True
    )
    context.policy = Policy(hazards=lifted.hazards, mode_network=True).under(Policy(mode_network=True))
    with pytest.raises(Refused):  # a workflow's policy under a machine's that says nothing
        await call_tool(context, TaskScope("a"), "make_it", {"compound": "TNT"})
    context.policy = Policy(mode_network=True).under(lifted)
    evidence = await call_tool(context, TaskScope("b"), "make_it", {"compound": "TNT"})
    assert [n.code for n in evidence.result.hazards] == ["hazard_rule"]
    assert "licensed" in evidence.result.hazards[0].reason
    with pytest.raises(Refused):
        await call_tool(context, TaskScope("c"), "make_it", {"compound": "sarin"})


async def test_a_stricter_machine_can_forbid_lookups(context: RunContext) -> None:
    rule = HazardRule(list="Chemical Weapons Convention, Schedule 1", use="lookup", decision="deny")
    context.policy = Policy(hazards=(rule,), mode_network=True)
    with pytest.raises(Refused, match="machine's policy"):
        await call_tool(context, TaskScope("a"), "look_up", {"compound": "sarin"})
    assert isinstance(await call_tool(context, TaskScope("a"), "look_up", {"compound": "caffeine"}), Evidence)


async def test_the_report_tells_what_is_listed_and_a_replay_tells_the_same(tmp_path: Path, own: None) -> None:
    tasks = tuple(
        Task(id=i, kind="tool", tool=t, arguments={"compound": c})
        for i, t, c in (("a", "look_up", "morphine"), ("b", "make_it", "TNT"), ("c", "make_it", "caffeine"))
    )
    plan = Plan(title="Three", made_by="test", tasks=tasks)
    outcome = await execute(plan=plan, out=tmp_path / "runs", engine=NoModel())
    text = (outcome.folder / "report.md").read_text()
    assert "listed: morphine is on the list UN drug conventions" in text
    assert "make_it makes nothing towards a listed item" in text
    again = await replay_run(outcome.folder)
    assert (again.folder / "report.md").read_bytes() == (outcome.folder / "report.md").read_bytes()


def test_every_list_says_its_source_date_level_and_limits() -> None:
    told = hazards.lists_told()
    assert len({one["id"] for one in told}) == len(told) >= 15
    for one in told:
        assert all(one[key].strip() for key in ("id", "name", "source", "as_of", "limits"))
        assert one["level"] in ("refuse", "restricted", "caution")


def test_the_shipped_tools_that_make_something_are_marked() -> None:
    making = {name for name, one in load_registry().items() if hazards.is_making(one)}
    assert making == {
        "plan_retrosynthesis", "apply_reaction", "suggest_conditions", "optimize_codons", "simulate_gibson_assembly",
        "simulate_golden_gate", "simulate_restriction_cloning",
    }  # fmt: skip
