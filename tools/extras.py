"""What some tools need besides the base installation: packages by extra, data sets by download, and the command that adds them."""

from __future__ import annotations

import functools
from importlib.util import find_spec
from typing import NamedTuple

from benchmate.runtime.errors import Unavailable


class Extra(NamedTuple):
    """A set of packages, as `pyproject.toml` names it, with the modules by which it is known to be there."""

    modules: tuple[str, ...]
    holds: str


EXTRAS: dict[str, Extra] = {
    "chem": Extra(
        ("molmass", "dimorphite_dl", "nispo", "jcamp", "scipy"),
        "isotopes, protonation states, names of structures, spectra",
    ),
    "qm": Extra(("tblite", "scipy"), "semi-empirical quantum chemistry"),
    "retro": Extra(("rdchiral",), "retrosynthesis"),
    "admet": Extra(("admet_ai",), "ADMET by neural networks, with PyTorch"),
    "bio": Extra(
        ("gemmi", "seqfold", "edlib", "pydna", "python_codon_tables"),
        "structure files, RNA folding, alignment, cloning, codon usage",
    ),
    "primer3": Extra(("primer3",), "primer design by Primer3, under the GPL, in a process of its own"),
    "earth": Extra(("obspy", "geographiclib"), "seismology"),
    "astro": Extra(("astropy", "scipy"), "astronomy"),
    "gw": Extra(("scipy", "h5py"), "gravitational waves"),
    "materials": Extra(("pymatgen", "spglib", "ase"), "crystals"),
    "data": Extra(("pandas", "scipy", "statsmodels", "pyDOE3", "openpyxl", "pyarrow"), "tables, statistics, design"),
    "images": Extra(("skimage", "scipy"), "image measurement"),
}  # fmt: skip


def command(extra: str) -> str:
    """Return the one command that adds an extra."""
    return f"pip install 'benchmate[{extra}]'"


def missing_parts(extra: str) -> tuple[str, ...]:
    """Return the modules of an extra that are not installed. None of them is imported."""
    return tuple(module for module in EXTRAS[extra].modules if not _installed(module))


@functools.cache
def _installed(module: str) -> bool:
    return find_spec(module) is not None


def require(extra: str, who: str) -> None:
    """Raise Unavailable (`missing_extra`) unless the extra is installed, with the command that adds it."""
    if missing := missing_parts(extra):
        raise Unavailable(
            "missing_extra",
            f"{who} needs {', '.join(missing)} ({EXTRAS[extra].holds}), which is not installed",
            hint=command(extra),
            details={"extra": extra, "missing": list(missing)},
        )
