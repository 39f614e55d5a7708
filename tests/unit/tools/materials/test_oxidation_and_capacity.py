"""Oxidation states and battery capacities: literature values, mixed valence, the basis of the mass, typed errors."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import Tool, ToolContext, ToolResult
from benchmate.tools.materials.batteries import compute_capacity
from benchmate.tools.materials.oxidation import guess_oxidation


def run(tool: Tool, **arguments: Any) -> ToolResult:
    nowhere = Path("unused")
    return tool.run(tool.validate(arguments), ToolContext(nowhere, nowhere, nowhere))


def refusal(tool: Tool, **arguments: Any) -> BenchmateError:
    with pytest.raises(BenchmateError) as caught:
        run(tool, **arguments)
    return caught.value


@pytest.mark.parametrize(
    ("formula", "states"),
    [
        ("LiFePO4", {"Li": 1, "Fe": 2, "P": 5, "O": -2}),
        ("LiMn2O4", {"Li": 1, "Mn": 3.5, "O": -2}),
        ("Fe3O4", {"Fe": 8 / 3, "O": -2}),
        ("MnO4-", {"Mn": 7, "O": -2}),
        ("Cr2O7^2-", {"Cr": 6, "O": -2}),
        ("NH4+", {"N": -3, "H": 1}),
        ("Li0.5CoO2", {"Li": 1, "Co": 3.5, "O": -2}),
        ("YBa2Cu3O7", {"Y": 3, "Ba": 2, "Cu": 7 / 3, "O": -2}),
        ("La2/3Sr1/3MnO3", {"La": 3, "Sr": 2, "Mn": 10 / 3, "O": -2}),
        ("LiNi1/3Mn1/3Co1/3O2", {"Ni": 2, "Mn": 4, "Co": 3}),  # Koyama et al. 2003; not Mn2+ beside Ni4+
        ("CuFeS2", {"Cu": 1, "Fe": 3, "S": -2}),
        ("LiAlH4", {"H": -1}),
        ("NaBH4", {"B": 3, "H": -1}),
        ("C6H12O6", {"C": 0, "H": 1, "O": -2}),
        ("H2O2", {"H": 1, "O": -1}),
        ("KO2", {"K": 1, "O": -0.5}),
        ("CuSO4·5H2O", {"Cu": 2, "S": 6}),
        ("Cu", {"Cu": 0}),
    ],
)
def test_oxidation_states(formula: str, states: dict[str, float]) -> None:
    result = run(guess_oxidation, formula=formula)
    found = {symbol: result.quantities[symbol].value for symbol in states}
    assert found == pytest.approx(states, abs=1e-6)


def test_mixed_valence_is_taken_apart() -> None:
    result = run(guess_oxidation, formula="Fe3O4")
    assert result.quantities["Fe_+3"].value == pytest.approx(200 / 3)
    assert any("1 Fe+2 and 2 Fe+3" in w for w in result.warnings)


def test_several_solutions_are_all_given() -> None:
    result = run(guess_oxidation, formula="LiFePO4")
    assert [s["average"]["Fe"] for s in result.data["solutions"]] == [2, 3]
    assert any("2 assignments" in w for w in result.warnings)


def test_what_a_formula_cannot_show_is_said() -> None:
    assert any("ammonium" in w for w in run(guess_oxidation, formula="NH4NO3").warnings)
    assert any("thiosulfate" in w for w in run(guess_oxidation, formula="Na2S2O3").warnings)
    assert any("peroxide" in w for w in run(guess_oxidation, formula="KO2").warnings)
    assert any("does not follow" in w for w in run(guess_oxidation, formula="CuFeS2").warnings)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"formula": "HeNe"}, "no_assignment"),
        ({"formula": "Xx2"}, "unknown_element"),
        ({"formula": "C60H62O3"}, "too_large"),
        ({"formula": "Li0.5(CoO2)"}, "not_a_formula"),
        ({"formula": "copper"}, "not_a_formula"),
    ],
)
def test_bad_formulas_are_typed(arguments: dict[str, Any], code: str) -> None:
    assert refusal(guess_oxidation, **arguments).code == code


@given(
    st.sampled_from(
        [(0, 1, 2), (0, 2, 3), (0, 3, 4), (1, 1, 2), (1, 2, 4), (2, 1, 3), (4, 5, 12), (1, 1, 4)]
    ),
    st.integers(1, 3),
)
def test_the_states_sum_to_the_charge(atoms: tuple[int, int, int], multiple: int) -> None:
    counts = {symbol: multiple * n for symbol, n in zip(("Li", "Mn", "O"), atoms, strict=True) if n}
    result = run(guess_oxidation, formula="".join(f"{s}{n}" for s, n in counts.items()))
    for solution in result.data["solutions"]:
        assert sum(counts[s] * v for s, v in solution["average"].items()) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("arguments", "capacity"),
    [  # n·F / (3.6·M); Nitta et al. 2015, doi:10.1016/j.mattod.2014.10.040, tables 1 and 2
        ({"formula": "LiFePO4"}, 169.9),
        ({"formula": "LiCoO2"}, 273.8),
        ({"formula": "LiCoO2", "ions": 0.5}, 136.9),
        ({"formula": "LiMn2O4"}, 148.2),
        ({"formula": "LiC6"}, 371.9),
        ({"formula": "C6", "ions": 1}, 371.9),
        ({"formula": "Li15Si4"}, 3578.5),
        ({"formula": "Li4Ti5O12", "ions": 3, "basis": "with_ion"}, 175.1),
        ({"formula": "Li"}, 3861.3),
        ({"formula": "NaFePO4"}, 154.2),
        ({"formula": "FePO4", "electrons": 1}, 177.7),
        ({"formula": "MgMn2O4", "working_ion": "Mg"}, 270.5),
    ],
)
def test_theoretical_capacities(arguments: dict[str, Any], capacity: float) -> None:
    formula = dict(arguments)
    result = run(compute_capacity, **formula)
    assert result.quantities["capacity"].to("mAh/g").value == pytest.approx(capacity, abs=0.2)


def test_the_basis_is_said_and_both_are_given() -> None:
    result = run(compute_capacity, formula="LiC6")
    assert result.quantities["capacity_with_ion"].value == pytest.approx(339.2, abs=0.1)
    assert (result.quantities["capacity"].conditions or {})["basis"] == "per mass without 1 Li"
    assert any("339.2" in w for w in result.warnings)


def test_energy_and_volume() -> None:
    result = run(compute_capacity, formula="LiFePO4", voltage="3.4 V", density=3.6)
    assert result.quantities["specific_energy"].value == pytest.approx(577.6, abs=0.5)
    assert result.quantities["volumetric_capacity"].value == pytest.approx(611.6, abs=0.5)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"formula": "FePO4"}, "no_ion"),
        ({"formula": "LiCoO2", "ions": 2}, "more_than_held"),
        ({"formula": "LiCoO2", "ions": 1, "electrons": 1}, "overspecified"),
        ({"formula": "Li+"}, "not_neutral"),
        ({"formula": "Li", "basis": "without_ion"}, "no_host"),
        ({"formula": "graphite"}, "not_a_formula"),
    ],
)
def test_capacity_errors_are_typed(arguments: dict[str, Any], code: str) -> None:
    assert refusal(compute_capacity, **arguments).code == code


@given(st.floats(0.05, 1))
def test_capacity_grows_with_the_ions(x: float) -> None:
    whole, part = (
        run(compute_capacity, formula="LiCoO2", ions=n).quantities["capacity"].value for n in (1.0, x)
    )
    assert part == pytest.approx(x * whole)
