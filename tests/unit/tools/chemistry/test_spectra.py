"""Peaks of synthetic spectra whose answer is known, files in all formats, and groups of the tables."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.chemistry.spectra import analyze_spectrum
from benchmate.tools.chemistry.spectrum_tables import TABLES, candidates

WAVENUMBERS = np.linspace(400, 4000, 1801)
FWHM = 2 * np.sqrt(2 * np.log(2))  # of a Gaussian, in its standard deviations


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ToolContext:
    folder = tmp_path_factory.mktemp("runs")
    return ToolContext(folder, folder, folder)


def analyze(context: ToolContext, kind: str, **arguments: Any) -> ToolResult:
    plain = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in arguments.items()}
    return analyze_spectrum.run(analyze_spectrum.validate({"kind": kind, **plain}), context)


def gaussian(x: Any, centre: float, sigma: float, height: float = 1.0) -> Any:
    return height * np.exp(-((x - centre) ** 2) / 2 / sigma**2)


ESTER = (
    gaussian(WAVENUMBERS, 1742, 8, 0.9)
    + gaussian(WAVENUMBERS, 1240, 12, 0.6)
    + gaussian(WAVENUMBERS, 2950, 15, 0.5)
)


def positions(result: ToolResult) -> list[float]:
    return [round(peak["position"], 1) for peak in result.data["peaks"]]


def test_positions_heights_and_widths_on_a_sloping_baseline(context: ToolContext) -> None:
    result = analyze(context, "ir", x=WAVENUMBERS, y=ESTER + 0.1 + 1e-5 * WAVENUMBERS)
    assert positions(result) == [1240.0, 1742.0, 2950.0]
    assert result.quantities["peak_height_1"].value == pytest.approx(0.9, abs=0.005)
    assert result.quantities["peak_width_1"].value == pytest.approx(8 * FWHM, rel=0.01)
    assert result.quantities["peak_position_1"].unit == "1/cm"
    assert {artifact.name for artifact in result.artifacts} == {"spectrum.svg", "spectrum.csv", "spectrum.py"}


def test_the_carbonyl_of_an_ester_is_among_the_candidates(context: ToolContext) -> None:
    peaks = {
        p["position"]: p["candidates"] for p in analyze(context, "ir", x=WAVENUMBERS, y=ESTER).data["peaks"]
    }
    (found,) = (groups for position, groups in peaks.items() if 1700 < position < 1800)
    assert found[0] == "C=O of an ester (1735 to 1750)"  # Silverstein: 1750 to 1735 cm^-1


@pytest.mark.parametrize(("signal", "scale"), [("transmittance", 1), ("percent_transmittance", 100)])
def test_transmittance_becomes_absorbance(context: ToolContext, signal: str, scale: float) -> None:
    result = analyze(context, "ir", x=WAVENUMBERS, y=scale * 10**-ESTER, signal=signal)
    assert positions(result) == [1240.0, 1742.0, 2950.0]
    assert any("turned into absorbance" in warning for warning in result.warnings)


def test_transmittance_that_is_not_said_is_suspected(context: ToolContext) -> None:
    result = analyze(context, "ir", x=WAVENUMBERS, y=100 * 10**-ESTER)
    assert any("is y transmittance?" in warning for warning in result.warnings)


def test_zero_transmittance_is_said(context: ToolContext) -> None:
    y = np.clip(10 ** -(8 * ESTER) - 1e-3, 0, None)
    result = analyze(context, "ir", x=WAVENUMBERS, y=y, signal="transmittance")
    assert any("without transmittance" in warning for warning in result.warnings)


@pytest.mark.parametrize(
    ("unit", "convert"),
    [("nm", lambda nm: nm), ("um", lambda nm: nm / 1e3), ("cm^-1", lambda nm: 1e7 / nm), ("eV", lambda nm: 1239.841984 / nm)],
)  # fmt: skip
def test_units_of_light_are_converted(context: ToolContext, unit: str, convert: Any) -> None:
    nm = np.linspace(200, 400, 401)
    result = analyze(context, "uvvis", x=convert(nm), y=gaussian(nm, 272.5, 10), x_unit=unit)
    assert positions(result) == [272.5] and result.quantities["peak_position_1"].unit == "nm"
    assert any("B band" in group for group in result.data["peaks"][0]["candidates"])


def test_an_ir_spectrum_in_micrometres(context: ToolContext) -> None:
    result = analyze(context, "ir", x=1e4 / WAVENUMBERS, y=ESTER, x_unit="um")
    assert positions(result) == [1240.0, 1742.0, 2950.0]


def test_benzene_and_its_solvent_in_proton_nmr(context: ToolContext) -> None:
    ppm = np.linspace(-1, 12, 13001)
    result = analyze(context, "nmr_1h", x=ppm, y=gaussian(ppm, 7.36, 0.005) + gaussian(ppm, 0, 0.005, 0.3))
    tms, benzene = result.data["peaks"]
    assert tms["candidates"][0].startswith("TMS") and "aromatic C-H (6.5 to 8.5)" in benzene["candidates"]
    assert "CHCl3 in CDCl3, 7.26 (7.24 to 7.28)" in candidates("nmr_1h", 7.26)  # Fulmer et al. 2010


def test_a_mass_spectrum_is_a_list_of_peaks(context: ToolContext) -> None:
    result = analyze(
        context, "ms", x=[15, 27, 43, 58, 59], y=[20, 5, 100, 30, 1]
    )  # acetone, 1 % below the threshold
    assert positions(result) == [15, 27, 43, 58] and result.quantities["peak_position_1"].value == 43
    assert all(peak["width"] is None and not peak["candidates"] for peak in result.data["peaks"])


def jcamp(y: Any, unit: str = "ABSORBANCE", points: int | None = None, title: str = "ester") -> str:
    rows = "\n".join(
        f"{WAVENUMBERS[i]:g} " + " ".join(str(round(v * 1e4)) for v in y[i : i + 5])
        for i in range(0, len(y), 5)
    )
    return (
        f"##TITLE={title}\n##JCAMP-DX=4.24\n##DATA TYPE=INFRARED SPECTRUM\n##XUNITS=1/CM\n##YUNITS={unit}\n##FIRSTX=400\n"
        f"##LASTX=4000\n##NPOINTS={points or len(y)}\n##XFACTOR=1\n##YFACTOR=0.0001\n##XYDATA=(X++(Y..Y))\n{rows}\n##END=\n"
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.jdx", jcamp(ESTER)),
        ("b.dx", jcamp(10**-ESTER, "TRANSMITTANCE")),
        ("c.csv", "\n".join(f"{x},{y}" for x, y in zip(WAVENUMBERS, ESTER, strict=True))),
        ("d.csv", "wavenumber;A\n" + "\n".join(f"{x};{y}" for x, y in zip(WAVENUMBERS, ESTER, strict=True))),
        ("e.txt", "# a remark\n" + "\n".join(f"{x} {y}" for x, y in zip(WAVENUMBERS[::-1], ESTER[::-1], strict=True))),
    ],
    ids=["JCAMP-DX", "JCAMP-DX in transmittance", "CSV", "CSV with header", "text, descending"],
)  # fmt: skip
def test_files(context: ToolContext, tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert positions(analyze(context, "ir", file=str(tmp_path / name))) == [1240.0, 1742.0, 2950.0]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.jdx", jcamp(ESTER, points=1700), "says 1700 points"),
        ("a.jdx", "##TITLE=x\n##XYDATA\n", "is not JCAMP-DX"),
        ("a.csv", "1,2,3\n" * 9, "row 1 is not two numbers"),
        ("a.csv", "1,2\n3,abc\n4,5\n", "row 2"),
        ("a.csv", "", "empty"),
        ("a.pdf", "x", "is no spectrum"),
    ],
)
def test_files_that_are_no_spectrum(
    context: ToolContext, tmp_path: Path, name: str, text: str, said: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InvalidInput, match=said) as refusal:
        analyze(context, "ir", file=str(tmp_path / name))
    assert refusal.value.code == "bad_file"


FEW = [1000.0, 1100.0, 1200.0, 1300.0, 1400.0]


@pytest.mark.parametrize(
    ("kind", "arguments", "code"),
    [
        ("ir", {}, "bad_arguments"),
        ("ir", {"x": FEW, "y": FEW[:4]}, "length_mismatch"),
        ("ir", {"x": FEW[:3], "y": FEW[:3]}, "too_few_points"),
        ("ir", {"x": [1000.0, 1000.0, *FEW[2:]], "y": FEW}, "repeated_x"),
        ("ir", {"x": FEW, "y": [float("inf"), *FEW[1:]]}, "not_finite"),
        ("ir", {"x": FEW, "y": FEW, "x_unit": "ppm"}, "wrong_unit"),
        ("nmr_1h", {"x": FEW, "y": FEW}, "out_of_range"),
        ("uvvis", {"x": [0.0, *FEW[1:]], "y": FEW, "x_unit": "cm^-1"}, "out_of_range"),
        ("ir", {"x": FEW, "y": FEW, "signal": "transmittance"}, "out_of_range"),
    ],
)
def test_refusals(context: ToolContext, kind: str, arguments: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        analyze(context, kind, **arguments)
    assert refusal.value.code == code


def test_a_flat_line_has_no_peaks(context: ToolContext) -> None:
    result = analyze(context, "raman", x=FEW, y=[1.0] * 5)
    assert result.quantities["peak_count"].value == 0 and any("no peak" in w for w in result.warnings)


def test_the_tables_are_sound() -> None:
    assert all(row.low < row.high and row.group for table in TABLES.values() for row in table)


@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(centre=st.floats(500, 3900), sigma=st.floats(5, 40), scale=st.floats(0.1, 1e3))
@example(centre=500.0, sigma=40.0, scale=1.0)
@example(centre=3900.0, sigma=40.0, scale=1.0)
def test_a_band_is_found_where_it_is_whatever_its_height(
    context: ToolContext, centre: float, sigma: float, scale: float
) -> None:
    y = gaussian(WAVENUMBERS, centre, sigma, scale)
    (peak,) = analyze(context, "ir", x=WAVENUMBERS, y=y, signal="absorbance").data["peaks"]
    assert peak["position"] == pytest.approx(centre, abs=0.2)
    assert peak["width"] == pytest.approx(sigma * FWHM, rel=0.05)
