"""Where SMILES and protein sequences stand in plain text: grammar first, then evidence, then RDKit.

Short strings are ambiguous by nature ('CC', 'NO', 'Sn'), so a bare string shorter than `SHORTEST_SMILES` or
`SHORTEST_PROTEIN` is never detected; a tag says what it is. Any change of what is detected changes the ids of
texts, so it raises `VERSION`, which is part of a tokenizer's fingerprint.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import lru_cache

from benchmate.model.tokenizer.units import is_bracket_atom

VERSION = 1
SHORTEST_SMILES = 10
LONGEST_SMILES = 4_000
SHORTEST_PROTEIN = 27
FEWEST_ATOMS = 3
ENOUGH, ENOUGH_AFTER_CUE = 2, 1  # evidence
CUE_REACH = 40  # characters before the string
_NO_BEGINNING, _NO_END = "-=#$/\\.:)%0123456789", "-=#$/\\.:("

# No letter of a Latin word before or after; Chinese text has no spaces around a formula.
_BEFORE, _AFTER = r"(?<![A-Za-z0-9_\u00c0-\u024f])", r"(?![A-Za-z0-9_\u00c0-\u024f])"
_RUN = re.compile(
    _BEFORE + r"(?:\[[^\[\]\s]{1,30}\]|Br|Cl|[BCNOPSFIbcnops]|%[0-9]{2}|[-()=#$/\\.:0-9])++(" + _AFTER + ")?"
)
_BRACKETS = re.compile(r"\[[^\[\]]*\]")
_ORGANIC = re.compile(r"Br|Cl|[BCNOPSFIbcnops*]")
_CUE = re.compile(
    r"\b(?:SMILES|compounds?|molecules?|ligands?|drugs?|inhibitors?|structures?|reactants?|products?|salts?|solvents?)\b",
    re.IGNORECASE,
)

_RESIDUES = "ACDEFGHIKLMNPQRSTVWYBXZUO"
_SEQUENCE = re.compile(
    rf"{_BEFORE}[{_RESIDUES}]{{{SHORTEST_PROTEIN},}}+(?:\r?\n[{_RESIDUES}]++{_AFTER})*+\*?{_AFTER}"
)
_LINE = re.compile(rf"[{_RESIDUES}]+")
FEWEST_RESIDUE_KINDS = 10
MOST_NUCLEOTIDES = 0.8
# Shares in per mille: residues in UniProtKB/Swiss-Prot (release statistics 2024), letters of English (Norvig 2013).
_PROTEIN = dict(
    A=82.5, R=55.2, N=40.6, D=54.6, C=13.8, Q=39.3, E=67.1, G=70.7, H=22.7, I=59.1, L=96.5, K=58.0, M=24.1, F=38.6,
    P=47.4, S=66.5, T=53.6, W=11.0, Y=29.2, V=68.5, B=0.1, X=1.0, Z=0.1, U=0.1, O=0.1,
)  # fmt: skip
_ENGLISH = dict(
    A=80.4, B=14.8, C=33.4, D=38.2, E=124.9, F=24.0, G=18.7, H=50.5, I=75.7, K=5.4, L=40.7, M=25.1, N=72.3, O=76.4,
    P=21.4, Q=1.2, R=62.8, S=65.1, T=92.8, U=27.3, V=10.5, W=16.8, X=2.3, Y=16.6, Z=0.9,
)  # fmt: skip
_LOG_ODDS = {letter: math.log(_PROTEIN[letter] / _ENGLISH[letter]) for letter in _RESIDUES}


def smiles_in(text: str) -> Iterator[tuple[int, int]]:
    """Yield where the SMILES of `SHORTEST_SMILES` to `LONGEST_SMILES` characters begin and end."""
    for run in _RUN.finditer(text):
        if run[1] is None or run.end() - run.start() < SHORTEST_SMILES:
            continue
        start, stop = _trim(text, *run.span())
        if not SHORTEST_SMILES <= stop - start <= LONGEST_SMILES:
            continue
        candidate = text[start:stop]
        found = evidence(candidate)
        if found < ENOUGH_AFTER_CUE:
            continue
        if found < ENOUGH and not _CUE.search(text, max(0, start - CUE_REACH), start):
            continue
        if is_molecule(candidate):
            yield start, stop


def _trim(text: str, start: int, stop: int) -> tuple[int, int]:
    """Return the run without the sentence's punctuation around it: '(CCO).' is CCO."""
    surplus = text.count(")", start, stop) - text.count("(", start, stop)
    while start < stop:
        first, last = text[start], text[stop - 1]
        if first in _NO_BEGINNING:
            start, surplus = start + 1, surplus - (first == ")")
        elif last in _NO_END or (last == ")" and surplus > 0):
            stop, surplus = stop - 1, surplus + (last == "(") - (last == ")")
        elif first == "(":
            start, surplus = start + 1, surplus + 1
        else:
            break
    return start, stop


def evidence(candidate: str) -> int:
    """Return how much in a string says SMILES and not word, formula, path or code; 0 where the grammar forbids it.

    The run it comes from has no '*' outside brackets, which is a product in code more often than any atom.
    """
    brackets = _BRACKETS.findall(candidate)
    if not all(is_bracket_atom(b) for b in brackets):
        return 0
    rest = _BRACKETS.sub("*", candidate)
    if "[" in rest or "]" in rest or rest.count("(") != rest.count(")") or "()" in rest:
        return 0
    if len(_ORGANIC.findall(rest)) < FEWEST_ATOMS:
        return 0
    digits = [d for d in re.sub(r"%\d\d", "", rest) if d.isdigit()]
    if any(digits.count(d) % 2 for d in set(digits)):
        return 0
    closures = len(digits) // 2 + rest.count("%") // 2
    return (
        min(3, rest.count("("))
        + min(3, 2 * closures)
        + min(2, rest.count("=") + rest.count("#"))
        + 2 * min(2, len(brackets))
        + (2 if closures and re.search(r"[bcnops]{2}|[cn]\d", rest) else 0)
        + (1 if len(candidate) >= 20 else 0)
    )


@lru_cache(maxsize=65_536)
def is_molecule(candidate: str) -> bool:
    """Return whether RDKit reads the string as a molecule of at least `FEWEST_ATOMS` atoms."""
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        read = Chem.MolFromSmiles(candidate)
    return read is not None and read.GetNumAtoms() >= FEWEST_ATOMS


def proteins_in(text: str) -> Iterator[tuple[int, int]]:
    """Yield where the protein sequences of at least `SHORTEST_PROTEIN` residues begin and end.

    A sequence goes over line ends where it is wrapped: all lines but the last are as long as the first.
    """
    for run in _SEQUENCE.finditer(text):
        first, *others = _LINE.finditer(text, *run.span())
        width, stop = len(first[0]), first.end()
        last = width
        for line in others:
            if last != width or len(line[0]) > width:
                break
            stop, last = line.end(), len(line[0])
        if stop == run.end() - 1 and text[stop] == "*":
            stop = run.end()
        if is_protein("".join(_LINE.findall(text, first.start(), stop))):
            yield first.start(), stop


def is_protein(letters: str) -> bool:
    """Return whether capitals are a protein: varied, no nucleic acid, and likelier as residues than as English."""
    if len(set(letters)) < FEWEST_RESIDUE_KINDS:
        return False
    if sum(map(letters.count, "ACGTN")) >= MOST_NUCLEOTIDES * len(letters):
        return False
    return sum(_LOG_ODDS[letter] for letter in letters) > 0
