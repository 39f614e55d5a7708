"""Precedents: the training reactions of USPTO-50k as fingerprints, reactants and retro-templates, indexed once and mapped."""

from __future__ import annotations

import csv
import functools
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock

from benchmate.runtime.errors import StorageError
from benchmate.tools import datasets
from benchmate.tools.chemistry.parsing import quiet_rdkit

DATASET = "uspto50k"
SOURCE = (
    "USPTO-50k, training split (Lowe 2012; Schneider, Stiefl, Landrum, J. Chem. Inf. Model. 2016, 56, 2336)"
)
VERSION = "index-2"  # raise it when the form of the index changes
BITS = 2048
_TEXTS = ("products", "reactants", "templates", "ids")


class Precedent(NamedTuple):
    """One reaction: canonical SMILES of the product and of the reactants, its retro-template and the patent it is from."""

    row: int
    id: str
    product: str
    reactants: str
    template: str


class Precedents:
    """The index, mapped from files: memory is shared with every process that maps it."""

    def __init__(self, place: Path) -> None:
        import numpy as np

        self._product_bits: Any = np.load(place / "product_bits.npy", mmap_mode="r")
        self._counts: Any = np.load(place / "product_counts.npy")
        self.reactant_bits: Any = np.load(place / "reactant_bits.npy", mmap_mode="r")
        self._texts = {name: np.load(place / f"{name}.npy", mmap_mode="r") for name in _TEXTS}
        self._ends = {name: np.load(place / f"{name}_ends.npy", mmap_mode="r") for name in _TEXTS}

    def __len__(self) -> int:
        return len(self._counts)

    def __getitem__(self, row: int) -> Precedent:
        return Precedent(
            row, *(self._text(name, row) for name in ("ids", "products", "reactants", "templates"))
        )

    def nearest(self, bits: Any, count: int) -> list[tuple[int, float]]:
        """Return (row, Tanimoto similarity) of the `count` nearest products, nearest first."""
        import numpy as np

        both = np.bitwise_count(self._product_bits & bits).sum(axis=1, dtype=np.int32)
        either = self._counts + int(np.bitwise_count(bits).sum()) - both
        similarity = both / np.maximum(either, 1)
        count = min(count, len(similarity))
        best = np.argpartition(-similarity, count - 1)[:count]
        best = best[np.lexsort((best, -similarity[best]))]
        return [(int(row), float(similarity[row])) for row in best]

    def _text(self, name: str, row: int) -> str:
        ends = self._ends[name]
        start = int(ends[row - 1]) if row else 0
        return bytes(self._texts[name][start : int(ends[row])]).decode()


def load(cache_dir: Path) -> Precedents | None:
    """Return the precedents, or None where the data set is not fetched. Indexes it first where that was not done."""
    if datasets.state(DATASET, cache_dir) != "here":
        return None
    return _loaded(datasets.folder(DATASET, cache_dir))


def fingerprint(mol: Any) -> Any:
    """Return the Morgan fingerprint of radius 2 as 32 words of 64 bits."""
    import numpy as np

    return np.packbits(_generator().GetFingerprintAsNumPy(mol)).view(np.uint64)


def tanimoto(a: Any, b: Any) -> float:
    """Return the Tanimoto similarity of two fingerprints."""
    import numpy as np

    both = int(np.bitwise_count(a & b).sum())
    either = int(np.bitwise_count(a | b).sum())
    return both / either if either else 0.0


def rows(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a split. Raises StorageError (`dataset_damaged`) for a file of another form."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, delimiter="\t")
        if not {"RxnSmilesClean", "RetroTemplate", "id"} <= set(reader.fieldnames or ()):
            raise StorageError(
                "dataset_damaged", f"{path} lacks its columns", hint=f"remove it and run `{datasets.command(DATASET)}`"
            )  # fmt: skip
        yield from reader


def plain_sides(mapped: str) -> tuple[str, str] | None:
    """Return canonical SMILES of reactants and product without atom maps, or None where RDKit cannot read one."""
    from rdkit import Chem

    sides = []
    for side in mapped.split(">>"):
        mol: Any = Chem.MolFromSmiles(side)
        if mol is None:
            return None
        for atom in mol.GetAtoms():
            atom.SetAtomMapNum(0)
        sides.append(Chem.MolToSmiles(mol))
    return sides[0], sides[1]


def prepare(place: Path) -> None:
    """Index the data set in `place` unless that is done. One process does it; others wait."""
    _prepared(place)


def _prepared(place: Path) -> Path:
    done = place / f"{VERSION}-{_size_key(place)}"
    if not done.is_dir():
        with FileLock(place / "index.lock"):
            if not done.is_dir():
                _build(place, done)
    return done


def _size_key(place: Path) -> str:
    """Return a short key of the file that was indexed, so that another file gets another index."""
    size = (place / "train.tsv").stat().st_size
    return hashlib.sha256(f"{size}".encode()).hexdigest()[:8]


@functools.lru_cache(maxsize=2)
def _loaded(place: Path) -> Precedents:
    return Precedents(_prepared(place))


def _build(place: Path, done: Path) -> None:
    import numpy as np
    from rdkit import Chem

    texts: dict[str, list[bytes]] = {name: [] for name in _TEXTS}
    products, reactants = [], []
    with quiet_rdkit():
        for row in rows(place / "train.tsv"):
            sides = plain_sides(row["RxnSmilesClean"])
            if sides is None:
                continue
            # maps at stereocentres can change what a fingerprint sees: it is taken from the plain SMILES
            left, right = (Chem.MolFromSmiles(side) for side in sides)
            reactants.append(fingerprint(left))
            products.append(fingerprint(right))
            for name, text in zip(_TEXTS, (sides[1], sides[0], row["RetroTemplate"], row["id"]), strict=True):
                texts[name].append(text.encode())
    for left_over in place.glob(".index-*"):  # by a process that was killed: we hold the lock
        shutil.rmtree(left_over)
    scratch = Path(tempfile.mkdtemp(dir=place, prefix=".index-"))
    bits = np.array(products)
    np.save(scratch / "product_bits.npy", bits)
    np.save(scratch / "product_counts.npy", np.bitwise_count(bits).sum(axis=1, dtype=np.int32))
    np.save(scratch / "reactant_bits.npy", np.array(reactants))
    for name, parts in texts.items():
        np.save(scratch / f"{name}.npy", np.frombuffer(b"".join(parts), dtype=np.uint8))
        np.save(scratch / f"{name}_ends.npy", np.cumsum([len(part) for part in parts], dtype=np.int64))
    scratch.chmod(0o755)  # a shared cache is read by others
    os.replace(scratch, done)


@functools.cache
def _generator() -> Any:
    from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

    return GetMorganGenerator(radius=2, fpSize=BITS)
