"""Crystals: densities and space groups of the literature, tolerance, disorder, cells and files, typed errors."""

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.materials.crystals import analyze_crystal

ALLOY = """data_CuAu
_cell_length_a 3.75
_cell_length_b 3.75
_cell_length_c 3.75
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'F m -3 m'
_symmetry_Int_Tables_number 225
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Cu1 Cu 0 0 0 0.5
Au1 Au 0 0 0 0.5
"""
POSCAR = """Fe
1.0
-1.4335 1.4335 1.4335
1.4335 -1.4335 1.4335
1.4335 1.4335 -1.4335
Fe
1
direct
0 0 0
"""


@pytest.fixture
def context(tmp_path: Path) -> ToolContext:
    return ToolContext(tmp_path, tmp_path, tmp_path)


def run(context: ToolContext, **arguments: Any) -> ToolResult:
    return analyze_crystal.run(analyze_crystal.validate(arguments), context)


def refusal(context: ToolContext, **arguments: Any) -> BenchmateError:
    with pytest.raises(BenchmateError) as caught:
        run(context, **arguments)
    return caught.value


def groups(result: ToolResult) -> list[float]:
    return [q.value for q in result.quantities.values() if q.property == "space_group"]


@pytest.mark.parametrize(
    ("arguments", "density", "group", "units"),
    [
        ({"formula": "NaCl", "a": 5.6402}, 2.1635, 225, 4),  # Z·M / (N_A·a³) by hand; CRC 2.17
        ({"formula": "Si", "a": 5.431}, 2.329, 227, 8),  # NIST SRM 640; CRC 2.3296
        ({"formula": "Cu", "a": "361.5 pm"}, 8.93, 225, 4),  # CRC 8.96 at 20 °C
        ({"formula": "Fe", "a": 2.8665}, 7.87, 229, 2),
        ({"formula": "Mg", "a": 3.2094, "c": 5.2105}, 1.737, 194, 2),  # CRC 1.74
        ({"formula": "CsCl", "a": 4.123}, 3.99, 221, 1),
        ({"formula": "GaAs", "a": 5.6533}, 5.318, 216, 4),
        ({"formula": "ZnO", "a": 3.25, "c": 5.207}, 5.68, 186, 2),
        ({"formula": "CaF2", "a": 5.4626}, 3.181, 225, 4),
        ({"formula": "Li2O", "a": 4.619}, 2.013, 225, 4),
        ({"formula": "SrTiO3", "a": 3.905}, 5.118, 221, 1),
        ({"formula": "Cu3Au", "a": 3.743}, 12.27, 221, 1),
        ({"formula": "C", "prototype": "diamond", "a": 3.567}, 3.515, 227, 8),
        ({"formula": "Po", "prototype": "sc", "a": 3.359}, 9.20, 221, 1),
    ],
)
def test_densities_and_space_groups(
    context: ToolContext, arguments: dict[str, Any], density: float, group: int, units: int
) -> None:
    result = run(context, **arguments)
    assert result.quantities["density"].to("g/cm**3").value == pytest.approx(density, rel=2e-3)
    assert groups(result) == [group] * 3
    assert result.quantities["formula_units"].value == units


def test_the_nearest_neighbours_of_sodium_chloride(context: ToolContext) -> None:
    result = run(context, formula="NaCl", a=5.6402)
    assert result.quantities["distance_Cl-Na"].value == pytest.approx(5.6402 / 2)


def test_the_tolerance_decides_the_space_group(context: ToolContext) -> None:
    """pymatgen's own LiFePO4 is slightly distorted: P2_1/c (14) at 0.01 angstrom, Pnma (62) at 0.1."""
    import pymatgen.util

    path = Path(next(iter(pymatgen.util.__path__))) / "structures" / "LiFePO4.json"
    result = run(context, file=str(path))
    assert groups(result) == [14, 14, 62]
    assert any("depends on the tolerance" in w for w in result.warnings)
    assert result.data["formula"] == "LiFePO4"


def test_partial_occupancy_is_flagged_and_weighs_its_share(context: ToolContext, tmp_path: Path) -> None:
    file = tmp_path / "alloy.cif"
    file.write_text(ALLOY)
    result = run(context, file=str(file))
    assert result.data["ordered"] is False
    assert any("partial occupancy" in w for w in result.warnings)
    assert result.quantities["density"].value == pytest.approx(
        2 * (63.546 + 196.967) / 6.02214e23 / (3.75e-8) ** 3, rel=1e-4
    )


def test_a_primitive_cell_is_told_from_the_conventional_one(context: ToolContext, tmp_path: Path) -> None:
    file = tmp_path / "POSCAR"
    file.write_text(POSCAR)
    result = run(context, file=str(file))
    assert result.quantities["formula_units"].value == 1
    assert result.data["conventional_cell"]["abc"] == pytest.approx([2.867] * 3, abs=1e-3)
    assert any("not the conventional one" in w for w in result.warnings)


def test_a_cell_and_z_give_the_density_without_positions(context: ToolContext) -> None:
    """LiCoO2 in hexagonal axes, Z = 3: 5.06 g/cm3 (Mizushima et al. 1980: a 2.816, c 14.08)."""
    result = run(context, formula="LiCoO2", a=2.816, b=2.816, c=14.08, gamma=120, z=3)
    assert result.quantities["density"].value == pytest.approx(5.04, abs=0.02)


def test_z_counts_the_formula_as_written(context: ToolContext) -> None:
    """C60: a 14.17, Z 4, 1.68 g/cm3."""
    assert run(context, formula="C60", a=14.17, z=4).quantities["density"].value == pytest.approx(
        1.68, abs=0.01
    )


def test_what_is_assumed_is_said(context: ToolContext) -> None:
    assert any("rocksalt" in w for w in run(context, formula="NaCl", a=5.64).warnings)
    assert any("ideal ratio" in w for w in run(context, formula="Mg", a=3.2094).warnings)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({}, "underspecified"),
        ({"formula": "NaCl"}, "lattice_needed"),
        ({"formula": "NaCl", "a": 5.64, "z": 2}, "wrong_z"),
        ({"formula": "NaCl", "a": 5.64, "c": 6.0}, "wrong_prototype"),
        ({"formula": "Al2O3", "a": 4.76, "prototype": "rocksalt"}, "wrong_prototype"),
        ({"formula": "Al2O3", "a": 4.76}, "no_prototype"),
        ({"formula": "Na+", "a": 4.76}, "not_neutral"),
        ({"formula": "LiCoO2", "a": 2.8, "b": 2.8, "c": 14, "gamma": 120}, "underspecified"),
        ({"formula": "LiCoO2", "a": 2.8, "alpha": 10, "beta": 150, "gamma": 20, "z": 3}, "impossible_cell"),
        ({"formula": "NaCl", "prototype": "rocksalt", "a": 5, "b": 5}, "overspecified"),
        ({"formula": "Xx", "a": 3}, "unknown_element"),
        ({"formula": "NaCl", "a": "5 kg"}, "bad_arguments"),
    ],
)
def test_bad_input_is_typed(context: ToolContext, arguments: dict[str, Any], code: str) -> None:
    assert refusal(context, **arguments).code == code


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("broken.cif", "data_x\n_cell_length_a what\n"), ("empty.cif", ""), ("x.json", "{}"), ("x.json", "{"),
        ("x.xyz", "1\n\nH 0 0 0"), ("POSCAR", "hello\nthis is\nno structure"), ("tiny.vasp", POSCAR.replace("1.0\n", "0.1\n", 1)),
    ],
)  # fmt: skip
def test_a_bad_file_is_named(context: ToolContext, tmp_path: Path, name: str, content: str) -> None:
    file = tmp_path / name
    file.write_text(content)
    error = refusal(context, file=str(file))
    assert error.code == "bad_file" and name in error.info.message


def test_a_file_and_a_formula_together_are_refused(context: ToolContext, tmp_path: Path) -> None:
    file = tmp_path / "POSCAR"
    file.write_text(POSCAR)
    assert refusal(context, file=str(file), formula="Fe").code == "overspecified"


@settings(max_examples=4, deadline=None)
@given(st.floats(3, 9), st.sampled_from(["NaCl", "Si", "Cu", "CsCl", "CaF2"]))
def test_the_structure_survives_being_written_and_read(
    tmp_path_factory: pytest.TempPathFactory, a: float, formula: str
) -> None:
    from benchmate.tools.materials.structures import read_crystal

    folder = tmp_path_factory.mktemp("crystal")
    context = ToolContext(folder, folder, folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        written = read_crystal(None, formula, None, a, None).structure.as_dict()
    (folder / "x.json").write_text(json.dumps(written))
    from_file, direct = run(context, file=str(folder / "x.json")), run(context, formula=formula, a=a)
    assert from_file.quantities["density"].value == pytest.approx(direct.quantities["density"].value)
    assert groups(from_file) == groups(direct)
