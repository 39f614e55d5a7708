"""Equations of state on exact and noisy data; EMT metals against ASE's own numbers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import Tool, ToolContext, ToolResult
from benchmate.tools.materials.equation_of_state import fit_eos, fit_points
from benchmate.tools.materials.relaxation import relax_structure

GPA = 160.21766  # per eV/cubic angstrom (CODATA)


def birch_murnaghan(v: Any, v0: float, e0: float, b0: float, b1: float) -> Any:
    """Birch 1947, third order; b0 in GPa."""
    x = (v0 / np.asarray(v)) ** (2 / 3)
    return e0 + 9 * v0 * b0 / GPA / 16 * ((x - 1) ** 3 * b1 + (x - 1) ** 2 * (6 - 4 * x))


@pytest.fixture
def context(tmp_path: Path) -> ToolContext:
    return ToolContext(tmp_path, tmp_path, tmp_path)


def run(tool: Tool, context: ToolContext, **arguments: Any) -> ToolResult:
    return tool.run(tool.validate(arguments), context)


def refusal(tool: Tool, context: ToolContext, **arguments: Any) -> BenchmateError:
    with pytest.raises(BenchmateError) as caught:
        run(tool, context, **arguments)
    return caught.value


def test_exact_data_give_their_parameters_back(context: ToolContext) -> None:
    volumes = np.linspace(14, 18.5, 9)
    energies = birch_murnaghan(volumes, 16.5, -3.74, 76.0, 4.5)  # aluminium
    result = run(fit_eos, context, volumes=volumes.tolist(), energies=energies.tolist())
    assert result.quantities["bulk_modulus"].to("GPa").value == pytest.approx(76, abs=0.01)
    assert result.quantities["bulk_modulus_derivative"].value == pytest.approx(4.5, abs=0.01)
    assert result.quantities["equilibrium_volume"].value == pytest.approx(16.5, abs=1e-3)
    assert result.quantities["equilibrium_energy"].value == pytest.approx(-3.74, abs=1e-5)
    assert {"eos.svg", "eos.csv"} <= {a.name for a in result.artifacts}
    assert not result.warnings


def test_other_units_are_converted(context: ToolContext) -> None:
    volumes = np.linspace(14, 18.5, 9)
    energies = birch_murnaghan(volumes, 16.5, -3.74, 76.0, 4.5) / 27.211386
    result = run(fit_eos, context, volumes=volumes.tolist(), energies=[f"{e:.10f} hartree" for e in energies])
    assert result.quantities["bulk_modulus"].value == pytest.approx(76, abs=0.05)


def test_the_models_are_compared(context: ToolContext) -> None:
    volumes = np.linspace(10, 24, 12)
    energies = birch_murnaghan(volumes, 16.5, -3.74, 76.0, 4.5)
    result = run(fit_eos, context, volumes=volumes.tolist(), energies=energies.tolist(), model="vinet")
    assert set(result.data["bulk_modulus_gpa_by_model"]) == {"birch_murnaghan", "murnaghan", "vinet"}
    assert any("models disagree" in w for w in result.warnings)


def test_a_narrow_range_is_pointed_out(context: ToolContext) -> None:
    volumes = np.linspace(16.4, 16.6, 7)
    energies = birch_murnaghan(volumes, 16.5, -3.74, 76.0, 4.5)
    assert any(
        "span only" in w
        for w in run(fit_eos, context, volumes=volumes.tolist(), energies=energies.tolist()).warnings
    )


@pytest.mark.parametrize(
    ("volumes", "energies", "code"),
    [
        ([1, 2, 3, 4], [1, 0, 1, 2], "too_few_points"),
        ([1, 2, 3, 4, 5], [1, 2, 3, 4], "length_mismatch"),
        ([1, 2, 3, 4, 5], [1, 2, 3, 4, 5], "no_minimum"),
        ([1, 2, 3, 4, 5], [5, 4, 3, 2, 1], "no_minimum"),
        ([-1, 2, 3, 4, 5], [3, 2, 1, 2, 3], "bad_volume"),
        ([10, 11, 12, 13, 14], ["1 kg", 1, 0, 1, 2], "bad_arguments"),
    ],
)
def test_bad_data_are_typed(context: ToolContext, volumes: list[Any], energies: list[Any], code: str) -> None:
    assert refusal(fit_eos, context, volumes=volumes, energies=energies).code == code


@settings(max_examples=15, deadline=None)
@given(st.floats(8, 40), st.floats(20, 400), st.floats(3, 6))
def test_any_solid_is_recovered(v0: float, b0: float, b1: float) -> None:
    volumes = v0 * np.linspace(0.9, 1.1, 9)
    fit = fit_points(volumes.tolist(), birch_murnaghan(volumes, v0, -5.0, b0, b1).tolist())
    assert fit["b0"] == pytest.approx(b0, rel=1e-3) and fit["v0"] == pytest.approx(v0, rel=1e-4)


def test_copper_by_emt(context: ToolContext) -> None:
    """ASE's EMT: a = 3.590 angstrom, B = 134 GPa; experiment 3.61 and 137 (Kittel)."""
    result = run(relax_structure, context, formula="Cu")
    assert result.quantities["a"].value == pytest.approx(3.590, abs=0.002)
    assert result.quantities["bulk_modulus"].value == pytest.approx(134, abs=1.5)
    assert result.quantities["experiment_a"].value == 3.61
    assert any("toy potential" in w for w in result.warnings)
    assert (result.quantities["a"].conditions or {})["potential"] == "EMT (toy potential)"


def test_the_start_does_not_matter(context: ToolContext) -> None:
    near, far = (run(relax_structure, context, formula="Cu", a=a).quantities["a"].value for a in (3.61, 3.9))
    assert near == pytest.approx(far, abs=2e-3)


def test_an_alloy_lies_between_its_metals(context: ToolContext) -> None:
    """Cu3Au: 3.75 angstrom by experiment (Pearson); Cu 3.61, Au 4.08."""
    assert 3.61 < run(relax_structure, context, formula="Cu3Au").quantities["a"].value < 3.8


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"formula": "Fe"}, "not_covered"),
        ({"formula": "NaCl"}, "not_covered"),
        ({"formula": "H"}, "not_covered"),  # ASE has toy numbers for H, C, N and O, fitted to nothing
        ({"formula": "CuAu"}, "no_prototype"),
        ({}, "underspecified"),
    ],
)
def test_what_emt_cannot_do_is_typed(context: ToolContext, arguments: dict[str, Any], code: str) -> None:
    assert refusal(relax_structure, context, **arguments).code == code


def test_a_disordered_structure_is_refused(context: ToolContext, tmp_path: Path) -> None:
    file = tmp_path / "alloy.cif"
    file.write_text(
        "data_x\n_cell_length_a 3.75\n_cell_length_b 3.75\n_cell_length_c 3.75\n_cell_angle_alpha 90\n_cell_angle_beta 90\n"
        "_cell_angle_gamma 90\n_symmetry_space_group_name_H-M 'P 1'\nloop_\n_atom_site_label\n_atom_site_type_symbol\n"
        "_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n_atom_site_occupancy\nCu1 Cu 0 0 0 0.5\nAu1 Au 0 0 0 0.5\n"
    )
    assert refusal(relax_structure, context, file=str(file)).code == "disordered"
