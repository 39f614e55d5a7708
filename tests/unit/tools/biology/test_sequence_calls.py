"""Translation, complements, restriction, melting and alignment: values of the Biopython tutorial, NEB and textbooks; traps; properties."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import Tool, ToolContext, ToolResult
from benchmate.tools.biology.alignment import align_sequences, compute_edit_distance
from benchmate.tools.biology.melting import compute_tm
from benchmate.tools.biology.restriction import find_restriction_sites
from benchmate.tools.biology.translation import reverse_complement, translate_sequence

CONTEXT = ToolContext(cache_dir=Path(), artifact_dir=Path(), library_folder=Path())
TUTORIAL = "ATGGCCATTGTAATGGGCCGCTGAAAGGGTGCCCGATAG"  # of the Biopython tutorial
DNA = st.text("ACGT", min_size=12, max_size=200)


def run(tool: Tool, **arguments: Any) -> ToolResult:
    return tool.run(tool.validate(arguments), CONTEXT)


def refused(code: str, tool: Tool, **arguments: Any) -> BenchmateError:
    with pytest.raises(BenchmateError) as caught:
        run(tool, **arguments)
    assert caught.value.code == code
    return caught.value


# --- translation ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "protein"),
    [
        ({}, "MAIVMGR*KGAR*"),
        ({"to_stop": True}, "MAIVMGR"),
        ({"genetic_code": 2, "to_stop": True}, "MAIVMGRWKGAR"),  # TGA is Trp in mitochondria of vertebrates
        ({"strand": "reverse"}, "LSGTLSAAHYNGH"),  # by ExPASy Translate, 3'5' frame 1
    ],
)
def test_the_tutorials_translations(arguments: dict[str, Any], protein: str) -> None:
    assert run(translate_sequence, sequence=TUTORIAL, **arguments).data["protein"] == protein


def test_a_rest_of_a_codon_and_another_start_are_said() -> None:
    assert any("no whole codon" in w for w in run(translate_sequence, sequence=TUTORIAL, frame=2).warnings)
    assert any("start codon" in w for w in run(translate_sequence, sequence="TTGGCCATTGTAATG").warnings)
    assert any(
        "no stop" in w for w in run(translate_sequence, sequence="ATGGCCATTGTAATG", to_stop=True).warnings
    )


def test_ambiguous_codons_give_what_all_readings_share() -> None:
    assert run(translate_sequence, sequence="GCNAARNNNATG").data["protein"] == "AKXM"


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("not_nucleotides", {"sequence": "MKWVTFISLLFLFSSAYS"}),
        ("unknown_genetic_code", {"sequence": TUTORIAL, "genetic_code": 7}),
        ("bad_arguments", {"sequence": TUTORIAL, "frame": 4}),
        ("empty_sequence", {"sequence": "   "}),
    ],
)
def test_what_cannot_be_translated(code: str, arguments: dict[str, Any]) -> None:
    refused(code, translate_sequence, **arguments)


# --- complements -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sequence", "expected"),
    [
        ("GAATTCGCGGCCGCTTCTAGAG", "CTCTAGAAGCGGCCGCGAATTC"),
        ("AGCTNAGCTNAGCTN", "NAGCTNAGCTNAGCT"),
        ("AUGGCCAUUGUA", "UACAAUGGCCAU"),  # RNA stays RNA
        (
            "ACGTACGTACGTACGTACGTACGTACGTRYSWKMBDHVN",
            "NBDHVKMWSRYACGTACGTACGTACGTACGTACGTACGT",
        ),  # IUPAC complements: R-Y, K-M, B-V, D-H; S and W are their own
    ],
)
def test_reverse_complements(sequence: str, expected: str) -> None:
    assert run(reverse_complement, sequence=sequence).data["reverse_complement"] == expected


@given(DNA)
def test_twice_is_the_sequence_again(sequence: str) -> None:
    once = run(reverse_complement, sequence=sequence).data["reverse_complement"]
    assert run(reverse_complement, sequence=once).data["reverse_complement"] == sequence


def test_a_palindrome_is_said_and_a_protein_refused() -> None:
    result = run(reverse_complement, sequence="GAATTCGAATTC")
    assert result.data["palindrome"]
    refused("not_nucleotides", reverse_complement, sequence="MKWVTFISLLFLFSSAYS")
    assert any("amino-acid codes" in w for w in run(reverse_complement, sequence="GATC").warnings)


# --- restriction -------------------------------------------------------------------------------------------------------

TWO_SITES = "TTGAATTCAAAGGATCCTTTGAATTCCC"


def test_sites_and_fragments_of_a_linear_molecule() -> None:
    result = run(find_restriction_sites, sequence=TWO_SITES, enzymes=["EcoRI"])
    assert result.quantities["site_count_EcoRI"].value == 2
    assert result.quantities["fragment_count"].value == 3
    assert result.data["cuts"] == [3, 21]  # G^AATTC: after base 3 and base 21
    assert [f["length"] for f in result.data["fragments"]] == [3, 18, 7]


def test_a_circle_has_as_many_fragments_as_cuts_and_sites_across_the_origin() -> None:
    across = "ATTCAAAGGGTTTCCCAAAGGGTTTCCCGA"  # GAATTC runs over the origin
    assert (
        run(find_restriction_sites, sequence=across, enzymes=["EcoRI"]).quantities["site_count_EcoRI"].value
        == 0
    )
    circle = run(find_restriction_sites, sequence=across, enzymes=["EcoRI"], topology="circular")
    assert circle.quantities["site_count_EcoRI"].value == 1
    assert [f["length"] for f in circle.data["fragments"]] == [len(across)]
    two = run(find_restriction_sites, sequence=TWO_SITES, enzymes=["EcoRI"], topology="circular")
    assert two.quantities["fragment_count"].value == 2


def test_enzymes_that_cut_beside_their_site() -> None:
    result = run(find_restriction_sites, sequence="AAGGTCTCAACCTTAACCAAAA", enzymes=["BsaI"])
    assert result.data["cuts"] == [9]  # GGTCTC(N1)/(N5), NEB
    assert result.data["enzymes"][0]["overhang"] == "5'"


@given(DNA, st.booleans())
def test_the_fragments_make_up_the_molecule(sequence: str, circular: bool) -> None:
    topology = "circular" if circular else "linear"
    result = run(
        find_restriction_sites, sequence=sequence, enzymes=["AluI", "HaeIII", "EcoRI"], topology=topology
    )
    assert sum(f["length"] for f in result.data["fragments"]) == len(sequence)
    cuts = result.data["cuts"]
    assert len(result.data["fragments"]) == (
        max(len(cuts), 1) if circular else len([c for c in cuts if c < len(sequence)]) + 1
    )


def test_without_enzymes_the_single_cutters_are_listed() -> None:
    rows = run(find_restriction_sites, sequence=TWO_SITES).data["enzymes"]
    assert "BamHI" in [row["enzyme"] for row in rows]
    assert "EcoRI" not in [row["enzyme"] for row in rows]


def test_methylation_and_unknown_enzymes() -> None:
    warned = run(find_restriction_sites, sequence="AATCTAGATCAAAAAA", enzymes=["XbaI"]).warnings
    assert any("Dam" in w for w in warned)
    assert "EcoRI" in str(
        refused("unknown_enzyme", find_restriction_sites, sequence=TWO_SITES, enzymes=["EcoR1"]).hint
    )
    assert (
        run(find_restriction_sites, sequence=TWO_SITES, enzymes=["ecori"])
        .quantities["site_count_EcoRI"]
        .value
        == 2
    )


# --- melting -------------------------------------------------------------------------------------------------------------


def test_the_wallace_rule() -> None:
    result = run(compute_tm, sequence="ACGTTGCATGTCAG", method="wallace")
    assert result.quantities["melting_temperature"].value == 42
    assert any("13" in w for w in result.warnings)  # it has 14 bases


def test_nearest_neighbours_by_biopythons_documentation() -> None:
    quantity = run(compute_tm, sequence="CGTTCCAAAGATGTGGGCATGAGCTTAC").quantities["melting_temperature"]
    assert quantity.value == pytest.approx(60.32, abs=0.01)
    assert quantity.conditions is not None
    assert quantity.conditions["Na+"] == "50 mM"
    others = {
        "breslauer": 72.19, "sugimoto": 65.47, "allawi": 60.32,  # MeltingTemp's documentation: 72.19, 65.47, 60.32
    }  # fmt: skip
    for table, value in others.items():
        found = (
            run(compute_tm, sequence="CGTTCCAAAGATGTGGGCATGAGCTTAC", table=table)
            .quantities["melting_temperature"]
            .value
        )
        assert found == pytest.approx(value, abs=0.01)


@given(st.text("ACGT", min_size=14, max_size=40), st.floats(20, 200))
def test_more_salt_melts_later(sequence: str, sodium: float) -> None:
    low = run(compute_tm, sequence=sequence, sodium=sodium).quantities["melting_temperature"].value
    assert run(compute_tm, sequence=sequence, sodium=2 * sodium).quantities["melting_temperature"].value > low


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("ambiguous_bases", {"sequence": "ACGTNACGTACGTACG"}),
        ("too_long", {"sequence": "ACGT" * 20}),
        ("too_short", {"sequence": "ACG"}),
        ("too_little_salt", {"sequence": "ACGTACGTACGTACG", "sodium": 0}),
        ("not_nucleotides", {"sequence": "MKWVTFISLLFLFSSAYS"}),
        ("bad_arguments", {"sequence": "ACGTACGTACGTACG", "sodium": "5 kg"}),
    ],
)
def test_oligos_without_a_melting_temperature(code: str, arguments: dict[str, Any]) -> None:
    refused(code, compute_tm, **arguments)


# --- alignment -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [
        ("GATTACA", "GCATGCU", 4),
        ("kitten", "sitting", 3),
        ("same", "same", 0),
        ("", "abc", 3),
    ],  # textbook pairs
)
def test_edit_distances_of_any_texts(a: str, b: str, distance: int) -> None:
    assert run(compute_edit_distance, first=a, second=b).quantities["edit_distance"].value == distance


def test_an_alignment_has_its_edit_distance() -> None:
    assert (
        run(align_sequences, first="GATTACAGATTACA", second="GATTACTGATTAC").quantities["edit_distance"].value
        == 2
    )


def test_a_textbook_alignment() -> None:
    # the pair of Durbin et al. 1998, ch. 2. AWGHE over AW-HE by BLOSUM62: 4 + 11 - 10 + 8 + 5
    result = run(
        align_sequences, first="HEAGAWGHEE", second="PAWHEAE", mode="local", gap_open=10, gap_extend=0.5
    )
    assert result.quantities["score"].value == pytest.approx(18.0)


def test_the_first_letter_of_a_gap_pays_the_opening_alone() -> None:
    whole, gapped = "MKTAYIAKQRQISFVKSHFSRQ", "MKTAYIAKQRSFVKSHFSRQ"
    full = run(align_sequences, first=gapped, second=gapped).quantities["score"].value
    score = (
        run(align_sequences, first=whole, second=gapped, gap_open=11, gap_extend=1).quantities["score"].value
    )
    assert score == full - 12  # two letters missing: 11 + 1


def test_identity_says_its_denominator() -> None:
    quantities = run(
        align_sequences, first="MKTAYIAKQRQISFVKSHFSRQ", second="MKTAYIAKQRSFVKSHFSRQ"
    ).quantities
    assert quantities["identity"].value == pytest.approx(100 * 20 / 22)
    assert quantities["identity_shorter"].value == pytest.approx(100)
    assert "gaps counted" in str(quantities["identity"].method)


@given(DNA, DNA)
def test_alignment_is_symmetric(a: str, b: str) -> None:
    one, two = (run(align_sequences, first=x, second=y).quantities for x, y in ((a, b), (b, a)))
    assert one["score"].value == two["score"].value
    assert one["edit_distance"].value == two["edit_distance"].value <= max(len(a), len(b))


def test_alignments_that_are_refused() -> None:
    refused("mixed_alphabets", align_sequences, first="MKWVTFISLLFLFSSAYS", second="ATGGCCATTGTAATGGGCCGC")
    refused(
        "bad_penalties",
        align_sequences,
        first="GATTACAGATTACA",
        second="GATTACAGATTACA",
        gap_open=1,
        gap_extend=2,
    )
    refused("too_large", align_sequences, first="ACGT" * 3000, second="ACGT" * 3000)
