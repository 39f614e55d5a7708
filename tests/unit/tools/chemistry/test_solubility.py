"""Solubility equations against their papers and measured values."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.chemistry.solubility import predict_solubility


def predict(compound: str, **more: Any) -> ToolResult:
    nowhere = Path("unused")
    return predict_solubility.run(
        predict_solubility.validate({"compound": compound, **more}), ToolContext(nowhere, nowhere, nowhere)
    )


def value(result: ToolResult, name: str) -> float:
    return result.quantities[name].value


@pytest.mark.parametrize(
    ("compound", "measured"),  # log10(mol/L), data set of Delaney 2004
    [
        ("benzene", -1.64),
        ("aspirin", -1.72),
        ("naphthalene", -3.60),
        ("caffeine", -0.88),
        ("ibuprofen", -3.76),
    ],
)
def test_both_equations_are_within_their_error_of_measured_values(compound: str, measured: float) -> None:
    result = predict(compound)
    for name in ("log_s_esol", "log_s_gse"):
        assert value(result, name) == pytest.approx(measured, abs=0.95)  # a factor of 8 is 0.9


def test_the_general_solubility_equation_by_hand() -> None:
    # benzene, a liquid with measured logP 2.13: 0.5 - 2.13
    assert value(predict("benzene"), "log_s_gse") == pytest.approx(-1.63)
    # naphthalene, mp 80.2 °C and logP 3.34: 0.5 - 0.552 - 3.34
    assert value(predict("naphthalene"), "log_s_gse") == pytest.approx(-3.392)


def test_esol_by_hand() -> None:
    # Crippen logP 1.6866, 78.114 g/mol, no rotatable bond, all heavy atoms aromatic
    assert value(predict("benzene"), "log_s_esol") == pytest.approx(
        0.16 - 0.63 * 1.6866 - 0.0062 * 78.114 - 0.74, abs=1e-4
    )


def test_the_units_agree() -> None:
    result = predict("aspirin")
    assert value(result, "molar_solubility_esol") == pytest.approx(10 ** value(result, "log_s_esol"))
    assert value(result, "mass_solubility_esol") == pytest.approx(
        value(result, "molar_solubility_esol") * 180.16, rel=1e-4
    )
    assert value(result, "spread") == pytest.approx(
        abs(value(result, "log_s_esol") - value(result, "log_s_gse"))
    )


def test_without_a_melting_point_there_is_one_method_and_a_warning() -> None:
    unknown = predict("CCCCc1ccccc1CCBr")
    assert "log_s_gse" not in unknown.quantities
    assert any("needs a melting point" in warning for warning in unknown.warnings)
    assert "log_s_gse" in predict("CCCCc1ccccc1CCBr", melting_point="80 degC").quantities


def test_acids_zwitterions_and_salts_are_flagged() -> None:
    assert any("ionizable in neutral water" in flag for flag in predict("aspirin").data["flags"])
    assert any("zwitterions" in flag for flag in predict("glycine").data["flags"])
    assert any("a salt dissolves" in flag for flag in predict("[Na+].CC(=O)[O-]").data["flags"])
    assert predict("naphthalene").data["in_domain"]


def test_methods_that_are_far_apart_are_said_to_be() -> None:
    assert any("log units apart" in warning for warning in predict("hexane").warnings)


@pytest.mark.parametrize("compound", ["[Na+].[Cl-]", "C[Hg]C", "C[N+](C)(C)C"])
def test_what_the_equations_do_not_hold_for(compound: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        predict(compound)
    assert refusal.value.code == "outside_domain"


@settings(deadline=None, max_examples=15)
@given(st.integers(26, 200), st.integers(1, 100))
def test_a_higher_melting_point_never_dissolves_better(melting: int, more: int) -> None:
    one, two = (
        value(predict("naphthalene", melting_point=m), "log_s_gse") for m in (melting, melting + more)
    )
    assert one - two == pytest.approx(0.01 * more)
