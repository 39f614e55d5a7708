"""Transits: injected ones are recovered with their depth, and what is no planet, or no detection, is said."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.astronomy.detrending import running_median
from benchmate.tools.astronomy.transits import search_transits
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.files import keep_file

PERIOD, DEPTH, DURATION, START = 5.321, 0.01, 3 / 24, 1325.0


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes most of the time: the tests of pictures undo this."""
    monkeypatch.setattr("benchmate.tools.astronomy.transits.save_plot", lambda *_, **__: ())


@pytest.fixture
def context(tmp_path: Path) -> ToolContext:
    return ToolContext(tmp_path, tmp_path / "artifacts", tmp_path)


def star(
    *, period: float = PERIOD, depth: float = DEPTH, span: float = 27.4, noise: float = 1e-3, slow: float = 0.0, odd: float = 1.0,
    secondary: float = 0.0, first: float = 1.7, seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Box transits of 3 h in white noise, every 20 minutes, with a slow sine, a gap, and unlike odd transits or a secondary."""
    rng = np.random.default_rng(seed)
    time = START + np.arange(0, span, 20 / 1440)
    time = time[(time < START + 13) | (time > START + 14.5)]
    number = np.round((time - START - first) / period)
    away = time - START - first - number * period
    flux = 1 + slow * np.sin(2 * np.pi * time / 6) + rng.normal(0, noise, time.size)
    flux -= np.where(np.abs(away) < DURATION / 2, depth * np.where(number % 2 == 1, odd, 1.0), 0.0)
    flux -= np.where(np.abs(np.abs(away) - period / 2) < DURATION / 2, secondary, 0.0)
    return time, flux


def call(context: ToolContext, time: np.ndarray, flux: np.ndarray, **rest: Any) -> ToolResult:
    arguments = search_transits.validate({"times": time.tolist(), "flux": flux.tolist(), **rest})
    return search_transits.run(arguments, context)


def test_a_transit_of_one_percent_every_5_321_days(
    context: ToolContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    result = call(context, *star())
    found = result.quantities
    assert found["period"].value == pytest.approx(PERIOD, abs=3 * (found["period"].uncertainty or 0))
    assert found["transit_depth"].value == pytest.approx(1.0, abs=0.05)
    assert found["transit_duration"].value == pytest.approx(3.0, abs=0.4)
    assert found["transit_time"].value == pytest.approx(START + 1.7, abs=0.01)
    assert found["transit_count"].value == 5
    assert found["radius_ratio"].value == pytest.approx(0.1, abs=0.003)
    assert found["snr"].value == pytest.approx(0.01 / (1e-3 / np.sqrt(5 * 9)), rel=0.1)
    assert result.warnings == ()
    assert [a.name for a in result.artifacts] == ["transits.svg", "transits.csv", "transits.py"]


def test_the_depth_survives_the_detrending(context: ToolContext) -> None:
    result = call(context, *star(slow=0.01))
    assert result.quantities["period"].value == pytest.approx(PERIOD, abs=0.004)
    assert result.quantities["transit_depth"].value == pytest.approx(1.0, abs=0.05)
    assert "running median of 1.5 d" in (result.quantities["period"].conditions or {})["detrended by"]


def test_any_unit_of_flux_will_do(context: ToolContext) -> None:
    time, flux = star()
    one, other = call(context, time, flux), call(context, time, flux * 5234.0)
    assert one.quantities["transit_depth"].value == pytest.approx(
        other.quantities["transit_depth"].value, rel=1e-3
    )


def test_odd_and_even_depths_tell_a_binary(context: ToolContext) -> None:
    result = call(context, *star(odd=0.6), min_period=4, max_period=6.5)
    depths = sorted(result.quantities[name].value for name in ("depth_odd", "depth_even"))
    assert depths == pytest.approx([0.6, 1.0], abs=0.05)
    assert result.quantities["odd_even_difference"].value > 3
    assert any("eclipsing binary" in warning for warning in result.warnings)


def test_a_secondary_eclipse_is_said(context: ToolContext) -> None:
    result = call(context, *star(secondary=0.003))
    assert any("half a period later" in warning for warning in result.warnings)


def test_noise_alone_is_no_detection(context: ToolContext) -> None:
    result = call(context, *star(depth=0.0))
    assert result.quantities["period"].relation == "~"
    assert "no detection" in result.warnings[0]


def test_a_starspot_wave_is_no_detection(context: ToolContext) -> None:
    result = call(context, *star(depth=0.0, slow=0.01))
    assert any("no detection" in warning for warning in result.warnings)


def test_one_transit_has_no_period(context: ToolContext) -> None:
    result = call(context, *star(period=40, first=6.0), max_period=20)
    assert any("period is not known" in warning for warning in result.warnings)


def test_a_transit_in_the_gap_is_not_counted(context: ToolContext) -> None:
    result = call(context, *star(first=13.7 - 2 * PERIOD))
    assert result.quantities["transit_count"].value == len(result.data["points_per_transit"]) - 1


def test_errors_that_are_too_small_are_said(context: ToolContext) -> None:
    time, flux = star()
    result = call(context, time, flux, errors=[2e-4] * time.size)
    assert any("times the errors" in warning for warning in result.warnings)


def test_it_reads_a_file(context: ToolContext, tmp_path: Path) -> None:
    rows = "\n".join(f"{t:.6f},{f:.6f}" for t, f in zip(*star(), strict=True))
    (tmp_path / "lc.csv").write_text(f"BTJD,flux\n{rows}\n")
    record = keep_file(str(tmp_path / "lc.csv"), context.artifact_dir).model_dump()
    result = search_transits.run(search_transits.validate({"file": record}), context)
    assert result.quantities["period"].value == pytest.approx(PERIOD, abs=0.004)
    assert result.data["time_system"] == "BTJD = BJD − 2457000 (TDB)"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"detrend_window": 0.2}, "bad_window"),
        ({"min_period": 8, "max_period": 4}, "bad_range"),
        ({"min_period": 0.02}, "bad_range"),
        ({"max_period": 60}, "too_short"),
        ({"flux": None}, "incomplete"),
        ({"flux": [-1.0 * i for i in range(50)], "times": [i / 48 for i in range(50)]}, "not_flux"),
        ({"times": [1.0, 2.0], "flux": [1.0, 2.0]}, "too_few_points"),
    ],
)
def test_what_is_refused(context: ToolContext, changes: dict[str, Any], code: str) -> None:
    time, flux = star()
    with pytest.raises(BenchmateError) as caught:
        search_transits.run(
            search_transits.validate({"times": time.tolist(), "flux": flux.tolist(), **changes}), context
        )
    assert caught.value.code == code


def test_magnitudes_are_no_flux(context: ToolContext, tmp_path: Path) -> None:
    rows = "\n".join(f"{i / 48},{12 + (i % 5) / 100}" for i in range(500))
    (tmp_path / "lc.csv").write_text(f"BJD,mag\n{rows}\n")
    record = keep_file(str(tmp_path / "lc.csv"), context.artifact_dir).model_dump()
    with pytest.raises(BenchmateError) as caught:
        search_transits.run(search_transits.validate({"file": record}), context)
    assert caught.value.code == "not_flux"


def test_the_median_follows_slow_waves_and_not_transits() -> None:
    time, flux = star(noise=0.0, slow=0.01)
    trend = running_median(time, flux, 1.5)
    wave = 1 + 0.01 * np.sin(2 * np.pi * time / 6)
    middle = (time > START + 1) & (time < START + 26) & (np.abs(time - START - 13.7) > 2)
    assert np.abs(trend - wave)[middle].max() < 0.0012  # of a wave of 0.01 and transits of 0.01


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(2.5, 9.0), st.floats(0.5, 2.0), st.floats(0.005, 0.03))
def test_other_transits_are_found(context: ToolContext, period: float, first: float, depth: float) -> None:
    time, flux = star(period=period, first=first, depth=depth)
    found = call(context, time, flux, min_period=1.5, max_period=12).quantities
    assert found["period"].value == pytest.approx(period, rel=2e-3)
    assert found["transit_depth"].value == pytest.approx(depth * 100, rel=0.12)
