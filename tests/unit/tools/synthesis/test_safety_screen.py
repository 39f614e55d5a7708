"""The safety screen: textbook explosives, harmless things, lists and their families."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit.Chem import MolFromSmiles

from benchmate.tools.base import ToolResult
from benchmate.tools.synthesis.safety import _lists, _oxygen_balance, check_safety, list_matches

Call = Callable[..., ToolResult]


@pytest.mark.parametrize(
    ("compound", "balance"),
    [  # Meyer, Köhler, Homburg, Explosives, 7th ed. 2015
        ("TNT", -73.9),
        ("O=[N+]([O-])N1CN([N+](=O)[O-])CN([N+](=O)[O-])C1", -21.6),  # RDX
        ("nitroglycerin", 3.5),
        ("O=[N+]([O-])OCC(CO[N+](=O)[O-])(CO[N+](=O)[O-])CO[N+](=O)[O-]", -10.1),  # PETN
        ("Oc1c([N+](=O)[O-])cc([N+](=O)[O-])cc1[N+](=O)[O-]", -45.4),  # picric acid
        ("ammonium nitrate", 20.0),
    ],
)
def test_oxygen_balance(compound: str, balance: float, call: Call) -> None:
    quantity = call(check_safety, compound=compound).quantities["oxygen_balance"]
    assert quantity.value == pytest.approx(balance, abs=0.15) and quantity.unit == "percent"


def test_tnt_is_flagged(call: Call) -> None:
    result = call(check_safety, compound="TNT")
    assert result.data["refuse"] and result.data["possible_explosive"]
    assert result.quantities["nitro_count"].value == 3


def test_a_polynitro_compound_on_no_list_is_flagged_by_groups_and_balance(call: Call) -> None:
    result = call(check_safety, compound="Clc1c([N+](=O)[O-])cc([N+](=O)[O-])cc1[N+](=O)[O-]")
    assert result.data["list_matches"] == [] and result.data["refuse"]


@pytest.mark.parametrize(
    "compound", ["water", "ethanol", "sodium chloride", "caffeine", "aspirin", "methane"]
)
def test_everyday_compounds_are_not_flagged(compound: str, call: Call) -> None:
    result = call(check_safety, compound=compound)
    assert (result.data["level"], result.data["refuse"]) == ("nothing found", False)
    assert "does not mean harmless" in result.data["limits"]


def test_sarin_is_on_schedule_1(call: Call) -> None:
    (first, *_) = call(check_safety, compound="sarin").data["list_matches"]
    assert first["list"].endswith("Schedule 1") and "OPCW" in first["source"]


@pytest.mark.parametrize(
    "compound",
    [
        "C[C@](=O)(F)OC(C)C".replace("C[C@](=O)", "C[P@](=O)"),
        "CCOP(C)(=O)F",
        "CCCP(=O)(F)OC",
        "CCN(CC)CCSP(C)(=O)OCC",
    ],
)
def test_families_are_found_beside_the_examples(compound: str) -> None:
    assert list_matches(MolFromSmiles(compound), set())[0]["level"] == "refuse"


def test_a_salt_is_looked_up_by_its_parent(call: Call) -> None:
    result = call(check_safety, compound="CC(N)Cc1ccccc1.OS(=O)(=O)O")
    assert [m["name"] for m in result.data["list_matches"]] == ["amphetamine"]


def test_stereoisomers_of_a_listed_compound_are_found(call: Call) -> None:
    assert call(check_safety, compound="C[C@H](N)Cc1ccccc1").data["refuse"]


def test_similarity_alone_decides_nothing(call: Call) -> None:
    result = call(check_safety, compound="phenethylamine")
    assert result.quantities["nearest_listed_similarity"].value > 0.3
    assert result.data["level"] == "nothing found" and "weak" in result.data["nearest_listed"]["note"]


@pytest.mark.parametrize(
    ("compound", "forms"),
    [
        ("diethyl ether", True),
        ("tetrahydrofuran", True),
        ("isopropanol", True),
        ("anisole", False),
        ("ethyl acetate", False),
        ("hexane", False),
    ],
)
def test_peroxide_formers(compound: str, forms: bool, call: Call) -> None:
    assert call(check_safety, compound=compound).data["peroxide_former"] is forms


@pytest.mark.parametrize(
    ("compound", "group"),
    [("acetyl chloride", "acid halide"), ("phenyl isocyanate", "isocyanate"), ("dimethyl sulfate", "alkyl sulfate or sulfonate"),
     ("ethylene oxide", "epoxide"), ("N-nitrosodimethylamine", "nitrosamine"), ("[Li]CCCC", "organolithium or Grignard compound")],
)  # fmt: skip
def test_reactive_groups(compound: str, group: str, call: Call) -> None:
    assert group in {row["group"] for row in call(check_safety, compound=compound).data["reactive_groups"]}


@pytest.mark.parametrize("compound", ["sodium azide", "benzoyl peroxide", "[N-]=[N+]=NCC", "C=[N+]=[N-]"])
def test_sensitive_compounds_are_possible_explosives(compound: str, call: Call) -> None:
    result = call(check_safety, compound=compound)
    assert result.data["possible_explosive"] and result.data["level"] == "caution"


def test_a_drug_with_one_azide_among_many_carbons_keeps_the_rule_of_six(call: Call) -> None:
    result = call(check_safety, compound="[N-]=[N+]=NCCCCCCCCCCCC")
    assert not result.data["possible_explosive"] and result.data["explosophores"] == {"azide": 1}


def test_ghs_is_said_to_be_unknown_offline(call: Call) -> None:
    assert call(check_safety, compound="toluene").data["ghs"]["known"] is False


def test_oxygen_balance_is_left_out_where_it_is_not_defined(call: Call) -> None:
    assert "oxygen_balance" not in call(check_safety, compound="sodium azide").quantities


def test_every_list_finds_its_own_compounds() -> None:
    for several in _lists().compounds.values():
        for listed in several:
            mol = MolFromSmiles(listed.smiles)
            assert mol is not None and listed.list_name


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 20), st.integers(0, 3))
def test_more_oxygen_raises_the_balance(carbons: int, oxygens: int) -> None:
    less, more = (_oxygen_balance(MolFromSmiles("C" * carbons + "O" * n)) for n in (oxygens, oxygens + 1))
    assert less is not None and more is not None and more > less
