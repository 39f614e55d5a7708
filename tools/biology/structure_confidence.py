"""What the B column of a structure holds: B factors of an experiment, or the pLDDT of a predicted model."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from benchmate.tools.biology.structure_files import Residue, StructureFile

_PREDICTORS = re.compile(
    r"\b(?:alpha-?fold|esm-?fold|colab-?fold|openfold|rosettafold|boltz-?\d*\b|chai-?1\b)", re.I
)
_NAMES = re.compile(r"^AF-[A-Z0-9]+-F\d+|alphafold|esmfold|colabfold", re.I)


class BColumn(NamedTuple):
    """What the B column means, how that was told, and whether the numbers are percent or fractions."""

    holds: Literal["b_factor", "plddt", "unknown"]
    told_by: str
    factor: float = 1.0
    note: str | None = None


def b_column(read: StructureFile, residues: list[Residue]) -> BColumn:
    """Return what the B column holds: pLDDT where the file says that it is a prediction with pLDDT, never by its values alone."""
    told_by = _prediction(read)
    values = [atom.b_iso for r in residues for atom in r.atoms.values()]
    if not any(values) and told_by is None:
        return BColumn(
            "unknown",
            _method(read) or "no method is stated",
            note="the B column is zero throughout: no B factors are given",
        )
    if told_by is None and "NMR" in _method(read).upper() and "DIFFRACTION" not in _method(read).upper():
        return BColumn(
            "unknown",
            _method(read),
            note="an NMR structure has no B factors; what its B column holds is not interpreted",
        )
    if told_by is None:
        if _method(read) or not _constant(residues):
            return BColumn("b_factor", _method(read) or "no method is stated")
        return BColumn(
            "b_factor", "no method is stated", note="no method is stated and the B column is the same within each residue, as pLDDT is: "
            "if this is a predicted model, these are no B factors",
        )  # fmt: skip
    if told_by == "":
        return BColumn(
            "unknown", "a ModelCIF model without pLDDT", note="this is a computed model and its B column holds no B factors: it is not interpreted"
        )  # fmt: skip
    if max(values) <= 1.0 and max(values) > 0:
        return BColumn("plddt", told_by, 100.0, "the B column runs from 0 to 1 and is taken as pLDDT/100")
    if not (min(values) >= 0 and max(values) <= 100):
        return BColumn(
            "unknown", told_by, note=f"this is a predicted model, but its B column runs from {min(values):g} to {max(values):g} and is no pLDDT",
        )  # fmt: skip
    return BColumn("plddt", told_by)


def _method(read: StructureFile) -> str:
    info = read.structure.info
    return str(info["_exptl.method"]) if "_exptl.method" in info else ""


def _prediction(read: StructureFile) -> str | None:
    """Return by what a prediction with pLDDT is told; '' for a model of another kind, None for no model."""
    block = read.block
    if block is not None:
        metrics = {v.lower() for v in block.find_values("_ma_qa_metric.type")} | {
            v.lower() for v in block.find_values("_ma_qa_metric.name")
        }
        if any("plddt" in metric for metric in metrics):
            return "_ma_qa_metric names pLDDT"
        if block.get_mmcif_category_names() and any(
            c.startswith("_ma_") for c in block.get_mmcif_category_names()
        ):
            return ""
    said = " ".join([read.structure.info[k] for k in ("_struct.title",) if k in read.structure.info])
    said += " " + " ".join(line for line in read.structure.raw_remarks if line.startswith("REMARK   1"))
    method = _method(read).upper()
    if method and "THEORETICAL" not in method:
        return None
    if found := _PREDICTORS.search(said):
        return f"the header names {found[0]}"
    if found := _NAMES.search(read.name):
        return f"the file's name has {found[0]}"
    return None if not method else ""


def _constant(residues: Iterable[Residue]) -> bool:
    """Return whether the B column is the same within each residue and differs between residues."""
    sets = [{a.b_iso for a in r.atoms.values()} for r in residues if r.kind == "polymer" and len(r.atoms) > 2]
    return len(sets) > 3 and all(len(s) == 1 for s in sets) and len(set.union(*sets)) > 3
