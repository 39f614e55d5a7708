"""Quality flags of Kepler and TESS light curves: what each bit says, and how often it occurs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Bit 1 first. TESS Science Data Products Description Document (EXP-TESS-ARC-ICD-0014), table 28.
TESS = (
    "attitude tweak", "safe mode", "coarse point", "Earth point", "argabrightening", "reaction wheel desaturation",
    "cosmic ray in the aperture", "manual exclude", "discontinuity corrected", "impulsive outlier", "cosmic ray in collateral data",
    "stray light predicted", "scattered light", "planet search exclude", "bad calibration", "insufficient targets",
)  # fmt: skip
# Kepler Archive Manual (KDMC-10008-006), table 2-3.
KEPLER = (
    "attitude tweak", "safe mode", "coarse point", "Earth point", "zero crossing", "reaction wheel desaturation", "argabrightening",
    "cosmic ray in the aperture", "manual exclude", "reserved", "sudden pixel sensitivity dropout", "impulsive outlier",
    "argabrightening on the CCD", "cosmic ray in collateral data", "detector anomaly", "no fine point", "no data",
    "rolling band in the aperture", "rolling band in the mask", "possible thruster firing", "thruster firing",
)  # fmt: skip


def mission_of(header: dict[str, Any]) -> str | None:
    """Return 'TESS' or 'Kepler' as the header says it, or None."""
    said = f"{header.get('TELESCOP', '')} {header.get('MISSION', '')}".lower()
    return "TESS" if "tess" in said else "Kepler" if "kepler" in said or "k2" in said.split() else None


def count_flags(quality: NDArray[np.float64], mission: str | None) -> dict[str, int]:
    """Return how many points have each flag that occurs, by its meaning, or by its bit where the mission is not known."""
    flags = np.nan_to_num(quality).astype(np.int64)
    names = {"TESS": TESS, "Kepler": KEPLER}.get(mission or "", ())
    found = {}
    for bit in range(63):
        count = int(((flags >> bit) & 1).sum())
        if count:
            meaning = names[bit] if bit < len(names) else "no meaning known"
            found[f"bit {bit + 1} ({1 << bit}): {meaning}"] = count
    return found
