"""Motifs: known sites of well-known proteins, a regular-expression oracle, strands, circles, chance, bad patterns."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.biology.dna import reverse_complement
from benchmate.tools.biology.motif_library import MOTIFS, MotifName
from benchmate.tools.biology.motif_patterns import expected_matches, find_matches, parse_pattern
from benchmate.tools.biology.motifs import find_motifs
from benchmate.tools.biology.sequences import AMINO_ACIDS

CONTEXT = ToolContext(cache_dir=Path(), artifact_dir=Path(), library_folder=Path())
ERYTHROPOIETIN = (  # mature human, UniProt P01588 28-193; N-glycans at Asn 24, 38 and 83
    "APPRLICDSRVLERYLLEAKEAENITTGCAEHCSLNENITVPDTKVNFYAWKRMEVGQQAVEVWQGLALLSEAVLRGQALLVNSSQPWEPLQLHVDKAVSGLRSLTTLLRALGAQ"
    "KEAISPPDAASAAPLRTITADTFRKLFRVYSNFLRGKLKLYTGEACRTGDR"
)
CALMODULIN = (  # human, UniProt P0DP23; EF-hand loops from Asp 21, 57, 94 and 130
    "MADQLTEEQIAEFKEAFSLFDKDGDGTITTKELGTVMRSLGQNPTEAELQDMINEVDADGNGTIDFPEFLTMMARKMKDTDSEEEIREAFRVFDKDGNGYISAAELRHVMTNLG"
    "EKLTDEEVDEMIREADIDGDGQVNYEEFVQMMTAK"
)
H_RAS = "MTEYKLVVVGAGGVGKSALTIQLIQNHFVDEYDPTIEDSYRKQVVIDGETCLLDILDTAG"  # P-loop: residues 10 to 17
GCN4 = "RMKQLEDKVEELLSKNYHLENEVARLKKLVGER"  # the leucine zipper of 2ZTA
XFIN = "YKCGLCERSFVEKSALSRHQRVHKN"  # the zinc finger of 1ZNF: C3, C6, H19, H23


def run(sequence: Any, **arguments: Any) -> ToolResult:
    return find_motifs.run(find_motifs.validate({"sequence": sequence, **arguments}), CONTEXT)


def places(sequence: Any, **arguments: Any) -> list[tuple[int, int]]:
    return [(hit["start"], hit["end"]) for hit in run(sequence, **arguments).data["hits"]]


@pytest.mark.parametrize(
    ("sequence", "motif", "expected"),
    [
        (ERYTHROPOIETIN, "n_glycosylation", [(24, 27), (38, 41), (83, 86)]),
        (H_RAS, "p_loop", [(10, 17)]),
        (CALMODULIN, "ef_hand", [(21, 33), (57, 69), (94, 106), (130, 142)]),
        (GCN4, "leucine_zipper", [(5, 26)]),
        (XFIN, "zinc_finger_c2h2", [(3, 23)]),
        ("AVTGRGDSPASSKPISIN", "rgd", [(5, 7)]),  # the tenth type III repeat of fibronectin
        ("MKTAYIAKQRKDEL", "er_retention", [(11, 14)]),
        ("MKTAKDELIAKQR", "er_retention", []),  # not at the end
        ("MKTAYIAKQRSKL", "peroxisome_target", [(11, 13)]),
        ("NPTANGTPNGSANATQ", "n_glycosylation", [(9, 12), (13, 16)]),  # neither N-P-T-A nor N-G-T-P
    ],
)
def test_known_sites(sequence: str, motif: str, expected: list[tuple[int, int]]) -> None:
    assert places(sequence, motif=motif) == expected


def test_hits_may_overlap() -> None:
    result = run("MKNNTSWNNSSAK", pattern="N-x-[ST]")
    assert [hit["match"] for hit in result.data["hits"]] == ["NNT", "NTS", "NNS", "NSS"]
    assert any("overlap" in w for w in result.warnings)


def test_both_strands_and_coordinates_of_the_given_strand() -> None:
    sequence = "GGGAATAAAGGGGGGTTTATTGG"  # AATAAA at 4, TTTATT (the other strand) from 16 to 21
    hits = run(sequence, motif="polya_signal").data["hits"]
    assert [(h["start"], h["end"], h["strand"], h["match"]) for h in hits] == [(4, 9, "+", "AATAAA"), (16, 21, "-", "AATAAA")]  # fmt: skip
    assert places(sequence, motif="polya_signal", strands="forward") == [(4, 9)]
    assert places(sequence.replace("T", "U"), motif="polya_signal") == [(4, 9)]  # RNA has one strand
    assert run(sequence.replace("T", "U"), motif="polya_signal").data["hits"][0]["match"] == "AAUAAA"


def test_a_palindrome_counts_once() -> None:
    result = run("GGCACGTGTTCAGCTGAAGGC", motif="e_box")
    assert [(h["start"], h["strand"]) for h in result.data["hits"]] == [(3, "both"), (11, "both")]
    assert result.quantities["motif_count"].value == 2


def test_a_hit_across_the_origin() -> None:
    sequence = "TATCCCGGCCGGCGGCGA"  # ...GA|TATC
    assert places(sequence, pattern="GATATC", topology="circular") == [(17, 4)]
    assert places(sequence, pattern="GATATC") == []
    assert places({"sequence": sequence, "topology": "circular"}, pattern="GATATC") == [(17, 4)]
    assert run(sequence, pattern="GATA", topology="circular").data["hits"][0]["match"] == "GATA"


def test_a_hit_of_the_other_strand_across_the_origin() -> None:
    sequence = "ACCGGGGGGGGCGCAACTTTG"  # CTTTG|ACC over the origin is GGTCAAAG on the other strand
    hits = run(sequence, pattern="GGTCAAAG", topology="circular").data["hits"]
    assert [(h["start"], h["end"], h["strand"], h["match"]) for h in hits] == [(17, 3, "-", "GGTCAAAG")]
    assert places(sequence, pattern="GGTCAAAG") == []


def test_ranges_take_the_longest_at_each_start() -> None:
    hits = run("MAACWWCWCK", pattern="C-x(1,3)-C", molecule="protein").data["hits"]
    assert [(h["start"], h["end"]) for h in hits] == [(4, 7), (7, 9)]
    hits = run("MAACWCWCKM", pattern="C-x(1,3)-C", molecule="protein").data["hits"]
    assert [(h["start"], h["end"]) for h in hits] == [(4, 8), (6, 8)]
    promoter = "GG" + "TTGACA" + "C" * 17 + "TATAAT" + "GG"
    assert places(promoter, motif="sigma70_promoter") == [(3, 31)]


def test_undetermined_letters_match_where_all_they_stand_for_does() -> None:
    assert places("GGCTATARAAGGCCGG", pattern="TATAWAAR") == []  # R may be G where W is asked
    assert places("GGCTATATAARGGCCGG", pattern="TATAWAAR") == [(4, 11)]  # R where R is asked
    assert places("MKNXTAWBBK", pattern="N-x-[ST]-{P}", molecule="protein") == [(3, 6)]
    assert places("MKXATAWWWK", pattern="N-x-[ST]", molecule="protein") == []
    assert places("MKBBTAWWWK", pattern="[DN](2)-T", molecule="protein") == [(3, 5)]
    assert places("MKWVTF*LLFLF", pattern="F-x-L") == []  # x is no stop


def test_an_end_in_brackets() -> None:
    # F-[GSTV]-P-R-L-[G>] is PROSITE's own example of an end in brackets
    pattern = "F-[GSTV]-P-R-L-[G>]"
    assert places("MWFGPRL", pattern=pattern) == [(3, 7)]
    assert places("MWFGPRLGK", pattern=pattern) == [(3, 8)]
    assert places("MWFGPRLKK", pattern=pattern) == []


def test_anchors() -> None:
    assert places("MKKMKK", pattern="<M-K", molecule="protein") == [(1, 2)]
    assert places("MKKMKK", pattern="K-K>.", molecule="protein") == [(5, 6)]


def test_all_motifs_of_a_kind_when_none_is_named() -> None:
    protein = run(H_RAS)
    assert {row["motif"] for row in protein.data["motifs"]} == {
        n for n, m in MOTIFS.items() if m.kind == "protein"
    }
    assert protein.quantities["motif_count_p_loop"].value == 1
    dna = run("GGCTATAAAAGGCTTGACATTTCC")
    assert dna.quantities["motif_count_tata_box"].value == 1
    assert any("frequent by chance" in w for w in protein.warnings)


def test_the_library_can_be_read_and_is_complete() -> None:
    assert tuple(MOTIFS) == get_args(MotifName)
    for name, motif in MOTIFS.items():
        assert parse_pattern(motif.pattern, motif.kind).elements, name
        assert motif.source


def test_letters_that_are_both_need_a_word() -> None:
    with pytest.raises(BenchmateError) as caught:
        run("GATTACA", pattern="AT")
    assert caught.value.code == "ambiguous_molecule"
    assert places("GATTACA", pattern="AT", molecule="dna") == [(2, 3)]
    assert places("GATTACA", motif="ccaat_box") == []  # a motif of DNA decides
    assert any(
        "read as a protein" in w for w in run("GATTACAGATTACA", pattern="AT", molecule="protein").warnings
    )


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("bad_pattern", {"pattern": ""}),
        ("bad_pattern", {"pattern": "."}),
        ("bad_pattern", {"pattern": "x(3)"}),
        ("bad_pattern", {"pattern": "N-[ST"}),
        ("bad_pattern", {"pattern": "N-[]-T"}),
        ("bad_pattern", {"pattern": "N-S/T"}),
        ("bad_pattern", {"pattern": "N[^P][ST]"}),
        ("bad_pattern", {"pattern": "(N|Q)+x"}),
        ("bad_pattern", {"pattern": "N.[ST]"}),
        ("bad_pattern", {"pattern": "A(2,4)-C"}),
        ("bad_pattern", {"pattern": "C-x(4,2)-C"}),
        ("bad_pattern", {"pattern": "C-x(0)-C"}),
        ("bad_pattern", {"pattern": "C-x(2"}),
        ("bad_pattern", {"pattern": "C--C"}),
        ("bad_pattern", {"pattern": "C-C-"}),
        ("bad_pattern", {"pattern": "C-<M"}),
        ("bad_pattern", {"pattern": "[G>]-C"}),
        ("bad_pattern", {"pattern": "C-É"}),
        ("bad_pattern", {"pattern": "C-4"}),
        ("pattern_too_long", {"pattern": "C-x(500)-C"}),
        ("pattern_too_long", {"pattern": "C" * 600}),
        ("not_nucleotides", {"motif": "tata_box"}),
        ("not_nucleotides", {"pattern": "TATA", "molecule": "dna"}),
        ("bad_arguments", {"motif": "rgd", "pattern": "R-G-D"}),
        ("bad_arguments", {"motif": "unknown"}),
        ("bad_arguments", {"motif": "rgd", "strands": "both"}),
        ("bad_arguments", {"motif": "rgd", "topology": "circular"}),
    ],
)
def test_bad_input_is_refused(code: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(BenchmateError) as caught:
        run(ERYTHROPOIETIN, **arguments)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("code", "sequence", "arguments"),
    [
        ("not_protein", "ATGGCCATTGTAATGGGCC", {"motif": "rgd"}),
        ("bad_pattern", "ATGGCCATTGTAATGGGCC", {"pattern": "TATAE"}),
        ("bad_pattern", "ATGGCCATTGTAATGGGCC", {"pattern": "<ATG", "topology": "circular"}),
        ("pattern_too_long", "ATGGCCATTGTAATGGGCC", {"pattern": "ATG-x(30)-GG", "topology": "circular"}),
        ("empty_sequence", ">a\n", {"pattern": "ATG"}),
        ("invalid_sequence", "ATG1CC#", {"pattern": "ATG"}),
    ],
)
def test_bad_sequences_are_refused(code: str, sequence: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(BenchmateError) as caught:
        run(sequence, **arguments)
    assert caught.value.code == code


def test_an_error_names_the_element_and_the_right_way() -> None:
    with pytest.raises(BenchmateError) as caught:
        run(ERYTHROPOIETIN, pattern="N-x-[S1]")
    assert "element 3, '[S1]'" in str(caught.value) and "'1'" in str(caught.value)
    with pytest.raises(BenchmateError) as caught:
        run(ERYTHROPOIETIN, pattern="N[^P][ST]")
    assert caught.value.hint is not None and "{P}" in caught.value.hint


def test_gaps_without_end_cost_no_more_than_their_length() -> None:
    pattern = "-".join(["A-x(0,20)"] * 14) + "-W"  # a regular expression would try 21^14 ways
    assert find_matches(parse_pattern(pattern, "protein"), "A" * 3000) == []


def test_what_chance_gives() -> None:
    letters = "AACAGTTAGC" * 20
    shares = {x: letters.count(x) / 200 for x in "ACGT"}
    plain = parse_pattern("CANNTG", "nucleotide")
    odds = shares["C"] * shares["A"] * shares["T"] * shares["G"]
    assert expected_matches(plain, letters) == pytest.approx(195 * odds)
    assert expected_matches(plain, letters, circular=True) == pytest.approx(200 * odds)
    assert expected_matches(parse_pattern("A", "nucleotide"), letters) == pytest.approx(letters.count("A"))
    gapped = parse_pattern("A-x(1,3)-T", "nucleotide")
    assert expected_matches(gapped, letters) == pytest.approx(shares["A"] * shares["T"] * (198 + 197 + 196))
    found = run(letters, pattern="A-x(1,3)-T", molecule="dna").quantities["expected_count"]
    assert found.relation == "<" and run(letters, motif="e_box").quantities["expected_count"].relation == "~"


def test_chance_agrees_with_random_sequences() -> None:
    draw = random.Random(7)
    pattern = parse_pattern("[ST]-x(2)-[DE]", "protein")
    counts, expected = [], []
    for _ in range(300):
        letters = "".join(draw.choices("STDEAGKLV", weights=[1, 2, 1, 1, 3, 3, 2, 4, 2], k=300))
        counts.append(len(find_matches(pattern, letters)))
        expected.append(expected_matches(pattern, letters))
    spread = (sum((a - b) ** 2 for a, b in zip(counts, expected, strict=True)) / 300) ** 0.5 / 300**0.5
    assert abs(sum(counts) - sum(expected)) / 300 < 4 * spread


@st.composite
def patterns(draw: st.DrawFn) -> tuple[str, str]:
    """Return a pattern and the regular expression that says the same."""
    texts, expressions = [], []
    for _ in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(("letter", "one of", "none of", "gap")))
        letters = "".join(sorted(draw(st.sets(st.sampled_from("ACDE"), min_size=1, max_size=3))))
        least = draw(st.integers(1, 2))
        more = draw(st.integers(0, 2))
        if kind == "gap":
            texts.append(f"x({least},{least + more})")
            expressions.append(f".{{{least},{least + more}}}")
            continue
        text, expression = {
            "letter": (letters[0], letters[0]), "one of": (f"[{letters}]", f"[{letters}]"), "none of": (f"{{{letters}}}", f"[^{letters}]"),
        }[kind]  # fmt: skip
        texts.append(text + (f"({least})" if least > 1 else ""))
        expressions.append(expression + f"{{{least}}}")
    start, end = draw(st.booleans()), draw(st.booleans())
    texts.append("A")
    expressions.append("A")
    return ("<" if start else "") + "-".join(texts) + (">" if end else ""), (r"\A" if start else "") + "".join(expressions) + (r"\Z" if end else "")  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(patterns(), st.text("ACDEF", min_size=1, max_size=25))
def test_matches_are_those_of_a_regular_expression(both: tuple[str, str], letters: str) -> None:
    text, expression = both
    compiled = re.compile(expression)
    oracle = []
    for start in range(len(letters)):
        ends = [end for end in range(start + 1, len(letters) + 1) if _whole(compiled, letters, start, end)]
        if ends:
            oracle.append((start, max(ends)))
    assert [tuple(span) for span in find_matches(parse_pattern(text, "protein"), letters)] == oracle


def _whole(compiled: re.Pattern[str], letters: str, start: int, end: int) -> bool:
    if compiled.pattern.startswith(r"\A") and start:
        return False
    if compiled.pattern.endswith(r"\Z") and end < len(letters):
        return False
    return compiled.fullmatch(letters[start:end]) is not None


@settings(max_examples=60, deadline=None)
@given(
    st.text("ACGT", min_size=12, max_size=60),
    st.text("ACGTRYSWN", min_size=2, max_size=6).filter(lambda p: set(p) != {"N"}),
)
def test_the_opposite_strand_has_the_same_hits(letters: str, pattern: str) -> None:
    here = run(letters, pattern=pattern, molecule="dna").data["hits"]
    there = run(reverse_complement(letters), pattern=pattern, molecule="dna").data["hits"]
    size = len(letters)
    turned = {"+": "-", "-": "+", "both": "both"}
    assert sorted((size + 1 - h["end"], size + 1 - h["start"], turned[h["strand"]]) for h in there) == sorted(
        (h["start"], h["end"], h["strand"]) for h in here
    )


@settings(max_examples=60, deadline=None)
@given(st.text("ACGT", min_size=8, max_size=40), st.integers(1, 7))
def test_a_circle_has_no_beginning(letters: str, turn: int) -> None:
    turned = letters[turn:] + letters[:turn]
    size = len(letters)
    one, other = (
        sorted((h["start"], h["strand"]) for h in run(x, pattern="GAY", molecule="dna", topology="circular").data["hits"])
        for x in (letters, turned)
    )  # fmt: skip
    assert one == sorted(((start + turn - 1) % size + 1, strand) for start, strand in other)


@settings(max_examples=30, deadline=None)
@given(st.text(AMINO_ACIDS, min_size=5, max_size=60))
def test_every_hit_is_what_it_says(letters: str) -> None:
    for hit in run("M" + letters, molecule="protein").data["hits"]:
        assert ("M" + letters)[hit["start"] - 1 : hit["end"]] == hit["match"]
