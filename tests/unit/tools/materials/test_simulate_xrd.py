"""Powder diffraction: standard reference angles, wavelengths by name, extinctions, Bragg's law."""

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.materials.diffraction import simulate_xrd


@pytest.fixture
def context(tmp_path: Path) -> ToolContext:
    return ToolContext(tmp_path, tmp_path, tmp_path)


def run(context: ToolContext, **arguments: Any) -> ToolResult:
    return simulate_xrd.run(simulate_xrd.validate(arguments), context)


@pytest.mark.parametrize(
    ("arguments", "reflection", "angle"),
    [  # NIST SRM 640 (silicon) and ICDD cards 5-628 (NaCl), 4-836 (Cu), 36-1451 (ZnO)
        ({"formula": "Si", "a": 5.431}, "111", 28.44),
        ({"formula": "Si", "a": 5.431}, "220", 47.30),
        ({"formula": "Si", "a": 5.431}, "311", 56.12),
        ({"formula": "NaCl", "a": 5.6402}, "200", 31.70),
        ({"formula": "Cu", "a": 3.615}, "111", 43.32),
        ({"formula": "ZnO", "a": 3.2498, "c": 5.2066}, "002", 34.42),
        ({"formula": "ZnO", "a": 3.2498, "c": 5.2066}, "1 0 1", 36.25),
        ({"formula": "ZnO", "a": 3.2498, "c": 5.2066}, "1 0 -1 1", 36.25),
    ],
)
def test_angles_of_the_standards(
    context: ToolContext, arguments: dict[str, Any], reflection: str, angle: float
) -> None:
    result = run(context, reflection=reflection, **arguments)
    angles = [q.value for q in result.quantities.values() if q.property == "two_theta"]
    assert angles == [pytest.approx(angle, abs=0.03)]


def test_intensities_of_silicon(context: ToolContext) -> None:
    """ICDD 27-1402: 111 100, 220 55, 311 30; without thermal motion the later ones come out higher."""
    result = run(context, formula="Si", a=5.431)
    assert result.quantities["intensity_111"].value == 100
    assert result.quantities["strongest_peak"].value == result.quantities["two_theta_111"].value
    assert 50 < result.quantities["intensity_220"].value < 70
    assert 28 < result.quantities["intensity_311"].value < 42


def test_the_average_of_the_doublet_lies_higher(context: ToolContext) -> None:
    """Cu Kα 1.5418 against Kα1 1.5406: 0.02 degrees at 28, 0.05 and more further out."""
    first, average = (
        run(context, formula="Si", a=5.431, radiation=r, two_theta_max=120) for r in ("CuKa1", "CuKa")
    )
    shift = {
        h: average.quantities[f"two_theta_{h}"].value - first.quantities[f"two_theta_{h}"].value
        for h in ("111", "422")
    }
    assert shift["111"] == pytest.approx(0.023, abs=0.003)
    assert shift["422"] > 0.07
    assert (first.quantities["two_theta_111"].conditions or {})["radiation"] == "CuKa1, 1.5406 angstrom"


def test_a_wavelength_in_place_of_a_line(context: ToolContext) -> None:
    result = run(context, formula="Si", a=5.431, wavelength="0.15418 nm")
    assert result.quantities["two_theta_111"].value == pytest.approx(28.465, abs=0.005)
    assert any("average" in w for w in result.warnings)


def test_the_structure_type_forbids_reflections(context: ToolContext) -> None:
    """Diamond glide planes: 200 and 222 of silicon are extinct; fcc has no mixed indices."""
    result = run(context, formula="Si", a=5.431)
    assert "two_theta_200" not in result.quantities and "two_theta_222" not in result.quantities
    copper = run(context, formula="Cu", a=3.615)
    for peak in copper.data["peaks"]:
        assert len({abs(i) % 2 for i in peak["hkl"]}) == 1


def test_the_plot_and_its_table_are_artifacts(context: ToolContext) -> None:
    names = {artifact.name for artifact in run(context, formula="Si", a=5.431).artifacts}
    assert {"xrd.svg", "xrd.csv"} <= names


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"reflection": "200"}, "no_reflection"),
        ({"reflection": "x"}, "bad_reflection"),
        ({"reflection": "000"}, "bad_reflection"),
        ({"reflection": "1 0 1 1"}, "bad_reflection"),
        ({"two_theta_max": 10}, "no_peaks"),
        ({"two_theta_min": 95}, "bad_range"),
        ({"a": 60}, "too_large"),
        ({"radiation": "light"}, "bad_arguments"),
        ({"wavelength": "3 s"}, "bad_arguments"),
    ],
)
def test_bad_input_is_typed(context: ToolContext, arguments: dict[str, Any], code: str) -> None:
    with pytest.raises(BenchmateError) as caught:
        run(context, **{"formula": "Si", "a": 5.431, **arguments})
    assert caught.value.code == code


@settings(max_examples=4, deadline=None)
@given(st.floats(3.5, 7), st.floats(0.7, 1.8))
def test_every_peak_obeys_bragg(
    tmp_path_factory: pytest.TempPathFactory, a: float, wavelength: float
) -> None:
    folder = tmp_path_factory.mktemp("xrd")
    result = run(ToolContext(folder, folder, folder), formula="NaCl", a=a, wavelength=wavelength)
    for peak in result.data["peaks"]:
        d = a / math.sqrt(sum(i * i for i in peak["hkl"]))
        assert peak["two_theta"] == pytest.approx(2 * math.degrees(math.asin(wavelength / 2 / d)), abs=1e-3)
