"""Conditions: the nearest records, those of the same named reaction first, and usual conditions where there is none."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmate.runtime.errors import InvalidInput, Unavailable
from benchmate.tools.base import ToolResult
from benchmate.tools.synthesis.conditions import suggest_conditions

Call = Callable[..., ToolResult]
BOC = "CC(C)(C)OC(=O)NCc1ccccc1>>NCc1ccccc1"


def test_boc_is_removed_with_trifluoroacetic_acid(cache: Path, call: Call) -> None:
    result = call(suggest_conditions, cache_dir=cache, reaction=BOC, count=2)
    first = result.data["precedents"][0]
    assert "trifluoroacetic acid" in first["solvents"] and first["same_named_reaction"]
    assert "TFA" in result.data["usual_conditions"]
    assert result.quantities["similarity_0"].value == pytest.approx(0.9, abs=0.05)
    assert result.quantities["similarity_0"].conditions == {"precedent": first["id"]}


def test_a_nitro_group_is_hydrogenated_over_palladium(cache: Path, call: Call) -> None:
    result = call(suggest_conditions, cache_dir=cache, reaction="O=[N+]([O-])c1ccccc1>>Nc1ccccc1", count=2)
    assert all("palladium" in row["metals"] for row in result.data["precedents"])
    assert result.data["used_by_near_precedents"]["metals"]["palladium"] == 2


def test_where_no_precedent_is_near_it_says_so_and_gives_the_usual_conditions(
    cache: Path, call: Call
) -> None:
    suzuki = "OB(O)c1ccccc1.Brc1ccncc1>>c1ccc(-c2ccncc2)cc1"
    result = call(suggest_conditions, cache_dir=cache, reaction=suzuki)
    assert any("no precedent is near" in warning for warning in result.warnings)
    assert "Pd" in result.data["usual_conditions"] and result.quantities["precedent_count"].value == 0
    assert not any(result.data["used_by_near_precedents"].values())


def test_missing_yields_and_temperatures_are_told(cache: Path, call: Call) -> None:
    result = call(suggest_conditions, cache_dir=cache, reaction=BOC)
    assert any("state a yield, none a temperature" in warning for warning in result.warnings)


def test_without_the_data_set_the_named_reaction_still_answers(call: Call) -> None:
    result = call(suggest_conditions, reaction=BOC)
    assert result.data["named_reaction"] == "Boc deprotection" and result.data["precedents"] == []
    assert any("benchmate tool fetch uspto-conditions" in warning for warning in result.warnings)


def test_without_either_the_command_is_told(call: Call) -> None:
    with pytest.raises(Unavailable) as caught:
        call(suggest_conditions, reaction="CCCC>>C1CCC1C(F)(F)F")
    assert caught.value.hint == "benchmate tool fetch uspto-conditions"


def test_what_is_no_reaction_is_refused(cache: Path, call: Call) -> None:
    with pytest.raises(InvalidInput, match="not a reaction SMILES"):
        call(suggest_conditions, cache_dir=cache, reaction="aspirin")
