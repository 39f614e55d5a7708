"""Equations of state: bulk modulus and equilibrium volume from energies at several volumes."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Said, Unit
from benchmate.tools.base import Source, ToolContext, ToolResult, tool
from benchmate.tools.materials.structures import notes_of_pymatgen, pymatgen_name
from benchmate.tools.plots import Panel, Series, save_plot

Model = Literal["birch_murnaghan", "murnaghan", "vinet"]
MODELS: dict[Model, str] = {
    "birch_murnaghan": "Birch 1947, doi:10.1103/PhysRev.71.809",
    "murnaghan": "Murnaghan 1944, doi:10.1073/pnas.30.9.244",
    "vinet": "Vinet et al. 1987, doi:10.1103/PhysRevB.35.1945",
}
NAMES: dict[Model, str] = {"birch_murnaghan": "Birch-Murnaghan", "murnaghan": "Murnaghan", "vinet": "Vinet"}
FEWEST, MOST = 5, 2000  # points; four parameters are fitted
NARROW = 0.02  # relative range of volumes below which the curvature is poorly known


@tool(
    domain="materials",
    extra="materials",
    properties={
        "bulk_modulus": "bulk modulus, B0, incompressibility, compressibility",
        "bulk_modulus_derivative": "pressure derivative of the bulk modulus, B0', B prime",
        "equilibrium_volume": "equilibrium volume, V0, minimum volume",
        "equilibrium_energy": "equilibrium energy, E0, minimum energy",
        "residual": "root mean square residual, fit error, residual",
    },
    examples=(
        "Fit a Birch-Murnaghan equation of state to volumes [10.2, 10.8, 11.4, 12.0, 12.6] and energies [-3.60, -3.70, -3.73, -3.70, -3.62]",
        "Bulk modulus from my E(V) data",
        "What are B0 and V0 of these energies and volumes?",
        "Equation of state fit with Vinet",
        "fit E-V curve and give the bulk modulus in GPa",
    ),
    example={
        "volumes": [14.0, 14.5, 15.0, 15.5, 16.0, 16.5, 17.0, 17.5, 18.0, 18.5],
        "energies": [
            -3.61859,
            -3.66714,
            -3.70148,
            -3.72388,
            -3.7362,
            -3.74,
            -3.7366,
            -3.7271,
            -3.71243,
            -3.69339,
        ],
    },
)
def fit_eos(
    context: ToolContext,
    volumes: Annotated[
        list[float], Unit("angstrom**3", "volumes, V, volume"), Field(min_length=1, max_length=MOST)
    ],
    energies: Annotated[list[float], Unit("eV", "energies, E, energy"), Field(min_length=1, max_length=MOST)],
    model: Annotated[
        Model, Said({"birch_murnaghan": "Birch, BM", "vinet": "Rose-Vinet, universal equation"})
    ] = "birch_murnaghan",
) -> ToolResult:
    """Fit an equation of state to energies at several volumes: bulk modulus, its derivative, equilibrium volume and energy.

    Volumes and energies are of the same cell. The fit is third order; the other models are fitted too, to show how much
    the bulk modulus depends on the choice.

    Raises InvalidInput: `length_mismatch`, `too_few_points`, `bad_volume`, `no_minimum`, `fit_failed`.

    Args:
        volumes: Volumes of the cell.
        energies: Energies of the same cell, one for each volume.
        model: The equation of state.
    """
    points = _checked(volumes, energies)
    xs, ys = [v for v, _ in points], [e for _, e in points]
    fits = {name: fit for name in MODELS if (fit := _fit(xs, ys, name)) is not None}
    if model not in fits:
        raise InvalidInput(
            "fit_failed",
            f"the {NAMES[model]} equation could not be fitted to the {len(points)} points",
            hint="check units and outliers, or try another model",
        )
    best = fits[model]
    warnings = []
    if not min(xs) <= best["v0"] <= max(xs):
        raise InvalidInput(
            "no_minimum", f"the minimum would be at {best['v0']:.4g} cubic angstrom, outside the data ({min(xs):.4g} to {max(xs):.4g})",
            hint="add volumes on both sides of the minimum", details={"v0": best["v0"]},
        )  # fmt: skip
    if max(xs) / min(xs) - 1 < NARROW:
        warnings.append(
            f"the volumes span only {100 * (max(xs) / min(xs) - 1):.1f} %: the derivative of the bulk modulus is uncertain"
        )
    sides = sum(x < best["v0"] for x in xs)
    if min(sides, len(xs) - sides) < 2:
        warnings.append("fewer than two points lie on one side of the minimum")
    if not 1 < best["b1"] < 10:
        warnings.append(f"B0' = {best['b1']:.3g} is outside the 2 to 8 of most solids: check the points")
    others = {name: round(fit["b0"], 3) for name, fit in fits.items()}
    if max(others.values()) - min(others.values()) > 0.03 * best["b0"]:
        warnings.append(
            "the models disagree by more than 3 %: "
            + ", ".join(f"{n} {b:.1f} GPa" for n, b in others.items())
        )
    conditions = {
        "model": NAMES[model],
        "points": str(len(points)),
        "volumes": f"{min(xs):.5g} to {max(xs):.5g} cubic angstrom",
    }

    def quantity(name: str, value: float, unit: str) -> Quantity:
        return Quantity(
            value=value,
            unit=unit,
            property=name,
            method=f"{NAMES[model]} least-squares fit",
            conditions=conditions,
        )

    return ToolResult(
        data={"bulk_modulus_gpa_by_model": others, "points": len(points)},
        quantities={
            "bulk_modulus": quantity("bulk_modulus", best["b0"], "GPa"),
            "bulk_modulus_derivative": quantity("bulk_modulus_derivative", best["b1"], ""),
            "equilibrium_volume": quantity("equilibrium_volume", best["v0"], "angstrom**3"),
            "equilibrium_energy": quantity("equilibrium_energy", best["e0"], "eV"),
            "residual": quantity("residual", best["rms"], "eV"),
        },
        artifacts=save_plot(context, f"Equation of state, {NAMES[model]}: B0 = {best['b0']:.1f} GPa, V0 = {best['v0']:.3f} Å³", [_panel(xs, ys, best)], name="eos"),
        source=Source(kind="computed", name=pymatgen_name(), reference=MODELS[model]),
        warnings=tuple(warnings),
    )  # fmt: skip


def _checked(volumes: list[float], energies: list[float]) -> list[tuple[float, float]]:
    if len(volumes) != len(energies):
        raise InvalidInput(
            "length_mismatch",
            f"there are {len(volumes)} volumes and {len(energies)} energies",
            hint="one energy for each volume",
        )
    wrong = next((v for v in volumes if not (math.isfinite(v) and v > 0)), None)
    if wrong is not None or not all(map(math.isfinite, energies)):
        raise InvalidInput(
            "bad_volume",
            "a volume is not above zero, or a value is no number",
            hint="volumes in cubic angstrom, energies in eV",
        )
    if len(set(volumes)) < FEWEST:
        raise InvalidInput(
            "too_few_points",
            f"{len(set(volumes))} different volumes cannot fix four parameters; {FEWEST} or more can",
            hint="add volumes on both sides of the minimum",
        )
    points = sorted(zip(volumes, energies, strict=True))
    least = min(range(len(points)), key=lambda i: points[i][1])
    if least in (0, len(points) - 1):
        raise InvalidInput(
            "no_minimum",
            f"the lowest energy is at the {'smallest' if least == 0 else 'largest'} volume",
            hint="add volumes on both sides of the minimum",
        )
    return points


def fit_points(
    volumes: list[float], energies: list[float], model: Model = "birch_murnaghan"
) -> dict[str, Any]:
    """Return the fit of E(V): v0 (cubic angstrom), e0 (eV), b0 (GPa), b1, rms (eV), and the curve.

    Raises InvalidInput: as `fit_eos`.
    """
    points = _checked(volumes, energies)
    fit = _fit([v for v, _ in points], [e for _, e in points], model)
    if fit is None:
        raise InvalidInput("fit_failed", f"the {model} equation could not be fitted", hint="check the points")
    return fit


def _fit(volumes: list[float], energies: list[float], model: Model) -> dict[str, Any] | None:
    import numpy as np
    from pymatgen.analysis.eos import EOS, EOSError

    try:
        with notes_of_pymatgen():
            found = EOS(eos_name=model).fit(volumes, energies)
    except (EOSError, ValueError, RuntimeError, TypeError):
        return None
    values = {"v0": float(found.v0), "e0": float(found.e0), "b0": float(found.b0_GPa), "b1": float(found.b1)}
    if not all(map(math.isfinite, values.values())) or values["v0"] <= 0 or values["b0"] <= 0:
        return None
    left = np.array(energies) - found.func(np.array(volumes))
    return {**values, "rms": float(np.sqrt(np.mean(left**2))), "curve": found.func}


def _panel(volumes: list[float], energies: list[float], fit: dict[str, Any]) -> Panel:
    import numpy as np

    span = max(volumes) - min(volumes)
    grid = np.linspace(min(volumes) - 0.03 * span, max(volumes) + 0.03 * span, 200)
    return Panel(
        x_label="volume", x_unit="angstrom**3", y_label="energy", y_unit="eV",
        series=[
            Series(label="data", x=volumes, y=list(energies), style="points"),
            Series(label="fit", x=[float(v) for v in grid], y=[float(e) for e in fit["curve"](grid)]),
        ],
    )  # fmt: skip
