"""Descriptors and rules, against PubChem and the papers they come from."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem

from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.chemistry.descriptors import (
    DESCRIPTORS,
    check_druglikeness,
    compute_descriptors,
    descriptor_values,
)

ATORVASTATIN = "CC(C)c1c(C(=O)Nc2ccccc2)c(-c2ccccc2)c(-c2ccc(F)cc2)n1CC[C@@H](O)C[C@@H](O)CC(=O)O"


def run(tool: Any, **arguments: Any) -> ToolResult:
    nowhere = Path("unused")
    result: ToolResult = tool.run(tool.validate(arguments), ToolContext(nowhere, nowhere, nowhere))
    return result


@pytest.mark.parametrize(
    ("name", "expected"),
    [  # PubChem 2244, 2519, 1983: mass, exact mass, TPSA, donors, rotatable bonds, heavy atoms
        ("aspirin", {"molecular_weight": 180.16, "exact_mass": 180.04226, "tpsa": 63.6, "hbd": 1, "heavy_atom_count": 13}),
        ("caffeine", {"molecular_weight": 194.19, "exact_mass": 194.08038, "hbd": 0, "rotatable_bonds": 0}),
        ("paracetamol", {"molecular_weight": 151.16, "exact_mass": 151.06333, "tpsa": 49.3, "hbd": 2, "hba": 2}),
    ],
)  # fmt: skip
def test_values_that_pubchem_gives(name: str, expected: dict[str, float]) -> None:
    quantities = run(compute_descriptors, compound=name).quantities
    for key, value in expected.items():
        assert quantities[key].value == pytest.approx(value, abs=0.051 if key == "tpsa" else 0.006), key


def test_crippen_logp_of_aspirin() -> None:
    logp = run(compute_descriptors, compound="aspirin").quantities["logp"]
    assert logp.value == pytest.approx(1.31, abs=0.005)  # RDKit's documentation of the Crippen model
    assert logp.method == "Wildman-Crippen, RDKit"


def test_every_quantity_says_unit_method_and_form() -> None:
    result = run(compute_descriptors, compound="ibuprofen")
    assert list(result.quantities) == list(DESCRIPTORS)
    assert list(compute_descriptors.properties) == [*DESCRIPTORS, "formula", "scaffold"]
    for name, quantity in result.quantities.items():
        assert quantity.property == name
        assert quantity.method
        assert quantity.conditions == {"form": "as_given"}
    assert result.quantities["tpsa"].unit == "angstrom**2"
    assert result.data["scaffold"] == "c1ccccc1"
    assert result.entities[0].label == "ibuprofen"


def test_donors_and_acceptors_by_lipinskis_own_count() -> None:
    quantities = run(compute_descriptors, compound="caffeine").quantities
    assert quantities["lipinski_hba"].value == 6  # N4 and O2
    assert quantities["hba"].value < 6  # only the atoms that accept


def test_a_salt_is_computed_whole_or_as_its_parent() -> None:
    whole = run(compute_descriptors, compound="lidocaine hydrochloride")
    parent = run(compute_descriptors, compound="lidocaine hydrochloride", form="parent")
    assert whole.quantities["molecular_weight"].value == pytest.approx(270.80, abs=0.01)  # PubChem 6314
    assert parent.quantities["molecular_weight"].value == pytest.approx(234.34, abs=0.01)  # PubChem 3676
    assert "2 components" in whole.warnings[-1]
    assert parent.quantities["logp"].conditions == {"form": "parent"}


def test_atorvastatin_breaks_two_rules_of_five() -> None:
    result = run(check_druglikeness, compound=ATORVASTATIN)
    assert result.quantities["lipinski_violations"].value == 2  # MW 558.6 and logP 6.3
    broken = [c["rule"] for c in result.data["rules"]["lipinski"]["checks"] if not c["passed"]]
    assert broken == ["molecular_weight", "logp"]
    assert result.quantities["veber_violations"].value == 1  # 12 rotatable bonds


def test_aspirin_is_druglike_and_too_small_to_be_leadlike() -> None:
    result = run(check_druglikeness, compound="aspirin")
    violations = {name: q.value for name, q in result.quantities.items() if name.endswith("violations")}
    assert violations == {
        "lipinski_violations": 0, "veber_violations": 0, "ghose_violations": 0, "leadlike_violations": 1
    }  # fmt: skip


def test_benzylidene_rhodanine_is_a_pains_alert() -> None:
    """Baell and Holloway 2010, J Med Chem 53, 2719: the ene_rhod_A family."""
    result = run(check_druglikeness, compound="O=C1NC(=S)SC1=Cc1ccccc1")
    pains = [alert for alert in result.data["alerts"] if alert["catalog"] == "PAINS"]
    assert [alert["name"] for alert in pains] == ["ene_rhod_A(235)"]
    assert len(pains[0]["atoms"]) == 8
    assert "Baell" in pains[0]["reference"]
    assert "not a verdict" in result.warnings[-1]
    assert run(check_druglikeness, compound="ethanol").quantities["alert_count"].value == 0


@given(
    st.sampled_from([ATORVASTATIN, "CC(=O)Oc1ccccc1C(=O)O", "C1CC2CCC1C2"]), st.randoms(use_true_random=False)
)
def test_values_do_not_depend_on_the_order_of_atoms(smiles: str, random: Any) -> None:
    mol = Chem.MolFromSmiles(smiles)
    order = list(range(mol.GetNumAtoms()))
    random.shuffle(order)
    assert descriptor_values(Chem.RenumberAtoms(mol, order)) == pytest.approx(descriptor_values(mol))
