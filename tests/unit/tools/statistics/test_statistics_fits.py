"""Fits of curves, doses, rates and calibration lines: exact parameters come back, published examples, cautions, refusals."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmate.runtime.artifacts import ArtifactStore
from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import Tool, ToolContext, ToolResult
from benchmate.tools.statistics.calibration import fit_calibration
from benchmate.tools.statistics.curve_models import CURVES
from benchmate.tools.statistics.curves import fit_curve
from benchmate.tools.statistics.dose_response import _fit, fit_dose_response
from benchmate.tools.statistics.estimates import fit_least_squares
from benchmate.tools.statistics.kinetics import GAS_CONSTANT, fit_kinetics
from benchmate.tools.statistics.pairs import Pairs

Call = Callable[..., ToolResult]
DOSES = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30]


def sigmoid(
    dose: float, bottom: float = 2.0, top: float = 98.0, ec50: float = 0.85, hill: float = 1.2
) -> float:
    return bottom + (top - bottom) * dose**hill / (dose**hill + ec50**hill)


def test_exact_doses_give_back_the_curve(call: Call) -> None:
    result = call(fit_dose_response, doses=DOSES, responses=[sigmoid(d) for d in DOSES], dose_unit="uM")
    for key, value in (("ec50", 0.85), ("hill_slope", 1.2), ("bottom", 2), ("top", 98)):
        assert result.quantities[key].value == pytest.approx(value, rel=1e-5), key
    assert result.quantities["ec50"].to("nM").value == pytest.approx(850, rel=1e-5)


def test_a_falling_curve_has_a_negative_slope(call: Call) -> None:
    result = call(fit_dose_response, doses=DOSES, responses=[100 - sigmoid(d) for d in DOSES])
    assert result.quantities["hill_slope"].value == pytest.approx(-1.2, rel=1e-4)
    assert result.data["direction"] == "falling"


def test_the_interval_is_that_of_the_logarithm(call: Call) -> None:
    noisy = [sigmoid(d) + 3 * (-1) ** i for i, d in enumerate(DOSES)]
    q = call(fit_dose_response, doses=DOSES, responses=noisy).quantities
    below = q["ec50"].value / q["ec50_lower"].value
    assert q["ec50_upper"].value / q["ec50"].value == pytest.approx(below)
    assert math.log10(q["ec50_lower"].value) == pytest.approx(q["log10_ec50_lower"].value)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    generator = np.random.default_rng(5)
    doses = np.repeat(DOSES, 3)
    clean = np.array([sigmoid(d) for d in doses])
    covered = 0
    for _ in range(60):
        fit, _ = _fit(Pairs(doses, clean + generator.normal(0, 3, doses.size)), "4PL", None, None)
        low, high = fit.limits("log10_ec50", 0.95)
        covered += low <= math.log10(0.85) <= high
    assert 51 <= covered <= 60  # of 60 at 95 %: fewer than 51 has a probability below 0.1 %


def test_a_zero_dose_is_a_control(call: Call) -> None:
    result = call(fit_dose_response, doses=[0, *DOSES], responses=[2.0, *[sigmoid(d) for d in DOSES]])
    assert result.quantities["ec50"].value == pytest.approx(0.85, rel=1e-4)
    assert any("zero" in w for w in result.warnings)


def test_a_plateau_that_is_not_reached_is_warned_of(call: Call) -> None:
    doses = DOSES[:5]
    result = call(fit_dose_response, doses=doses, responses=[sigmoid(d) for d in doses])
    assert any("top plateau" in w for w in result.warnings)
    fixed = call(fit_dose_response, doses=doses, responses=[sigmoid(d) for d in doses], top=98)
    assert not any("top plateau" in w for w in fixed.warnings)
    assert fixed.quantities["top"].method == "fixed"


def test_three_parameters_fix_the_slope(call: Call) -> None:
    result = call(
        fit_dose_response, doses=DOSES, responses=[sigmoid(d, hill=1.0) for d in DOSES], model="3PL"
    )
    assert result.quantities["hill_slope"].value == 1
    assert result.quantities["ec50"].value == pytest.approx(0.85, rel=1e-5)


def test_labels_of_a_logarithmic_axis_are_numbers(call: Call, context: ToolContext) -> None:
    result = call(fit_dose_response, doses=DOSES, responses=[sigmoid(d) for d in DOSES])
    picture = next(a for a in result.artifacts if a.name == "plot.svg")
    drawn = ArtifactStore(context.artifact_dir).get(picture.sha).decode()
    assert "mathdefault" not in drawn and "<!-- 0.01 -->" in drawn


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({}, "no_data"),
        ({"doses": [1, 2, 3], "responses": [1, 2]}, "length_mismatch"),
        ({"doses": [1, 2, 3], "responses": [1, 2, 3]}, "too_few"),
        ({"doses": [-2, -1, 0, 1, 2], "responses": [1, 2, 3, 4, 5]}, "negative_dose"),
        ({"doses": [1, 1, 2, 2, 2], "responses": [1, 2, 3, 4, 5]}, "too_few_doses"),
        ({"doses": [1, 2, 3, 4, 5], "responses": [1, 1, 1, 1, 1]}, "constant"),
        ({"doses": DOSES, "responses": DOSES, "bottom": 5, "top": 1}, "bad_plateaus"),
        ({"doses": DOSES, "responses": DOSES, "dose_unit": "nMM"}, "unknown_unit"),
        ({"file": "sample:iris"}, "which_column"),
    ],
)  # fmt: skip
def test_doses_that_are_refused(
    refusal: Callable[..., BenchmateError], arguments: dict[str, Any], code: str
) -> None:
    assert refusal(fit_dose_response, **arguments).code == code


S = [0.5, 1, 2, 5, 10, 20, 0.5, 1, 2, 5, 10, 20]
I = [0.0] * 6 + [3.0] * 6  # noqa: E741
LAWS: dict[str, Callable[[float, float], float]] = {  # Km 2.5, Vmax 10, Ki 2 (Kiu 5)
    "competitive": lambda s, i: 10 * s / (2.5 * (1 + i / 2) + s),
    "uncompetitive": lambda s, i: 10 * s / (2.5 + s * (1 + i / 2)),
    "noncompetitive": lambda s, i: 10 * s / ((2.5 + s) * (1 + i / 2)),
    "mixed": lambda s, i: 10 * s / (2.5 * (1 + i / 2) + s * (1 + i / 5)),
}


def test_michaelis_menten(call: Call) -> None:
    s = S[:6]
    result = call(fit_kinetics, x=s, y=[10 * v / (2.5 + v) for v in s], x_unit="mM", y_unit="umol/min")
    assert result.quantities["km"].value == pytest.approx(2.5) and result.quantities["km"].unit == "mM"
    assert result.quantities["vmax"].value == pytest.approx(10)


def test_puromycin(
    call: Call,
) -> None:  # Bates and Watts 1988: treated cells, Vmax 212.7 ± 6.947, Km 0.06412 ± 0.008281
    conc = [0.02, 0.02, 0.06, 0.06, 0.11, 0.11, 0.22, 0.22, 0.56, 0.56, 1.10, 1.10]
    rate = [76, 47, 97, 107, 123, 139, 159, 152, 191, 201, 207, 200]
    q = call(fit_kinetics, x=conc, y=rate).quantities
    assert q["vmax"].value == pytest.approx(212.7, abs=0.05) and q["vmax"].uncertainty == pytest.approx(
        6.947, abs=0.01
    )
    assert q["km"].value == pytest.approx(0.06412, abs=1e-5) and q["km"].uncertainty == pytest.approx(
        0.008281, abs=1e-5
    )


@pytest.mark.parametrize("model", list(LAWS))
def test_inhibition(call: Call, model: str) -> None:
    rates = [LAWS[model](s, i) for s, i in zip(S, I, strict=True)]
    q = call(fit_kinetics, model=model, x=S, y=rates, inhibitor=I, x_unit="mM").quantities
    assert q["km"].value == pytest.approx(2.5, rel=1e-4)
    assert q["vmax"].value == pytest.approx(10, rel=1e-4)
    assert q["kic" if model == "mixed" else "ki"].value == pytest.approx(2, rel=1e-4)


def test_substrate_inhibition(call: Call) -> None:
    s = [0.5, 1, 2, 5, 10, 20, 50, 100]
    q = call(
        fit_kinetics, model="substrate_inhibition", x=s, y=[10 * v / (2.5 + v + v * v / 40) for v in s]
    ).quantities
    assert (q["km"].value, q["ks"].value) == (pytest.approx(2.5, rel=1e-4), pytest.approx(40, rel=1e-4))


def test_low_substrate_is_warned_of(call: Call) -> None:
    s = [0.1, 0.2, 0.4, 0.8, 1.6]
    assert any(
        "below twice Km" in w for w in call(fit_kinetics, x=s, y=[10 * v / (2.5 + v) for v in s]).warnings
    )


def test_first_order(call: Call) -> None:
    t = [0, 10, 20, 40, 80, 120]
    q = call(
        fit_kinetics,
        model="first_order",
        x=t,
        y=[2 * math.exp(-0.03 * v) for v in t],
        x_unit="s",
        y_unit="mM",
    ).quantities
    assert q["rate_constant"].value == pytest.approx(0.03) and q["rate_constant"].unit == "1 / second"
    assert q["half_life"].value == pytest.approx(math.log(2) / 0.03)


def test_second_order_is_told_from_first(call: Call) -> None:
    t = [0, 10, 20, 40, 80, 160, 320]
    data = {"x": t, "y": [2 / (1 + 0.05 * 2 * v) for v in t], "x_unit": "s", "y_unit": "M"}
    result = call(fit_kinetics, model="second_order", **data)
    assert result.quantities["rate_constant"].to("1/M/s").value == pytest.approx(0.05)
    assert result.quantities["half_life"].value == pytest.approx(10)
    assert any("second_order" in w for w in call(fit_kinetics, model="first_order", **data).warnings)


def test_zero_order(call: Call) -> None:
    q = call(fit_kinetics, model="zero_order", x=[0, 1, 2, 3], y=[5, 4.5, 4, 3.5]).quantities
    assert q["rate_constant"].value == pytest.approx(0.5)


def test_arrhenius_in_kelvin_and_in_celsius(call: Call) -> None:
    kelvin = [300, 310, 320, 330]
    k = [1e10 * math.exp(-60_000 / (GAS_CONSTANT * t)) for t in kelvin]
    q = call(fit_kinetics, model="arrhenius", x=kelvin, y=k, y_unit="1/s").quantities
    assert q["activation_energy"].value == pytest.approx(60) and q["activation_energy"].unit == "kJ/mol"
    assert q["prefactor"].value == pytest.approx(1e10, rel=1e-6)
    celsius = call(fit_kinetics, model="arrhenius", x=[t - 273.15 for t in kelvin], y=k, x_unit="°C")
    assert celsius.quantities["activation_energy"].value == pytest.approx(60)
    assert any("converted" in w for w in celsius.warnings)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"model": "arrhenius", "x": [25, 35, 45], "y": [1, 2, 4]}, "bad_temperature"),
        ({"model": "arrhenius", "x": [300, 310, 320], "y": [1, -2, 4]}, "not_positive"),
        ({"model": "arrhenius", "x": [1, 2, 3], "y": [1, 2, 4], "x_unit": "s"}, "bad_temperature"),
        ({"model": "competitive", "x": S, "y": S}, "no_inhibitor"),
        ({"model": "competitive", "x": S, "y": S, "inhibitor": [1.0] * 12}, "constant"),
        ({"model": "competitive", "x": S, "y": S, "inhibitor": [1.0, 2.0]}, "length_mismatch"),
        ({"model": "michaelis_menten", "x": S, "y": S, "inhibitor": I}, "no_inhibitor"),
        ({"x": [-1, 1, 2, 3], "y": [1, 2, 3, 4]}, "not_positive"),
        ({"x": [1, 2], "y": [1, 2]}, "too_few"),
        ({"x": [1, 2, 3, 4], "y": [2, 2, 2, 2]}, "constant"),
    ],
)  # fmt: skip
def test_rates_that_are_refused(
    refusal: Callable[..., BenchmateError], arguments: dict[str, Any], code: str
) -> None:
    assert refusal(fit_kinetics, **arguments).code == code


FLUORESCEIN = {  # Miller and Miller, Statistics and Chemometrics for Analytical Chemistry, 6th ed., examples 5.3.1 to 5.5.1
    "concentrations": [0, 2, 4, 6, 8, 10, 12], "signals": [2.1, 5.0, 9.0, 12.6, 17.3, 21.0, 24.7],
    "concentration_unit": "pg/mL",
}  # fmt: skip


def test_the_calibration_of_the_textbook(call: Call) -> None:
    q = call(fit_calibration, **FLUORESCEIN, unknowns=[2.9, 13.5, 23.0]).quantities
    assert q["slope"].value == pytest.approx(1.93, abs=0.005) and q["slope"].uncertainty == pytest.approx(
        0.0409, abs=1e-4
    )
    assert q["intercept"].value == pytest.approx(1.52, abs=0.005) and q[
        "intercept"
    ].uncertainty == pytest.approx(0.2949, abs=1e-4)
    assert q["residual_deviation"].value == pytest.approx(0.4329, abs=1e-4)
    # 0.72 ± 0.68, 6.21 ± 0.62 and 11.13 ± 0.68 pg/mL at 95 %
    for place, (value, half) in enumerate(((0.72, 0.68), (6.21, 0.62), (11.13, 0.68)), 1):
        assert q[f"concentration_{place}"].value == pytest.approx(value, abs=0.005)
        assert q[f"concentration_{place}_upper"].value - value == pytest.approx(half, abs=0.01)


def test_detection_and_quantitation_limits(
    call: Call,
) -> None:  # ICH Q2(R1): 3.3 and 10 times sigma over slope
    q = call(fit_calibration, **FLUORESCEIN).quantities
    assert q["limit_of_detection"].value == pytest.approx(3.3 * 0.43285 / 1.93036, rel=1e-4)
    assert q["limit_of_quantitation"].value == pytest.approx(10 * 0.43285 / 1.93036, rel=1e-4)
    blank = call(fit_calibration, **FLUORESCEIN, blank_sd=0.2)
    assert blank.quantities["limit_of_detection"].value == pytest.approx(3.3 * 0.2 / 1.93036, rel=1e-4)
    assert "blank" in blank.data["definition"]


def test_a_weighted_line_of_the_textbook(call: Call) -> None:
    # weights 1/x² by hand: minimise the squared relative errors
    x, y = np.array([1, 2, 5, 10, 20.0]), np.array([10.2, 19.5, 52, 98, 205.0])
    matrix = np.column_stack([1 / x, np.ones(5)])
    intercept, slope = np.linalg.lstsq(matrix, y / x, rcond=None)[0]
    q = call(fit_calibration, concentrations=x.tolist(), signals=y.tolist(), weighting="1/x2").quantities
    assert (q["slope"].value, q["intercept"].value) == (
        pytest.approx(slope),
        pytest.approx(intercept, abs=1e-9),
    )


def test_unknowns_outside_and_below_are_told(call: Call) -> None:
    warnings = call(fit_calibration, **FLUORESCEIN, unknowns=[30.0, 2.2]).warnings
    assert any("outside" in w for w in warnings) and any(
        "below the limit of detection" in w for w in warnings
    )


def test_more_readings_narrow_the_interval(call: Call) -> None:
    one, four = (
        call(fit_calibration, **FLUORESCEIN, unknowns=[13.5], replicates=n)
        .quantities["concentration_1"]
        .uncertainty
        for n in (1, 4)
    )
    assert one is not None and four is not None and four < one


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"concentrations": [1, 1, 2, 2], "signals": [1, 2, 3, 4]}, "too_few_levels"),
        ({"concentrations": [0, 1, 2, 3], "signals": [1, 2, 3, 4], "weighting": "1/x"}, "bad_weights"),
        ({"concentrations": [0, 1, 2, 3], "signals": [1, 2, 2, 1]}, "no_slope"),
        ({"concentrations": [1, 1, 1], "signals": [1, 2, 3]}, "constant"),
        ({"concentrations": [1, 2], "signals": [1, 2]}, "too_few"),
        ({**FLUORESCEIN, "unknowns": [1.0] * 501}, "too_large"),
    ],
)  # fmt: skip
def test_calibrations_that_are_refused(
    refusal: Callable[..., BenchmateError], arguments: dict[str, Any], code: str
) -> None:
    assert refusal(fit_calibration, **arguments).code == code


TRUTH = {
    "exponential_decay": ([5.0, 2.0, 1.0], np.linspace(0, 10, 15)),
    "exponential": ([2.0, 0.3], np.linspace(0, 8, 12)),
    "gaussian": ([7.0, 4.0, 0.6, 0.5], np.linspace(0, 10, 60)),
    "lorentzian": ([7.0, 4.0, 0.4, 0.5], np.linspace(0, 10, 80)),
    "logistic": ([10.0, 1.5, 6.0], np.linspace(0, 12, 25)),
    "power_law": ([3.0, -0.7], np.linspace(1, 50, 12)),
    "saturation": ([12.0, 4.0], np.linspace(0.5, 30, 12)),
}


@pytest.mark.parametrize("model", list(CURVES))
def test_exact_points_give_back_the_curve(call: Call, model: str) -> None:
    parameters, x = TRUTH[model]
    y = CURVES[model].function(x, *parameters)
    result = call(fit_curve, model=model, x=x.tolist(), y=y.tolist(), x_unit="s", y_unit="mV")
    for name, value in zip(CURVES[model].parameters, parameters, strict=True):
        assert result.quantities[name].value == pytest.approx(value, rel=1e-4), name


def test_widths_and_lifetimes(call: Call) -> None:
    parameters, x = TRUTH["gaussian"]
    y = CURVES["gaussian"].function(x, *parameters).tolist()
    q = call(fit_curve, model="gaussian", x=x.tolist(), y=y, x_unit="nm").quantities
    assert q["fwhm"].value == pytest.approx(2.354820 * 0.6, rel=1e-5) and q["fwhm"].unit == "nm"
    assert q["a"].unit == "" and q["mu"].unit == "nm"


def test_a_peak_may_point_down(call: Call) -> None:
    parameters, x = TRUTH["lorentzian"]
    y = 1 - CURVES["lorentzian"].function(x, *parameters)
    q = call(fit_curve, model="lorentzian", x=x.tolist(), y=y.tolist()).quantities
    assert q["a"].value == pytest.approx(-7, rel=1e-4) and q["gamma"].value == pytest.approx(0.4, rel=1e-4)


def test_misra1a_against_nist() -> (
    None
):  # NIST StRD, Misra1a: b1 (1 - exp(-b2 x)), b1 238.94212918, b2 5.5015643181e-4
    x = np.array(
        [77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0]
    )
    y = np.array(
        [10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.40, 75.47, 81.78]
    )
    fit = fit_least_squares(
        lambda v, a, b: a * (1 - np.exp(-b * v)), x, y, ("b1", "b2"), [[500, 0.0001], [250, 0.0005]]
    )
    assert fit.value("b1") == pytest.approx(2.3894212918e2, rel=1e-6)
    assert fit.error("b1") == pytest.approx(2.7070075241, rel=1e-4)
    assert fit.value("b2") == pytest.approx(5.5015643181e-4, rel=1e-6)
    assert fit.residual_sd == pytest.approx(1.0187876330e-1, rel=1e-6)


def test_a_wrong_curve_shows_in_its_residuals(call: Call) -> None:
    x = np.linspace(0, 10, 40)
    result = call(fit_curve, model="exponential", x=x.tolist(), y=(1 + x).tolist())
    assert any("residuals" in w for w in result.warnings)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"model": "power_law", "x": [0, 1, 2], "y": [1, 2, 3]}, "not_positive"),
        ({"model": "gaussian", "x": [1, 2, 3], "y": [1, 2, 3]}, "too_few"),
        ({"model": "exponential", "x": [1, 1, 1], "y": [1, 2, 3]}, "constant"),
        ({"model": "sine", "x": [1, 1, 1], "y": [1, 2, 3]}, "bad_arguments"),
    ],
)
def test_curves_that_are_refused(
    refusal: Callable[..., BenchmateError], arguments: dict[str, Any], code: str
) -> None:
    assert refusal(fit_curve, **arguments).code == code


NOISY = [0.2 * (-1) ** i for i in range(8)]
SCRIPTED: list[tuple[Tool, dict[str, Any]]] = [
    (fit_dose_response, {"doses": DOSES, "responses": [sigmoid(d) + 5 * e for d, e in zip(DOSES, NOISY, strict=True)]}),
    (fit_dose_response, {"doses": [0, *DOSES], "responses": [97.0, *[100 - sigmoid(d) for d in DOSES]], "bottom": 0}),
    (fit_kinetics, {"x": [0.5, 1, 2, 5, 10, 20], "y": [1.7, 2.8, 4.5, 6.6, 8.1, 8.8]}),
    (fit_kinetics, {"model": "competitive", "x": S, "inhibitor": I,
                    "y": [round(LAWS["competitive"](s, i), 1) for s, i in zip(S, I, strict=True)]}),
    (fit_kinetics, {"model": "second_order", "x": [0, 10, 20, 40], "y": [2.0, 1.1, 0.7, 0.4]}),
    (fit_kinetics, {"model": "arrhenius", "x": [300, 310, 320], "y": [1.0, 2.1, 3.9]}),
    (fit_calibration, {**FLUORESCEIN, "unknowns": [13.5]}),
    (fit_curve, {"model": "logistic", "x": list(range(8)), "y": [0.1, 0.3, 0.8, 1.9, 3.5, 5.0, 5.9, 6.2]}),
]  # fmt: skip


@pytest.mark.parametrize(("tool", "arguments"), SCRIPTED)
def test_the_script_prints_the_same(
    call: Call,
    script_numbers: Callable[[ToolResult], dict[str, float]],
    tool: Tool,
    arguments: dict[str, Any],
) -> None:
    result = call(tool, **arguments)
    printed = script_numbers(result)
    assert len(printed) >= 2
    for name, value in printed.items():
        assert value == pytest.approx(result.quantities[name].value, rel=1e-5), name


@given(st.floats(0.05, 8), st.floats(0.6, 3), st.floats(-20, 20), st.floats(30, 200))
@settings(max_examples=25)
def test_any_curve_within_the_doses_is_found(ec50: float, hill: float, bottom: float, span: float) -> None:
    x = np.geomspace(0.001, 300, 14)
    y = np.array([sigmoid(d, bottom, bottom + span, ec50, hill) for d in x])
    fit, _ = _fit(Pairs(x, y), "4PL", None, None)
    assert 10 ** fit.value("log10_ec50") == pytest.approx(ec50, rel=1e-3)
    assert fit.value("hill_slope") == pytest.approx(hill, rel=1e-3)


def test_a_jump_between_two_doses_leaves_the_ec50_open(refusal: Callable[..., BenchmateError]) -> None:
    error = refusal(fit_dose_response, doses=[1, 2, 4, 8, 16, 32], responses=[0, 0, 0, 100, 100, 100])
    assert error.code == "not_determined" and "between 4 and 8" in str(error)


def test_what_the_data_leave_open_is_named(refusal: Callable[..., BenchmateError]) -> None:
    error = refusal(fit_kinetics, x=[1, 2, 3, 4], y=[1, 2, 3, 4])  # a straight line has no Km
    assert error.code == "not_determined" and "vmax and km" in str(error)
