"""GFN-xTB by tblite: molecules in three dimensions, single points and geometry optimization in vacuum."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import convert
from benchmate.tools.chemistry.compounds import Compound
from benchmate.tools.chemistry.parsing import quiet_rdkit

if TYPE_CHECKING:
    import numpy as np
    from rdkit.Chem import Mol

Method = Literal["GFN2-xTB", "GFN1-xTB"]
REFERENCES: dict[Method, str] = {
    "GFN2-xTB": "Bannwarth et al. 2019, doi:10.1021/acs.jctc.8b01176",
    "GFN1-xTB": "Grimme et al. 2017, doi:10.1021/acs.jctc.7b00118",
}
MAX_ATOMS = 150
LAST_ELEMENT = 86  # radon: the parametrization ends there
MAX_CYCLES = 250
MAX_STEPS = 500
FLAT = 3e-4  # hartree/bohr, the largest gradient component of a converged geometry
NEARLY_FLAT = 1e-3  # where the line search stops at the numerical noise of the energy
CLOSEST = 0.3  # angstrom, below which two atoms are taken to be one by mistake
_LINE = re.compile(r"\s*([A-Za-z]{1,2}|\d{1,3})((?:\s+[-+]?\d*\.?\d+(?:[eEdD][-+]?\d+)?){3})(?:\s.*)?")


@dataclass(frozen=True)
class Geometry:
    """Atoms in space: element symbols and positions in angstrom [atoms, 3]."""

    symbols: tuple[str, ...]
    positions: np.ndarray[Any, Any]

    @property
    def numbers(self) -> list[int]:
        """Atomic numbers. Raises InvalidInput (`unknown_element`)."""
        from rdkit.Chem import GetPeriodicTable

        return [GetPeriodicTable().GetAtomicNumber(symbol) for symbol in self.symbols]

    def xyz(self, comment: str) -> str:
        """Return the geometry as the text of an XYZ file."""
        rows = [
            f"{symbol:<2} {x:14.6f} {y:14.6f} {z:14.6f}"
            for symbol, (x, y, z) in zip(self.symbols, self.positions, strict=True)
        ]
        return "\n".join([str(len(rows)), " ".join(comment.split()), *rows, ""])


@dataclass(frozen=True)
class Calculation:
    """What a calculation gave: atomic units, except the geometry."""

    geometry: Geometry
    energy: float
    gradient: np.ndarray[Any, Any]
    dipole: np.ndarray[Any, Any]
    charges: np.ndarray[Any, Any]
    orbital_energies: np.ndarray[Any, Any]
    occupations: np.ndarray[Any, Any]
    unpaired: int
    steps: int = 0

    @property
    def frontier(self) -> tuple[float, float | None]:
        """Energies of the highest orbital that the ground configuration fills (if only singly) and the next, in hartree.

        Counted from the electrons, since the occupations of near-degenerate orbitals are smeared (300 K).
        """
        highest = round((float(self.occupations.sum()) + self.unpaired) / 2) - 1
        above = self.orbital_energies[highest + 1 : highest + 2]
        return float(self.orbital_energies[highest]), float(above[0]) if len(above) else None


def read_xyz(text: str) -> Geometry:
    """Return the first geometry of an XYZ text: number of atoms, comment, then symbol and x y z in angstrom.

    Raises InvalidInput: `bad_xyz`, `too_large`, `unknown_element`.
    """
    import numpy as np
    from rdkit.Chem import GetPeriodicTable

    lines = text.strip("\n").splitlines()
    if not lines or not re.fullmatch(r"\s*\d+\s*", lines[0]):
        raise InvalidInput(
            "bad_xyz",
            "an XYZ text begins with the number of atoms",
            hint="then a comment line, then the atoms",
        )
    count = int(lines[0])
    check_size(count)
    atoms = lines[2 : 2 + count]
    if count == 0 or len(atoms) < count:
        raise InvalidInput("bad_xyz", f"the XYZ text says {count} atoms and has {len(atoms)} lines of them")
    table = GetPeriodicTable()
    symbols, positions = [], []
    for number, line in enumerate(atoms, 3):
        found = _LINE.fullmatch(line)
        if found is None:
            raise InvalidInput(
                "bad_xyz", f"line {number} is no atom: {line[:60]!r}", hint="write 'O 0.0 0.0 0.1173'"
            )
        symbol = found[1].capitalize()
        with quiet_rdkit():
            try:
                symbol = table.GetElementSymbol(int(symbol)) if symbol.isdigit() else symbol
                known = table.GetAtomicNumber(symbol) > 0
            except (RuntimeError, OverflowError):
                known = False
        if not known:
            raise InvalidInput("unknown_element", f"line {number} names {found[1]!r}, which is no element")
        symbols.append(symbol)
        positions.append([float(x.replace("D", "e").replace("d", "e")) for x in found[2].split()])
    return Geometry(tuple(symbols), np.array(positions))


def check_size(atoms: int) -> None:
    """Raise InvalidInput (`too_large`) for more atoms than are computed here."""
    if atoms > MAX_ATOMS:
        raise InvalidInput(
            "too_large", f"the structure has {atoms} atoms, hydrogens counted; the limit is {MAX_ATOMS}",
            hint="cut it to the part of interest, or run xtb itself",
        )  # fmt: skip


def embed(compound: Compound, seed: int, conformers: int) -> tuple[Geometry, Mol]:
    """Return a starting geometry: the lowest by force field of several ETKDGv3 conformers, with its molecule.

    Raises InvalidInput: `too_large`, `several_fragments`, `embedding_failed`.
    """
    from rdkit import Chem
    from rdkit.Chem import rdDistGeom
    from rdkit.Chem import rdForceFieldHelpers as helpers

    if len(compound.components) > 1:
        raise InvalidInput(
            "several_fragments", f"{compound.label} consists of {len(compound.components)} fragments, whose arrangement is open",
            hint="give one of them, or an XYZ structure", details={"fragments": list(compound.components)},
        )  # fmt: skip
    with quiet_rdkit():
        mol = Chem.AddHs(compound.mol())
        check_size(mol.GetNumAtoms())
        parameters: Any = rdDistGeom.ETKDGv3()
        parameters.randomSeed = seed
        parameters.numThreads = 1
        made = list(rdDistGeom.EmbedMultipleConfs(mol, conformers, parameters))
        if not made:
            parameters.useRandomCoords = True
            made = list(rdDistGeom.EmbedMultipleConfs(mol, conformers, parameters))
        if not made:
            raise InvalidInput(
                "embedding_failed", f"no 3D geometry could be made for {compound.label!r}",
                hint="check ring strain and stereochemistry, or give an XYZ structure",
            )  # fmt: skip
        best = made[0]
        if mol.GetNumAtoms() > 2:
            if helpers.MMFFHasAllMoleculeParams(mol):
                energies = [e for _, e in helpers.MMFFOptimizeMoleculeConfs(mol, numThreads=1, maxIters=1000)]
                best = made[min(range(len(made)), key=energies.__getitem__)]
            elif helpers.UFFHasAllMoleculeParams(mol):
                energies = [e for _, e in helpers.UFFOptimizeMoleculeConfs(mol, numThreads=1, maxIters=1000)]
                best = made[min(range(len(made)), key=energies.__getitem__)]
    symbols = tuple(atom.GetSymbol() for atom in mol.GetAtoms())
    positions = mol.GetConformer(best).GetPositions()
    return Geometry(symbols, positions), mol


def check_electrons(geometry: Geometry, charge: int, unpaired: int | None) -> int:
    """Return the number of unpaired electrons (0 where it is not given).

    Raises InvalidInput: `unsupported_element`, `no_electrons`, `open_shell` (an odd number of electrons and nothing
    said), `unpaired_mismatch`.
    """
    beyond = sorted({s for s, z in zip(geometry.symbols, geometry.numbers, strict=True) if z > LAST_ELEMENT})
    if beyond:
        raise InvalidInput(
            "unsupported_element",
            f"GFN-xTB has no parameters for {', '.join(beyond)}",
            hint="it ends at radon",
        )
    electrons = sum(geometry.numbers) - charge
    if electrons <= 0:
        raise InvalidInput("no_electrons", f"a charge of {charge:+d} leaves {electrons} electrons")
    if unpaired is None:
        if electrons % 2:
            raise InvalidInput(
                "open_shell", f"{electrons} electrons at charge {charge:+d} are an odd number: the species is a radical",
                hint="give unpaired=1 (a doublet), or another charge", details={"electrons": electrons},
            )  # fmt: skip
        return 0
    if (electrons - unpaired) % 2 or unpaired > electrons:
        raise InvalidInput(
            "unpaired_mismatch", f"{electrons} electrons at charge {charge:+d} cannot have {unpaired} of them unpaired",
            hint=f"give an {'odd' if electrons % 2 else 'even'} number", details={"electrons": electrons},
        )  # fmt: skip
    return unpaired


class Surface:
    """The energy of a molecule as a function of its geometry, by tblite."""

    def __init__(self, geometry: Geometry, method: Method, charge: int, unpaired: int) -> None:
        import numpy as np
        from tblite.interface import Calculator

        self.geometry, self._unpaired = geometry, unpaired
        self._last: Any = None
        distances = np.linalg.norm(geometry.positions[:, None] - geometry.positions[None], axis=-1)
        close = np.argwhere(np.triu(distances < CLOSEST, 1))
        if len(close):
            a, b = (int(i) for i in close[0])
            raise InvalidInput(
                "atoms_overlap",
                f"atoms {a + 1} and {b + 1} are {distances[a, b]:.2f} angstrom apart",
                hint="check the coordinates and their unit",
            )
        self._calculator = Calculator(
            method,
            np.array(geometry.numbers),
            geometry.positions / convert(1, "bohr", "angstrom"),
            charge=float(charge),
            uhf=unpaired,
        )
        self._calculator.set("verbosity", 0)
        self._calculator.set("max-iter", MAX_CYCLES)

    def at(self, positions: Any) -> Any:
        """Return tblite's result at positions in bohr. Raises InvalidInput (`scf_not_converged`)."""
        from tblite.exceptions import TBLiteRuntimeError
        from threadpoolctl import threadpool_limits

        self._calculator.update(positions)
        try:
            with threadpool_limits(
                1
            ):  # threads that wait for each other cost more than they bring at this size
                self._last = self._calculator.singlepoint(self._last)
        except TBLiteRuntimeError as error:
            raise InvalidInput(
                "scf_not_converged", f"the self-consistent charges did not converge in {MAX_CYCLES} cycles: {error}",
                hint="check geometry, charge and unpaired electrons",
            ) from None  # fmt: skip
        return self._last

    def single_point(self) -> Calculation:
        """Return the calculation at the geometry given."""
        return self._calculation(self.geometry.positions / convert(1, "bohr", "angstrom"), 0)

    def optimize(self) -> Calculation:
        """Return the calculation at the nearest stationary point (L-BFGS-B of SciPy).

        Raises InvalidInput: `geometry_not_converged`, `scf_not_converged`.
        """
        import numpy as np
        from scipy.optimize import minimize

        start = self.geometry.positions / convert(1, "bohr", "angstrom")
        if len(start) == 1:
            return self.single_point()

        def energy(flat: Any) -> tuple[float, Any]:
            result = self.at(flat.reshape(-1, 3))
            return float(result.get("energy")), result.get("gradient").ravel()

        limits = {"maxiter": MAX_STEPS, "gtol": FLAT, "ftol": 1e-13, "maxcor": 20}
        found = minimize(energy, start.ravel(), jac=True, method="L-BFGS-B", options=limits)
        steepest = float(np.abs(found.jac).max())
        if steepest > NEARLY_FLAT:
            raise InvalidInput(
                "geometry_not_converged",
                f"the geometry did not converge in {found.nit} steps: the largest gradient is {steepest:.1e} hartree/bohr",
                hint="try another seed, or start from an XYZ structure", details={"energy": float(found.fun)},
            )  # fmt: skip
        return self._calculation(found.x.reshape(-1, 3), int(found.nit))

    def _calculation(self, positions: Any, steps: int) -> Calculation:
        result = self.at(positions)
        return Calculation(
            geometry=Geometry(self.geometry.symbols, positions * convert(1, "bohr", "angstrom")),
            energy=float(result.get("energy")), gradient=result.get("gradient"), dipole=result.get("dipole"),
            charges=result.get("charges"), orbital_energies=result.get("orbital-energies"),
            occupations=result.get("orbital-occupations"), unpaired=self._unpaired, steps=steps,
        )  # fmt: skip


def tblite_name() -> str:
    """Return the name and version of the library."""
    from importlib.metadata import version

    return f"tblite {version('tblite')}"
