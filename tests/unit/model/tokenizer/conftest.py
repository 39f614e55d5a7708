"""What the tokenizer's tests share: the tokenizer that ships, and molecules that it was not trained on."""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import Path

import chemicals
import pytest

from benchmate.model.tokenizer import load_tokenizer
from benchmate.model.tokenizer.corpus import Molecule, is_held_out, molecules
from benchmate.model.tokenizer.dynamic import DynamicTokenizer

TABLE = Path(chemicals.__file__).parent / "Identifiers" / "chemical identifiers pubchem large.tsv"


@pytest.fixture(scope="session")
def tokenizer() -> DynamicTokenizer:
    return load_tokenizer()


@pytest.fixture(scope="session")
def pubchem() -> list[list[str]]:
    """Every tenth row of PubChem in the installed package `chemicals`: … formula, weight, SMILES, InChI, key, IUPAC name."""
    with TABLE.open(encoding="utf-8") as file:
        return list(islice(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE), 0, None, 10))


@pytest.fixture(scope="session")
def held_out(pubchem: list[list[str]]) -> list[Molecule]:
    found = [m for m in molecules(row[4] for row in pubchem) if is_held_out(m.connectivity)]
    assert len(found) > 300
    return found
