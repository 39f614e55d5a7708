"""GFN-xTB: energies of the xtb program, experiment where it is near, and typed errors."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmate.runtime.artifacts import ArtifactStore
from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.chemistry import tight_binding
from benchmate.tools.chemistry.tight_binding import Geometry, Surface, read_xyz
from benchmate.tools.chemistry.xtb import compute_xtb_energy

WATER = "3\nwater\nO 0 0 0.1173\nH 0 0.7572 -0.4692\nH 0 -0.7572 -0.4692\n"


@pytest.fixture
def context(tmp_path: Path) -> ToolContext:
    return ToolContext(tmp_path, tmp_path, tmp_path)


def run(context: ToolContext, **arguments: Any) -> ToolResult:
    return compute_xtb_energy.run(compute_xtb_energy.validate(arguments), context)


def refusal(context: ToolContext, **arguments: Any) -> BenchmateError:
    with pytest.raises(BenchmateError) as caught:
        run(context, **arguments)
    return caught.value


@pytest.mark.parametrize(
    ("compound", "hartree"),
    [("water", -5.0705), ("hydrogen", -0.9827)],  # xtb 6.7, --gfn 2 --opt
)
def test_energies_of_the_xtb_program(context: ToolContext, compound: str, hartree: float) -> None:
    result = run(context, compound=compound)
    assert result.quantities["energy"].unit == "hartree"
    assert result.quantities["energy"].value == pytest.approx(hartree, abs=1e-4)
    assert result.quantities["gradient_norm"].value < 1e-3


def test_the_geometry_of_water(context: ToolContext) -> None:
    """O-H 0.957 angstrom and 104.5 degrees by experiment; GFN2 gives 0.96 and 107."""
    result = run(context, compound="water")
    geometry = read_xyz(ArtifactStore(context.artifact_dir).get(result.artifacts[0].sha).decode())
    a, b = (geometry.positions[i] - geometry.positions[0] for i in (1, 2))
    assert np.linalg.norm(a) == pytest.approx(0.96, abs=0.01)
    assert np.degrees(np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))) == pytest.approx(106, abs=2.5)


def test_the_dipole_of_formaldehyde(context: ToolContext) -> None:
    """2.33 D by microwave spectroscopy (CRC Handbook); the method is good to some tenths."""
    assert run(context, compound="formaldehyde").quantities["dipole"].value == pytest.approx(2.33, abs=0.5)


def test_charges_sum_to_the_charge(context: ToolContext) -> None:
    result = run(context, compound="[NH4+]")
    assert sum(result.data["charges"]) == pytest.approx(1, abs=1e-4)
    assert "dipole" not in result.quantities
    assert any("origin" in w for w in result.warnings)


def test_a_structure_is_computed_as_it_is_and_optimized_when_told(
    context: ToolContext, tmp_path: Path
) -> None:
    file = tmp_path / "water.xyz"
    file.write_text(WATER)
    as_given, relaxed = run(context, structure=str(file)), run(context, structure=str(file), task="optimize")
    assert as_given.quantities["energy"].value > relaxed.quantities["energy"].value
    assert run(context, xyz=WATER).quantities["energy"].value == as_given.quantities["energy"].value


def test_gfn1_is_another_method(context: ToolContext) -> None:
    """H2O by GFN1 with xtb: -5.7686 Eh."""
    assert run(context, compound="water", method="GFN1-xTB").quantities["energy"].value == pytest.approx(
        -5.7686, abs=1e-3
    )


def test_a_radical_needs_its_unpaired_electron(context: ToolContext) -> None:
    assert refusal(context, compound="[CH3]").code == "open_shell"
    assert run(context, compound="[CH3]", unpaired=1).quantities["energy"].value < 0


def test_the_triplet_of_oxygen_is_pointed_out(context: ToolContext) -> None:
    result = run(context, compound="oxygen")
    assert any("triplet" in w for w in result.warnings)
    assert result.quantities["homo_lumo_gap"].value == pytest.approx(0, abs=1e-4)  # the two π* orbitals


def test_self_consistency_that_fails_is_an_error(
    context: ToolContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tight_binding, "MAX_CYCLES", 2)
    assert refusal(context, compound="water").code == "scf_not_converged"


def test_an_optimization_that_stops_early_is_an_error(
    context: ToolContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tight_binding, "MAX_STEPS", 1)
    error = refusal(context, compound="ethanol")
    assert error.code == "geometry_not_converged" and error.info.details["energy"] < 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({}, "underspecified"),
        ({"compound": "water", "xyz": WATER}, "overspecified"),
        ({"compound": "water", "unpaired": 1}, "unpaired_mismatch"),
        ({"compound": "[H+]"}, "no_electrons"),
        ({"compound": "C" * 60}, "too_large"),
        ({"compound": "[Na+].[Cl-]"}, "several_fragments"),
        ({"compound": "[U]"}, "unsupported_element"),
        ({"xyz": "hello"}, "bad_xyz"),
        ({"xyz": "2\n\nH 0 0 0"}, "bad_xyz"),
        ({"xyz": "1\n\nH 0 nan 0"}, "bad_xyz"),
        ({"xyz": "1\n\nXq 0 0 0"}, "unknown_element"),
        ({"xyz": "2\n\nH 0 0 0\nH 0 0 0.01"}, "atoms_overlap"),
        ({"xyz": "999\n\n"}, "too_large"),
    ],
)
def test_bad_input_is_typed(context: ToolContext, arguments: dict[str, Any], code: str) -> None:
    assert refusal(context, **arguments).code == code


@settings(max_examples=10, deadline=None)
@given(st.tuples(*[st.floats(-5, 5)] * 3), st.floats(0, 6.28))
def test_the_energy_does_not_depend_on_place_or_orientation(
    shift: tuple[float, float, float], angle: float
) -> None:
    geometry = read_xyz(WATER)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    moved = Geometry(geometry.symbols, geometry.positions @ turn.T + np.array(shift))
    energies = [Surface(g, "GFN2-xTB", 0, 0).single_point().energy for g in (geometry, moved)]
    assert energies[0] == pytest.approx(energies[1], abs=1e-7)
