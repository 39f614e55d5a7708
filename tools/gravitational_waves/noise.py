"""Noise of a detector: spectra estimated from data, the design curve of Advanced LIGO, and noise drawn from a spectrum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmate.runtime.errors import InvalidInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_SEGMENTS = 6  # overlapping segments of a median; fewer follow single glitches


def frequencies(size: int, rate: float) -> NDArray[np.float64]:
    """Return the frequencies of the Fourier transform of `size` real samples, in Hz."""
    return np.fft.rfftfreq(size, 1 / rate).astype(np.float64)


def estimate_psd(
    strain: NDArray[np.float64], rate: float, segment: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Return frequencies, one-sided power spectral density (1/Hz) and the number of segments: the median of Welch's method.

    Segments of `segment` seconds overlap by half under a Hann window; the median's bias is taken out.

    Raises InvalidInput: `too_short`.
    """
    from scipy.signal import welch

    size = round(segment * rate)
    count = 1 + (strain.size - size) // (size // 2) if strain.size >= size else 0
    if count < LEAST_SEGMENTS:
        raise InvalidInput(
            "too_short", f"{strain.size / rate:g} s of data hold {count} segments of {segment:g} s, and a spectrum needs {LEAST_SEGMENTS}",
            hint=f"give at least {(LEAST_SEGMENTS + 1) / 2 * segment:g} s, or a shorter psd_segment",
        )  # fmt: skip
    frequency, psd = welch(strain, rate, window="hann", nperseg=size, average="median", detrend="constant")
    return frequency, psd, count


def design_psd(frequency: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the design sensitivity of Advanced LIGO (zero-detuned, high power) in 1/Hz, above 10 Hz; infinite below.

    Analytic fit of Ajith 2011, PRD 84, 084037, equation 4.7 (arXiv:1107.1267); within 9 % in amplitude of the curve of
    LIGO-T0900288 from 20 Hz to 1 kHz.
    """
    psd = np.full(frequency.size, np.inf)
    inside = frequency >= 10.0
    x = frequency[inside] / 245.4
    psd[inside] = 1e-48 * (0.0152 * x**-4 + 0.2935 * x**2.25 + 2.7951 * x**1.5 - 6.5080 * x**0.75 + 17.7622)
    return psd


def draw_noise(
    psd: NDArray[np.float64], rate: float, size: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return Gaussian noise of a one-sided spectrum given at `frequencies(size, rate)`; without power where it is infinite."""
    finite = np.where(np.isfinite(psd), psd, 0.0)
    sigma = np.sqrt(finite * size * rate / 4)
    bins = sigma * (rng.standard_normal(psd.size) + 1j * rng.standard_normal(psd.size))
    bins[0] = bins[-1] = 0
    return np.fft.irfft(bins, size)


def at_frequencies(
    wanted: NDArray[np.float64], frequency: NDArray[np.float64], psd: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return a spectrum between its frequencies, by straight lines."""
    return np.interp(wanted, frequency, psd)
