"""Reactions of patents with their solvents and reagents, indexed once."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock

from benchmate.runtime.errors import StorageError
from benchmate.tools import datasets
from benchmate.tools.chemistry.parsing import quiet_rdkit

DATASET = "uspto-conditions"
SOURCE = "10,000 reactions of US patents (ORD-USPTO) as packed in path-finder-retrosynthesis 1.0.26"
VERSION = "index-2.npz"  # raise it when the form of the index changes
BITS = 1024


class ConditionRecord(NamedTuple):
    """One reaction with what the patent used: SMILES of reactants, product, solvents and other agents."""

    id: str
    reactants: tuple[str, ...]
    product: str
    solvents: tuple[str, ...]
    agents: tuple[str, ...]
    yield_percent: float | None


class ConditionRecords:
    """The records and, per record, the difference fingerprint of the reaction."""

    def __init__(self, place: Path) -> None:
        import numpy as np

        self._rows = _read(place)
        with np.load(_prepared(place), allow_pickle=False) as index:
            self.kept: Any = index["rows"]
            self._differences: Any = index["differences"]

    def similarities(self, reactants: Iterable[str], product: str) -> Any:
        """Return for each record the cosine of its difference fingerprint with that of this reaction."""
        import numpy as np

        wanted = difference(reactants, product).astype(np.float32)
        stored = self._differences.astype(np.float32)
        lengths = np.linalg.norm(stored, axis=1) * np.linalg.norm(wanted)
        return (stored @ wanted) / np.maximum(lengths, 1e-9)

    def __len__(self) -> int:
        return len(self.kept)

    def __getitem__(self, index: int) -> ConditionRecord:
        row = self._rows[int(self.kept[index])]
        told = row.get("conditions") or {}
        solvents = (told.get("solvent"), told.get("co_solvent"))
        return ConditionRecord(
            id=row["id"],
            reactants=tuple(row["reactants_smiles"]),
            product=row["product_smiles"],
            solvents=tuple(s for s in solvents if s),
            agents=tuple(dict.fromkeys(r for r in told.get("reagents") or () if r)),
            yield_percent=row.get("yield_percent"),
        )

    @property
    def with_yield(self) -> int:
        """How many records of all state a yield."""
        return sum(row.get("yield_percent") is not None for row in self._rows)


def load(cache_dir: Path) -> ConditionRecords | None:
    """Return the records, or None where the data set is not fetched."""
    if datasets.state(DATASET, cache_dir) != "here":
        return None
    return _loaded(datasets.folder(DATASET, cache_dir))


def prepare(place: Path) -> None:
    """Index the data set in `place` unless that is done. One process does it; others wait."""
    _prepared(place)


@functools.lru_cache(maxsize=2)
def _loaded(place: Path) -> ConditionRecords:
    return ConditionRecords(place)


def difference(reactants: Iterable[str], product: str) -> Any:
    """Return what of atom environments the product has more (or fewer) than the reactants, as counts in 1024 bits.

    Morgan environments up to radius 2; what does not change cancels (Schneider et al., J. Chem. Inf. Model. 2015, 55, 39).
    """
    import numpy as np
    from rdkit import Chem

    left = Chem.MolFromSmiles(".".join(reactants))
    right = Chem.MolFromSmiles(product)
    counts = [_generator().GetCountFingerprintAsNumPy(mol).astype(np.int32) for mol in (left, right)]
    return np.clip(counts[1] - counts[0], -127, 127).astype(np.int8)


def _read(place: Path) -> list[dict[str, Any]]:
    try:
        rows: list[dict[str, Any]] = json.loads((place / "reactions.json").read_text("utf-8"))
    except ValueError as error:
        raise StorageError(
            "dataset_damaged", f"{place / 'reactions.json'} is no JSON: {error}", hint=datasets.command(DATASET)
        ) from None  # fmt: skip
    return rows


def _prepared(place: Path) -> Path:
    done = place / VERSION
    if not done.is_file():
        with FileLock(place / "index.lock"):
            if not done.is_file():
                _build(place, done)
    return done


def _build(place: Path, done: Path) -> None:
    import numpy as np
    from rdkit import Chem

    kept, differences = [], []
    with quiet_rdkit():
        for number, row in enumerate(_read(place)):
            molecules = [*row["reactants_smiles"], row["product_smiles"]]
            if all(Chem.MolFromSmiles(smiles) is not None for smiles in molecules):
                kept.append(number)
                differences.append(difference(molecules[:-1], molecules[-1]))
    part = place / f".{os.getpid()}.npz"
    np.savez(part, rows=np.array(kept), differences=np.array(differences))
    part.replace(done)


@functools.cache
def _generator() -> Any:
    from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

    return GetMorganGenerator(radius=2, fpSize=BITS)
