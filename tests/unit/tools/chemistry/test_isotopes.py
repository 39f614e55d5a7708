"""Isotope patterns against textbook ratios, and adducts against published m/z."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.chemistry.isotopes import simulate_isotope_pattern


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ToolContext:
    folder = tmp_path_factory.mktemp("runs")
    return ToolContext(folder, folder, folder)


def simulate(context: ToolContext, **arguments: Any) -> ToolResult:
    return simulate_isotope_pattern.run(simulate_isotope_pattern.validate(arguments), context)


def abundance(result: ToolResult, label: str) -> float:
    return result.quantities[f"abundance_{label}"].value


def test_dichloromethane_is_100_to_64_to_10(context: ToolContext) -> None:
    result = simulate(
        context, formula="CH2Cl2"
    )  # McLafferty, Interpretation of Mass Spectra: Cl2 is 100 : 64 : 10
    assert [round(abundance(result, label)) for label in ("M", "M+2", "M+4")] == [100, 64, 10]


def test_bromine_doubles_and_its_carbon_satellites(context: ToolContext) -> None:
    result = simulate(context, compound="bromobenzene")
    assert abundance(result, "M+2") == pytest.approx(97.3, abs=0.3)  # 49.31 / 50.69
    assert abundance(result, "M+1") == pytest.approx(6 * 1.08, abs=0.1)  # six carbons at 1.08 %


def test_protonated_caffeine(context: ToolContext) -> None:
    result = simulate(context, compound="caffeine", adduct="[M+H]+")
    assert result.quantities["mz_M"].value == pytest.approx(
        195.0877, abs=1e-4
    )  # MassBank, [M+H]+ of caffeine
    assert result.quantities["monoisotopic_mass"].value == pytest.approx(194.0804, abs=1e-4)
    assert result.quantities["mz_M"].unit == "" and result.data["ion_formula"] == "C8H11N4O2"


@pytest.mark.parametrize(
    ("adduct", "mz"),  # glucose, PubChem / HMDB adduct lists
    [("[M+Na]+", 203.0526), ("[M-H]-", 179.0561), ("[M+Cl]-", 215.0328), ("[M+NH4]+", 198.0972), ("[2M+H]+", 361.1341)],
)  # fmt: skip
def test_adducts_of_glucose(context: ToolContext, adduct: str, mz: float) -> None:
    result = simulate(context, formula="C6H12O6")
    assert result.quantities[f"adduct_{adduct}"].value == pytest.approx(mz, abs=2e-4)


def test_ions_are_given_by_m_over_z_with_their_electrons(context: ToolContext) -> None:
    result = simulate(context, compound="C[N+](C)(C)C.[Cl-]")
    assert result.quantities["mz_M"].value == pytest.approx(74.0964, abs=1e-4)
    assert any("without counter-ions" in warning for warning in result.warnings)
    sulfate = simulate(context, formula="SO4^2-")
    assert sulfate.quantities["mz_M"].value == pytest.approx(95.9528 / 2, abs=1e-4)
    assert any("1/2 apart" in warning for warning in sulfate.warnings)


def test_labels_of_compounds_are_kept(context: ToolContext) -> None:
    result = simulate(context, compound="[2H]C(Cl)(Cl)Cl")
    assert result.quantities["mass_M"].value == pytest.approx(118.9207, abs=1e-4)


def test_the_largest_peak_of_insulin_is_not_m(context: ToolContext) -> None:
    result = simulate(context, formula="C257H383N65O77S6", adduct="[M+3H]3+")  # human insulin
    assert result.quantities["monoisotopic_mass"].value == pytest.approx(
        5803.64, abs=0.01
    )  # UniProt P01308, ExPASy
    assert any("largest peak is M+3" in warning for warning in result.warnings)


def test_boron_has_peaks_below_m(context: ToolContext) -> None:
    result = simulate(context, formula="B10H14")
    assert any("largest peak is M-2" in warning for warning in result.warnings)


def test_labels_hold_where_m_is_too_rare_to_be_listed(context: ToolContext) -> None:
    result = simulate(context, formula="C3000H5000N800O900S20")
    heaviest = max(result.data["peaks"], key=lambda peak: peak["relative_abundance"])
    offset = int(heaviest["label"].removeprefix("M+"))
    assert heaviest["position"] - result.quantities["monoisotopic_mass"].value == pytest.approx(
        offset, abs=0.3
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({}, "bad_arguments"),
        ({"compound": "caffeine", "formula": "C8H10N4O2"}, "bad_arguments"),
        ({"formula": "CCl4", "adduct": "[M-H]-"}, "no_such_adduct"),
        ({"formula": "SO4^2-", "adduct": "[M+H]+"}, "already_charged"),
        ({"compound": "[Na+].[Cl-]"}, "several_components"),
        ({"formula": "caffeine"}, "not_a_formula"),
        ({"formula": "C90000H2"}, "too_large"),
        ({"formula": "e-"}, "not_a_formula"),
    ],
)
def test_refusals(context: ToolContext, arguments: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        simulate(context, **arguments)
    assert refusal.value.code == code


@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(carbon=st.integers(1, 30), chlorine=st.integers(0, 4))
def test_fractions_do_not_exceed_one_and_their_mean_is_the_average_mass(
    context: ToolContext, carbon: int, chlorine: int
) -> None:
    from benchmate.tools.chemistry.formulas import parse_species

    formula = f"C{carbon}H{carbon}" + (f"Cl{chlorine}" if chlorine else "")
    peaks = simulate(context, formula=formula, minimum=1e-4).data["peaks"]
    total = sum(peak["fraction"] for peak in peaks)
    assert total == pytest.approx(1, abs=1e-4)
    mean = sum(peak["fraction"] * peak["position"] for peak in peaks) / total
    assert mean == pytest.approx(parse_species(formula).molar_mass, rel=1e-4)
