"""Samples: real data that ship inside installed packages, for a first try, for examples and for tests. `sample:NAME` is a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from benchmate.runtime.errors import NotFound, Unavailable, did_you_mean


class Sample(NamedTuple):
    """A file that a package ships: what it holds, the package, the name a user sees, and how its content is made."""

    what: str
    package: str
    name: str
    content: Callable[[Path], bytes]


def sample(name: str) -> tuple[str, bytes]:
    """Return the file name and the content of a sample.

    Raises NotFound (`no_such_sample`), Unavailable (`missing_extra`) where the package that ships it is not installed.
    """
    if name not in SAMPLES:
        raise NotFound("no_such_sample", f"there is no sample {name!r}", hint=did_you_mean(name, SAMPLES))
    found = SAMPLES[name]
    spec = find_spec(found.package)
    if spec is None or spec.origin is None:
        from benchmate.tools.extras import EXTRAS, command

        extra = next((e for e, x in EXTRAS.items() if found.package in x.modules), None)
        raise Unavailable(
            "missing_extra",
            f"the sample {name} ships with {found.package}, which is not installed",
            hint=command(extra) if extra else None,
        )
    return found.name, found.content(Path(spec.origin).parent)


def _file(path: str) -> Callable[[Path], bytes]:
    return lambda package: (package / path).read_bytes()


def _iris(package: Path) -> bytes:
    """Return scikit-learn's copy of Fisher's table with named columns and species."""
    first, *rows = csv.reader((package / "datasets/data/iris.csv").read_text("utf-8").splitlines())
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)", "species"]
    )
    writer.writerows([*row[:4], first[2 + int(row[4])]] for row in rows)
    return text.getvalue().encode()


def _earthquake(package: Path) -> bytes:
    """Return ObsPy's example stream as miniSEED: a local earthquake at BW.RJOB, three components."""
    import obspy

    written = io.BytesIO()
    obspy.read().write(written, format="MSEED", encoding="FLOAT64", reclen=4096)
    return written.getvalue()


SAMPLES: dict[str, Sample] = {
    "iris": Sample("Fisher's iris table (1936), 150 flowers", "sklearn", "iris.csv", _iris),
    "longley": Sample(
        "Longley's macroeconomic table (1967), certified by NIST", "statsmodels", "longley.csv",
        _file("datasets/longley/longley.csv"),
    ),
    "sunspots": Sample(
        "yearly sunspot numbers, 1700 to 2008", "statsmodels", "sunspots.csv", _file("datasets/sunspots/sunspots.csv")
    ),
    "cold-genes": Sample(
        "six records of cold-induced genes of cress, rape and horseradish, GenBank", "benchmate", "cold_genes.gb",
        _file("tools/biology/cold_genes.gb"),
    ),
    "hemoglobin": Sample(
        "human deoxyhaemoglobin, PDB 4HHB: four chains with haem, X-ray, 1.74 Å", "benchmate", "4hhb.pdb.gz",
        _file("tools/biology/4hhb.pdb.gz"),
    ),
    "cdk2": Sample("47 inhibitors of CDK2", "rdkit", "cdk2.sdf", _file("Contrib/Fastcluster/testdata/cdk2.sdf")),
    "coins": Sample("24 Greek coins from Pompeii, 8-bit grey", "skimage", "coins.png", _file("data/coins.png")),
    "camera": Sample("a photographer, 8-bit grey", "skimage", "camera.png", _file("data/camera.png")),
    "earthquake": Sample("a local earthquake at BW.RJOB, 2009-08-24", "obspy", "earthquake.mseed", _earthquake),
    "station": Sample(
        "metadata of the station BW.RJOB", "obspy", "station.xml", _file("core/data/BW_RJOB.xml")
    ),
}  # fmt: skip
