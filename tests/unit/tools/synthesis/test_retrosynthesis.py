"""Routes: textbook preparations, guards against empty ones, limits, stocks, and honest failure."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmate.runtime.errors import InvalidInput, Refused, Unavailable
from benchmate.tools.base import ToolResult
from benchmate.tools.synthesis.plan import plan_retrosynthesis
from benchmate.tools.synthesis.routes import Limits, leaves_of, search, steps_of
from benchmate.tools.synthesis.scheme import DrawnMolecule, DrawnStep, draw_scheme
from benchmate.tools.synthesis.single_step import Disconnection, by_rule
from benchmate.tools.synthesis.stock import Stock, commodity_stock, disguise, flat

Call = Callable[..., ToolResult]


def first_steps(result: ToolResult) -> list[frozenset[str]]:
    """The reactants of each route's last step."""
    return [frozenset(route["steps"][-1]["reactants"]) for route in result.data["routes"]]


def test_paracetamol_in_one_step_with_its_precedent(cache: Path, call: Call) -> None:
    result = call(plan_retrosynthesis, cache_dir=cache, target="paracetamol", max_depth=1)
    assert first_steps(result)[0] == {"CC(=O)OC(C)=O", "Nc1ccc(O)cc1"}
    (step,) = result.data["routes"][0]["steps"]
    assert step["precedents"][0]["id"] == "US08440830B2"
    (line,) = result.data["routes"][0]["summary"]
    assert line.startswith(
        "1. acetic anhydride + 4-aminophenol -> paracetamol (acylation of an amine with an anhydride; precedent"
    )
    assert result.quantities["score_1_1"].value == pytest.approx(0.4267, abs=1e-4)
    assert result.data["routes"][0]["in_stock"] and result.quantities["step_count_1"].value == 1


def test_the_routes_differ_in_their_last_step(cache: Path, call: Call) -> None:
    found = first_steps(call(plan_retrosynthesis, cache_dir=cache, target="paracetamol", count=3))
    assert len(found) == len(set(found)) == 3
    assert {"CC(=O)Cl", "Nc1ccc(O)cc1"} in found


def test_aspirin_without_the_data_set(call: Call) -> None:
    result = call(plan_retrosynthesis, target="aspirin")
    assert first_steps(result)[0] == {"CC(=O)OC(C)=O", "O=C(O)c1ccccc1O"}
    assert any("benchmate tool fetch uspto50k" in warning for warning in result.warnings)
    assert any("regulated" in warning for warning in result.warnings)  # acetic anhydride: INCB, Table I


def test_ibuprofen_is_not_made_of_its_ester(call: Call) -> None:
    result = call(plan_retrosynthesis, target="ibuprofen", count=2)
    assert result.data["solved"]
    names = [s["named_reaction"] for s in result.data["routes"][0]["steps"]]
    assert names == [
        "reduction of an aldehyde or ketone",
        "carbonylation of a benzylic alcohol",
    ]  # Boots-Hoechst-Celanese
    leaves = {m["smiles"] for route in result.data["routes"] for m in route["starting_materials"]}
    assert "COC(=O)C(C)c1ccc(CC(C)C)cc1" not in leaves


def test_a_reaction_of_the_patents_is_called_a_precedent(cache: Path, call: Call) -> None:
    result = call(plan_retrosynthesis, cache_dir=cache, target="CC(NC(C)(C)C)C(=O)c1cccc(Cl)c1", count=1)
    last = result.data["routes"][0]["steps"][-1]
    assert last["precedent_found"] and last["basis"].startswith("precedent found")
    assert (
        result.data["routes"][0]["steps"][0]["product"] == "CC(Br)C(=O)c1cccc(Cl)c1"
    )  # steps in the order of the synthesis


def test_steps_follow_each_other_and_every_leaf_is_in_stock(cache: Path, call: Call) -> None:
    result = call(plan_retrosynthesis, cache_dir=cache, target="sulfamethoxazole", count=3)
    assert result.data["routes"]
    for route in result.data["routes"]:
        made = set()
        have = {m["smiles"] for m in route["starting_materials"]}
        for step in route["steps"]:
            assert set(step["reactants"]) <= have | made
            made.add(step["product"])
        assert result.data["target"] in made and all(m["in_stock"] for m in route["starting_materials"])


@pytest.mark.parametrize(
    ("leaf", "target", "what"),
    [
        ("COC(=O)C(C)c1ccc(CC(C)C)cc1", "CC(C)Cc1ccc(C(C)C(=O)O)cc1", "ester"),
        ("CC(C)Cc1ccc(C(C)C(=O)[O-])cc1", "CC(C)Cc1ccc(C(C)C(=O)O)cc1", "salt"),
        ("CC(C)Cc1ccc([C@H](C)C(=O)O)cc1", "CC(C)Cc1ccc(C(C)C(=O)O)cc1", "stereoisomer"),
        ("CC(=O)Oc1ccccc1C(=O)Cl", "CC(=O)Oc1ccccc1C(=O)O", "acid chloride"),
        ("CC(C)(C)OC(=O)N1CCN(c2ccccc2)CC1", "c1ccc(N2CCNCC2)cc1", "Boc"),
        ("CC(=O)Nc1ccc(OCc2ccccc2)cc1", "CC(=O)Nc1ccc(O)cc1", "benzyl"),
        ("CC(=O)Nc1ccc(OC(C)=O)cc1", "CC(=O)Nc1ccc(O)cc1", "O-acyl"),
        ("COC(=O)c1ccc(NC(=O)OC(C)(C)C)cc1", "Nc1ccc(C(=O)O)cc1", "of the target"),  # two masks
    ],
)
def test_the_target_in_disguise_is_recognised(leaf: str, target: str, what: str) -> None:
    assert what in (disguise(leaf, target) or "")


@pytest.mark.parametrize(
    ("leaf", "target"), [("Nc1ccc(C(=O)O)cc1", "CCOC(=O)c1ccc(N)cc1"), ("Nc1ccc(O)cc1", "CC(=O)Nc1ccc(O)cc1")]
)
def test_the_acid_of_an_ester_is_an_honest_precursor(leaf: str, target: str) -> None:
    assert disguise(leaf, target) is None


def test_a_route_from_the_ester_of_the_target_is_not_taken_and_the_reason_kept() -> None:
    ibuprofen, ester = "CC(C)Cc1ccc(C(C)C(=O)O)cc1", "COC(=O)C(C)c1ccc(CC(C)C)cc1"
    stock = commodity_stock()
    assert stock.holds(ester)
    found = search(
        ibuprofen, lambda s: [Disconnection((ester,), 0.9)] if s == ibuprofen else [], stock, Limits()
    )
    assert found.solved == [] and found.refused == {ester: "ester of the target"}


def test_a_stock_of_ones_own(call: Call, tmp_path: Path) -> None:
    shelf = tmp_path / "shelf.smi"
    shelf.write_text("smiles,name\nCC(=O)Cl,acetyl chloride\nNc1ccc(O)cc1,4-aminophenol\n")
    result = call(plan_retrosynthesis, target="paracetamol", stock=str(shelf))
    assert first_steps(result)[0] == {"CC(=O)Cl", "Nc1ccc(O)cc1"}
    assert result.data["stock"]["name"] == "stock of shelf.smi"


@pytest.mark.parametrize(
    ("text", "what"), [("CCO\nnot-smiles\n", "line 2 is not a SMILES"), ("\n\n", "holds no SMILES")]
)
def test_a_bad_stock_file_is_named(text: str, what: str, call: Call, tmp_path: Path) -> None:
    shelf = tmp_path / "shelf.smi"
    shelf.write_text(text)
    with pytest.raises(InvalidInput, match=what):
        call(plan_retrosynthesis, target="paracetamol", stock=str(shelf))


def test_failure_is_open_and_shows_the_nearest_route(call: Call, tmp_path: Path) -> None:
    shelf = tmp_path / "shelf.smi"
    shelf.write_text("Nc1ccc(O)cc1\n")
    result = call(plan_retrosynthesis, target="paracetamol", stock=str(shelf), max_depth=2, max_expansions=5)
    assert not result.data["solved"] and result.data["routes"] == []
    assert result.quantities["route_count"].value == 0
    assert result.data["partial_route"]["missing"]
    assert "no route to the stock was found" in result.warnings[-1]
    assert [a.name for a in result.artifacts] == ["partial_route.svg"]


def test_depth_is_a_limit(call: Call) -> None:
    shallow = call(plan_retrosynthesis, target="ibuprofen", max_depth=1)
    assert all(route["step_count"] == 1 for route in shallow.data["routes"])


def test_expansions_are_a_limit(call: Call) -> None:
    told = call(plan_retrosynthesis, target="ibuprofen", max_expansions=1).data["search"]
    assert told["expansions"] == 1 and "1 expansions" in told["stopped_by"]


def test_a_salt_is_planned_as_its_parent(call: Call) -> None:
    result = call(plan_retrosynthesis, target="CCN(CC)CC(=O)Nc1c(C)cccc1C.Cl", count=1)
    assert result.data["target"] == "CCN(CC)CC(=O)Nc1c(C)cccc1C"
    assert any("is a salt" in warning for warning in result.warnings)


@pytest.mark.parametrize("target", ["sarin", "TNT", "CNC(C)Cc1ccccc1", "CCOP(C)(=O)F"])
def test_no_route_is_planned_to_listed_weapons_explosives_and_drugs(target: str, call: Call) -> None:
    with pytest.raises(Refused) as caught:
        call(plan_retrosynthesis, target=target)
    assert caught.value.code == "hazard_denied"


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("water", "not_organic"),
        ("methane", "not_organic"),
        ("CCCCCC.CCCCCO", "several_molecules"),
        ("C" * 101, "too_large"),
    ],
)
def test_what_cannot_be_planned_is_refused(target: str, code: str, call: Call) -> None:
    with pytest.raises(InvalidInput) as caught:
        call(plan_retrosynthesis, target=target)
    assert caught.value.code == code


def test_a_target_that_no_rule_fits_needs_the_data_set(call: Call) -> None:
    with pytest.raises(Unavailable) as caught:
        call(plan_retrosynthesis, target="FC(F)(F)C(F)(F)F")
    assert caught.value.code == "dataset_not_fetched"


def test_the_scheme_is_drawn_with_escaped_captions(call: Call) -> None:
    result = call(plan_retrosynthesis, target="paracetamol", count=2)
    assert [a.name for a in result.artifacts] == ["route_1.svg", "route_2.svg"]
    made = DrawnMolecule("CCO", "<ethanol & co>")
    svg = draw_scheme("A & B", [DrawnStep((made, made), made, ("x < y",), ())]).decode()
    assert "A &amp; B" in svg and "&lt;ethanol &amp; co&gt;" in svg and "x &lt; y" in svg


# --- the search alone, on made-up chemistry --------------------------------------------------------------------------

CHAIN = Stock("test", "", {"C"}.__contains__)


def shorten(smiles: str) -> list[Disconnection]:
    """C…C is made of a chain shorter by one, and worse of one shorter by two; and, uselessly, of itself."""
    longer = Disconnection((smiles + "C",), 0.9)
    found = [Disconnection((smiles,), 1.0), longer]
    found += [
        Disconnection((smiles[: len(smiles) - n],), score)
        for n, score in ((1, 0.8), (2, 0.5))
        if len(smiles) > n
    ]
    return found


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 5))
def test_the_cheapest_route_is_found_and_no_compound_is_made_of_itself(length: int) -> None:
    found = search("C" * length, shorten, CHAIN, Limits(depth=6, expansions=200, seconds=20, routes=1))
    (last,) = found.solved
    steps = steps_of(last)
    products = [step.product.smiles for step in steps]
    assert len(products) == len(set(products)) and products[-1] == "C" * length
    assert [m.smiles for m in leaves_of(last)] == ["C"]
    ones, best = length - 1, math.inf
    for twos in range(ones // 2 + 1):  # by hand: every way to write length - 1 as ones and twos
        single = ones - 2 * twos
        best = min(best, single * (-math.log(0.8) + 0.05) + twos * (-math.log(0.5) + 0.05))
    assert last.total == pytest.approx(best)


def test_a_search_ends_where_nothing_is_left() -> None:
    found = search("CC", lambda s: [Disconnection((s + "C",), 0.9)], CHAIN, Limits(depth=3))
    assert found.solved == [] and found.stopped_by == "every possibility was tried"


def test_poor_precedents_are_not_followed() -> None:
    found = search("CCC", lambda s: [Disconnection(("C",), 0.05)], CHAIN, Limits())
    assert found.solved == []


def test_the_commodity_list_knows_common_chemicals_and_no_large_or_labelled_ones() -> None:
    stock = commodity_stock()
    assert all(stock.holds(s) for s in ("CC(=O)OC(C)=O", "O=C(O)c1ccccc1O", "CCO", "O=C=O", "[C-]#[O+]"))
    assert not any(
        stock.holds(s) for s in ("[2H]C([2H])([2H])O", "CCCCCCCCCCCCCCCCCCCCCCCCO", "CC(Br)(I)C(F)(Cl)N")
    )


def test_flattening_keeps_the_skeleton() -> None:
    assert flat("C/C=C/[C@H](O)F") == flat("C/C=C\\[C@@H](O)F")


def test_rules_never_propose_the_molecule_itself() -> None:
    for smiles in ("CC(=O)Nc1ccc(O)cc1", "CCOC(=O)c1ccc(N)cc1", "OCCO"):
        assert all(d.precursors != (smiles,) for d in by_rule(smiles))
