"""The matched filter: correlation of data with a template, weighted by the noise (Allen et al. 2012, FINDCHIRP)."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmate.tools.gravitational_waves.inspiral import isco_frequency, taylorf2
from benchmate.tools.gravitational_waves.noise import frequencies

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Filtered:
    """Signal-to-noise ratio against time of coalescence, and σ: the ratio that the template has at 1 Mpc without noise."""

    snr: NDArray[np.complex128]
    sigma: float


def matched_filter(
    strain: NDArray[np.float64], rate: float, template: NDArray[np.complex128], psd: NDArray[np.float64]
) -> Filtered:
    """Return the complex signal-to-noise ratio at each sample, for a template that coalesces at time 0.

    ρ(t) = 4 ∫ d(f) h*(f) / S(f) exp(2πift) df / σ, and σ² = 4 ∫ |h|² / S df; template and spectrum stand at the
    frequencies of the data's Fourier transform. A signal that coalesces at t peaks at t. It wraps around: the ends are the
    caller's to cut.
    """
    size = strain.size
    step = rate / size
    weight = np.divide(1.0, psd, out=np.zeros(psd.size), where=np.isfinite(psd) & (psd > 0))
    sigma = math.sqrt(4 * step * float(np.sum(np.abs(template) ** 2 * weight)))
    data = np.fft.rfft(strain) / rate
    both = np.zeros(size, complex)
    both[: psd.size] = data * np.conj(template) * weight
    return Filtered(4 * step * size * np.fft.ifft(both) / sigma, sigma)


def truncated(psd: NDArray[np.float64], rate: float, seconds: float, low: float) -> NDArray[np.float64]:
    """Return the spectrum whose inverse square root lasts no longer than `seconds`, so that lines ring no farther.

    The filter 1/√S is cut in time (FINDCHIRP, section VII). Below `low` the spectrum is infinite.
    """
    size = 2 * (psd.size - 1)
    keep = round(seconds * rate / 2)
    frequency = frequencies(size, rate)
    root = np.where(frequency >= low, 1 / np.sqrt(psd), 0.0)
    root[-1] = 0.0
    impulse = np.fft.irfft(root, size)
    impulse[keep : size - keep] = 0.0
    inverse = np.abs(np.fft.rfft(impulse)) ** 2
    return np.where(frequency >= low, 1 / np.maximum(inverse, np.finfo(float).tiny), np.inf)


def reduced_chi_squared(
    strain: NDArray[np.float64],
    rate: float,
    template: NDArray[np.complex128],
    psd: NDArray[np.float64],
    at: int,
    bins: int,
) -> float:
    """Return Allen's χ² over its 2(p − 1) degrees of freedom at one sample: 1 for the template in Gaussian noise.

    The template is cut into bands of equal σ²; a glitch does not share its power among them as the template does (Allen 2005,
    PRD 71, 062001).
    """
    size = strain.size
    step = rate / size
    weight = np.divide(1.0, psd, out=np.zeros(psd.size), where=np.isfinite(psd) & (psd > 0))
    power = np.cumsum(np.abs(template) ** 2 * weight)
    sigma = math.sqrt(4 * step * power[-1])
    turn = np.exp(2j * np.pi * np.arange(psd.size) * at / size)
    part = 4 * step * np.fft.rfft(strain) / rate * np.conj(template) * weight * turn / sigma
    edges = np.searchsorted(power, np.linspace(0, power[-1], bins + 1))
    edges[-1] = psd.size
    pieces = [(part[a:b].sum(), (power[b - 1] - (power[a - 1] if a else 0)) / power[-1]) for a, b in itertools.pairwise(edges) if b > a]  # fmt: skip
    total = part.sum()
    chi = sum(abs(piece - total * share) ** 2 / share for piece, share in pieces if share > 0)
    return float(chi / (2 * max(1, len(pieces) - 1)))


def optimal_snr(
    frequency: NDArray[np.float64],
    psd: NDArray[np.float64],
    mass1: float,
    mass2: float,
    low: float,
    distance: float,
) -> float:
    """Return the signal-to-noise ratio of an optimally oriented binary by integration over frequency, without any data."""
    template = taylorf2(frequency, mass1, mass2, low, distance)
    inside = (frequency >= low) & (frequency <= isco_frequency(mass1 + mass2)) & np.isfinite(psd)
    return math.sqrt(4 * float(np.trapezoid(np.abs(template[inside]) ** 2 / psd[inside], frequency[inside])))
