"""Pairwise alignment and edit distance."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Said, Unit
from benchmate.tools.base import Source, ToolResult, tool
from benchmate.tools.biology.sequences import Sequence

MOST_CELLS = 60_000_000  # of the matrix of two sequences
SHOWN_COLUMNS = 6000
SHOWN_WIDTH = 60


@tool(
    domain="biology",
    extra="bio",
    properties={
        "score": "alignment score, score",
        "identity": "sequence identity, percent identity, identity, identical residues",
        "similarity": "percent similarity, positives, similar residues",
        "gap_count": "number of gaps, gaps",
        "coverage": "coverage, aligned share",
        "edit_distance": "edit distance, Levenshtein distance, number of edits",
    },
    examples=(
        "Align GATTACA with GCATGCU",
        "What is the Levenshtein distance between GATTACA and GCATGCU?",
        "sequence identity of MKTAYIAKQRQISFVKSHFSRQ and MKTAYIAKQRQLSFVKSHFSRQ",
        "local alignment of ATGCCGTAAGTCCGA and TTTGCCGTAAGAAA",
        "Smith-Waterman score of HEAGAWGHEE and PAWHEAE",
        "Needleman-Wunsch alignment of PLEASANTLY and MEANLY with BLOSUM62",
    ),
    example={"first": "HEAGAWGHEE", "second": "PAWHEAE", "mode": "global"},
)
def align_sequences(
    first: Sequence,
    second: Sequence,
    mode: Annotated[
        Literal["global", "local", "overlap"],
        Said(
            {
                "local": "locally, Smith-Waterman, best matching part, best local",
                "global": "globally, Needleman-Wunsch, end to end, full length",
                "overlap": "overlapping, semi-global, semiglobal, free end gaps, overlap",
            }
        ),
    ] = "global",
    matrix: Literal["BLOSUM62", "BLOSUM45", "BLOSUM80", "PAM250", "PAM30"] | None = None,
    gap_open: Annotated[
        float,
        Unit("", "gap open, gap opening penalty, gap opening, opening, open, gap penalty"),
        Field(ge=0, le=100),
    ] = 11.0,
    gap_extend: Annotated[
        float,
        Unit("", "gap extend, gap extension penalty, gap extension, extension, extend"),
        Field(ge=0, le=100),
    ] = 1.0,
) -> ToolResult:
    """Align two sequences: Needleman-Wunsch (global), Smith-Waterman (local), or end gaps free (overlap), with affine gaps.

    A gap of n letters costs gap_open + (n - 1) × gap_extend: the first letter pays the opening alone, as in Biopython; BLAST and others
    charge open + extend for it. Proteins are scored by a matrix (BLOSUM62), nucleotides by +2 and -3. Identity is over the columns of the
    alignment, gaps counted; identity over the shorter sequence stands beside it. The edit distance (Levenshtein) is of the whole texts.

    Raises InvalidInput: `mixed_alphabets`, `too_large`, `bad_penalties`.

    Args:
        first: A sequence.
        second: Another of the same kind.
        mode: global, local, or overlap for pieces of one sequence.
        matrix: The substitution matrix; proteins only.
        gap_open: What the first letter of a gap costs.
        gap_extend: What each further letter costs.
    """
    import edlib
    from Bio.Align import PairwiseAligner, substitution_matrices

    protein = _is_protein(first, second)
    a, b = ((s.sequence if protein else s.sequence.replace("U", "T")) for s in (first, second))
    if len(a) * len(b) > MOST_CELLS:
        raise InvalidInput(
            "too_large",
            f"{len(a)} × {len(b)} letters are too many to align here",
            hint=f"the product may be {MOST_CELLS}",
        )
    if gap_extend > gap_open:
        raise InvalidInput(
            "bad_penalties", f"to extend a gap ({gap_extend:g}) costs more than to open one ({gap_open:g})"
        )
    aligner = PairwiseAligner()
    aligner.mode = "local" if mode == "local" else "global"
    notes = []
    if protein:
        name: str = matrix or "BLOSUM62"
        aligner.substitution_matrix = substitution_matrices.load(name)
    else:
        name = "match 2, mismatch -3"
        aligner.match_score, aligner.mismatch_score = 2, -3
        if matrix:
            notes.append(f"{matrix} is for proteins; nucleotides were scored by +2 and -3")
    aligner.open_gap_score, aligner.extend_gap_score = -gap_open, -gap_extend
    if mode == "overlap":
        aligner.end_open_gap_score = aligner.end_extend_gap_score = 0
    alignments = aligner.align(a, b)
    score = float(alignments.score)
    distance = int(edlib.align(a, b, task="distance")["editDistance"])
    method = f"{ {'global': 'Needleman-Wunsch', 'local': 'Smith-Waterman', 'overlap': 'Needleman-Wunsch, end gaps free'}[mode] }, {name}"
    penalties = {"gap open": f"{gap_open:g}", "gap extend": f"{gap_extend:g}"}
    quantities = {
        "score": Quantity(value=score, property="score", method=method, conditions=penalties),
        "edit_distance": Quantity(
            value=distance, property="edit_distance", method="Levenshtein, whole sequences (edlib)"
        ),
    }
    data: dict[str, Any] = {"mode": mode, "scoring": name, "alignments_of_this_score": _count(alignments)}
    if score > 0 or mode != "local":
        best = alignments[0]
        top, bottom = str(best[0]), str(best[1])
        quantities |= _shares(
            top, bottom, a, b, aligner.substitution_matrix if protein else None, method, penalties
        )
        spans = {"first": _span(best.aligned[0]), "second": _span(best.aligned[1])}
        data |= {"spans": spans, "alignment": _text(top, bottom) if len(top) <= SHOWN_COLUMNS else None}
    else:
        notes.append("no local alignment scores above zero")
    if data["alignments_of_this_score"] not in (1, None):
        notes.append("several alignments have this score; one of them is shown")
    return ToolResult(
        data=data, quantities=quantities, source=_source(), warnings=tuple([*first.warnings, *second.warnings, *notes])
    )  # fmt: skip


@tool(
    reader=lambda question: _two_texts(question),
    domain="biology",
    extra="bio",
    properties={
        "edit_distance": "edit distance, Levenshtein distance, number of edits",
        "longer_length": "length of the longer text",
    },
    examples=(
        "What is the Levenshtein distance between GATTACA and GCATGCU?",
        "edit distance of kitten and sitting",
        "how many edits from ACGTT to AGT",
        "Levenshtein distance of the barcodes ACCTGA and ACTTGA",
        "number of single-letter changes between 'colour' and 'color'",
    ),
    example={"first": "GATTACA", "second": "GCATGCU"},
)
def compute_edit_distance(
    first: Annotated[str, Field(max_length=100_000)], second: Annotated[str, Field(max_length=100_000)]
) -> ToolResult:
    """Count the least insertions, deletions and substitutions of single letters that turn one text into another (Levenshtein 1966).

    The texts are compared as they are written: T and U, or capital and small letters, differ.

    Args:
        first: A text of any letters.
        second: Another.
    """
    import edlib

    longer = max(len(first), len(second))
    distance = (
        int(edlib.align(first, second, task="distance")["editDistance"]) if first and second else longer
    )
    return ToolResult(
        quantities={
            "edit_distance": Quantity(
                value=distance, property="edit_distance", method="Levenshtein, unit costs (edlib)"
            ),
            "longer_length": Quantity(value=longer, property="longer_length"),
        },
        source=Source(kind="computed", name="edlib", reference="doi:10.1093/bioinformatics/btw753"),
    )


def _is_protein(first: Sequence, second: Sequence) -> bool:
    kinds = {s.alphabet for s in (first, second)} - {"ambiguous"}
    if "protein" in kinds and kinds & {"dna", "rna"}:
        raise InvalidInput(
            "mixed_alphabets",
            "one sequence is a protein, the other nucleotides",
            hint="translate_sequence makes a protein of DNA",
        )
    return kinds == {"protein"}


def _count(alignments: Any) -> int | None:
    try:
        return len(alignments)
    except OverflowError:
        return None


def _shares(
    top: str, bottom: str, a: str, b: str, matrix: Any, method: str, penalties: dict[str, str]
) -> dict[str, Quantity]:
    columns = len(top)
    same = sum(x == y for x, y in zip(top, bottom, strict=True))
    aligned = sum(x != "-" and y != "-" for x, y in zip(top, bottom, strict=True))
    shares = {
        "identity": (
            100 * same / columns,
            "identical columns over all columns of the alignment, gaps counted",
        ),
        "identity_shorter": (100 * same / min(len(a), len(b)), "identical columns over the shorter sequence"),
        "coverage": (100 * aligned / max(len(a), len(b)), "aligned columns over the longer sequence"),
    }
    if matrix is not None:
        alike = sum(x != "-" and y != "-" and matrix[x][y] > 0 for x, y in zip(top, bottom, strict=True))
        shares["similarity"] = (100 * alike / columns, "columns with a positive score over all columns")
    found = {
        name: Quantity(
            value=value,
            unit="percent",
            property="identity" if name.startswith("identity") else name,
            method=f"{words}; {method}",
            conditions=penalties,
        )
        for name, (value, words) in shares.items()
    }
    gaps = columns - aligned
    return found | {
        "gap_count": Quantity(
            value=gaps, property="gap_count", method="columns with a gap", conditions=penalties
        )
    }


def _span(blocks: Any) -> list[int] | None:
    """Return the first and the last residue that is aligned, from 1; None where every residue stands against a gap."""
    if len(blocks) == 0:
        return None
    return [int(blocks[0][0]) + 1, int(blocks[-1][1])]


def _text(top: str, bottom: str) -> str:
    middle = "".join(
        "|" if x == y else " " if "-" in (x, y) else "." for x, y in zip(top, bottom, strict=True)
    )
    parts = [
        (top[i : i + SHOWN_WIDTH], middle[i : i + SHOWN_WIDTH], bottom[i : i + SHOWN_WIDTH])
        for i in range(0, len(top), SHOWN_WIDTH)
    ]
    return "\n\n".join("\n".join(part) for part in parts)


def _source() -> Source:
    import Bio

    return Source(
        kind="computed",
        name=f"Biopython {Bio.__version__}, edlib",
        reference="doi:10.1093/bioinformatics/btp163",
    )


def _two_texts(question: str) -> dict[str, Any] | None:
    found = re.search(
        r"(?:between|of|from|strings?|words?|texts?|barcodes?)\s+[\"'“]?([\w-]+)[\"'”]?\s+(?:and|to|vs\.?)\s+[\"'“]?([\w-]+)",
        question,
    )
    return {"first": found[1], "second": found[2]} if found else None
