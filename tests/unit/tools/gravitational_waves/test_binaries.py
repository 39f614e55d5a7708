"""Compact binaries: GW150914, GW170817, leading-order times by hand, and the frames."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.gravitational_waves.binaries import compute_binary
from benchmate.tools.gravitational_waves.inspiral import phase, taylorf2

NOWHERE = Path("unused")


def call(**arguments: Any) -> ToolResult:
    return compute_binary.run(compute_binary.validate(arguments), ToolContext(NOWHERE, NOWHERE, NOWHERE))


def values(**arguments: Any) -> dict[str, float]:
    return {k: q.value for k, q in call(**arguments).quantities.items()}


def test_gw150914() -> None:
    found = values(mass1=36, mass2=29, redshift=0.09)  # LVC 2016, PRL 116, 061102
    assert found["chirp_mass"] == pytest.approx(28.1, abs=0.05)
    assert found["chirp_mass_detector"] == pytest.approx(30.6, abs=0.1)
    assert found["final_mass"] == pytest.approx(62, abs=1)
    assert found["final_spin"] == pytest.approx(0.67, abs=0.03)
    assert found["radiated_energy"] == pytest.approx(3.0, abs=0.5)
    assert found["ringdown_frequency"] == pytest.approx(
        251, abs=10
    )  # LVC 2016, PRL 116, 221101: 251 Hz, 4.0 ms
    assert found["ringdown_damping_time"] == pytest.approx(4.0, abs=0.4)


def test_gw170817() -> None:
    found = values(
        mass1=1.365, mass2=1.365, start_frequency=24
    )  # LVC 2017, PRL 119, 161101: 1.188 solar masses
    assert found["chirp_mass"] == pytest.approx(1.188, abs=0.001)
    assert 80 < found["time_to_merger"] < 120  # about 100 s in band
    assert "final_mass" not in found


def test_the_isco_of_a_solar_mass_is_at_4_4_kilohertz() -> None:
    assert values(mass1=0.5, mass2=0.5)["isco_frequency"] == pytest.approx(4397, abs=2)  # 4400 Hz (M_sun/M)


def test_the_hulse_taylor_pulsar_as_a_circle_takes_1_6_billion_years() -> None:
    # masses and period of Weisberg & Huang 2016; the circular formula gives 1.65 Gyr (its eccentricity shortens it to 0.30)
    found = call(mass1=1.438, mass2=1.390, start_frequency=2 / 27906.98)
    assert found.quantities["time_to_merger"].to("Gyr").value == pytest.approx(1.65, abs=0.03)


def test_the_time_to_merger_is_the_integral_of_the_chirp() -> None:
    """df/dt = 96/5 π^(8/3) (G Mc/c³)^(5/3) f^(11/3) (Peters & Mathews), integrated numerically."""
    chirp = 1.4 * 2**-0.2 * 4.925490947e-6
    f = np.geomspace(20, 1e5, 200_001)
    rate = 96 / 5 * math.pi ** (8 / 3) * chirp ** (5 / 3) * f ** (11 / 3)
    found = values(mass1=1.4, mass2=1.4, start_frequency=20)
    assert found["time_to_merger"] == pytest.approx(np.trapezoid(1 / rate, f), rel=1e-4)
    assert found["cycles"] == pytest.approx(np.trapezoid(f / rate, f), rel=1e-3)


def test_masses_of_the_detector_are_redshifted() -> None:
    one = values(mass1=36, mass2=29, redshift=0.5)
    other = values(mass1=54, mass2=43.5, redshift=0.5, masses="detector_frame")
    assert one == pytest.approx(other)
    assert one["isco_frequency"] == pytest.approx(values(mass1=54, mass2=43.5)["isco_frequency"])


def test_the_frame_of_each_number_is_said() -> None:
    result = call(mass1=36, mass2=29, redshift=0.09)
    assert result.quantities["chirp_mass"].conditions == {"frame": "source", "redshift": "0.09"}
    assert result.quantities["time_to_merger"].conditions == {
        "frame": "detector",
        "redshift": "0.09",
        "from": "20 Hz",
    }


def test_neutron_stars_get_no_ringdown() -> None:
    result = call(mass1=10, mass2=1.4)
    assert "ringdown_frequency" not in result.quantities
    assert "neutron star" in result.warnings[0]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"mass1": 36, "mass2": 29, "start_frequency": 100}, "beyond_isco"),
        ({"mass1": -1, "mass2": 29}, "bad_arguments"),
        ({"mass1": 36}, "bad_arguments"),
        ({"mass1": "36 km", "mass2": 29}, "bad_arguments"),
        ({"mass1": 36, "mass2": 29, "redshift": -0.1}, "bad_arguments"),
    ],
)
def test_what_is_refused(arguments: dict[str, Any], code: str) -> None:
    with pytest.raises(BenchmateError) as caught:
        call(**arguments)
    assert caught.value.code == code


@given(st.floats(1, 40), st.floats(1, 40), st.floats(0, 2))
def test_the_order_of_the_masses_does_not_matter(a: float, b: float, z: float) -> None:
    found = values(mass1=a, mass2=b, redshift=z, start_frequency=5)
    assert found == values(mass1=b, mass2=a, redshift=z, start_frequency=5)
    assert found["symmetric_mass_ratio"] <= 0.25 + 1e-12
    assert found["chirp_mass"] == pytest.approx(found["symmetric_mass_ratio"] ** 0.6 * found["total_mass"])


@pytest.mark.parametrize(
    ("masses", "size", "turned"),
    [  # lalsimulation 7.26, SimInspiralTaylorF2 at 1 Mpc, phase order 7: |h| at 30 Hz, and the phase there from 20 Hz on
        ((1.4, 1.4), 1.7408090195139972e-21, -5.543745879018111),
        ((36.0, 29.0), 2.3787426221708684e-20, 23.557636965406562),
        ((10.0, 1.4), 3.681820744665311e-21, 2.0883290483560204),
    ],
)
def test_the_template_is_that_of_lalsimulation(
    masses: tuple[float, float], size: float, turned: float
) -> None:
    f = np.arange(20, 31, 0.25)
    template = taylorf2(f, *masses, 20.0)
    assert abs(template[40]) == pytest.approx(size, rel=1e-8)
    assert np.unwrap(np.angle(template))[40] - np.angle(template[0]) == pytest.approx(turned, abs=1e-8)


def test_the_template_ends_at_the_isco_and_begins_where_it_is_told() -> None:
    f = np.arange(0, 2000, 0.5)
    template = taylorf2(f, 1.4, 1.4, 30.0)
    assert f[np.flatnonzero(template)[[0, -1]]] == pytest.approx([30, 1570], abs=1)


def test_the_template_chirps_upwards_to_time_zero() -> None:
    """In time the signal lies before the coalescence at 0, and later parts have higher frequencies."""
    rate, size = 2048, 2048 * 64
    f = np.fft.rfftfreq(size, 1 / rate)
    signal = np.fft.irfft(taylorf2(f, 1.4, 1.4, 40.0), size)
    power = np.abs(np.fft.rfft(signal.reshape(64, rate), axis=1)) ** 2
    loud = (power * np.arange(power.shape[1])).sum(axis=1) / power.sum(axis=1)
    energy = (signal.reshape(64, rate) ** 2).sum(axis=1)
    assert energy[38:].sum() > 0.95 * energy.sum()  # 25 s from 40 Hz, before the end of the circle
    assert np.all(np.diff(loud[44:]) > 0)


def test_the_phase_has_its_newtonian_limit() -> None:
    f = np.array([1e-3])
    v = (math.pi * 2.8 * 4.925490947641267e-06 * f) ** (1 / 3)
    assert phase(f, 1.4, 1.4) == pytest.approx(3 / (128 * 0.25) * v**-5, rel=1e-3)
