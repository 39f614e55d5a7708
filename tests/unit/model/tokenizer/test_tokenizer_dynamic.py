"""The dynamic tokenizer: lossless, disjoint ids, plain text as in its base, short tokens counts for SMILES."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from benchmate.model.tokenizer import load_tokenizer
from benchmate.model.tokenizer.base import packaged_base
from benchmate.model.tokenizer.corpus import Molecule
from benchmate.model.tokenizer.dynamic import DynamicTokenizer
from benchmate.model.tokenizer.units import units_of
from benchmate.runtime.errors import InvalidInput

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
HAEMOGLOBIN = "MVLSPADKTNVKAAWGKVGAHAGEYGAEALERMFLSFPTTKTYFPHFDLSHGSAQVKGHGKKVADALTNAVAHVDDMPNALSALSDLHAHKLRVDPVNFKLLSHCLLVTLAAHLPAEFTPAVHASLDKFLASVSTVLTSKYR"
PROSE = [
    "The quick brown fox, 12,345 times; naïve café.", "def f(x):\n    return [i**2 for i in range(x)]\n\n\n", "水は H2O です。 😀👩‍🔬", "e\u0301 \u00a0 \r\n\t",
    "O(n log n), f(x) = sin(x)/cos(x), C:\\Users", "THEQUICKBROWNFOXJUMPSOVERTHELAZYDOGANDRUNSAWAY", "Nerd fonts: \U000f0001 \U0010f043\U0010f0c3",
]  # fmt: skip
PIECES = [
    *"CNOcn1()=#[]@H+-.%0 \n\t<>|SMILESFASTA", "é", "漢", "😀", "\u0301", "\x00", "\U0010f043", "\U0010f0a0", "<SMILES>", "</SMILES>", "<FASTA>", "</FASTA>",
    "<DNA>", "```", ASPIRIN, HAEMOGLOBIN, "\n>sp|", " compound ", "\r\n", "<|science_3|>",
]  # fmt: skip


@pytest.fixture(scope="module")
def base() -> Tokenizer:
    return Tokenizer.from_file(str(packaged_base()))


def test_plain_text_has_the_ids_of_the_base(tokenizer: DynamicTokenizer, base: Tokenizer) -> None:
    assert tokenizer.encode_batch(PROSE) == [base.encode(t, add_special_tokens=False).ids for t in PROSE]
    assert tokenizer.decode_batch(tokenizer.encode_batch(PROSE)) == PROSE


def test_molecules_come_back(tokenizer: DynamicTokenizer, held_out: list[Molecule]) -> None:
    strings = [s for m in held_out for s in (m.written, m.canonical, m.random)]
    texts = [f"<SMILES>{s}</SMILES>" for s in strings] + [f"The compound {s} is new." for s in strings]
    assert tokenizer.decode_batch(tokenizer.encode_batch(texts)) == texts
    assert tokenizer.decode_batch(tokenizer.encode_strings("SMILES", strings)) == strings


def test_arranged_nonsense_comes_back(tokenizer: DynamicTokenizer) -> None:
    chosen = random.Random(3)
    texts = ["".join(chosen.choices(PIECES, k=chosen.randrange(40))) for _ in range(4000)]
    assert tokenizer.decode_batch(tokenizer.encode_batch(texts)) == texts


@given(
    st.text(), st.sampled_from(["{}", "<SMILES>{}</SMILES>", "<FASTA>{}</FASTA>", "<SMILES>{}", "<FASTA>{}"])
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_comes_back(tokenizer: DynamicTokenizer, text: str, frame: str) -> None:
    framed = frame.format(text)
    assert tokenizer.decode(tokenizer.encode(framed)) == framed


def test_the_same_letters_have_other_ids_in_each_kind_of_span(tokenizer: DynamicTokenizer) -> None:
    written = {
        kind: set(tokenizer.encode(f"<{kind}>CNSP</{kind}>")[1:-1]) for kind in ("SMILES", "FASTA", "DNA")
    }
    assert not written["SMILES"] & written["FASTA"]
    assert not written["DNA"] & (written["SMILES"] | written["FASTA"])


def test_every_id_belongs_to_one_kind_and_none_is_beyond(tokenizer: DynamicTokenizer) -> None:
    first, second = tokenizer.segments["SMILES"], tokenizer.segments["FASTA"]
    assert tokenizer.base_size + 64 == first.first_id
    assert first.end_id == second.first_id
    assert second.end_id == tokenizer.vocab_size <= tokenizer.padded_size < tokenizer.vocab_size + 128
    assert tokenizer.padded_size % 128 == 0
    assert [tokenizer.kind_of(n) for n in (0, first.first_id, second.first_id)] == ["text", "SMILES", "FASTA"]
    for number in (-1, tokenizer.vocab_size):
        with pytest.raises(InvalidInput) as caught:
            tokenizer.decode([5, number])
        assert caught.value.code == "unknown_token_id"


def test_a_text_is_cut_into_its_kinds(tokenizer: DynamicTokenizer) -> None:
    text = f"Aspirin, {ASPIRIN}, and <FASTA>>sp|P01942\nMVLSPADK</FASTA>"
    kinds: dict[str, str] = {}
    for piece, kind in tokenizer.tokenize(text):
        kinds[kind] = kinds.get(kind, "") + piece
    assert kinds == {
        "text": "Aspirin, , and >sp|P01942",
        "SMILES": ASPIRIN,
        "tag": "<FASTA></FASTA>",
        "FASTA": "\nMVLSPADK",
    }


def test_an_open_tag_reaches_to_the_end_of_the_notation(tokenizer: DynamicTokenizer) -> None:
    """A prompt that a model goes on with ends inside a span; prose that names a tag has none."""
    assert [s[:3] for s in tokenizer.spans("Finish <SMILES>CC(=O)")] == [("SMILES", 15, 21)]
    assert tokenizer.encode("<SMILES>CC(") == tokenizer.encode("<SMILES>CC(</SMILES>")[:-1]
    assert tokenizer.spans("Write <SMILES> around each, and <FASTA> there.") == []


def test_without_detection_only_tags_make_spans() -> None:
    quiet = load_tokenizer(detect=False)
    text = f"{ASPIRIN} <SMILES>{ASPIRIN}</SMILES>"
    assert [s.start for s in quiet.spans(text)] == [30]
    assert quiet.decode(quiet.encode(text)) == text


@pytest.mark.parametrize("kind", ["MOLFORMULA", "SELFIES", "IUPAC", "DNA", "RNA"])
def test_what_is_tagged_as_something_else_is_not_searched(tokenizer: DynamicTokenizer, kind: str) -> None:
    assert tokenizer.spans(f"<{kind}>{ASPIRIN}</{kind}>") == []
    assert tokenizer.spans(f"<{kind}>x</{kind}> {ASPIRIN}") != []


def test_compression_of_held_out_molecules(
    tokenizer: DynamicTokenizer, base: Tokenizer, held_out: list[Molecule]
) -> None:
    """Kekulé SMILES of PubChem; both tags are counted. The published claim is 1.7 times (arXiv 2508.15763)."""
    strings = [m.written for m in held_out]
    theirs = sum(len(base.encode(s, add_special_tokens=False).ids) for s in strings)
    ours = sum(map(len, tokenizer.encode_batch([f"<SMILES>{s}</SMILES>" for s in strings])))
    assert theirs / ours > 2.7
    larger = load_tokenizer(size="16k")
    assert sum(map(len, larger.encode_batch([f"<SMILES>{s}</SMILES>" for s in strings]))) < 0.9 * ours


def test_tokens_end_where_atoms_end(tokenizer: DynamicTokenizer, held_out: list[Molecule]) -> None:
    segment = tokenizer.segments["SMILES"]
    strings = [m.canonical for m in held_out] + ["[13cH2][C@@H](Cl)[99Tc]C[Fe+2]1", "c1c[se]1[C@@?]Br"]
    for string, ids in zip(strings, tokenizer.encode_strings("SMILES", strings), strict=True):
        ends, at = [0], 0
        for unit in units_of(string):
            ends.append(ends[-1] + len(unit))
        for number in ids:
            start, at = at, at + len(segment.pieces[number - segment.first_id])
            inside = not any(start < end < at for end in ends)
            assert inside or (start in ends and at in ends), (string, start, at)


def test_atom_level_and_dropout_keep_the_ids(tokenizer: DynamicTokenizer) -> None:
    atoms = load_tokenizer(atom_level=True)
    text = "<SMILES>C[C@@H](N)C(=O)Oc1ccc(Cl)cc1</SMILES>"
    pieces = [piece for piece, kind in atoms.tokenize(text) if kind == "SMILES"]
    assert pieces == units_of("C[C@@H](N)C(=O)Oc1ccc(Cl)cc1")
    assert atoms.fingerprint == tokenizer.fingerprint
    assert tokenizer.decode(atoms.encode(text)) == text
    loose = load_tokenizer(dropout=0.5)
    written = {tuple(loose.encode(text)) for _ in range(20)}
    assert len(written) > 1
    assert {tokenizer.decode(ids) for ids in written} == {text}
    with pytest.raises(InvalidInput):
        load_tokenizer(dropout=1.5)


def test_sizes_have_fingerprints_of_their_own(tokenizer: DynamicTokenizer) -> None:
    assert load_tokenizer().fingerprint == tokenizer.fingerprint != load_tokenizer(size="16k").fingerprint
