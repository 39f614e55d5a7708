"""Translation and complements, as calls of their own."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import GENETIC_CODE_WORDS, Said, Unit
from benchmate.tools.base import Source, ToolResult, tool
from benchmate.tools.biology.dna import (
    COMPLEMENT,
    codon_table,
    nucleotides,
)
from benchmate.tools.biology.dna import (
    reverse_complement as opposite_strand,
)
from benchmate.tools.biology.sequences import Sequence

MOST_LETTERS = 3_000_000


@tool(
    domain="biology",
    properties={
        "protein_length": "length of the protein, number of amino acids, residues, amino acids",
        "stop_count": "number of stop codons, stop codons, stops",
        "protein": "protein, translation, translated sequence, peptide, amino acid sequence",
    },
    examples=(
        "Translate ATGGCCATTGTAATGGGCCGCTGAAAGGGTGCCCGATAG in frame 1 and stop at the first stop codon",
        "translate ATGGCCATTGTAATGGGCCGCTGAAAGGGTGCCCGATAG with the vertebrate mitochondrial code (table 2)",
        "Protein in frame 3 of the reverse strand of ATGGCCATTGTAATGGGCCGCTGAAAGGGTGCCCGATAG",
        "amino acids encoded by AUGGCCAUUGUAAUGGGCCGCUGA up to the stop",
        "translate TTGACCATGGCC as bacterial code 11",
    ),
    example={"sequence": "ATGGCCATTGTAATGGGCCGCTGAAAGGGTGCCCGATAG", "to_stop": True},
)
def translate_sequence(
    sequence: Sequence,
    genetic_code: Annotated[
        int, Unit("", "genetic code, translation table, table, code"), GENETIC_CODE_WORDS, Field(ge=1, le=33)
    ] = 1,
    frame: Annotated[int, Unit("", "frame, reading frame"), Field(ge=1, le=3)] = 1,
    strand: Annotated[
        Literal["forward", "reverse"],
        Said(
            {"reverse": "reverse strand, reverse complement, minus strand, antisense, complementary strand"}
        ),
    ] = "forward",
    to_stop: Annotated[
        bool,
        Said(
            {
                "true": "at the first stop, to the first stop, until the first stop, up to the first stop, stop at ... stop, to stop, ending at the stop, first stop"
            }
        ),
    ] = False,
) -> ToolResult:
    """Translate DNA or RNA into protein, in one frame, by any NCBI genetic code.

    Stops are `*`; a codon with ambiguous bases gives the residue that all readings share, else B, Z, J or X. Every codon is read by
    the table: a start codon other than ATG is not turned into methionine, and is pointed out.

    Raises InvalidInput: `not_nucleotides`, `unknown_genetic_code`, `too_short`, `too_large`.

    Args:
        sequence: DNA or RNA.
        genetic_code: The NCBI translation table, 1 to 33.
        frame: Where reading begins: at the first, second or third base.
        strand: reverse reads the reverse complement, its frames counted from its own first base.
        to_stop: End before the first stop codon.
    """
    letters, notes = nucleotides(sequence)
    if len(letters) > MOST_LETTERS:
        raise InvalidInput("too_large", f"{len(letters)} bases are more than {MOST_LETTERS}")
    code = codon_table(genetic_code)
    read = opposite_strand(letters) if strand == "reverse" else letters
    read = read[frame - 1 :]
    if len(read) < 3:
        raise InvalidInput("too_short", f"frame {frame} of {sequence.label} holds no whole codon")
    if rest := len(read) % 3:
        notes.append(f"the last {rest} of {len(read)} bases make no whole codon and are left out")
    protein = code.translate(read)
    stops = protein.count("*")
    if to_stop:
        if stops:
            protein = protein.partition("*")[0]
        else:
            notes.append("no stop codon in this frame")
    start = read[:3]
    if start != "ATG" and start in _starts(genetic_code):
        notes.append(
            f"{start} is a start codon of code {genetic_code}: in the cell it would be read as Met, not as {code.read(start)}"
        )
    if code.dual:
        notes.append(
            f"in code {genetic_code}, {', '.join(code.dual)} may be a stop or a residue; it is read as a residue"
        )
    method = f"NCBI genetic code {genetic_code}, frame {frame}, {strand} strand"
    return ToolResult(
        data={"protein": protein, "genetic_code": genetic_code, "frame": frame, "strand": strand, "stopped": to_stop and bool(stops)},
        quantities={
            "protein_length": Quantity(value=len(protein.replace("*", "")), unit="aa", property="protein_length", method=method),
            "stop_count": Quantity(value=stops, property="stop_count", method=f"in the whole frame; {method}"),
        },
        source=_source("NCBI translation tables"),
        warnings=tuple([*sequence.warnings, *notes]),
    )  # fmt: skip


def _starts(genetic_code: int) -> list[str]:
    from Bio.Data.CodonTable import unambiguous_dna_by_id

    return list(unambiguous_dna_by_id[genetic_code].start_codons)


@tool(
    domain="biology",
    properties={
        "reverse_complement": "reverse complement, revcomp, antisense strand, opposite strand",
        "complement": "complement, complementary bases",
        "reverse": "reverse, reversed sequence, backwards",
        "length": "length",
    },
    examples=(
        "Reverse complement of GAATTCGCGGCCGCTTCTAGAG?",
        "revcomp of AGCTN",
        "complement of ATGCCGTAAGTC",
        "What is the antisense strand of AUGGCCAUUGUA?",
        "Is GAATTC its own reverse complement?",
        "write ATGCCGTTAGCA backwards",
    ),
    example={"sequence": "GAATTCGCGGCCGCTTCTAGAG"},
)
def reverse_complement(sequence: Sequence) -> ToolResult:
    """Give the reverse complement of DNA or RNA, with the complement and the reverse; IUPAC codes map to their complements.

    RNA stays RNA. All are written from left to right; only the reverse complement is 5' to 3'.

    Raises InvalidInput (`not_nucleotides`) for a protein.

    Args:
        sequence: DNA or RNA.
    """
    letters, notes = nucleotides(sequence)
    rna = sequence.alphabet == "rna"

    def written(text: str) -> str:
        return text.replace("T", "U") if rna else text

    other = opposite_strand(letters)
    if other == letters:
        notes.append("the sequence is its own reverse complement (a palindrome)")
    return ToolResult(
        data={
            "reverse_complement": written(other), "complement": written(letters.translate(COMPLEMENT)), "reverse": written(letters[::-1]),
            "palindrome": other == letters, "alphabet": "rna" if rna else "dna",
        },
        quantities={"length": Quantity(value=len(letters), unit="nt", property="length")},
        source=_source("IUPAC nucleotide codes (Cornish-Bowden 1985)"),
        warnings=tuple([*sequence.warnings, *notes]),
    )  # fmt: skip


def _source(reference: str) -> Source:
    import Bio

    return Source(kind="computed", name=f"Biopython {Bio.__version__}", reference=reference)
