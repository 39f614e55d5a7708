"""Reactions named by running the named ones, and what is said where none fits."""

from collections.abc import Callable

import pytest
from textbook_reactions import TEXTBOOK

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.base import ToolResult
from benchmate.tools.synthesis.classify import classify_reaction
from benchmate.tools.synthesis.reaction_smiles import changed_bonds, parse_reaction

Call = Callable[..., ToolResult]
SUZUKI = "OB(O)c1ccccc1.Brc1ccncc1>>c1ccc(-c2ccncc2)cc1"


def test_the_suzuki_coupling_of_the_catalogue(call: Call) -> None:
    # rxn-insight 0.1.3 says: Suzuki coupling with boronic acids, class C-C Coupling
    result = call(classify_reaction, reaction=SUZUKI)
    assert (result.data["name"], result.data["class"]) == ("Suzuki coupling", "C-C bond formation")
    assert result.data["bonds"]["formed"] == ["C4-C11"]


@pytest.mark.parametrize(("name", "reactants", "product"), TEXTBOOK, ids=[row[0] for row in TEXTBOOK])
def test_textbook_reactions_are_among_the_answers(
    name: str, reactants: str, product: str, call: Call
) -> None:
    data = call(classify_reaction, reaction=f"{reactants}>>{product}").data
    assert name in {data["name"], *(row["name"] for row in data["alternatives"])}


@pytest.mark.parametrize(
    ("reaction", "formula", "name"),
    [
        ("CC(=O)O.CCO>>CCOC(C)=O", "H2O", "water"),
        ("CC(=O)Cl.Nc1ccccc1>>CC(=O)Nc1ccccc1", "ClH", "hydrogen chloride"),
        ("CC(=O)OC(C)=O.Nc1ccc(O)cc1>>CC(=O)Nc1ccc(O)cc1", "C2H4O2", "acetic acid"),
    ],
)
def test_what_leaves_by_atom_balance(reaction: str, formula: str, name: str, call: Call) -> None:
    assert call(classify_reaction, reaction=reaction).data["atoms_leaving"] == {
        "formula": formula,
        "name": name,
    }


def test_atoms_that_come_from_reagents_are_told(call: Call) -> None:
    data = call(classify_reaction, reaction="O=[N+]([O-])c1ccccc1>>Nc1ccccc1").data
    assert (data["atoms_leaving"]["formula"], data["atoms_from_reagents"]) == ("O2", "H2")


def test_maps_and_agents_do_not_change_the_name(call: Call) -> None:
    plain = call(classify_reaction, reaction="CC(=O)O.CN>>CNC(C)=O").data
    mapped = "[CH3:1][C:2](=[O:3])[OH:4].[NH2:5][CH3:6]>CCN(CC)CC>[CH3:1][C:2](=[O:3])[NH:5][CH3:6]"
    assert call(classify_reaction, reaction=mapped).data["name"] == plain["name"] == "amide coupling"


def test_a_reactant_that_was_written_among_the_agents_is_found(call: Call) -> None:
    data = call(classify_reaction, reaction="CC(=O)Cl>Nc1ccccc1>CC(=O)Nc1ccccc1").data
    assert data["name"] == "acylation of an amine with an acid chloride"


def test_an_unknown_reaction_is_unclassified(call: Call) -> None:
    result = call(classify_reaction, reaction="CCCC>>C1CCC1C(F)(F)F")
    assert (
        result.data["name"] is None
        and not result.data["classified"]
        and result.data["mapped_reaction"] is None
    )
    assert "unclassified" in result.warnings[0]
    assert set(result.quantities) == {"match_count"}


def test_given_maps_of_an_unclassified_reaction_still_tell_the_bonds(call: Call) -> None:
    result = call(classify_reaction, reaction="[CH3:1][F:2].[CH3:3][Na:4]>>[CH3:1][CH3:3].[F:2][Na:4]")
    assert result.data["bonds"] == {
        "formed": ["C1-C3", "F2-Na4"],
        "broken": ["C1-F2", "C3-Na4"],
        "changed": [],
    }


def test_bonds_within_what_leaves_are_not_counted() -> None:
    mapped = "[CH3:1][C:2](=[O:3])[O:4][C:5](=[O:6])[CH3:7].[NH2:8][CH3:9]>>[CH3:1][C:2](=[O:3])[NH:8][CH3:9]"
    assert changed_bonds(mapped)["broken"] == ["C2-O4"]


def test_a_wrong_stereocentre_is_said(call: Call) -> None:
    result = call(classify_reaction, reaction="CCC[C@H](C)O.Oc1ccccc1>>CCC[C@H](C)Oc1ccccc1")
    assert result.data["name"] == "Mitsunobu reaction"
    assert any("stereochemistry differs" in warning for warning in result.warnings)


@pytest.mark.parametrize(
    ("reaction", "code"),
    [
        ("", "not_a_reaction"),
        ("CCO", "not_a_reaction"),
        ("CCO>>", "not_a_reaction"),
        ("CCO>O>O>CC", "not_a_reaction"),
        ("CCO>>C(C", "invalid_smiles"),
        ("C.C.C.C.C.C.C.C.C.C.C.C.C.C.C.C.C.C.C.C.C>>C", "too_large"),
        ("C" * 4001 + ">>C", "too_large"),
    ],
)
def test_what_is_no_reaction_is_refused(reaction: str, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_reaction(reaction)
    assert caught.value.code == code
