"""Heats of formation: tables, homodesmotic reactions against tabulated heats that they do not use, balance, doubts and refusals."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit.Chem import AddHs, MolFromSmiles, MolToSmiles

from benchmate.runtime.errors import BenchmateError
from benchmate.tools import extras
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.chemistry.bond_separation import Stuck, separate
from benchmate.tools.chemistry.enthalpy import estimate_reaction_enthalpy
from benchmate.tools.chemistry.formation import estimate_formation_enthalpy


def run(compound: str, **more: Any) -> ToolResult:
    nowhere = Path("unused")
    arguments = estimate_formation_enthalpy.validate({"compound": compound, **more})
    return estimate_formation_enthalpy.run(arguments, ToolContext(nowhere, nowhere, nowhere))


def react(equation: str, **more: Any) -> ToolResult:
    nowhere = Path("unused")
    arguments = estimate_reaction_enthalpy.validate({"equation": equation, **more})
    return estimate_reaction_enthalpy.run(arguments, ToolContext(nowhere, nowhere, nowhere))


def refusal(compound: str, **more: Any) -> BenchmateError:
    with pytest.raises(BenchmateError) as caught:
        run(compound, **more)
    return caught.value


def everything(smiles: str) -> bool:
    """Say that every molecule is known: so that separations keep all surroundings."""
    return True


@pytest.mark.parametrize(
    ("compound", "phase", "heat"),
    [  # Active Thermochemical Tables and CRC Handbook
        ("ethanol", "gas", -234.6),
        ("benzene", "gas", 83.2),
        ("vinyl chloride", "gas", 22.1),  # the CRC Handbook has 37.2
        ("water", "liquid", -285.8),
        ("water", "gas", -241.8),
        ("[Na+].[Cl-]", "solid", -411.2),
        ("O=O", "gas", 0.0),
    ],
)
def test_tabulated_heats(compound: str, phase: str, heat: float) -> None:
    result = run(compound, phase=phase)
    assert result.quantities["formation_enthalpy"].value == pytest.approx(heat, abs=0.3)
    assert result.data["reliability"] == "tabulated"


@pytest.mark.parametrize(
    ("compound", "heat", "reaction"),
    [  # heats of the CRC Handbook; reactions written by hand
        ("pentane", -146.9, "M + 2 CC -> 3 CCC"),
        ("1,3-butadiene", 110.0, "M + CC -> 2 C=CC"),
        ("ethylbenzene", 29.9, "M + CC -> CCC + Cc1ccccc1"),
        ("biphenyl", 182.1, "M + CC -> 2 Cc1ccccc1"),
        ("2-pentanone", -259.0, "M + 2 CC -> CC(C)=O + 2 CCC"),
        ("diethyl sulfide", -83.5, "M + 2 CS -> 2 CCS + CSC"),
        ("methylcyclopentane", -106.2, "M + CCC -> C1CCCC1 + CC(C)C"),
        ("benzonitrile", 215.7, "M + CC -> CC#N + Cc1ccccc1"),
        ("1-nitropropane", -124.3, "M + CC -> CCC + CC[N+](=O)[O-]"),
        ("1-iodopropane", -30.0, "M + CC -> CCC + CCI"),
        ("ethyl acetate", -443.6, ""),
        ("hexadecane", -374.8, "M + 13 CC -> 14 CCC"),
    ],
)
def test_homodesmotic_reactions_find_tabulated_heats(compound: str, heat: float, reaction: str) -> None:
    found = run(compound, method="homodesmotic")
    quantity = found.quantities["formation_enthalpy"]
    assert quantity.relation == "~" and quantity.uncertainty is not None
    assert abs(quantity.value - heat) < 2 * quantity.uncertainty
    assert not reaction or found.data["reaction"] == reaction


def test_the_heat_closes_the_reaction() -> None:
    """The heat of the target is what Hess's law makes of the reaction's energy and the heats of the small molecules."""
    data = run("2-pentanone", method="homodesmotic").data
    heats = sum(r["number"] * r["formation_enthalpy_kj_per_mol"] for r in data["references"])
    assert data["estimate_kj_per_mol"] == pytest.approx(heats - data["reaction_energy_gfn2_kj_per_mol"])


def test_uncertainty_grows_with_atoms_other_than_carbon() -> None:
    errors = [
        run(c, method="homodesmotic").quantities["formation_enthalpy"].uncertainty or 0.0
        for c in ("pentane", "2-pentanone", "ethyl acetate")
    ]
    assert errors == sorted(errors) and errors[0] < errors[-1]


PIECES = ("C", "CC", "C(C)C", "C=C", "C#C", "C(=O)", "O", "N", "S", "C(Cl)", "c1ccc(cc1)", "C1CCC(CC1)", "C(=O)O", "C(F)(F)", "C1CC1", "C(=O)N", "S(=O)(=O)", "C([N+](=O)[O-])")  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), min_size=2, max_size=5))
@settings(max_examples=60, deadline=None)
def test_every_reaction_balances(pieces: list[str]) -> None:
    mol = MolFromSmiles(f"C{''.join(pieces)}C")
    try:
        made = separate(mol, everything)
    except Stuck:
        return
    total: Counter[str] = Counter(atom.GetSymbol() for atom in AddHs(mol).GetAtoms())
    for smiles, number in made.signed.items():
        for atom in AddHs(MolFromSmiles(smiles)).GetAtoms():
            total[atom.GetSymbol()] -= number
    assert not any(total.values())
    assert all(n > 0 for n in (*made.reactants.values(), *made.products.values()))
    assert MolToSmiles(mol) not in made.signed


@pytest.mark.parametrize(
    ("smiles", "products"),
    [
        ("CCCC", {"CCC": 2}),
        ("c1ccccc1-c1ccccc1", {"Cc1ccccc1": 2}),  # rings stay whole
        ("CC1CC1C", {"CC1CC1": 2}),  # and small ones
        ("CCS(=O)(=O)CC", {"CCC": 0, "CS(C)(=O)=O": 1, "CCS(C)(=O)=O": 0}),
    ],
)
def test_what_stays_whole(smiles: str, products: dict[str, int]) -> None:
    made = separate(MolFromSmiles(smiles), lambda s: s not in {"CC1CC1C"})
    for product, number in products.items():
        assert made.products.get(product, 0) == number


def test_bonds_are_separated_where_surroundings_are_not_known() -> None:
    """Ethanol + CH4 -> C2H6 + CH3OH: the bond separation of Hehre, Ditchfield, Radom and Pople."""
    made = separate(MolFromSmiles("CCO"), everything)
    assert (made.reactants, made.products, made.separated) == ({"C": 1}, {"CC": 1, "CO": 1}, ("CCO",))


@pytest.mark.parametrize(
    ("compound", "word"),
    [
        ("CC(F)(F)F", "F"),  # 90 kJ/mol off
        ("ClC(Cl)(Cl)Cl", "separated"),
        ("COC(C)OC", "separated"),
        ("C=C=O", "separated"),
        ("NCC(=O)NCC(=O)NCC(=O)O", "atoms other than C and H"),
        ("OC1CCC(C)CC1", "saturated ring"),
        ("C" * 21, "21 heavy atoms"),
    ],
)
def test_what_the_method_does_badly_gets_no_value(compound: str, word: str) -> None:
    result = run(compound, method="homodesmotic")
    assert "formation_enthalpy" not in result.quantities
    assert result.data["reliability"] == "unreliable" and "estimate_kj_per_mol" in result.data
    assert any(word in w for w in result.warnings)


def test_a_table_in_gross_error_is_found() -> None:
    """The API table of chemicals has -65.8 kJ/mol for 1,2-hexadiene; Yaws' 121.0, and 1,2-pentadiene is 140.7 (CRC)."""
    result = run("1,2-hexadiene")
    quantity = result.quantities["formation_enthalpy"]
    assert quantity.value == pytest.approx(121, abs=8)
    assert any("API" in w and "more than three times" in w for w in result.warnings)
    only_tables = run("1,2-hexadiene", method="tabulated")
    assert "formation_enthalpy" not in only_tables.quantities
    assert any("they disagree" in w for w in only_tables.warnings)


def test_a_reaction_takes_estimated_heats_where_no_table_has_them() -> None:
    """Hydrogenation of 1-chloro-4-(pent-3-enyl)benzene: that of an alkene, -116 kJ/mol (2-pentene, CRC Handbook)."""
    result = react("C/C=C/CCc1ccc(Cl)cc1 + H2 -> CCCCCc1ccc(Cl)cc1")
    quantity = result.quantities["reaction_enthalpy"]
    assert result.data["reliability"] == "homodesmotic"
    assert quantity.uncertainty == pytest.approx((4.8 + 2) * 2**0.5, abs=0.1)  # 12 heavy atoms
    assert abs(quantity.value - -116) < 2 * quantity.uncertainty
    heats = [result.quantities[f"formation_enthalpy_{i}"].value for i in (0, 1, 2)]
    assert quantity.value == pytest.approx(heats[2] - heats[1] - heats[0])
    alone = run("CCCCCc1ccc(Cl)cc1")
    assert alone.quantities["formation_enthalpy"].value == pytest.approx(heats[2], abs=0.2)


def test_a_doubtful_species_leaves_the_reaction_unreliable() -> None:
    result = react("FC(F)(F)CCCCCC=C.[H][H]>>FC(F)(F)CCCCCCC")
    assert result.data["reliability"] == "unreliable" and "reaction_enthalpy" not in result.quantities


@pytest.mark.parametrize(
    ("compound", "more", "code"),
    [
        ("[CH2]CCCCCC", {"method": "homodesmotic"}, "not_a_molecule"),
        ("C[N+](C)(C)CC", {"method": "homodesmotic"}, "not_a_molecule"),
        ("[Na+].[Cl-]", {"method": "homodesmotic"}, "not_a_molecule"),
        ("[2H]C([2H])CCC", {"method": "homodesmotic"}, "not_a_molecule"),
        ("[NH3+]CC(=O)[O-]", {"method": "homodesmotic"}, "no_scheme"),
        ("benzene", {"method": "homodesmotic"}, "no_scheme"),
        ("C[Si](C)(C)CC", {"method": "homodesmotic"}, "no_scheme"),
        ("aspirin", {"method": "tabulated"}, "not_tabulated"),
        ("CCCSC(C)CC", {"phase": "liquid"}, "not_tabulated"),
        ("CCCSC(C)CC", {"method": "tabulated"}, "not_tabulated"),
        ("unobtainium", {}, "unknown_compound"),
        ("ethanol", {"phase": "plasma"}, "bad_arguments"),
        ("ethanol", {"seed": -1}, "bad_arguments"),
        ("C" * 60, {"method": "homodesmotic"}, "too_large"),
    ],
)
def test_bad_input_is_typed(compound: str, more: dict[str, Any], code: str) -> None:
    assert refusal(compound, **more).code == code


def test_without_the_extra_tables_answer_and_the_rest_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "_installed", lambda module: module != "tblite")
    assert run("ethanol").quantities
    error = refusal("CCCSC(C)CC")
    assert error.code == "missing_extra" and "benchmate[qm]" in str(error)


def test_the_phase_that_is_tabulated_is_said() -> None:
    assert "solid" in str(refusal("aspirin", phase="liquid"))
