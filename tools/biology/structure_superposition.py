"""Superposition of structures: which residues correspond, the best fit, and the RMSD of CA or backbone atoms."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import ReadBy, Said, Unit
from benchmate.tools.base import Source, ToolContext, ToolResult, tool
from benchmate.tools.biology.structure_files import (
    Residue,
    StructureFile,
    conformer,
    conformer_notes,
    polymers,
    read_structure_file,
    source,
)
from benchmate.tools.biology.structure_questions import first_chain, second_chain
from benchmate.tools.file_kinds import STRUCTURES
from benchmate.tools.files import DataFile

if TYPE_CHECKING:
    import gemmi

ATOMS = {"ca": ("CA",), "backbone": ("N", "CA", "C", "O"), "phosphorus": ("P",)}
FEWEST = 3  # pairs, for a fit that is determined
SHOWN = 25


class Pair(NamedTuple):
    """Two residues that correspond."""

    first: Residue
    second: Residue


@tool(
    domain="biology",
    files=STRUCTURES,
    properties={
        "rmsd": "RMSD after superposition, RMSD, root mean square deviation, RMS deviation, how similar",
        "pair_count": "number of paired residues, paired residues, aligned residues, residue pairs",
        "sequence_identity": "sequence identity of the pairs, sequence identity, identity",
        "largest_deviation": "largest deviation of a pair, largest deviation, maximum deviation",
        "rotation_angle": "rotation angle of the superposition, rotation angle",
    },
    examples=(
        "RMSD between model.pdb and crystal.cif",
        "Superpose chain A of first.pdb on chain B of second.pdb",
        "CA RMSD of chains A and C in sample:hemoglobin",
        "How similar are the structures apo.pdb and holo.pdb?",
        "Align predicted.pdb to experimental.cif and give the backbone RMSD",
        "superimpose alphafold.cif onto 1abc.pdb",
        "RMSD of chain A against chain B in dimer.cif",
        "fit start.pdb on end.pdb, by residue number",
    ),
    example={"file": "sample:hemoglobin", "chain": "A", "other_chain": "B"},
    extra="bio",
    timeout=180,
)
def superpose_structures(
    file: DataFile,
    context: ToolContext,
    other: DataFile | None = None,
    chain: Annotated[str | None, ReadBy(first_chain)] = None,
    other_chain: Annotated[str | None, ReadBy(second_chain)] = None,
    atoms: Annotated[
        Literal["ca", "backbone", "phosphorus"],
        Said(
            {
                "ca": "CA, C-alpha, Cα, alpha carbon",
                "backbone": "backbone, main chain",
                "phosphorus": "phosphorus, P atoms",
            }
        ),
    ] = "ca",
    pairing: Annotated[
        Literal["sequence", "numbering"],
        Said(
            {
                "sequence": "by sequence, sequence alignment",
                "numbering": "by residue number, by number, by numbering",
            }
        ),
    ] = "sequence",
    model: Annotated[int | None, Unit("", "model"), Field(ge=0)] = None,
    other_model: Annotated[int | None, Unit("", "other model"), Field(ge=0)] = None,
) -> ToolResult:
    """Superpose one structure on another, or two chains or models of one file, and give the RMSD over all pairs of residues.

    Residues are paired by global alignment of the sequences (BLOSUM62 with affine gaps), chain by chain, or by author number and insertion
    code. Every pair counts: none is dropped as an outlier, so parts that move raise the RMSD. The rotation and translation move `other` onto
    `file` (x' = R x + t) and minimize the sum of squares (Kabsch's problem, solved by the quaternion method of Theobald). A file of `other`
    moved onto the first is kept. The conformer is that of the highest mean occupancy. RMSD says little of unlike lengths: look at the number of
    pairs and the identity.

    Raises InvalidInput: `bad_file`, `too_few_pairs`, `nothing_to_superpose`, `chains_unclear` and what reading raises; NotFound:
    `unknown_model`, `unknown_chain`, `no_polymer`.

    Args:
        file: The structure that stays.
        other: The structure that is moved; by default the same file.
        chain: The author's name of a chain of the first structure; by default all that correspond.
        other_chain: The chain of the other; by default the one of the same name, or the only one.
        atoms: ca (CA), backbone (N, CA, C, O), or phosphorus (P, for nucleic acids).
        pairing: sequence, or numbering.
        model: The number of the model of the first structure; by default its first.
        other_model: The number of the model of the other; by default its first.
    """
    read = read_structure_file(file)
    moved = read_structure_file(other) if other is not None else read
    if (
        (other is None or other.sha256 == file.sha256)
        and chain == other_chain
        and read.number(model) == moved.number(other_model)
    ):
        raise InvalidInput(
            "nothing_to_superpose", "one structure with itself has an RMSD of zero",
            hint="give `other`, or two chains (`chain`, `other_chain`), or two models",
        )  # fmt: skip
    if other_chain is not None and chain is None:
        chain = other_chain
    sides = [conformer(read, model), conformer(moved, other_model)]
    pairs: list[Pair] = []
    for one, two in _chain_pairs(sides, chain, other_chain):
        pairs += _pairs(one, two, pairing)
    names = ATOMS[atoms]
    usable = [p for p in pairs if all(n in p.first.atoms and n in p.second.atoms for n in names)]
    if len(usable) * len(names) < FEWEST or len(usable) < 1:
        raise InvalidInput(
            "too_few_pairs", f"{len(usable)} pairs of residues have {', '.join(names)}: a fit needs {FEWEST} atoms",
            hint="pair by sequence" if pairing == "numbering" else "phosphorus is for nucleic acids, ca for proteins",
        )  # fmt: skip
    fit = superpose(usable, names)
    same = sum(_parent(p.first.name) == _parent(p.second.name) for p in usable)
    about = {
        "first": f"{file.name} chain {_named(usable, 0)} model {read.number(model)}", "second": f"{(other or file).name} chain {_named(usable, 1)} model {moved.number(other_model)}",
        "pairs": str(len(usable)), "pairing": "global sequence alignment" if pairing == "sequence" else "author numbers",
    }  # fmt: skip
    far = sorted(zip(fit.deviations, usable, strict=True), key=lambda d: -d[0])
    quantities = {
        "rmsd": Quantity(value=fit.rmsd, unit="angstrom", property="rmsd", method=f"least-squares superposition of {', '.join(names)}, no pair left out", conditions=about, decimals=3),
        "pair_count": Quantity(value=len(usable), property="pair_count", method=about["pairing"], conditions=about),
        "sequence_identity": Quantity(value=100 * same / len(usable), unit="percent", property="sequence_identity", method="same residue of all pairs, a modified one as its parent", conditions=about),
        "largest_deviation": Quantity(value=far[0][0], unit="angstrom", property="largest_deviation", method=f"after superposition, mean over {', '.join(names)} of a pair",
                                      conditions={"pair": f"{far[0][1].first.where} and {far[0][1].second.where}"}, decimals=3),
        "rotation_angle": Quantity(value=fit.angle, unit="degree", property="rotation_angle", method="of the rotation that moves the second onto the first", conditions=about, decimals=2),
    }  # fmt: skip
    notes = conformer_notes(sides[0], None) + (conformer_notes(sides[1], None) if other is not None else [])
    lengths = [len({p[i].where for p in pairs}) for i in (0, 1)]
    if pairing == "sequence" and 100 * same / len(usable) < 30:
        notes.append(
            f"only {100 * same / len(usable):.0f} % of the pairs are the same residue: the alignment of sequences, and with it the RMSD, is uncertain"
        )
    if pairing == "numbering" and 100 * same / len(usable) < 50:
        notes.append("most pairs by number are of different residues: the numbering of the two may not agree")
    if len(usable) < len(pairs):
        notes.append(f"{len(pairs) - len(usable)} of {len(pairs)} pairs lack an atom and are left out")
    data = {
        "rotation": fit.rotation, "translation": fit.translation, "paired": {"first": lengths[0], "second": lengths[1]},
        "residues": {"first": sum(r.kind == "polymer" for r in sides[0]), "second": sum(r.kind == "polymer" for r in sides[1])},
        "largest_deviations": [{"first": p.first.where, "second": p.second.where, "deviation": round(d, 3)} for d, p in far[:SHOWN]],
    }  # fmt: skip
    artifact = context.save(
        "superposed.cif", "chemical/x-mmcif", _moved(moved, moved.number(other_model), fit)
    )
    return ToolResult(
        data=data, quantities=quantities, source=_source(), warnings=tuple(notes), artifacts=(artifact,)
    )


class Fit(NamedTuple):
    """A superposition: RMSD in Å, x' = R x + t for the second, the deviation of each pair, the rotation's angle in degrees."""

    rmsd: float
    rotation: list[list[float]]
    translation: list[float]
    deviations: list[float]
    angle: float
    transform: gemmi.Transform


def superpose(pairs: list[Pair], names: tuple[str, ...]) -> Fit:
    """Return the least-squares fit of the second residues on the first over the named atoms."""
    import gemmi
    import numpy as np

    fixed = [p.first.atoms[n].pos for p in pairs for n in names]
    moving = [p.second.atoms[n].pos for p in pairs for n in names]
    result = gemmi.superpose_positions(fixed, moving)
    rotation = np.array(result.transform.mat.tolist())
    translation = np.array(result.transform.vec.tolist())
    a, b = (np.array([p.tolist() for p in side]) for side in (fixed, moving))
    distances = np.linalg.norm(b @ rotation.T + translation - a, axis=1).reshape(len(pairs), len(names))
    cosine = float(np.clip((np.trace(rotation) - 1) / 2, -1, 1))
    return Fit(
        float(np.sqrt(np.mean(distances**2))), rotation.round(9).tolist(), translation.round(6).tolist(),
        [float(d) for d in distances.mean(axis=1)], float(np.degrees(np.arccos(cosine))), result.transform,
    )  # fmt: skip


def _chain_pairs(
    sides: list[list[Residue]], chain: str | None, other_chain: str | None
) -> list[tuple[list[Residue], list[Residue]]]:
    """Return the residues of the chains that correspond. Raises InvalidInput (`chains_unclear`)."""
    by_name = []
    for residues, wanted in zip(sides, (chain, other_chain), strict=True):
        found: dict[str, list[Residue]] = {}
        for residue in polymers(residues, wanted, "polymer"):
            found.setdefault(residue.chain, []).append(residue)
        by_name.append(found)
    first, second = by_name
    if len(first) == len(second) == 1:
        return [(next(iter(first.values())), next(iter(second.values())))]
    shared = [name for name in first if name in second]
    if not shared:
        raise InvalidInput(
            "chains_unclear", f"chains {', '.join(first)} of the first have no namesakes among {', '.join(second)} of the second",
            hint="say `chain` and `other_chain`",
        )  # fmt: skip
    return [(first[name], second[name]) for name in shared]


def _pairs(first: list[Residue], second: list[Residue], pairing: str) -> list[Pair]:
    if pairing == "numbering":
        places = {(r.number, r.insertion): r for r in second}
        return [Pair(r, places[r.number, r.insertion]) for r in first if (r.number, r.insertion) in places]
    import gemmi

    one, two = ([_parent(r.name) for r in side] for side in (first, second))
    aligned = gemmi.align_string_sequences(one, two, [], gemmi.AlignmentScoring("b"))
    pairs, i, j = [], 0, 0
    for count, kind in re.findall(r"(\d+)([MID])", aligned.cigar_str()):
        size = int(count)
        if kind == "M":
            pairs += [Pair(first[i + k], second[j + k]) for k in range(size)]
        i += size if kind in "MI" else 0
        j += size if kind in "MD" else 0
    return pairs


def _parent(name: str) -> str:
    """Return the standard amino acid that a modified one stands for (MSE is MET), else the name itself."""
    import gemmi

    known = gemmi.find_tabulated_residue(name)
    letter = known.one_letter_code.strip()
    if known.is_standard() or not known.is_amino_acid() or not letter:
        return name
    return gemmi.expand_one_letter(letter.upper(), gemmi.ResidueKind.AA) or name


def _named(pairs: list[Pair], side: int) -> str:
    return ", ".join(dict.fromkeys(pair[side].chain for pair in pairs))


def _moved(read: StructureFile, model: int, fit: Fit) -> bytes:
    structure = read.structure.clone()
    for place in reversed(range(len(structure))):
        if structure[place].num != model:
            del structure[place]
    structure[0].transform_pos_and_adp(fit.transform)
    structure.cell = type(structure.cell)()  # the crystal is not moved along
    structure.spacegroup_hm = ""
    return str(structure.make_mmcif_document().as_string()).encode()


def _source() -> Source:
    base = source()
    return base.model_copy(
        update={"reference": f"{base.reference}; Theobald 2005, Acta Crystallographica A61:478"}
    )
