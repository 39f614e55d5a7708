"""Strain: the layouts of GWOSC, gwpy and plain files, whitening of known noise, lines, edges, and data that are too short."""

import io
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.files import keep_file
from benchmate.tools.gravitational_waves.inspiral import taylorf2
from benchmate.tools.gravitational_waves.noise import design_psd, draw_noise, estimate_psd
from benchmate.tools.gravitational_waves.strain import analyze_gw_strain, whitened
from benchmate.tools.gravitational_waves.strain_files import Strain, read_strain

RATE, GPS = 1024, 1126259446.0


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes most of the time: the tests of pictures undo this."""
    monkeypatch.setattr("benchmate.tools.gravitational_waves.strain.save_plot", lambda *_, **__: ())
    monkeypatch.setattr(
        "benchmate.tools.gravitational_waves.strain._picture",
        lambda context, *_: context.save("time_frequency.png", "image/png", b""),
    )


@pytest.fixture
def context(tmp_path: Path) -> ToolContext:
    return ToolContext(tmp_path, tmp_path / "artifacts", tmp_path)


def noise(seconds: float, *, seed: int = 0, rate: int = RATE) -> np.ndarray:
    size = round(seconds * rate)
    frequency = np.fft.rfftfreq(size, 1 / rate)
    return draw_noise(design_psd(frequency), rate, size, np.random.default_rng(seed))


def gwosc(values: np.ndarray, *, mask: np.ndarray | None = None) -> bytes:
    """The layout of GWOSC's HDF5 files."""
    made = io.BytesIO()
    with h5py.File(made, "w") as file:
        strain = file.create_dataset("strain/Strain", data=values)
        strain.attrs.update({"Xspacing": 1 / RATE, "Xstart": GPS, "Npoints": values.size})
        file["meta/Detector"], file["meta/GPSstart"] = "H1", int(GPS)
        file["quality/simple/DQmask"] = np.full(8, 127) if mask is None else mask
    return made.getvalue()


def gwpy(**channels: np.ndarray) -> bytes:
    """The layout that gwpy writes: a dataset a channel, with x0 and dx."""
    made = io.BytesIO()
    with h5py.File(made, "w") as file:
        for name, values in channels.items():
            file.create_dataset(f"{name}:STRAIN", data=values).attrs.update(
                {"x0": GPS, "dx": 1 / RATE, "unit": "strain"}
            )
    return made.getvalue()


def call(context: ToolContext, name: str, content: bytes | str, **rest: Any) -> ToolResult:
    path = context.cache_dir / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    record = keep_file(str(path), context.artifact_dir).model_dump()
    return analyze_gw_strain.run(analyze_gw_strain.validate({"file": record, **rest}), context)


def refused(context: ToolContext, name: str, content: bytes | str, **rest: Any) -> BenchmateError:
    with pytest.raises(BenchmateError) as caught:
        call(context, name, content, **rest)
    return caught.value


def event() -> np.ndarray:
    """32 s of design noise with a binary of 36 + 29 solar masses at 410 Mpc that coalesces 16.4 s after the start."""
    size = 32 * RATE
    frequency = np.fft.rfftfreq(size, 1 / RATE)
    shifted = taylorf2(frequency, 36, 29, 20, 410) * np.exp(-2j * np.pi * frequency * 16.4)
    return noise(32) + np.fft.irfft(shifted * RATE, size)


def test_an_event_in_a_gwosc_file(context: ToolContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    result = call(context, "H-H1_LOSC.hdf5", gwosc(event()))
    assert result.data["channel"] == "H1"
    assert float(result.data["peak_time"]) == pytest.approx(GPS + 16.4, abs=0.05)
    assert result.quantities["peak_frequency"].value == pytest.approx(50, abs=12)
    assert result.quantities["peak_energy"].value > 100
    names = [artifact.name for artifact in result.artifacts]
    assert names == ["time_frequency.png", "strain.svg", "strain.csv", "strain.py"]


def test_the_spectrum_is_that_of_the_noise(context: ToolContext) -> None:
    result = call(context, "a.hdf5", gwosc(noise(64)))
    found = result.quantities["amplitude_spectral_density"]
    assert found.value == pytest.approx(float(np.sqrt(design_psd(np.array([100.0]))[0])), rel=0.05)
    assert result.data["psd_segments"] == 31


def test_whitened_noise_has_a_standard_deviation_of_one() -> None:
    data = Strain(noise(64), RATE, 0.0)
    frequency, psd, _ = estimate_psd(data.values, RATE, 4.0)
    white = whitened(data, frequency, psd, (30, 300))[2 * RATE : -2 * RATE]
    assert white.std() == pytest.approx(1, abs=0.05)


def test_the_design_curve_is_within_nine_percent_of_lals() -> None:
    # lalsimulation 7.26, SimNoisePSDaLIGOZeroDetHighPower
    frequency = np.array([20.0, 30, 50, 100, 200, 400, 1000])
    lal = np.array(
        [2.07038e-23, 9.31442e-24, 4.97584e-24, 3.90294e-24, 3.62894e-24, 3.71823e-24, 5.22641e-24]
    )
    assert np.sqrt(design_psd(frequency)) == pytest.approx(lal, rel=0.09)


def test_drawn_noise_has_its_spectrum() -> None:
    frequency, psd, _ = estimate_psd(noise(256), RATE, 4.0)
    inside = (frequency > 30) & (frequency < 400)
    assert np.mean(psd[inside] / design_psd(frequency[inside])) == pytest.approx(1, abs=0.03)


def test_lines_are_found_and_mains_are_notched(context: ToolContext) -> None:
    t = np.arange(32 * RATE) / RATE
    values = noise(32) + 2e-21 * np.sin(2 * np.pi * 60 * t) + 1e-21 * np.sin(2 * np.pi * 331.9 * t)
    result = call(context, "a.hdf5", gwosc(values))
    assert result.data["lines_hz"] == pytest.approx([60, 332], abs=0.3)
    assert result.data["notched_hz"] == [60, 120, 180, 240, 300, 360]
    notched = result.quantities["band_rms"].value
    loud = call(context, "a.hdf5", gwosc(values), mains="no_notch").quantities["band_rms"].value
    assert loud > 1.5 * notched


def test_the_edges_are_cut_and_said(context: ToolContext) -> None:
    values = noise(32)
    values[:5] += 1e-18  # a step at the start rings in every filter
    result = call(context, "a.hdf5", gwosc(values))
    assert result.data["edges_cut_s"] == 1.0
    assert "cut off" in result.warnings[-1]
    assert result.quantities["peak_amplitude"].value < 8


def test_one_second_is_too_short_for_a_spectrum(context: ToolContext) -> None:
    result = call(context, "a.hdf5", gwpy(H1=noise(1)))
    assert "amplitude_spectral_density" not in result.quantities
    assert any("too short for a spectrum" in warning for warning in result.warnings)
    assert refused(context, "a.hdf5", gwpy(H1=noise(1)), psd_segment=4).code == "too_short"


def test_a_channel_has_to_be_chosen(context: ToolContext) -> None:
    content = gwpy(H1=noise(8), L1=noise(8, seed=1))
    error = refused(context, "a.hdf", content)
    assert error.code == "several_channels"
    assert "H1:STRAIN, L1:STRAIN" in (error.hint or "")
    assert call(context, "a.hdf", content, channel="L1").data["channel"] == "L1:STRAIN"
    assert refused(context, "a.hdf", content, channel="K1").code == "no_channel"


def test_the_stretch_about_a_gps_time(context: ToolContext) -> None:
    result = call(context, "a.hdf5", gwosc(event()), gps_time=GPS + 16, duration=8)
    assert result.quantities["duration"].value == 8
    assert result.data["gps_start"] == GPS + 12
    assert refused(context, "a.hdf5", gwosc(event()), gps_time=GPS + 100).code == "outside"


def test_gaps_are_left_out_and_counted(context: ToolContext) -> None:
    values = noise(32)
    values[: 4 * RATE] = np.nan
    result = call(context, "a.hdf5", gwosc(values))
    assert result.quantities["duration"].value == 28
    assert result.data["gps_start"] == GPS + 4
    assert "gaps" in result.warnings[0]
    assert refused(context, "a.hdf5", gwosc(np.full(RATE, np.nan))).code == "gaps"


def test_data_quality_is_told(context: ToolContext) -> None:
    mask = np.full(8, 127)
    mask[2], mask[3] = 0, 1
    assert "1 have no data and 2 fail" in call(context, "a.hdf5", gwosc(noise(8), mask=mask)).warnings[0]


def test_fast_data_are_decimated(context: ToolContext) -> None:
    values = noise(8, rate=16384)
    arguments = analyze_gw_strain.validate({"strain": values.tolist(), "sample_rate": 16384})
    result = analyze_gw_strain.run(arguments, context)
    assert result.quantities["sample_rate"].value == 4096
    assert any("decimated" in warning for warning in result.warnings)


def test_gwosc_text(context: ToolContext) -> None:
    header = "# Gravitational wave strain\n# starting GPS 1126259446 duration 8\n# 1024 samples per second\n"
    result = call(context, "H1.txt", header + "\n".join(f"{x:.8e}" for x in noise(8)))
    assert (result.data["gps_start"], result.quantities["sample_rate"].value) == (1126259446, 1024)


def test_two_columns_are_time_and_strain(context: ToolContext) -> None:
    rows = "\n".join(f"{GPS + i / RATE:.9f},{x:.8e}" for i, x in enumerate(noise(8)))
    assert call(context, "a.csv", rows).quantities["sample_rate"].value == pytest.approx(RATE, rel=1e-5)
    uneven = "\n".join(f"{i + (i % 3) / 5},{x:.8e}" for i, x in enumerate(noise(1)))
    assert refused(context, "a.csv", uneven).code == "bad_file"


ONE_COLUMN = "\n".join(f"{x:.8e}" for x in noise(8))


@pytest.mark.parametrize(
    ("name", "content", "rest", "code"),
    [
        ("a.hdf5", b"not hdf5", {}, "bad_file"),
        ("a.hdf5", b"\x89HDF\r\n\x1a\nbroken", {}, "bad_file"),
        ("a.gwf", b"IGWD", {}, "bad_file"),
        ("a.txt", ONE_COLUMN, {}, "no_sample_rate"),
        ("a.txt", "a b c\nd e f", {"sample_rate": 1024}, "bad_file"),
        ("a.hdf5", gwosc(noise(8)), {"sample_rate": 4096}, "wrong_sample_rate"),
        ("a.hdf5", gwosc(np.zeros(8 * RATE)), {}, "constant"),
        ("a.hdf5", gwosc(noise(8)), {"high_frequency": 600}, "bad_band"),
        ("a.hdf5", gwosc(noise(8)), {"low_frequency": 300, "high_frequency": 200}, "bad_band"),
    ],
)
def test_what_is_refused(
    context: ToolContext, name: str, content: Any, rest: dict[str, Any], code: str
) -> None:
    assert refused(context, name, content, **rest).code == code


def test_a_list_needs_its_rate(context: ToolContext) -> None:
    for arguments, code in (({"strain": [0.0, 1.0]}, "no_sample_rate"), ({}, "incomplete")):
        with pytest.raises(BenchmateError) as caught:
            analyze_gw_strain.run(analyze_gw_strain.validate(arguments), context)
        assert caught.value.code == code


def test_what_is_no_strain_by_its_size_is_said(context: ToolContext) -> None:
    assert any("large for strain" in w for w in call(context, "a.hdf5", gwosc(noise(8) * 1e21)).warnings)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(8, 20_000), st.integers(0, 255))
def test_a_damaged_file_is_read_or_refused_with_a_type(context: ToolContext, at: int, byte: int) -> None:
    whole = bytearray(gwosc(noise(1)))
    whole[at % len(whole)] = byte
    (context.cache_dir / "damaged.hdf5").write_bytes(whole[:at] if at % 3 == 0 else whole)
    record = keep_file(str(context.cache_dir / "damaged.hdf5"), context.artifact_dir)
    try:
        outcome: Any = read_strain(record.open(context.artifact_dir)).rate
    except BenchmateError as error:
        outcome = error.info.kind == "invalid"
    assert outcome
