"""Sequences as arguments: what people paste is read as meant, or refused with the place of the fault."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.biology.sequences import AMINO_ACIDS, MAX_LETTERS, find_sequences, parse_sequence

UBIQUITIN = "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG"  # UniProt P0CG47
BIOPYTHON = "ATGGCCATTGTAATGGGCCGCTGAAAGGGTGCCCGATAG"  # Biopython tutorial, chapter 3


@pytest.mark.parametrize(
    ("text", "letters", "alphabet"),
    [
        (BIOPYTHON, BIOPYTHON, "dna"),
        (BIOPYTHON.lower(), BIOPYTHON, "dna"),
        ("AUGGCCAUUGUAAUGGGCC", "AUGGCCAUUGUAAUGGGCC", "rna"),
        (UBIQUITIN, UBIQUITIN, "protein"),
        ("GATTACA", "GATTACA", "ambiguous"),
        ("GTGYCAGCMGCCGCGGTAA", "GTGYCAGCMGCCGCGGTAA", "dna"),  # primer 515F with IUPAC codes
        ("5'-GAATTC-3'", "GAATTC", "ambiguous"),
        ("5′ GAA TTC 3′", "GAATTC", "ambiguous"),
        ("Tyr-Gly-Gly-Phe-Leu", "YGGFL", "protein"),  # Leu-enkephalin
        ("H-Tyr-Gly-Gly-Phe-Leu-OH", "YGGFL", "protein"),
        ("Ala-Cys-Gly-Thr", "ACGT", "protein"),
        ("  1 gatcctccat atacaacggt\n 21 atctccacct", "GATCCTCCATATACAACGGTATCTCCACCT", "dna"),
    ],
)
def test_reads_what_people_paste(text: str, letters: str, alphabet: str) -> None:
    parsed = parse_sequence(text)
    assert (parsed.sequence, parsed.alphabet) == (letters, alphabet)
    assert parsed.given == text


def test_fasta_gives_the_name_and_topology() -> None:
    parsed = parse_sequence(">pX [topology=circular] a plasmid\nGATTACA\nGATTACA\n")
    assert (parsed.name, parsed.topology, parsed.sequence) == ("pX", "circular", "GATTACAGATTACA")
    assert parsed.entity("sequence").label == "pX"


def test_genbank_gives_the_name_topology_and_letters() -> None:
    record = "LOCUS       pX   12 bp    DNA     circular SYN\nFEATURES\nORIGIN\n        1 acgtacgtac gt\n//\n"
    parsed = parse_sequence(record)
    assert (parsed.name, parsed.topology, parsed.sequence) == ("pX", "circular", "ACGTACGTACGT")


def test_record_overrides_what_the_text_says() -> None:
    parsed = parse_sequence({"sequence": ">a\nGATTACA", "name": "b", "topology": "circular"})
    assert (parsed.name, parsed.topology) == ("b", "circular")


def test_gaps_and_stops_are_taken_out_with_a_word() -> None:
    gapped = parse_sequence("GAT--TAC-A")
    assert gapped.sequence == "GATTACA" and "3 gap" in gapped.warnings[0]
    stopped = parse_sequence("MKTAYIAKQR*")
    assert stopped.sequence == "MKTAYIAKQR" and "stop at the end" in stopped.warnings[0]
    inside = parse_sequence("MKTAY*IAKQR")
    assert inside.sequence == "MKTAY*IAKQR" and inside.warnings == ("internal stops: 1",)


@pytest.mark.parametrize(
    ("text", "code", "named"),
    [
        ("", "empty_sequence", "empty"),
        (">only a header", "empty_sequence", "header on a line of its own"),
        ("***", "empty_sequence", "no residues"),
        (">first\nACGT\n>second\nACGT", "several_sequences", "first, second"),
        ("ATG3C", "invalid_sequence", "'3' at position 4"),
        ("ATG GC!", "invalid_sequence", "'!' at position 6"),
        ("ATGU", "invalid_sequence", "position 4"),
        ("3'-GAATTC-5'", "reversed_sequence", "5' to 3'"),
        ("insulin", "name_not_sequence", "'insulin'"),
        ("the sequence ATGGCC", "name_not_sequence", "upper case"),
        ("A" * (MAX_LETTERS + 1), "too_large", str(MAX_LETTERS)),
        ({"sequence": "ACGT", "topology": "round"}, "bad_arguments", "'round'"),
        ({"name": "x"}, "bad_arguments", "`sequence`"),
    ],
)
def test_refusals_name_the_fault(text: str | dict[str, str], code: str, named: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse_sequence(text)
    assert refusal.value.code == code
    assert named in str(refusal.value)


def test_key_is_of_the_letters_and_the_topology() -> None:
    plain, named = parse_sequence("GATTACA"), parse_sequence(">x\ngat tac a")
    assert plain.key == named.key and plain.key.startswith("seq:")
    assert plain.key != parse_sequence({"sequence": "GATTACA", "topology": "circular"}).key
    assert plain.entity("sequence").details == {"alphabet": "ambiguous", "length": 7, "topology": "linear"}


@given(
    st.text("ACGT", min_size=20, max_size=200), st.integers(1, 60), st.sampled_from([str.upper, str.lower])
)
def test_layout_and_case_do_not_matter(letters: str, width: int, case: object) -> None:
    wrapped = "\n".join(letters[i : i + width] for i in range(0, len(letters), width))
    assert parse_sequence(f">x\n{wrapped.lower()}").sequence == letters
    assert parse_sequence(parse_sequence(letters).sequence).key == parse_sequence(letters).key


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"What is the GC content of {BIOPYTHON}?", [(BIOPYTHON, "dna")]),
        (f"Compare ({UBIQUITIN}) with AUGGCCAUUGUAA.", [(UBIQUITIN, "protein"), ("AUGGCCAUUGUAA", "rna")]),
        ("Translate 5'-ATGGCCATT-3'", [("ATGGCCATT", "ambiguous")]),
        ("codons ATG GCC ATT GTA, please", [("ATG GCC ATT GTA", "dna")]),
        (
            "mass of\n>ubi human\nMQIFVKTLTG\nKTITLE\nWhat is it?",
            [(">ubi human\nMQIFVKTLTG\nKTITLE", "protein")],
        ),
        ("gc of atggccattgtaatggg", [("atggccattgtaatggg", "dna")]),
        ("the magainin GIGKFLHSAKKFGKAFVGEIMNS", [("GIGKFLHSAKKFGKAFVGEIMNS", "protein")]),
        ("logP of CCCCCCCCCCCCCCCCO and CC(=O)OC1=CC=CC=C1C(=O)O", []),
        ("is NCCCCCCCCN a diamine", []),
        ("THE ACETYLSALICYLIC INHIBITOR OF CRYSTALLINE SELECTIVITY", []),
        ("BSYNRYMUTXBXSQ-UHFFFAOYSA-N is aspirin", []),
        ("How far is M31?", []),
    ],
)
def test_finds_candidates_in_questions(text: str, expected: list[tuple[str, str]]) -> None:
    found = find_sequences(text)
    assert [(candidate.sequence, candidate.kind) for candidate in found] == expected
    assert all(text[candidate.start : candidate.end] == candidate.sequence for candidate in found)


@given(
    st.text("ACGT", min_size=12, max_size=60).filter(lambda s: len(set(s)) > 2),
    st.text("abcdefghi ,.?", max_size=30),
)
def test_finds_dna_amid_any_prose(letters: str, prose: str) -> None:
    assert letters in [found.sequence for found in find_sequences(f"{prose} {letters} {prose}")]


@given(st.text())
def test_candidates_are_exact_spans_that_parse(text: str) -> None:
    ends = 0
    for found in find_sequences(text):
        assert found.start >= ends and text[found.start : found.end] == found.sequence
        assert parse_sequence(found.sequence).alphabet == found.kind
        ends = found.end


@given(st.text(AMINO_ACIDS, min_size=30, max_size=80))
def test_proteins_are_not_taken_for_dna(letters: str) -> None:
    if len(set(letters)) > 12:
        assert parse_sequence(letters).alphabet == "protein"
