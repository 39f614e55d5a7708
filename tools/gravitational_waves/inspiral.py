"""The signal of an inspiral in the frequency domain: TaylorF2, post-Newtonian order 3.5 in phase, without spin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SOLAR_TIME = 4.925490947641267e-06  # s, G M_sun / c³ (IAU 2015 nominal GM_sun)
MEGAPARSEC_TIME = 1.0292712503e14  # s, 1 Mpc / c


def chirp_mass(mass1: float, mass2: float) -> float:
    """Return (m1 m2)^(3/5) / (m1 + m2)^(1/5)."""
    return float((mass1 * mass2) ** 0.6 / (mass1 + mass2) ** 0.2)


def symmetric_ratio(mass1: float, mass2: float) -> float:
    """Return η = m1 m2 / (m1 + m2)², at most 1/4."""
    return mass1 * mass2 / (mass1 + mass2) ** 2


def isco_frequency(total_mass: float) -> float:
    """Return the gravitational-wave frequency at the innermost stable circular orbit of a test mass, 1/(6^1.5 π M), in Hz."""
    return float(1 / (6**1.5 * np.pi * total_mass * SOLAR_TIME))


def time_to_merger(chirp: float, frequency: float) -> float:
    """Return the time to coalescence at a gravitational-wave frequency, at leading order (Peters 1964), in s."""
    return float(5 / 256 * (chirp * SOLAR_TIME) ** (-5 / 3) * (np.pi * frequency) ** (-8 / 3))


def cycles_to_merger(chirp: float, frequency: float) -> float:
    """Return the number of gravitational-wave cycles to coalescence at leading order."""
    return float((np.pi * chirp * SOLAR_TIME * frequency) ** (-5 / 3) / (32 * np.pi))


def phase(frequency: NDArray[np.float64], mass1: float, mass2: float) -> NDArray[np.float64]:
    """Return Ψ(f) of TaylorF2 to order 3.5, for coalescence at time 0 with phase 0.

    Buonanno, Iyer, Ochsner, Pan & Sathyaprakash 2009, PRD 80, 084043, equation 3.18 (arXiv:0907.0700), from the fluxes of
    Blanchet et al. and Arun et al. 2005.
    """
    total, eta = (mass1 + mass2) * SOLAR_TIME, symmetric_ratio(mass1, mass2)
    v = (np.pi * total * frequency) ** (1 / 3)
    log_v = np.log(v)
    isco = 6**-0.5
    pi, euler = np.pi, np.euler_gamma
    series = (
        1
        + 20 / 9 * (743 / 336 + 11 / 4 * eta) * v**2
        - 16 * pi * v**3
        + 10 * (3058673 / 1016064 + 5429 / 1008 * eta + 617 / 144 * eta**2) * v**4
        + pi * (38645 / 756 - 65 / 9 * eta) * (1 + 3 * (log_v - np.log(isco))) * v**5
        + (
            11583231236531 / 4694215680
            - 640 / 3 * pi**2
            - 6848 / 21 * (euler + np.log(4) + log_v)
            + (-15737765635 / 3048192 + 2255 / 12 * pi**2) * eta
            + 76055 / 1728 * eta**2
            - 127825 / 1296 * eta**3
        )
        * v**6
        + pi * (77096675 / 254016 + 378515 / 1512 * eta - 74045 / 756 * eta**2) * v**7
    )
    return 3 / (128 * eta) * v**-5 * series - pi / 4


def taylorf2(
    frequency: NDArray[np.float64], mass1: float, mass2: float, low: float, distance: float = 1.0
) -> NDArray[np.complex128]:
    """Return h(f) in 1/Hz of an optimally oriented binary at `distance` Mpc, which coalesces at time 0.

    Masses are in the detector's frame. The Fourier transform is ∫ h(t) exp(−2πift) dt, so the phase is −Ψ. The signal is
    zero below `low` and above the innermost stable circular orbit: no merger and no ringdown.
    """
    inside = (frequency >= low) & (frequency <= isco_frequency(mass1 + mass2))
    signal = np.zeros(frequency.size, complex)
    f = frequency[inside]
    chirp = chirp_mass(mass1, mass2) * SOLAR_TIME
    amplitude = np.sqrt(5 / 24) * np.pi ** (-2 / 3) * chirp ** (5 / 6) / (distance * MEGAPARSEC_TIME)
    signal[inside] = amplitude * f ** (-7 / 6) * np.exp(-1j * phase(f, mass1, mass2))
    return signal
