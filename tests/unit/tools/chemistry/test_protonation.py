"""Protonation states, and class ranges that hold the values of the CRC Handbook."""

from pathlib import Path
from typing import Any

import pytest
from rdkit import Chem

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.chemistry.pka_classes import CLASSES
from benchmate.tools.chemistry.protonation import predict_pka


def predict(compound: str, **more: Any) -> ToolResult:
    nowhere = Path("unused")
    return predict_pka.run(
        predict_pka.validate({"compound": compound, **more}), ToolContext(nowhere, nowhere, nowhere)
    )


@pytest.mark.parametrize(
    ("smiles", "pka", "kind"),  # CRC Handbook of Chemistry and Physics, water, 25 °C
    [
        ("CC(=O)O", 4.756, "acid"),
        ("O=CO", 3.75, "acid"),
        ("O=C(O)c1ccccc1", 4.204, "acid"),
        ("O=C(O)C(F)(F)F", 0.52, "acid"),
        ("O=C(O)CCl", 2.87, "acid"),
        ("Oc1ccccc1", 9.99, "acid"),
        ("O=[N+]([O-])c1ccc(O)cc1", 7.15, "acid"),
        ("O=[N+]([O-])c1ccccc1O", 7.23, "acid"),
        ("CCS", 10.61, "acid"),
        ("O=C1CCC(=O)N1", 9.62, "acid"),
        ("CC(=O)CC(C)=O", 8.99, "acid"),
        ("CCO", 15.5, "acid"),
        ("CCN", 10.65, "base"),
        ("CCNCC", 10.84, "base"),
        ("CCN(CC)CC", 10.75, "base"),
        ("C1COCCN1", 8.50, "base"),
        ("Nc1ccccc1", 4.87, "base"),
        ("c1ccncc1", 5.23, "base"),
        ("Nc1ccncc1", 9.11, "base"),
        ("c1c[nH]cn1", 6.99, "base"),
        ("c1cn[nH]c1", 2.49, "base"),
        ("N=C(N)N", 13.6, "base"),
        ("CC(=N)N", 12.1, "base"),
        ("NCc1ccccc1", 9.33, "base"),
    ],
)
def test_the_range_of_the_class_holds_the_measured_value(smiles: str, pka: float, kind: str) -> None:
    sites = [site for site in predict(smiles).data["sites"] if site["kind"] == kind]
    assert any(site["range"][0] <= pka <= site["range"][1] for site in sites)


def test_glycine_has_the_classes_of_amino_acids() -> None:
    groups = [site["group"] for site in predict("glycine").data["sites"]]
    assert groups == ["amine of an alpha-amino acid", "carboxyl of an alpha-amino acid"]


def test_an_amide_nitrogen_is_no_base() -> None:
    assert predict("CC(=O)NC").data["sites"] == []


def test_a_range_is_called_a_range() -> None:
    result = predict("acetic acid")
    assert any("not a prediction for this compound" in warning for warning in result.warnings)
    assert result.quantities["pka_low_1"].relation == "~"


@pytest.mark.parametrize(
    ("compound", "ph", "charge"),
    [("CC(=O)O", 7.4, -1), ("CC(=O)O", 1.0, 0), ("CCN", 7.4, 1), ("CCN", 13.5, 0), ("citric acid", 10, -3), ("benzene", 7, 0)],
)  # fmt: skip
def test_net_charge(compound: str, ph: float, charge: int) -> None:
    assert predict(compound, ph=ph).quantities["net_charge"].value == charge


def test_beta_alanine_has_two_states_close_in_energy() -> None:
    result = predict("NCCC(=O)O")
    assert result.quantities["state_count"].value == 2 and "net_charge" not in result.quantities
    assert any("different net charge" in warning for warning in result.warnings)


def test_a_salt_is_taken_by_its_parent() -> None:
    assert any("neutral parent CC(=O)O" in w for w in predict("[Na+].CC(=O)[O-]").warnings)


def test_no_group_does_not_mean_no_acid() -> None:
    assert any("does not say" in warning for warning in predict("benzene").warnings)


def test_too_many_groups_are_refused() -> None:
    with pytest.raises(InvalidInput) as refusal:
        predict("OC(=O)" + "CC(C(=O)O)" * 13)
    assert refusal.value.code == "too_many_sites"


def test_the_table_is_sound() -> None:
    for group in CLASSES:
        assert Chem.MolFromSmarts(group.smarts) is not None and group.low < group.high and group.spanned_by
