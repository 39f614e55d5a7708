"""Light curves: the layouts of TESS and Kepler products and of text tables, with every point that is left out counted."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.astronomy.light_curves import clean, load_lightcurve, read_light_curve_file
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.files import keep_file

POINTS = 500


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes most of the time: the tests of pictures undo this."""
    monkeypatch.setattr("benchmate.tools.astronomy.light_curves.save_plot", lambda *_, **__: ())


def call(folder: Path, name: str, content: bytes | str, **arguments: Any) -> ToolResult:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    context = ToolContext(folder, folder / "artifacts", folder)
    record = keep_file(str(folder / name), context.artifact_dir).model_dump()
    return load_lightcurve.run(load_lightcurve.validate({"file": record, **arguments}), context)


def refused(folder: Path, name: str, content: bytes | str, **arguments: Any) -> BenchmateError:
    with pytest.raises(BenchmateError) as caught:
        call(folder, name, content, **arguments)
    return caught.value


def tess(folder: Path, *, kepler: bool = False, **changes: Any) -> bytes:
    """A file in the layout of the SPOC (TESS) or of Kepler's archive: names, units and keywords of both manuals."""
    rng = np.random.default_rng(7)
    time = 1325.3 + np.arange(POINTS) * 2 / 1440
    flux = 5000 + rng.normal(0, 5, POINTS)
    quality = np.zeros(POINTS, int)
    quality[100:110], quality[200] = 8, 8 + 4096
    flux[50:57] = np.nan
    time[300] = np.nan
    parts = {
        "TIME": ("D", "BJD - 2457000, days", time),
        "TIMECORR": ("E", "d", np.zeros(POINTS)),
        "CADENCENO": ("J", "", np.arange(POINTS)),
        "SAP_FLUX": ("E", "e-/s", flux * 0.98),
        "SAP_FLUX_ERR": ("E", "e-/s", np.full(POINTS, 5.0)),
        "PDCSAP_FLUX": ("E", "e-/s", flux),
        "PDCSAP_FLUX_ERR": ("E", "e-/s", np.full(POINTS, 5.0)),
        "SAP_QUALITY" if kepler else "QUALITY": ("J", "", quality),
    } | changes
    columns = [fits.Column(name, form, unit=unit or None, array=a) for name, (form, unit, a) in parts.items()]
    table = fits.BinTableHDU.from_columns(columns, name="LIGHTCURVE")
    table.header.update({"BJDREFI": 2454833 if kepler else 2457000, "BJDREFF": 0.0, "TIMESYS": "TDB"})
    primary = fits.PrimaryHDU()
    primary.header.update(
        {"TELESCOP": "Kepler" if kepler else "TESS", "OBJECT": "TIC 25155310", "TICID": 25155310}
    )
    fits.HDUList([primary, table]).writeto(folder / "made.fits", overwrite=True)
    return (folder / "made.fits").read_bytes()


def test_a_tess_light_curve(tmp_path: Path) -> None:
    result = call(tmp_path, "tess_lc.fits", tess(tmp_path))
    found = {name: quantity.value for name, quantity in result.quantities.items()}
    assert (found["point_count"], found["nan_count"], found["flagged_count"]) == (POINTS, 8, 11)
    assert found["kept_count"] == POINTS - 19
    assert found["cadence"] == pytest.approx(2.0)
    assert found["scatter"] == pytest.approx(1000, rel=0.15)  # 5 of 5000 in ppm
    assert result.data["value_column"] == "PDCSAP_FLUX"
    assert result.data["error_column"] == "PDCSAP_FLUX_ERR"
    assert result.data["value_unit"] == "e-/s"
    assert result.data["time_system"] == "BTJD = BJD − 2457000 (TDB)"
    assert result.data["target"]["ticid"] == 25155310
    assert result.data["quality_flags"] == {"bit 4 (8): Earth point": 11, "bit 13 (4096): scattered light": 1}
    assert len(result.warnings) == 2


def test_a_kepler_light_curve(tmp_path: Path) -> None:
    result = call(tmp_path, "kplr_llc.fits", tess(tmp_path, kepler=True))
    assert result.data["time_system"] == "BKJD = BJD − 2454833 (TDB)"
    assert "bit 13 (4096): argabrightening on the CCD" in result.data["quality_flags"]
    assert result.quantities["flagged_count"].value == 11


def test_a_bitmask_chooses_the_flags(tmp_path: Path) -> None:
    content = tess(tmp_path)
    assert call(tmp_path, "a.fits", content, quality_bitmask=4096).quantities["flagged_count"].value == 1
    assert call(tmp_path, "a.fits", content, quality_bitmask=0).quantities["kept_count"].value == POINTS - 8


def test_the_column_can_be_chosen(tmp_path: Path) -> None:
    result = call(tmp_path, "a.fits", tess(tmp_path), value_column="sap_flux")
    assert result.data["error_column"] == "SAP_FLUX_ERR"
    error = refused(tmp_path, "a.fits", tess(tmp_path), value_column="PDC_FLUX")
    assert error.code == "unknown_column"
    assert "PDCSAP_FLUX" in (error.hint or "")


def test_the_picture_and_the_clean_points_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    result = call(tmp_path, "a.fits", tess(tmp_path))
    names = {artifact.name for artifact in result.artifacts}
    assert {"cleaned_lightcurve.csv", "lightcurve.svg", "lightcurve.csv", "lightcurve.py"} <= names
    clean = next(a for a in result.artifacts if a.name == "cleaned_lightcurve.csv")
    again = call(tmp_path, "clean.csv", (tmp_path / "artifacts" / clean.sha).read_bytes())
    assert again.quantities["median_value"].value == result.quantities["median_value"].value
    assert again.quantities["kept_count"].value == result.quantities["kept_count"].value
    assert again.data["time_system"] == result.data["time_system"]


def test_a_table_of_magnitudes(tmp_path: Path) -> None:
    rows = "\n".join(f"{2458000 + i / 10},{12 + 0.1 * (i % 3)},0.01" for i in range(20))
    result = call(tmp_path, "star.csv", f"# V band\nHJD,mag,mag_err\n{rows}\n")
    assert result.data["time_system"] == "HJD, scale not stated"
    assert result.data["error_column"] == "mag_err"
    assert "8.3 min" in result.warnings[0]


def test_names_may_stand_in_a_comment(tmp_path: Path) -> None:
    rows = "\n".join(f"{i / 10} {1 + 0.1 * (i % 3)} 0.01" for i in range(20))
    result = call(tmp_path, "star.dat", f"# time flux flux_err\n{rows}\n")
    assert (result.data["time_column"], result.data["value_column"]) == ("time", "flux")


def test_a_table_without_names_is_time_value_error(tmp_path: Path) -> None:
    rows = "\n".join(f"{58000 + i / 10}\t{12 + 0.1 * (i % 3)}\tnan" for i in range(20))
    result = call(tmp_path, "star.tsv", rows)
    assert result.data["value_column"] == "value"
    assert "MJD" in result.warnings[0]
    assert any("no error is a number" in warning for warning in result.warnings)


def test_years_become_days(tmp_path: Path) -> None:
    rows = "\n".join(f"{1900 + i},{(i * 7) % 11}" for i in range(20))
    result = call(tmp_path, "spots.csv", f"YEAR,value\n{rows}\n")
    assert result.quantities["time_span"].value == pytest.approx(19 * 365.25)
    assert "converted to days" in result.warnings[0]


ROWS = "\n".join(f"{i},{1 + i % 3}" for i in range(20))


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.fits", b"SIMPLE  = what", "bad_file"),
        ("a.fits", b"", "bad_file"),
        ("a.csv", "", "bad_file"),
        ("a.csv", "time,flux\n", "bad_file"),
        ("a.csv", f"time,flux\n{ROWS}\n1,2,3\n", "bad_file"),
        ("a.csv", f"alpha,beta,gamma\n{ROWS.replace(',', ',3,')}\n", "no_column"),
        ("a.csv", "time,flux\n1,2\n2,3\n", "too_few_points"),
        ("a.csv", "time,flux\n" + "\n".join(f"{i},nan" for i in range(20)), "too_few_points"),
        ("a.csv", "time,flux\n" + "\n".join(f"{i},3" for i in range(20)), "constant"),
        ("a.csv", "time,flux\n" + "\n".join("apple,pear" for i in range(20)), "bad_file"),
        ("a.csv", b"\xff\xfe\x00", "bad_file"),
    ],
)
def test_what_is_no_light_curve(tmp_path: Path, name: str, content: bytes | str, code: str) -> None:
    assert refused(tmp_path, name, content).code == code


def test_an_image_is_no_light_curve(tmp_path: Path) -> None:
    fits.PrimaryHDU(np.zeros((4, 4))).writeto(tmp_path / "image.fits")
    error = refused(tmp_path, "b.fits", (tmp_path / "image.fits").read_bytes())
    assert error.code == "bad_file"
    assert "image" in (error.hint or "")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=12)
@given(st.integers(0, 60_000), st.integers(0, 255))
def test_a_damaged_file_is_read_or_refused_with_a_type(tmp_path: Path, at: int, byte: int) -> None:
    whole = bytearray(tess(tmp_path))
    whole[at % len(whole)] = byte
    (tmp_path / "damaged.fits").write_bytes(whole[:at] if at % 3 == 0 else whole)
    record = keep_file(str(tmp_path / "damaged.fits"), tmp_path)
    try:
        outcome: Any = clean(read_light_curve_file(record.open(tmp_path)))[1]
    except BenchmateError as error:
        outcome = error.info.kind == "invalid"
    assert outcome
