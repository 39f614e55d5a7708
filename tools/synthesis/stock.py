"""What a route may start from: the commodity list, or the user's own; and what it may not, because it is the target in disguise."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from benchmate.tools.chemistry.names import name_table, table_release
from benchmate.tools.chemistry.parsing import inchikey, quiet_rdkit
from benchmate.tools.files import DataFile
from benchmate.tools.synthesis.transform import prepared

MOST_HEAVY_ATOMS = 20  # of a compound of the commodity list that counts as a starting material
MOST_LINES = 200_000
_LARGEST_ION = 5
# What turns into the other by one trivial step; run on a leaf, again and again.
_UNMASKING: dict[str, str] = {
    "ester": "[C;X3:1](=[O:2])([#6,#1:5])[O;X2;H0:3][C;X4]>>[C:1](=[O:2])([*:5])[OH:3]",
    "acid chloride": "[C;X3:1](=[O:2])([#6:5])[Cl,Br,F]>>[C:1](=[O:2])([#6:5])O",
    "anhydride": "[C;X3:1](=[O:2])([#6:5])[O;X2:3]C(=O)[#6]>>[C:1](=[O:2])([#6:5])[OH:3]",
    "Boc-protected form": "[N;X3:1]C(=O)OC([CH3])([CH3])[CH3]>>[N:1]",
    "Cbz-protected form": "[N;X3:1]C(=O)O[CH2]c1ccccc1>>[N:1]",
    "Fmoc-protected form": "[N;X3:1]C(=O)OCC1c2ccccc2-c2ccccc21>>[N:1]",
    "silyl ether": "[#6:2][O;X2:1][Si;X4]>>[#6:2][OH:1]",
    "O-acyl form": "[#6;!$(C=O):2][O;X2;H0:1][C;X3](=O)[#6]>>[#6:2][OH:1]",
    "N-acetyl form": "[N;X3;H1:1]C(=O)[CH3]>>[N;H2:1]",
    "methyl ether": "[c:2][O;X2:1][CH3]>>[c:2][OH:1]",
    "benzyl ether": "[#6:2][O;X2:1][CH2]c1ccccc1>>[#6:2][OH:1]",
    "N-benzyl form": "[N;X3;!$(NC=O):1][CH2]c1ccccc1>>[N:1]",
}
_MOST_UNMASKED = 40


class Stock(NamedTuple):
    """A list of starting materials: what it is called, and how a SMILES is looked up in it."""

    label: str
    note: str
    holds: Callable[[str], bool]


def commodity_stock() -> Stock:
    """Return the list of compounds that the `chemicals` package names, up to 20 heavy atoms."""
    return Stock(
        f"commodity list ({table_release()}, up to {MOST_HEAVY_ATOMS} heavy atoms)",
        "76,000 compounds that have a name and a CAS number; being on it does not say that somebody sells it",
        _is_commodity,
    )


def file_stock(file: DataFile) -> Stock:
    """Return the stock of a file with one SMILES at the start of each line; further columns are ignored.

    Raises InvalidInput (`bad_file`).
    """
    from rdkit import Chem

    known: set[str] = set()
    lines = file.text().splitlines()
    if len(lines) > MOST_LINES:
        raise file.bad(f"has {len(lines)} lines; the limit is {MOST_LINES}")
    unread = []
    with quiet_rdkit():
        for number, line in enumerate(lines, 1):
            first = line.replace(",", " ").replace(";", " ").split()[:1]
            if not first or first[0].startswith("#") or (number == 1 and first[0].lower() == "smiles"):
                continue
            mol: Any = Chem.MolFromSmiles(first[0])
            if mol is None:
                unread.append(number)
            else:
                known |= {Chem.MolToSmiles(mol), flat(Chem.MolToSmiles(mol))}
    if unread:
        raise file.bad(f"line {unread[0]} is not a SMILES ({len(unread)} such lines)")
    if not known:
        raise file.bad("holds no SMILES", hint="one compound a line, its SMILES first")
    return Stock(f"stock of {file.name}", f"{len(lines)} lines", known.__contains__)


@functools.lru_cache(maxsize=20_000)
def flat(smiles: str) -> str:
    """Return the SMILES without stereochemistry."""
    from rdkit import Chem

    mol = Chem.MolFromSmiles(smiles)
    Chem.RemoveStereochemistry(mol)
    return str(Chem.MolToSmiles(mol))


@functools.lru_cache(maxsize=20_000)
def common_name(smiles: str) -> str | None:
    """Return the common name of a compound, where the table of names has it."""
    from rdkit.Chem import MolFromSmiles

    key = inchikey(MolFromSmiles(smiles))
    found = name_table().by_inchikey(key) if key else []
    return found[0].name if found else None


@functools.lru_cache(maxsize=20_000)
def disguise(leaf: str, target: str) -> str | None:
    """Return what of the target a compound is ('ester of the target'), or None. `target` is compared without stereochemistry."""
    from rdkit import Chem

    wanted = flat(target)
    if _neutral(leaf) == _neutral(target):
        return "the target, or a salt or stereoisomer of it"
    seen, todo = {leaf: ""}, [leaf]
    with quiet_rdkit():
        while todo and len(seen) < _MOST_UNMASKED:
            now = todo.pop()
            for what, smarts in _UNMASKING.items():
                for products in prepared(smarts).rxn.RunReactants((Chem.MolFromSmiles(now),)):
                    for product in products:
                        if Chem.SanitizeMol(product, catchErrors=True):
                            continue
                        smiles = Chem.MolToSmiles(product)
                        if Chem.MolFromSmiles(smiles) is None or smiles in seen:
                            continue
                        seen[smiles] = seen[now] or what
                        todo.append(smiles)
                        if wanted in map(flat, smiles.split(".")):
                            return f"{seen[smiles]} of the target"
    return None


@functools.lru_cache(maxsize=20_000)
def _is_commodity(smiles: str) -> bool:
    from rdkit import Chem

    mol = Chem.MolFromSmiles(smiles)
    heavy = mol.GetNumHeavyAtoms()
    if heavy > MOST_HEAVY_ATOMS or any(a.GetNumRadicalElectrons() or a.GetIsotope() for a in mol.GetAtoms()):
        return False
    if Chem.GetFormalCharge(mol) and heavy > _LARGEST_ION:
        return False
    key = inchikey(mol)
    return bool(key and name_table().by_inchikey(key))


@functools.lru_cache(maxsize=20_000)
def _neutral(smiles: str) -> str:
    from rdkit import Chem
    from rdkit.Chem.MolStandardize import rdMolStandardize

    with quiet_rdkit():
        mol = rdMolStandardize.Uncharger().uncharge(Chem.MolFromSmiles(smiles))
    Chem.RemoveStereochemistry(mol)
    return str(Chem.MolToSmiles(mol))
