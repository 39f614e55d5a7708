"""The matched filter: injections come back with their ratio, time and phase; horizons from the literature."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.gravitational_waves.filtering import (
    matched_filter,
    optimal_snr,
    reduced_chi_squared,
    truncated,
)
from benchmate.tools.gravitational_waves.inspiral import taylorf2
from benchmate.tools.gravitational_waves.matched_filter import matched_filter_gw
from benchmate.tools.gravitational_waves.noise import design_psd, draw_noise

RATE, SPAN = 1024, 32
SIZE = RATE * SPAN
FREQUENCY = np.fft.rfftfreq(SIZE, 1 / RATE)
PSD = design_psd(FREQUENCY)
TEMPLATE = taylorf2(FREQUENCY, 36, 29, 20)


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes most of the time: the tests of pictures undo this."""
    monkeypatch.setattr("benchmate.tools.gravitational_waves.matched_filter.save_plot", lambda *_, **__: ())


@pytest.fixture
def context(tmp_path: Path) -> ToolContext:
    return ToolContext(tmp_path, tmp_path / "artifacts", tmp_path)


def call(context: ToolContext, **arguments: Any) -> ToolResult:
    return matched_filter_gw.run(matched_filter_gw.validate(arguments), context)


def signal(at: float, distance: float = 410, phase: float = 0.0) -> np.ndarray:
    turned = TEMPLATE / distance * np.exp(-2j * np.pi * FREQUENCY * at + 1j * phase)
    return np.fft.irfft(turned * RATE, SIZE)


def noise(seed: int) -> np.ndarray:
    return draw_noise(PSD, RATE, SIZE, np.random.default_rng(seed))


def test_a_simulated_binary_comes_back(context: ToolContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    result = call(context, mass1=36, mass2=29, simulated_distance=410)
    found = result.quantities
    assert found["snr"].value == pytest.approx(found["optimal_snr"].value, abs=2)
    assert found["merger_time"].value == pytest.approx(result.data["injected"]["coalescence_s"], abs=0.002)
    assert found["effective_distance"].value == pytest.approx(410, rel=0.03)
    assert found["reduced_chi_squared"].value < 2
    assert any("IMR" in warning for warning in result.warnings)
    assert any("cut off" in warning for warning in result.warnings)
    assert [a.name for a in result.artifacts] == ["snr.svg", "snr.csv", "snr.py"]


def test_the_ratio_scatters_by_one_about_the_optimal_one() -> None:
    """In Gaussian noise the real part of the ratio at the signal is normal with mean ρ and variance 1 (Finn 1992)."""
    expected = optimal_snr(FREQUENCY, PSD, 36, 29, 20, 410)
    at = round(20 * RATE)
    found = [matched_filter(noise(s) + signal(20), RATE, TEMPLATE, PSD).snr[at].real for s in range(80)]
    assert np.mean(found) == pytest.approx(expected, abs=0.4)
    assert np.std(found) == pytest.approx(1, abs=0.25)


def test_noise_alone_is_normal() -> None:
    ratio = matched_filter(noise(3), RATE, TEMPLATE, PSD).snr
    assert ratio.real.std() == pytest.approx(1, abs=0.1)
    assert ratio.imag.std() == pytest.approx(1, abs=0.1)


@given(st.floats(5, 27), st.floats(-3, 3))
@settings(max_examples=15)
def test_time_and_phase_of_a_clean_signal_come_back(at: float, turned: float) -> None:
    ratio = matched_filter(signal(at, phase=turned), RATE, TEMPLATE, PSD).snr
    peak = int(np.argmax(np.abs(ratio)))
    assert peak / RATE == pytest.approx(at, abs=0.6 / RATE)
    exact = matched_filter(signal(round(at * RATE) / RATE, phase=turned), RATE, TEMPLATE, PSD).snr
    assert math.remainder(float(np.angle(exact[round(at * RATE)])) - turned, 2 * math.pi) == pytest.approx(
        0, abs=1e-6
    )


def test_sigma_is_the_optimal_ratio_at_one_megaparsec() -> None:
    sigma = matched_filter(signal(16), RATE, TEMPLATE, PSD).sigma
    assert sigma / 410 == pytest.approx(optimal_snr(FREQUENCY, PSD, 36, 29, 20, 410), rel=2e-3)


def test_the_horizon_of_advanced_ligo_for_neutron_stars() -> None:
    # Abadie et al. 2010, CQG 27, 173001, table V: horizon 445 Mpc for 1.4 + 1.4 solar masses
    frequency = np.arange(0, 2048, 1 / 16)
    assert optimal_snr(frequency, design_psd(frequency), 1.4, 1.4, 10, 445) == pytest.approx(8, rel=0.05)


def test_the_ratio_falls_with_distance_and_grows_with_chirp_mass() -> None:
    near, far = (optimal_snr(FREQUENCY, PSD, 30, 30, 20, d) for d in (200.0, 400.0))
    assert near == pytest.approx(2 * far)
    assert optimal_snr(FREQUENCY, PSD, 10, 10, 20, 200) < near


def test_strain_with_estimated_noise(context: ToolContext) -> None:
    values = noise(5) + signal(20.0)
    result = call(context, mass1=36, mass2=29, strain=values.tolist(), sample_rate=RATE)
    found = result.quantities
    assert found["snr"].value == pytest.approx(optimal_snr(FREQUENCY, PSD, 36, 29, 20, 410), rel=0.08)
    assert float(result.data["merger_time"]) == pytest.approx(20, abs=0.005)
    assert "estimated" in (found["snr"].conditions or {})["noise"]


def test_a_line_does_not_spoil_the_estimate(context: ToolContext) -> None:
    values = noise(5) + signal(20.0) + 1e-20 * np.sin(2 * np.pi * 60 * np.arange(SIZE) / RATE)
    result = call(context, mass1=36, mass2=29, strain=values.tolist(), sample_rate=RATE)
    assert float(result.data["merger_time"]) == pytest.approx(20, abs=0.005)
    assert result.quantities["snr"].value == pytest.approx(84, rel=0.12)


def test_low_frequency_noise_does_not_leak_into_the_band(context: ToolContext) -> None:
    drift = 1e-17 * np.sin(2 * np.pi * 0.3 * np.arange(SIZE) / RATE)
    result = call(context, mass1=36, mass2=29, strain=(noise(5) + signal(20.0) + drift).tolist(), sample_rate=RATE)  # fmt: skip
    assert result.quantities["snr"].value == pytest.approx(84, rel=0.12)


def test_noise_that_is_not_of_the_spectrum_is_said(context: ToolContext) -> None:
    loud = (3 * noise(9)).tolist()
    result = call(context, mass1=36, mass2=29, strain=loud, sample_rate=RATE, noise="aligo_design")
    assert any("not that of these data" in warning for warning in result.warnings)


def test_noise_is_no_detection(context: ToolContext) -> None:
    result = call(context, mass1=36, mass2=29, strain=noise(9).tolist(), sample_rate=RATE)
    assert result.quantities["snr"].value < 8
    assert any("no detection" in warning for warning in result.warnings)


def test_a_glitch_has_a_large_chi_squared() -> None:
    values = noise(2)
    values[16 * RATE] += 3e-20  # one loud sample
    ratio = np.abs(matched_filter(values, RATE, TEMPLATE, PSD).snr)
    peak = int(np.argmax(ratio))
    assert ratio[peak] > 8
    assert reduced_chi_squared(values, RATE, TEMPLATE, PSD, peak, 16) > 3


def test_chi_squared_is_one_for_the_signal() -> None:
    found = [
        reduced_chi_squared(noise(s) + signal(20), RATE, TEMPLATE, PSD, 20 * RATE, 16) for s in range(20)
    ]
    assert np.mean(found) == pytest.approx(1, abs=0.2)


def test_a_peak_in_the_cut_ends_is_not_taken(context: ToolContext) -> None:
    values = noise(5) + signal(31.5)
    result = call(context, mass1=36, mass2=29, strain=values.tolist(), sample_rate=RATE)
    assert float(result.data["merger_time"]) < 30


def test_a_cut_filter_keeps_the_spectrum() -> None:
    frequency = np.fft.rfftfreq(4 * RATE, 1 / RATE)
    kept = truncated(np.where(frequency >= 10, design_psd(np.maximum(frequency, 10)), 1e-40), RATE, 2.0, 20)
    inside = (frequency > 30) & (frequency < 400)
    assert kept[inside] == pytest.approx(design_psd(frequency[inside]), rel=0.1)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"mass1": 36, "mass2": 29}, "bad_arguments"),
        ({"mass1": 36, "mass2": 29, "simulated_distance": 100, "strain": [0.0], "sample_rate": 10}, "bad_arguments"),
        ({"mass1": 300, "mass2": 300, "simulated_distance": 100}, "beyond_isco"),
        ({"mass1": 36, "mass2": 29, "strain": [1e-21, 2e-21] * 512, "sample_rate": 1024}, "too_short"),
        ({"mass1": 1.4, "mass2": 1.4, "strain": ([1e-21, 2e-21, 0.0] * 4000), "sample_rate": 1024}, "too_short"),
        ({"mass1": 1.4, "mass2": 1.4, "strain": ([1e-21, 2e-21, 0.0] * 400), "sample_rate": 32}, "bad_band"),
        ({"mass1": 0.5, "mass2": 0.5, "simulated_distance": 1, "low_frequency": 8}, "too_short"),
        ({"mass1": "36 s", "mass2": 29, "simulated_distance": 100}, "bad_arguments"),
    ],
)  # fmt: skip
def test_what_is_refused(context: ToolContext, arguments: dict[str, Any], code: str) -> None:
    with pytest.raises(BenchmateError) as caught:
        call(context, **arguments)
    assert caught.value.code == code
