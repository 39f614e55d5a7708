"""Named reactions and templates run forward, on textbook examples."""

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit.Chem import CanonSmiles, MolFromSmiles
from textbook_reactions import TEXTBOOK

from benchmate.runtime.errors import InvalidInput, NotFound
from benchmate.tools.base import ToolResult
from benchmate.tools.synthesis.apply import apply_reaction
from benchmate.tools.synthesis.named import named_reaction, named_reactions
from benchmate.tools.synthesis.transform import check_template, run_named

Call = Callable[..., ToolResult]


@pytest.mark.parametrize(("name", "reactants", "product"), TEXTBOOK, ids=[row[0] for row in TEXTBOOK])
def test_textbook_products(name: str, reactants: str, product: str) -> None:
    outcomes = run_named(named_reaction(name), [CanonSmiles(s) for s in reactants.split(".")])
    assert CanonSmiles(product) in {smiles for outcome in outcomes for smiles in outcome.products}


@pytest.mark.parametrize(
    ("name", "reactants", "product"), TEXTBOOK[:24], ids=[row[0] for row in TEXTBOOK[:24]]
)
def test_the_order_of_the_reactants_does_not_matter(name: str, reactants: str, product: str) -> None:
    parts = [CanonSmiles(s) for s in reactants.split(".")]
    forward, backward = (
        {o.key for o in run_named(named_reaction(name), order)} for order in (parts, parts[::-1])
    )
    assert forward == backward


def test_every_template_of_the_table_is_readable() -> None:
    for reaction in named_reactions().values():
        for smarts in (*reaction.smarts, *reaction.reverse):
            check_template(smarts)


def test_names_and_aliases_are_told_apart() -> None:
    seen: dict[str, str] = {}
    for reaction in named_reactions().values():
        for name in (reaction.name, *reaction.aliases):
            assert named_reaction(name).name == reaction.name
            assert seen.setdefault(name.lower(), reaction.name) == reaction.name


def test_fischer_esterification_of_benzoic_acid_by_name(call: Call) -> None:
    result = call(apply_reaction, reactants=["benzoic acid", "methanol"], reaction="Fischer esterification")
    assert result.data["product"] == "COC(=O)c1ccccc1"
    assert result.quantities["molecular_weight_0"].value == pytest.approx(
        136.15, abs=0.01
    )  # methyl benzoate, CAS 93-58-3


def test_without_a_name_the_reaction_that_uses_all_and_knows_the_reagent_comes_first(call: Call) -> None:
    result = call(apply_reaction, reactants=["methanol", "benzoic acid", "sulfuric acid"])
    assert result.data["reactions"][0]["name"] == "Fischer esterification"
    assert result.data["reactions"][0]["reagents_given"] == ["O=S(=O)(O)O"]
    assert result.data["product"] == "COC(=O)c1ccccc1"


@pytest.mark.parametrize(
    ("reactants", "reaction"),
    [
        (["styrene", "hydrogen"], "alkene hydrogenation"),
        (["benzene", "acetyl chloride", "aluminium chloride"], "Friedel-Crafts acylation"),
        (["ethyl benzoate", "sodium hydroxide"], "ester hydrolysis"),
    ],
)
def test_a_reagent_decides_which_reaction_comes_first(
    reactants: list[str], reaction: str, call: Call
) -> None:
    result = call(apply_reaction, reactants=reactants)
    assert result.data["reactions"][0]["name"] == reaction
    assert not any("took no part" in warning for warning in result.warnings)


def test_a_reaction_that_gives_a_reactant_back_is_left_out(call: Call) -> None:
    with pytest.raises(InvalidInput) as caught:
        call(apply_reaction, reactants=["ethyl acetate", "ethanol"], reaction="transesterification")
    assert caught.value.code == "no_reaction"


def test_several_sites_give_several_products(call: Call) -> None:
    result = call(apply_reaction, reactants=["toluene"], reaction="nitration")
    assert result.quantities["product_count"].value == 3  # ortho, meta, para
    assert any("prevails" in warning for warning in result.warnings)


def test_equivalent_sites_give_one_product(call: Call) -> None:
    result = call(apply_reaction, reactants=["piperazine"], reaction="Boc protection")
    assert result.quantities["product_count"].value == 1


def test_both_products_of_a_cleavage_are_given(call: Call) -> None:
    result = call(apply_reaction, reactants=["CCCCOC(=O)c1ccccc1"], reaction="saponification")
    (product,) = result.data["reactions"][0]["products"]
    assert (product["smiles"], product["also_forms"]) == ("O=C(O)c1ccccc1", ["CCCCO"])


def test_a_hydroxy_acid_gives_lactone_and_dimer(call: Call) -> None:
    result = call(apply_reaction, reactants=["O=C(O)CCCCO"], reaction="Fischer esterification")
    sites = {p["smiles"]: p["site"] for p in result.data["reactions"][0]["products"]}
    assert sites["O=C1CCCCO1"] == "within one molecule"
    assert sites["O=C(O)CCCCOC(=O)CCCCO"] == "with a second molecule of the same"


@pytest.mark.parametrize(
    ("alcohol", "ether"),
    [("CCC[C@H](C)O", "CCC[C@@H](C)Oc1ccccc1"), ("CCC[C@@H](C)O", "CCC[C@H](C)Oc1ccccc1")],
)
def test_mitsunobu_inverts(alcohol: str, ether: str, call: Call) -> None:
    assert call(apply_reaction, reactants=[alcohol, "phenol"], reaction="Mitsunobu").data[
        "product"
    ] == CanonSmiles(ether)


@pytest.mark.parametrize(
    ("bromide", "product"), [("C/C=C/Br", "C/C=C/c1ccccc1"), ("C/C=C\\Br", "C/C=C\\c1ccccc1")]
)
def test_coupling_keeps_the_double_bond(bromide: str, product: str, call: Call) -> None:
    result = call(apply_reaction, reactants=[bromide, "OB(O)c1ccccc1"], reaction="Suzuki")
    assert result.data["product"] == CanonSmiles(product)


def test_a_template_that_is_silent_on_stereochemistry_says_that_it_took_retention(call: Call) -> None:
    smarts = "[C:1][Br].[OH:2][c:3]>>[C:1][O:2][c:3]"
    result = call(apply_reaction, reactants=["CC[C@H](C)Br", "phenol"], reaction=smarts)
    assert any("retention was taken" in warning for warning in result.warnings)


def test_new_stereocentres_are_said_to_be_open(call: Call) -> None:
    result = call(apply_reaction, reactants=["butanone"], reaction="carbonyl reduction")
    assert result.data["product"] == "CCC(C)O"
    assert any("leaves open" in warning for warning in result.warnings)


def test_the_atom_map_joins_both_sides(call: Call) -> None:
    smarts = "[C:1](=[O:2])[OH].[N;H2:3]>>[C:1](=[O:2])[N:3]"
    result = call(apply_reaction, reactants=["acetic acid", "aniline"], reaction=smarts)
    left, right = result.data["reactions"][0]["products"][0]["mapped_reaction"].split(">>")
    atoms = [
        {a.GetAtomMapNum(): a.GetSymbol() for a in MolFromSmiles(side).GetAtoms()} for side in (left, right)
    ]
    assert atoms[1].items() <= atoms[0].items() and len(atoms[0]) - len(atoms[1]) == 1  # the OH leaves


def test_a_compound_that_takes_no_part_is_named(call: Call) -> None:
    result = call(
        apply_reaction, reactants=["benzoic acid", "methanol", "benzene"], reaction="Fischer esterification"
    )
    assert any("c1ccccc1 took no part" in warning for warning in result.warnings)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"reactants": ["ethanol"], "reaction": "Suzuki coupling"}, "no_reaction"),
        ({"reactants": ["methane"]}, "no_reaction"),
        ({"reactants": ["ethanol"], "reaction": "[C:1]>>[C:2]"}, "invalid_smarts"),
        ({"reactants": ["ethanol"], "reaction": "[C:1>>[C:1]"}, "invalid_smarts"),
        ({"reactants": ["ethanol"], "reaction": "[C:1]>>[C:1]>>[C:1]"}, "invalid_smarts"),
        ({"reactants": []}, "wrong_count"),
        ({"reactants": ["ethanol"] * 7}, "wrong_count"),
        ({"reactants": ["C" * 151], "reaction": "nitration"}, "too_large"),
    ],
)
def test_bad_input_is_named(arguments: dict[str, object], code: str, call: Call) -> None:
    with pytest.raises(InvalidInput) as caught:
        call(apply_reaction, **arguments)
    assert caught.value.code == code


def test_a_misspelt_name_gets_the_nearest(call: Call) -> None:
    with pytest.raises(NotFound, match="Suzuki") as caught:
        call(apply_reaction, reactants=["ethanol"], reaction="Suzki coupling")
    assert caught.value.code == "unknown_reaction"


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 8), st.integers(1, 8))
def test_esterification_conserves_atoms_but_water(acid: int, alcohol: int) -> None:
    reactants = ["C" * acid + "C(=O)O", "C" * alcohol + "O"]
    (outcome,) = run_named(named_reaction("Fischer esterification"), reactants)
    heavy = sum(MolFromSmiles(s).GetNumHeavyAtoms() for s in reactants)
    assert MolFromSmiles(outcome.products[0]).GetNumHeavyAtoms() == heavy - 1


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="[]()CNOc123:;>.=#+-@H", max_size=30))
def test_any_text_as_a_template_is_accepted_or_refused_in_words(text: str) -> None:
    with contextlib.suppress(InvalidInput):
        check_template(f"{text}>>{text}")
