"""DNA and RNA: literature values, an independent search for reading frames, and what must not change."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.biology.dna import analyze_dna, codon_table, find_orfs, reverse_complement

BIOPYTHON = "ATGGCCATTGTAATGGGCCGCTGAAAGGGTGCCCGATAG"  # Biopython tutorial, chapter 3
DNA = st.text("ACGT", min_size=1, max_size=120)


def analyze(**arguments: Any) -> ToolResult:
    nowhere = Path("unused")
    return analyze_dna.run(analyze_dna.validate(arguments), ToolContext(nowhere, nowhere, nowhere))


def value(result: ToolResult, name: str) -> float:
    return result.quantities[name].value


def test_biopython_tutorial_sequence_translates_as_printed_there() -> None:
    result = analyze(sequence=BIOPYTHON, min_orf=5)
    assert result.data["translation"] == "MAIVMGR*KGAR*"
    assert result.data["orfs"] == [
        {"start": 1, "end": 24, "strand": "+", "frame": 1, "length_aa": 7, "protein": "MAIVMGR"}
    ]
    assert value(result, "length") == 39 and value(result, "orf_count") == 1
    mitochondrial = analyze(sequence=BIOPYTHON, genetic_code=2)
    assert mitochondrial.data["translation"] == "MAIVMGRWKGAR*"


def test_gc_content_counts_determined_bases() -> None:
    assert value(analyze(sequence="GATTACA"), "gc_content") == pytest.approx(100 * 2 / 7)
    assert value(analyze(sequence="GGCCAATT"), "gc_content") == 50
    with_n = analyze(sequence="GGCCAATTNNNNNNNN")
    assert value(with_n, "gc_content") == 50
    assert with_n.quantities["gc_content"].conditions == {"ambiguous bases": "8 left out"}
    assert any("8 ambiguous" in warning for warning in with_n.warnings)
    assert "mass" not in with_n.quantities and any("mass is not given" in w for w in with_n.warnings)
    assert value(analyze(sequence="GGCCAATTGGCCAATTSW"), "gc_content") == 50  # S is G or C, W is A or T
    assert "gc_content" not in analyze(sequence="NNNNNNNN").quantities


def oligo_calc(letters: str) -> float:
    """The mass of a synthetic oligonucleotide (OligoCalc, Kibbe 2007, Nucleic Acids Res. 35:W43)."""
    weights = {"A": 313.21, "T": 304.2, "C": 289.18, "G": 329.21}
    return sum(weights[letter] for letter in letters) - 61.96


@pytest.mark.parametrize("letters", ["GTAAAACGACGGCCAGT", "CAGGAAACAGCTATGAC", BIOPYTHON])  # M13 primers
def test_single_strand_mass_agrees_with_oligo_calc(letters: str) -> None:
    result = analyze(sequence=letters, strands="single")
    assert value(result, "mass_without_phosphate") == pytest.approx(oligo_calc(letters), abs=0.2)
    assert value(result, "mass") - value(result, "mass_without_phosphate") == pytest.approx(79.98, abs=0.01)
    assert result.quantities["mass"].unit == "Da"
    assert result.quantities["mass"].conditions == {
        "strands": "single",
        "topology": "linear",
        "5' end": "phosphate",
    }


def test_double_strand_mass_agrees_with_the_mean_base_pair() -> None:
    # NEB, "Nucleic acid data": dsDNA weighs base pairs * 617.96 + 36.04 Da for equal numbers of the bases
    result = analyze(sequence="ACGT" * 250)
    assert value(result, "mass") == pytest.approx(1000 * 617.96 + 36.04, rel=2e-4)
    circle = analyze(sequence="ACGT" * 250, topology="circular")
    assert value(result, "mass") - value(circle, "mass") == pytest.approx(2 * 18.015, abs=0.01)
    assert "mass_without_phosphate" not in circle.quantities


def test_rna_mass_agrees_with_the_mean_nucleotide() -> None:
    # NEB, "Nucleic acid data": ssRNA weighs nucleotides * 321.47 + 18.02 Da for equal numbers of the bases
    result = analyze(sequence="ACGU" * 250)
    assert value(result, "mass") == pytest.approx(1000 * 321.47 + 18.02, rel=2e-4)
    assert result.data["strands"] == "single" and value(result, "uracil_count") == 250


def test_reading_frame_across_the_origin() -> None:
    rotated = BIOPYTHON[5:24] + BIOPYTHON[24:] + BIOPYTHON[:5]
    assert value(analyze(sequence=rotated, min_orf=5), "orf_count") == 0
    result = analyze(sequence=rotated, min_orf=5, topology="circular")
    (orf,) = result.data["orfs"]
    assert (orf["protein"], orf["start"], orf["end"]) == ("MAIVMGR", 35, 19)


def test_stops_written_with_ambiguity_codes_are_stops() -> None:
    (orf,) = analyze(sequence="ATGAAATTTCCCTAR", min_orf=3, strands="single").data[
        "orfs"
    ]  # TAR is TAA or TAG
    assert orf["protein"] == "MKFP"
    assert analyze(sequence="ATGAAATTTCCCTAN", min_orf=3, strands="single").data["orfs"] == []


def test_frames_without_a_stop_are_said_and_not_counted() -> None:
    result = analyze(sequence="ATGAAATTTCCCGGG", min_orf=3, strands="single")
    assert value(result, "orf_count") == 0
    assert any("ATG at 1 on strand +" in warning for warning in result.warnings)


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        ({"sequence": "MKTAYIAKQRQISFVK"}, "not_nucleotides", "'I' at position 6"),
        ({"sequence": "Ala-Cys-Gly-Thr"}, "not_nucleotides", "protein"),
        ({"sequence": BIOPYTHON, "genetic_code": 7}, "unknown_genetic_code", "known: 1, 2"),
        ({"sequence": BIOPYTHON, "min_orf": 0}, "bad_arguments", "min_orf"),
        ({"sequence": BIOPYTHON, "topology": "round"}, "bad_arguments", "topology"),
        ({"sequence": ">a\nACGT\n>b\nACGT"}, "several_sequences", "a, b"),
    ],
)
def test_refusals(arguments: dict[str, Any], code: str, named: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        analyze(**arguments)
    assert refusal.value.code == code and named in str(refusal.value)


def test_the_reading_is_said_where_letters_fit_both() -> None:
    result = analyze(sequence="GATTACA")
    assert any("read as nucleotides" in warning for warning in result.warnings)
    assert result.entities[0].details["alphabet"] == "ambiguous"


def frames_by_pattern(letters: str, minimum: int) -> set[tuple[int, int, str]]:
    """Reading frames of one linear strand by a regular expression over codons: (start, end, codons)."""
    found = set()
    for frame in range(3):
        codons = [letters[i : i + 3] for i in range(frame, len(letters) - 2, 3)]
        for match in re.finditer(
            r"ATG,(?:(?!TAA|TAG|TGA)...,)*(?:TAA|TAG|TGA),", "".join(c + "," for c in codons)
        ):
            length = len(match[0]) // 4
            if length - 1 >= minimum:
                begin = frame + 3 * (match.start() // 4)
                found.add((begin + 1, begin + 3 * length, match[0]))
    return found


@given(DNA)
def test_reading_frames_agree_with_an_independent_search(letters: str) -> None:
    found, _ = find_orfs(letters, codon_table(1), min_length=2, circular=False, both_strands=False)
    expected = {(start, end) for start, end, _ in frames_by_pattern(letters, 2)}
    assert {(orf.start, orf.end) for orf in found} == expected


@given(DNA, st.booleans())
def test_both_strands_mirror_each_other(letters: str, circular: bool) -> None:
    def frames(read: str) -> list[Any]:
        return find_orfs(read, codon_table(1), min_length=1, circular=circular, both_strands=True)[0]

    size = len(letters)
    forward = {(orf.start, orf.end, orf.strand, orf.protein) for orf in frames(letters)}
    mirrored = {
        (size + 1 - orf.end, size + 1 - orf.start, "-" if orf.strand == "+" else "+", orf.protein)
        for orf in frames(reverse_complement(letters))
    }
    assert forward == mirrored


@given(DNA, st.integers(0, 119))
def test_a_circle_has_no_first_base(letters: str, turn: int) -> None:
    def proteins(read: str) -> list[str]:
        found, _ = find_orfs(read, codon_table(1), min_length=1, circular=True, both_strands=True)
        return sorted(orf.protein for orf in found)

    turn %= len(letters)
    assert proteins(letters) == proteins(letters[turn:] + letters[:turn])


@given(st.text("ACGTRYSWKMBDHVN", min_size=1, max_size=60))
def test_reverse_complement_undoes_itself(letters: str) -> None:
    assert reverse_complement(reverse_complement(letters)) == letters


@given(st.text("ACGT", min_size=12, max_size=100))
def test_gc_content_is_that_of_the_other_strand(letters: str) -> None:
    here, there = analyze(sequence=letters), analyze(sequence=reverse_complement(letters).lower())
    assert value(here, "gc_content") == value(there, "gc_content")
    assert value(here, "mass") == pytest.approx(value(there, "mass"))
    assert value(here, "adenine_count") == value(there, "thymine_count")
