"""Powder diffraction patterns of crystals, by kinematic theory."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Said, Unit
from benchmate.tools.base import Source, ToolContext, ToolResult, tool
from benchmate.tools.file_kinds import CRYSTALS
from benchmate.tools.files import DataFile
from benchmate.tools.materials.structures import Prototype, notes_of_pymatgen, pymatgen_name, read_crystal
from benchmate.tools.plots import Mark, Panel, Series, save_plot

if TYPE_CHECKING:
    from pymatgen.core import Structure

Radiation = Annotated[Literal[
    "CuKa1",
    "CuKa",
    "CuKa2",
    "CuKb1",
    "MoKa1",
    "MoKa",
    "CoKa1",
    "CoKa",
    "FeKa1",
    "FeKa",
    "CrKa1",
    "CrKa",
    "AgKa1",
    "AgKa",
], Said({
    f"{symbol}K{line}": ", ".join(
        f"{symbol}{gap}K{written}" for gap in ("", " ") for written in (line, line.replace("a", "α").replace("b", "β"), f"-alpha{line[1:]}")
    ) + ("" if line != "a" or symbol == "Cu" else f", {symbol} radiation, {metal}")
    for symbol, metal in (("Cu", "copper"), ("Mo", "molybdenum"), ("Co", "cobalt"), ("Fe", "iron"), ("Cr", "chromium"), ("Ag", "silver"))
    for line in (("a1", "a", "a2", "b1") if symbol == "Cu" else ("a1", "a"))
})]  # fmt: skip
# angstrom; K-alpha is the average of the doublet weighted 2:1 (International Tables C, 4.2.2; Hölzer et al. 1997 for Cu Kα1).
WAVELENGTHS: dict[str, float] = {
    "CuKa1": 1.5406, "CuKa": 1.5418, "CuKa2": 1.5444, "CuKb1": 1.3922, "MoKa1": 0.7093, "MoKa": 0.7107, "CoKa1": 1.7890, "CoKa": 1.7903,
    "FeKa1": 1.9360, "FeKa": 1.9374, "CrKa1": 2.2897, "CrKa": 2.2910, "AgKa1": 0.5594, "AgKa": 0.5609,
}  # fmt: skip
SHOWN, LISTED = 25, 300
MAX_REFLECTIONS = 60_000  # lattice points inside the sphere that the range reaches
METHOD = "kinematic theory: |F|², multiplicity, Lorentz-polarization factor; neutral atoms, no thermal motion, no preferred orientation"
REFERENCE = (
    "De Graef & McHenry, Structure of Materials (2012); Ong et al. 2013, doi:10.1016/j.commatsci.2012.10.028"
)


@tool(
    domain="materials",
    files=CRYSTALS,
    extra="materials",
    properties={
        "two_theta": "diffraction angle, 2theta, two theta, 2θ, 2-theta, peak position, reflection angle",
        "d_spacing": "d spacing, lattice spacing, interplanar distance, d",
        "relative_intensity": "relative intensity, intensity, peak intensity",
        "strongest_peak": "position of the strongest peak, strongest reflection, strongest peak, most intense reflection",
        "input_wavelength": "wavelength",
    },
    examples=(
        "2-theta of Si (111) with Cu K-alpha1 (1.5406 A), a = 5.431 A?",
        "Simulate the XRD pattern of NaCl, a = 5.64 angstrom",
        "Powder diffraction peaks of LiFePO4.cif with Mo Ka",
        "Where is the strongest reflection of fcc Cu with a = 3.615 A?",
        "d spacings and intensities of CeO2, a 5.411, Cu radiation",
        "XRD of structure.cif from 10 to 60 degrees",
    ),
    example={"formula": "Si", "a": 5.431, "reflection": "111"},
)
def simulate_xrd(
    context: ToolContext,
    file: DataFile | None = None,
    formula: str | None = None,
    prototype: Prototype | None = None,
    a: Annotated[
        float | None,
        Unit("angstrom", "a, lattice parameter, lattice constant, cell parameter"),
        Field(gt=0, le=1000),
    ] = None,
    c: Annotated[float | None, Unit("angstrom", "c"), Field(gt=0, le=1000)] = None,
    radiation: Radiation = "CuKa1",
    wavelength: Annotated[
        float | None,
        Unit("angstrom", "wavelength, λ, lambda, K-alpha1, Kalpha1, Ka1, Kα1, radiation"),
        Field(ge=0.1, le=5),
    ] = None,
    two_theta_min: Annotated[float, Unit("degree", "from, two theta from"), Field(ge=0, lt=180)] = 5.0,
    two_theta_max: Annotated[float, Unit("degree", "to, two theta to, up to"), Field(gt=0, lt=180)] = 90.0,
    reflection: str | None = None,
) -> ToolResult:
    """Simulate a powder X-ray diffraction pattern: 2θ, hkl, d and relative intensity of each reflection.

    The radiation is Cu Kα1 (1.5406 Å) unless said; a laboratory doublet without monochromator is CuKa, its average
    1.5418 Å, which lies 0.02 to 0.1° higher. The structure is a CIF, POSCAR or JSON file, or a formula with structure type and
    lattice parameters.

    Raises InvalidInput: `bad_range`, `bad_reflection`, `no_reflection`, `no_peaks`, `too_large`, and what reading a
    structure raises (`underspecified`, `no_prototype`, `bad_file`, …).

    Args:
        file: The structure.
        formula: The formula, cation first, in place of a file.
        prototype: The structure type of the formula; known for common elements and binaries.
        a: Lattice parameter a.
        c: Lattice parameter c of hexagonal types.
        radiation: The X-ray line.
        wavelength: The wavelength, in place of a line.
        two_theta_min: Where the pattern begins.
        two_theta_max: Where the pattern ends.
        reflection: One reflection that is asked for, as in '111' or '1 0 -4'.
    """
    from pymatgen.analysis.diffraction.xrd import XRDCalculator

    if two_theta_max <= two_theta_min:
        raise InvalidInput(
            "bad_range", f"the pattern ends at {two_theta_max:g}°, before it begins at {two_theta_min:g}°"
        )
    wanted = _indices(reflection) if reflection else None
    crystal = read_crystal(file, formula, prototype, a, c)
    length = wavelength or WAVELENGTHS[radiation]
    reach = 2 * math.sin(math.radians(two_theta_max / 2)) / length
    points = 4 / 3 * math.pi * reach**3 * crystal.structure.volume
    if points > MAX_REFLECTIONS:
        raise InvalidInput(
            "too_large", f"a cell of {crystal.structure.volume:.0f} cubic angstrom has {points:.2g} reflections up to {two_theta_max:g}°; the limit is {MAX_REFLECTIONS:g}",
            hint="lower two_theta_max, or take a longer wavelength",
        )  # fmt: skip
    line = f"{length:g} angstrom" if wavelength else f"{radiation}, {length:g} angstrom"
    cell, notes = _conventional(crystal.structure)
    try:
        with notes_of_pymatgen() as told:
            pattern = XRDCalculator(wavelength=length).get_pattern(
                cell, two_theta_range=(two_theta_min, two_theta_max)
            )
    except ValueError as error:  # pymatgen unpacks an empty list of reflections
        if "unpack" not in str(error):
            raise
        raise InvalidInput(
            "no_peaks", f"no reflection lies between {two_theta_min:g}° and {two_theta_max:g}° at {length:g} angstrom",
            hint="widen the range, or check the lattice parameter",
        ) from None  # fmt: skip
    peaks = _peaks(pattern)
    warnings = [*crystal.notes, *notes, *told]
    if wavelength and abs(wavelength - 1.5418) < 0.0005 and radiation == "CuKa1":
        warnings.append("1.5418 angstrom is the average of Cu Kα1 and Kα2")
    conditions = {"structure": crystal.label, "radiation": line}

    def quantity(name: str, value: float, unit: str, peak: dict[str, Any]) -> Quantity:
        return Quantity(
            value=value,
            unit=unit,
            property=name,
            method=METHOD,
            conditions={**conditions, "hkl": " ".join(map(str, peak["hkl"]))},
        )

    strongest = max(peaks, key=lambda peak: peak["intensity"])
    quantities = {"strongest_peak": quantity("strongest_peak", strongest["two_theta"], "degree", strongest)}
    chosen = _strongest(peaks, SHOWN)
    if wanted is not None:
        chosen = [_the_one(peaks, wanted, crystal.label)]
        if _distinct(chosen[0]):
            warnings.append(f"other planes reflect at the same angle: {', '.join(_distinct(chosen[0]))}")
    for peak in chosen:
        name = "".join(str(abs(i)) + ("-" if i < 0 else "") for i in peak["hkl"])
        quantities[f"two_theta_{name}"] = quantity("two_theta", peak["two_theta"], "degree", peak)
        quantities[f"d_{name}"] = quantity("d_spacing", peak["d"], "angstrom", peak)
        quantities[f"intensity_{name}"] = quantity("relative_intensity", peak["intensity"], "percent", peak)
    if wanted is None and len(peaks) > SHOWN:
        warnings.append(
            f"the {SHOWN} strongest of {len(peaks)} reflections are quantities; more are in the data, all in the plot's table"
        )
    quantities["wavelength"] = Quantity(
        value=length,
        unit="angstrom",
        property="input_wavelength",
        method="as given" if wavelength else radiation,
    )
    return ToolResult(
        data={"peaks": _strongest(peaks, LISTED), "radiation": line, "range_degree": [two_theta_min, two_theta_max], "formula": crystal.structure.composition.reduced_formula},
        quantities=quantities,
        artifacts=save_plot(context, f"Powder X-ray diffraction of {crystal.label}, {line}", [_panel(peaks)], name="xrd"),
        source=Source(kind="computed", name=pymatgen_name(), reference=REFERENCE),
        warnings=tuple(dict.fromkeys(warnings)),
    )  # fmt: skip


def _conventional(structure: Structure) -> tuple[Structure, list[str]]:
    """Return the conventional cell, so that hkl are the usual ones, with a note where the cell was changed."""
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer, SymmetryUndeterminedError

    try:
        with notes_of_pymatgen():
            cell = SpacegroupAnalyzer(structure, symprec=0.01).get_conventional_standard_structure()
    except SymmetryUndeterminedError:
        return structure, ["no symmetry was found: hkl refer to the cell as given"]
    same = abs(cell.volume - structure.volume) < 1e-3 * structure.volume and all(
        abs(x - y) < 1e-3 for x, y in zip(cell.lattice.parameters, structure.lattice.parameters, strict=True)
    )
    return (
        (structure, [])
        if same
        else (
            cell,
            ["hkl refer to the conventional cell (standard setting of pymatgen), not to the one of the file"],
        )
    )


def _peaks(pattern: Any) -> list[dict[str, Any]]:
    found = []
    for angle, intensity, planes, d in zip(pattern.x, pattern.y, pattern.hkls, pattern.d_hkls, strict=True):
        families = [_three(plane["hkl"]) for plane in planes]
        found.append({
            "two_theta": round(float(angle), 4), "hkl": families[0], "families": families, "d": round(float(d), 5),
            "intensity": round(float(intensity), 3), "multiplicity": sum(int(plane["multiplicity"]) for plane in planes),
        })  # fmt: skip
    return found


def _strongest(peaks: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """Return the strongest peaks in the order of their angles."""
    return sorted(sorted(peaks, key=lambda p: -p["intensity"])[:count], key=lambda p: p["two_theta"])


def _three(hkl: Any) -> list[int]:
    """Return h, k, l; of the four indices of hexagonal lattices the third is left out."""
    numbers = [int(i) for i in hkl]
    return numbers if len(numbers) == 3 else [numbers[0], numbers[1], numbers[3]]


def _indices(text: str) -> tuple[int, int, int]:
    plain = text.strip().strip("()[]{}").replace("−", "-")
    found = re.findall(r"-?\d+", plain) if re.search(r"[\s,;]", plain) else re.findall(r"-?\d", plain)
    if not re.fullmatch(r"[-\d\s,;]+", plain) or len(found) not in (3, 4):
        raise InvalidInput("bad_reflection", f"{text!r} is no hkl", hint="write '111' or '1 0 -4'")
    numbers = [int(i) for i in found]
    if len(numbers) == 4:
        if numbers[0] + numbers[1] + numbers[2]:
            raise InvalidInput(
                "bad_reflection", f"{text!r}: of hkil, i is -(h + k)", hint="write three indices"
            )
        numbers.pop(2)
    if not any(numbers):
        raise InvalidInput("bad_reflection", "0 0 0 is no reflection", hint="write '111'")
    return numbers[0], numbers[1], numbers[2]


def _the_one(peaks: list[dict[str, Any]], wanted: tuple[int, int, int], label: str) -> dict[str, Any]:
    """Return the peak of a reflection, of its own indices or of equivalent ones (permuted, with other signs)."""
    kin = sorted(map(abs, wanted))
    exact = [p for p in peaks if list(wanted) in p["families"]]
    related = exact or [p for p in peaks if any(sorted(map(abs, f)) == kin for f in p["families"])]
    if len(related) != 1:
        near = ", ".join("".join(map(str, p["hkl"])) for p in peaks[:8])
        raise InvalidInput(
            "no_reflection", f"{label} has no one reflection {''.join(map(str, wanted))} in the range: it is extinct, out of range or split",
            hint=f"the first reflections are {near}",
        )  # fmt: skip
    return {**related[0], "hkl": list(wanted)}


def _distinct(peak: dict[str, Any]) -> list[str]:
    kin = sorted(map(abs, peak["hkl"]))
    return ["".join(map(str, f)) for f in peak["families"] if sorted(map(abs, f)) != kin]


def _panel(peaks: list[dict[str, Any]]) -> Panel:
    strong = sorted(peaks, key=lambda p: -p["intensity"])[:6]
    return Panel(
        x_label="2θ", x_unit="degree", y_label="relative intensity", y_unit="percent",
        series=[Series(label="", x=[p["two_theta"] for p in peaks], y=[p["intensity"] for p in peaks], style="sticks")],
        marks=[Mark(x=p["two_theta"], label=" ".join(map(str, p["hkl"]))) for p in strong],
    )  # fmt: skip
