"""Periods: known signals, the solar cycle, least squares as another method, and what makes a period doubtful."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.astronomy.periods import find_period, periodogram, refine
from benchmate.tools.astronomy.time_series import make_series
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.files import keep_file

VARIABLE = (
    [0.551, 2.681, 2.883, 3.213, 4.069, 5.246, 5.538, 5.608, 6.064, 6.237, 6.595, 8.062, 8.184, 8.467, 9.07, 9.704, 10.236, 10.763,
     10.825, 10.992, 14.496, 15.007, 15.07, 15.769, 16.554, 18.973, 19.009, 19.233, 19.399, 19.615],
    [12.326, 12.463, 12.307, 12.042, 11.728, 12.352, 12.1, 11.99, 11.577, 11.607, 11.806, 11.859, 11.757, 11.608, 11.899, 12.396,
     12.085, 11.628, 11.593, 11.63, 12.42, 12.016, 11.915, 11.662, 12.317, 12.394, 12.349, 12.411, 12.297, 12.066],
)  # fmt: skip


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes most of the time: the tests of pictures undo this."""
    monkeypatch.setattr("benchmate.tools.astronomy.periods.save_plot", lambda *_, **__: ())


@pytest.fixture
def context(tmp_path: Path) -> ToolContext:
    return ToolContext(tmp_path, tmp_path / "artifacts", tmp_path)


def call(context: ToolContext, times: Any, values: Any, **rest: Any) -> ToolResult:
    given_ = {"times": np.asarray(times).tolist(), "values": np.asarray(values).tolist(), **rest}
    return find_period.run(find_period.validate(given_), context)


def refused(context: ToolContext, times: Any, values: Any, **rest: Any) -> BenchmateError:
    with pytest.raises(BenchmateError) as caught:
        call(context, times, values, **rest)
    return caught.value


def sampled(seed: int, count: int, span: float) -> tuple[np.random.Generator, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng, np.sort(rng.uniform(0, span, count))


def test_a_variable_star_of_2_35_days(context: ToolContext) -> None:
    result = call(context, *VARIABLE, min_period=1, max_period=10, magnitudes=True)
    assert result.quantities["period"].value == pytest.approx(2.351, abs=0.01)
    assert result.quantities["false_alarm_probability"].value < 1e-20
    assert result.warnings == ()


def test_least_squares_at_every_trial_finds_the_same(context: ToolContext) -> None:
    """The periodogram is a least-squares fit of a sine and a constant: done here by numpy at each frequency."""
    times, values = map(np.array, VARIABLE)
    result = call(context, times, values, min_period=1, max_period=10)

    def left(period: float) -> float:
        phase = 2 * np.pi * times / period
        design = np.column_stack([np.ones(times.size), np.sin(phase), np.cos(phase)])
        return float(np.linalg.lstsq(design, values, rcond=None)[1][0])

    trials = np.linspace(2.2, 2.5, 3001)
    best = trials[np.argmin([left(p) for p in trials])]
    assert result.quantities["period"].value == pytest.approx(best, abs=2e-4)
    total = float(((values - values.mean()) ** 2).sum())
    assert result.quantities["power"].value == pytest.approx(1 - left(best) / total, abs=1e-6)


def test_the_solar_cycle_lasts_eleven_years(context: ToolContext) -> None:
    record = keep_file("sample:sunspots", context.artifact_dir).model_dump()
    arguments = find_period.validate({"file": record, "min_period": 1000, "max_period": 20000})
    found = find_period.run(arguments, context).quantities["period"]
    assert found.to("year").value == pytest.approx(11.0, abs=0.1)  # Hathaway 2015: 11.0 years on average


def test_a_period_of_3_7_days_in_300_points(context: ToolContext) -> None:
    rng, times = sampled(1, 300, 90)
    values = np.sin(2 * np.pi * times / 3.70) + rng.normal(0, 0.3, 300)
    found = call(context, times, values, errors=[0.3] * 300).quantities["period"]
    assert found.value == pytest.approx(3.70, abs=4 * (found.uncertainty or 0))
    assert found.uncertainty == pytest.approx(0.0020, rel=0.3)  # Montgomery & O'Donoghue 1999 by hand


def test_the_uncertainty_is_the_scatter_over_many_noises(context: ToolContext) -> None:
    _, times = sampled(3, 100, 50)
    signal = np.sin(2 * np.pi * times / 4.2)
    periods = []
    for seed in range(60):
        series = make_series(times, signal + np.random.default_rng(seed).normal(0, 0.5, 100))
        search = periodogram(series, 3.0, 6.0)
        periods.append(1 / refine(search.model, search.frequency, int(search.power.argmax()), 1 / 50))
    stated = call(context, times, signal + np.random.default_rng(0).normal(0, 0.5, 100)).quantities["period"]
    assert np.std(periods) == pytest.approx(stated.uncertainty, rel=0.35)


def test_noise_is_not_significant(context: ToolContext) -> None:
    rng, times = sampled(5, 100, 50)
    result = call(context, times, rng.normal(0, 1, 100), min_period=1)
    assert result.quantities["false_alarm_probability"].value > 0.01
    assert result.quantities["period"].relation == "~"
    assert any("not significant" in warning for warning in result.warnings)


def nights(seed: int, count: int) -> tuple[np.random.Generator, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng, np.arange(count) + 0.4 + rng.uniform(-0.02, 0.02, count)


def test_one_observation_a_night_cannot_tell_aliases_apart(context: ToolContext) -> None:
    rng, times = nights(2, 60)
    values = np.sin(2 * np.pi * times / 3.7) + rng.normal(0, 0.2, 60)
    result = call(context, times, values, min_period=0.3, max_period=20)
    assert result.data["window_peaks"][0]["frequency_per_d"] == pytest.approx(1, abs=0.01)
    aliases = [alias["period_d"] for alias in result.data["aliases"]]
    expected = 1 / (1 - 1 / 3.7)  # 1.370 d, the mirror image at 1 − f
    assert any(abs(period - expected) < 0.02 or abs(period - 3.7) < 0.1 for period in aliases)
    assert any("alias" in warning for warning in result.warnings)


def test_a_signal_at_the_sampling_is_suspect(context: ToolContext) -> None:
    rng = np.random.default_rng(4)
    times = np.sort(np.arange(60) + 0.4 + rng.uniform(-0.15, 0.15, 60))
    values = np.sin(2 * np.pi * times) + rng.normal(0, 0.2, 60)  # something daily, such as the airmass
    result = call(context, times, values, min_period=0.8, max_period=1.2)
    assert any("sampling itself" in warning for warning in result.warnings)


def test_unlike_minima_prefer_twice_the_period(context: ToolContext) -> None:
    rng, times = sampled(6, 300, 60)
    phase = times / 5.0 * 2 * np.pi  # an eclipsing binary of 5 d with minima of 0.5 and 0.35
    values = -0.4 * np.cos(2 * phase) - 0.08 * np.cos(phase) + rng.normal(0, 0.02, 300)
    result = call(context, times, values, min_period=1, max_period=20)
    assert result.quantities["period"].value == pytest.approx(2.5, abs=0.01)
    assert result.data["twice_the_period_fits_better"] is True
    assert any("eclipsing binary" in warning for warning in result.warnings)


def test_a_sine_does_not_prefer_twice_the_period(context: ToolContext) -> None:
    rng, times = sampled(6, 300, 60)
    values = np.sin(2 * np.pi * times / 2.5) + rng.normal(0, 0.1, 300)
    assert call(context, times, values).data["twice_the_period_fits_better"] is False


def test_less_than_two_cycles_are_said(context: ToolContext) -> None:
    rng, times = sampled(8, 60, 10)
    values = np.sin(2 * np.pi * times / 9) + rng.normal(0, 0.1, 60)
    assert any("cycles" in warning for warning in call(context, times, values).warnings)


def test_a_peak_at_the_edge_is_said(context: ToolContext) -> None:
    rng, times = sampled(8, 100, 60)
    values = np.sin(2 * np.pi * times / 9) + rng.normal(0, 0.1, 100)
    result = call(context, times, values, min_period=9.4, max_period=30)
    assert any("edge" in warning for warning in result.warnings)


def test_points_that_are_no_numbers_are_counted_out(context: ToolContext, tmp_path: Path) -> None:
    rows = "\n".join(f"{t},{v}" for t, v in zip(*VARIABLE, strict=True))
    (tmp_path / "a.csv").write_text(f"BJD,mag\n{rows}\n30,nan\n")
    record = keep_file(str(tmp_path / "a.csv"), context.artifact_dir).model_dump()
    result = find_period.run(find_period.validate({"file": record}), context)
    assert result.quantities["point_count"].value == 30
    assert "1 points" in result.warnings[1]
    assert result.data["time_system"] == "BJD, scale not stated"
    assert "time_of_maximum_light_d" in result.data


def test_the_epoch_is_of_the_maximum(context: ToolContext) -> None:
    _, times = sampled(9, 200, 40)
    result = call(context, times, np.cos(2 * np.pi * (times - 1.3) / 4.0), min_period=2, max_period=10)
    assert (result.data["time_of_maximum_d"] - 1.3) % 4.0 == pytest.approx(0, abs=0.01)


def test_order_of_the_points_does_not_matter(context: ToolContext) -> None:
    one = call(context, *VARIABLE)
    other = call(context, VARIABLE[0][::-1], VARIABLE[1][::-1])
    assert one.quantities == other.quantities


def test_it_draws_the_periodogram_and_the_folded_curve(
    context: ToolContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    names = [artifact.name for artifact in call(context, *VARIABLE).artifacts]
    assert names == ["period.svg", "period.csv", "period.py"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"values": [1.0, 2.0]}, "length_mismatch"),
        ({"times": [1.0, 2.0], "values": [1.0, 2.0]}, "too_few_points"),
        ({"values": [3.0] * 30}, "constant"),
        ({"times": [3.0] * 30}, "one_time"),
        ({"errors": [0.0] * 30}, "bad_errors"),
        ({"min_period": 5, "max_period": 2}, "bad_range"),
        ({"min_period": 1e-7}, "too_fine"),
        ({"values": None}, "incomplete"),
        ({"min_period": -1}, "bad_arguments"),
    ],
)
def test_what_is_refused(context: ToolContext, changes: dict[str, Any], code: str) -> None:
    arguments = {"times": VARIABLE[0], "values": VARIABLE[1], **changes}
    with pytest.raises(BenchmateError) as caught:
        find_period.run(find_period.validate(arguments), context)
    assert caught.value.code == code


@given(st.floats(1.5, 12), st.floats(0, 6.28), st.floats(-100, 100), st.floats(0.1, 50))
@settings(max_examples=30)
def test_a_clean_sine_is_found_whatever_its_phase_and_scale(
    period: float, phase: float, mean: float, size: float
) -> None:
    _, times = sampled(11, 150, 60)
    series = make_series(times, mean + size * np.sin(2 * np.pi * times / period + phase))
    search = periodogram(series, 1, 20)
    found = 1 / refine(search.model, search.frequency, int(search.power.argmax()), 1 / series.span)
    assert found == pytest.approx(period, rel=1e-4)
