"""Crystal structures as tools get them: from a CIF, POSCAR or JSON file, or from a structure type and its lattice parameters."""

from __future__ import annotations

import contextlib
import json
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.arguments import Said
from benchmate.tools.chemistry.formulas import hill_formula, parse_species
from benchmate.tools.files import DataFile

if TYPE_CHECKING:
    from pymatgen.core import Structure

Prototype = Annotated[Literal[
    "fcc", "bcc", "hcp", "sc", "diamond", "rocksalt", "cesium_chloride", "zincblende", "wurtzite", "fluorite", "antifluorite", "perovskite", "auricupride"
], Said({
    "fcc": "face-centred cubic, face-centered cubic, cubic close-packed, copper type, Cu type", "bcc": "body-centred cubic, body-centered cubic",
    "hcp": "hexagonal close-packed", "sc": "simple cubic, primitive cubic", "diamond": "diamond cubic, diamond type",
    "rocksalt": "rock salt, NaCl type, sodium chloride type, halite", "cesium_chloride": "caesium chloride type, cesium chloride type, CsCl type",
    "zincblende": "zinc blende, sphalerite", "fluorite": "CaF2 type", "perovskite": "CaTiO3 type", "auricupride": "Cu3Au type, AuCu3 type",
})]  # fmt: skip
MAX_BYTES, MAX_SITES = 5_000_000, 2000


@dataclass(frozen=True)
class StructureType:
    """A structure type: space group, sites by element (position in the formula) and how many atoms the formula has."""

    space_group: str
    sites: tuple[tuple[int, tuple[float, float, float]], ...]
    counts: tuple[int, ...]
    hexagonal: bool = False


# Positions: International Tables for Crystallography A; wurtzite with the ideal u = 3/8.
TYPES: dict[Prototype, StructureType] = {
    "fcc": StructureType("Fm-3m", ((0, (0, 0, 0)),), (1,)),
    "bcc": StructureType("Im-3m", ((0, (0, 0, 0)),), (1,)),
    "sc": StructureType("Pm-3m", ((0, (0, 0, 0)),), (1,)),
    "hcp": StructureType("P6_3/mmc", ((0, (1 / 3, 2 / 3, 1 / 4)),), (1,), hexagonal=True),
    "diamond": StructureType("Fd-3m", ((0, (0, 0, 0)),), (1,)),
    "rocksalt": StructureType("Fm-3m", ((0, (0, 0, 0)), (1, (0.5, 0.5, 0.5))), (1, 1)),
    "cesium_chloride": StructureType("Pm-3m", ((0, (0, 0, 0)), (1, (0.5, 0.5, 0.5))), (1, 1)),
    "zincblende": StructureType("F-43m", ((0, (0, 0, 0)), (1, (0.25, 0.25, 0.25))), (1, 1)),
    "wurtzite": StructureType("P6_3mc", ((0, (1 / 3, 2 / 3, 0)), (1, (1 / 3, 2 / 3, 3 / 8))), (1, 1), hexagonal=True),
    "fluorite": StructureType("Fm-3m", ((0, (0, 0, 0)), (1, (0.25, 0.25, 0.25))), (1, 2)),
    "antifluorite": StructureType("Fm-3m", ((0, (0.25, 0.25, 0.25)), (1, (0, 0, 0))), (2, 1)),
    "auricupride": StructureType("Pm-3m", ((0, (0, 0.5, 0.5)), (1, (0, 0, 0))), (3, 1)),
    "perovskite": StructureType("Pm-3m", ((0, (0, 0, 0)), (1, (0.5, 0.5, 0.5)), (2, (0.5, 0.5, 0))), (1, 1, 3)),
}  # fmt: skip
# What a formula crystallizes in at room conditions (Wyckoff, Crystal Structures), where one type is meant without saying so.
_USUAL: dict[Prototype, str] = {
    "fcc": "Cu Ag Au Al Ni Pd Pt Pb Rh Ir Ca Sr Ce Yb Ne Ar Kr Xe", "bcc": "Fe Cr Mo W V Nb Ta Li Na K Rb Cs Ba",
    "hcp": "Mg Ti Zr Co Re Ru Os Be Sc Y Hf Zn Cd", "diamond": "Si Ge",
    "rocksalt": "LiF LiCl LiBr NaF NaCl NaBr NaI KF KCl KBr KI RbCl RbBr RbI AgCl AgBr MgO CaO SrO BaO NiO CoO MnO FeO TiN TiC VN PbS PbSe PbTe MgS CaS",
    "cesium_chloride": "CsCl CsBr CsI NiAl", "zincblende": "GaAs GaP GaSb InP InAs InSb AlAs AlP ZnSe ZnTe CdTe CuCl",
    "wurtzite": "ZnO GaN AlN InN BeO", "fluorite": "CaF2 SrF2 BaF2 CeO2 UO2 ThO2", "antifluorite": "Li2O Na2O K2O Li2S Na2S",
    "auricupride": "Cu3Au Ni3Al Pt3Al Cu3Pd", "perovskite": "SrTiO3 BaZrO3 KTaO3 KMgF3",
}  # fmt: skip
USUAL: dict[str, Prototype] = {formula: name for name, listed in _USUAL.items() for formula in listed.split()}


@dataclass(frozen=True)
class Crystal:
    """A structure with what is said of it and where it comes from."""

    structure: Structure
    label: str
    origin: str
    notes: tuple[str, ...] = ()


@contextlib.contextmanager
def notes_of_pymatgen() -> Iterator[list[str]]:
    """Collect what pymatgen and spglib warn of, without their own deprecations."""
    collected: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield collected
    shown = [
        str(w.message)
        for w in caught
        if not issubclass(w.category, (DeprecationWarning, FutureWarning, PendingDeprecationWarning))
    ]
    collected += dict.fromkeys(
        " ".join(text.split())[:300] for text in shown if not text.startswith("Issues encountered")
    )


def read_crystal(
    file: DataFile | None, formula: str | None, prototype: Prototype | None, a: float | None, c: float | None
) -> Crystal:
    """Return the crystal of a file, or of a formula, its structure type and lattice parameters in angstrom.

    Raises InvalidInput: `underspecified`, `overspecified`, `bad_file`, `too_large`, `wrong_prototype`,
    `no_prototype`, `lattice_needed`, and what reading a formula raises.
    """
    if file is not None:
        extra = [
            n
            for n, v in (("formula", formula), ("prototype", prototype), ("a", a), ("c", c))
            if v is not None
        ]
        if extra:
            raise InvalidInput(
                "overspecified",
                f"the file {file.name} says the structure; {', '.join(extra)} was given too",
                hint="give one",
            )
        return _from_file(file)
    if formula is None:
        raise InvalidInput(
            "underspecified",
            "no structure is given",
            hint="give a CIF or POSCAR file, or a formula with a lattice parameter",
        )
    return _from_type(formula, prototype, a, c)


def _from_file(file: DataFile) -> Crystal:
    from pymatgen.core import Structure
    from pymatgen.io.cif import CifParser
    from pymatgen.io.vasp import Poscar

    if file.size > MAX_BYTES:
        raise InvalidInput(
            "too_large", f"{file.name} is larger than {MAX_BYTES // 1_000_000} MB", hint="give one structure"
        )
    text = file.text()
    kind = _kind(file, text)
    try:
        with notes_of_pymatgen() as notes:
            if kind == "CIF":
                found = CifParser.from_str(text, occupancy_tolerance=1.001).parse_structures(primitive=False)
                structure = found[0] if found else None
                if len(found) > 1:
                    notes.append(f"the file holds {len(found)} structures; the first was taken")
            elif kind == "POSCAR":
                structure = Poscar.from_str(text).structure
            else:
                structure = Structure.from_dict(json.loads(text))
    except (
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
        AssertionError,
        ZeroDivisionError,
    ) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise file.bad(
            f"cannot be read as {kind}: {reason}", hint="CIF, POSCAR and pymatgen JSON are read"
        ) from None
    if structure is None or not len(structure):
        raise file.bad("holds no structure")
    if len(structure) > MAX_SITES:
        raise InvalidInput(
            "too_large", f"{file.name} has {len(structure)} sites in the cell; the limit is {MAX_SITES}"
        )
    if structure.volume < 1:
        raise file.bad(
            f"has a cell of {structure.volume:.3g} cubic angstrom",
            hint="check the unit of the lattice parameters",
        )
    return Crystal(structure, file.name, kind, tuple(notes))


def _kind(file: DataFile, text: str) -> str:
    name = file.name.lower()
    if file.suffix == ".cif" or re.search(r"^\s*data_|^_cell_length_a", text, re.M):
        return "CIF"
    if file.suffix == ".json" or text.lstrip().startswith("{"):
        return "JSON"
    if file.suffix in (".vasp", ".poscar") or "poscar" in name or "contcar" in name:
        return "POSCAR"
    if file.suffix in (".xyz", ".pdb", ".mol", ".sdf"):
        raise file.bad("has no unit cell", hint="give a CIF or POSCAR file")
    return "POSCAR"


def _from_type(formula: str, prototype: Prototype | None, a: float | None, c: float | None) -> Crystal:
    from pymatgen.core import Lattice, Structure

    elements, notes = read_formula(formula)
    plain = "".join(f"{s}{n if n > 1 else ''}" for s, n in elements.items())
    usual = next((t for known, t in USUAL.items() if parse_species(known).atoms == elements), None)
    chosen = prototype or usual
    if chosen is None:
        raise InvalidInput(
            "no_prototype", f"the structure type of {formula} is not known here",
            hint=f"give prototype: {', '.join(TYPES)}; or a CIF file",
        )  # fmt: skip
    if prototype is None:
        notes.append(f"{plain} was taken as {chosen}")
    kind = TYPES[chosen]
    if tuple(elements.values()) != kind.counts:
        order = sorted(elements, key=lambda s: list(elements).index(s))
        wanted = ":".join(map(str, kind.counts))
        raise InvalidInput(
            "wrong_prototype", f"{chosen} holds elements in the ratio {wanted}, and {formula} has {':'.join(str(elements[s]) for s in order)}",
            hint="write the formula with the cation first, or choose another type",
        )  # fmt: skip
    if a is None:
        raise InvalidInput(
            "lattice_needed", f"{chosen} {formula} needs its lattice parameter a", hint="give a in angstrom"
        )
    height = c if c is not None else a * (8 / 3) ** 0.5
    if kind.hexagonal and c is None:
        notes.append(f"c was taken as {height:.4f} angstrom, the ideal ratio to a")
    if not kind.hexagonal and c is not None and abs(c - a) > 1e-6:
        raise InvalidInput(
            "wrong_prototype", f"{chosen} is cubic: c = {c:g} is not a = {a:g}", hint="leave c out"
        )
    lattice = Lattice.hexagonal(a, height) if kind.hexagonal else Lattice.cubic(a)
    symbols = list(elements)
    structure = Structure.from_spacegroup(
        kind.space_group, lattice, [symbols[i] for i, _ in kind.sites], [list(p) for _, p in kind.sites]
    )
    return Crystal(
        structure, f"{formula} ({chosen.replace('_', ' ')})", f"structure type {chosen}", tuple(notes)
    )


def read_formula(formula: str) -> tuple[dict[str, int], list[str]]:
    """Return the atoms of a formula unit in the order written, reduced to lowest terms, with notes.

    Raises InvalidInput: `not_a_formula`, `unknown_element`, `not_neutral`.
    """
    import math

    species = parse_species(formula)
    if species.charge:
        raise InvalidInput(
            "not_neutral",
            f"{formula} is an ion; a crystal is neutral",
            hint="write the formula of the compound",
        )
    divisor = math.gcd(*species.atoms.values())
    atoms = {symbol: count // divisor for symbol, count in species.atoms.items()}
    notes = [f"{formula} was reduced to {hill_formula(atoms)}"] if divisor > 1 else []
    return atoms, [*species.warnings, *notes]


def pymatgen_name() -> str:
    """Return the name and version of the library."""
    from importlib.metadata import version

    return f"pymatgen {version('pymatgen')}"
