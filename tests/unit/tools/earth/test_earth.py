"""Earth science: reference values from Kennett and Engdahl's tables, USGS, ObsPy's example record; traps; properties."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import obspy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import Tool, ToolContext, ToolResult
from benchmate.tools.earth.catalogs import analyze_catalog
from benchmate.tools.earth.distances import compute_geodesic
from benchmate.tools.earth.magnitudes import estimate_magnitude
from benchmate.tools.earth.picking import pick_phases
from benchmate.tools.earth.spectra import compute_spectrum
from benchmate.tools.earth.travel_times import compute_travel_times, estimate_epicentral_distance
from benchmate.tools.earth.waveforms import aliased, process_waveform, read_waveform

QUAKE = "sample:earthquake"


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ToolContext:
    folder = tmp_path_factory.mktemp("earth")
    return ToolContext(cache_dir=folder, artifact_dir=folder / "artifacts", library_folder=folder)


@pytest.fixture(scope="module")
def run(context: ToolContext) -> Any:
    def call(tool: Tool, **arguments: Any) -> ToolResult:
        return tool.run(tool.validate(arguments), context)

    return call


def refused(run: Any, code: str, tool: Tool, **arguments: Any) -> BenchmateError:
    with pytest.raises(BenchmateError) as caught:
        run(tool, **arguments)
    assert caught.value.code == code
    return caught.value


def mseed(path: Path, *pieces: tuple[float, Any], rate: float = 100.0) -> str:
    """Write traces of one channel that begin at these seconds."""
    origin = obspy.UTCDateTime(2020, 1, 1)
    header = {"network": "XX", "station": "TEST", "channel": "HHZ", "sampling_rate": rate}
    traces = [
        obspy.Trace(np.asarray(data, dtype=float), header | {"starttime": origin + begin})
        for begin, data in pieces
    ]
    obspy.Stream(traces).write(str(path), format="MSEED")
    return str(path)


# --- waveforms -------------------------------------------------------------------------------------------------------


def test_the_example_record(run: Any) -> None:
    result = run(
        read_waveform, file=QUAKE
    )  # ObsPy's documentation: 3 traces, 3000 samples at 100 Hz from 00:20:03
    values = {name: q.value for name, q in result.quantities.items()}
    assert (values["trace_count"], values["sampling_rate"], values["sample_count"]) == (3, 100.0, 3000)
    assert result.data["traces"][0]["start"] == "2009-08-24T00:20:03.000000Z"
    assert {a.name for a in result.artifacts} == {"seismogram.svg", "seismogram.csv", "seismogram.py"}


def test_gaps_and_overlaps_are_told(run: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    file = mseed(
        tmp_path / "gap.mseed",
        (0, rng.normal(size=500)),
        (7, rng.normal(size=500)),
        (11, rng.normal(size=300)),
    )
    result = run(read_waveform, file=file)
    assert [g["kind"] for g in result.data["gaps"]] == ["gap", "overlap"]
    assert result.data["gaps"][0]["seconds"] == pytest.approx(2.0, abs=0.02)
    refused(run, "has_gaps", pick_phases, file=file)
    refused(run, "has_gaps", compute_spectrum, file=file)


def test_a_clipped_record_is_suspected(run: Any, tmp_path: Path) -> None:
    wave = np.clip(5 * np.sin(np.arange(1000) / 30), -3, 3)
    assert any(
        "clipped" in w for w in run(read_waveform, file=mseed(tmp_path / "c.mseed", (0, wave))).warnings
    )


def test_what_is_no_waveform(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "notes.mseed"
    path.write_bytes(b"nothing of the kind")
    refused(run, "bad_file", read_waveform, file=str(path))
    path.write_bytes(b"")
    refused(run, "bad_file", read_waveform, file=str(path))


def test_a_corner_at_the_nyquist_frequency_is_refused(run: Any) -> None:
    error = refused(run, "above_nyquist", process_waveform, file=QUAKE, operations=["lowpass"], high=65)
    assert "35 Hz" in str(error.hint)  # where 65 Hz appears at 100 Hz sampling


@given(st.floats(0.01, 500), st.floats(1, 200))
def test_aliasing_folds_into_the_band(frequency: float, rate: float) -> None:
    seen = aliased(frequency, rate)
    assert 0 <= seen <= rate / 2 + 1e-9
    assert aliased(frequency + rate, rate) == pytest.approx(seen, abs=1e-6)


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("missing_argument", {"operations": ["bandpass"], "low": 1}),
        ("missing_argument", {"operations": ["remove_response"]}),
        ("missing_argument", {"operations": ["resample"]}),
        ("corners_crossed", {"operations": ["bandpass"], "low": 10, "high": 1}),
        ("bad_arguments", {"operations": []}),
        ("bad_arguments", {"operations": ["polish"]}),
    ],
)
def test_processing_that_cannot_be_done(run: Any, code: str, arguments: dict[str, Any]) -> None:
    refused(run, code, process_waveform, file=QUAKE, **arguments)


def test_the_band_is_what_a_filter_leaves(run: Any, tmp_path: Path, context: ToolContext) -> None:
    time = np.arange(4000) / 100
    file = mseed(tmp_path / "two.mseed", (0, np.sin(2 * np.pi * 1 * time) + np.sin(2 * np.pi * 20 * time)))
    result = run(process_waveform, file=file, operations=["taper", "lowpass"], high=5)
    (kept,) = [a for a in result.artifacts if a.name == "processed.mseed"]
    after = obspy.read(str(context.artifact_dir / kept.sha))[0].data
    assert np.std(after[1000:3000]) == pytest.approx(math.sqrt(0.5), rel=0.02)  # the sine of 1 Hz alone


def test_the_response_gives_ground_velocity(run: Any) -> None:
    operations = ["demean", "taper", "remove_response"]
    result = run(process_waveform, file=QUAKE, operations=operations, station="sample:station")
    peak = result.quantities["peak_amplitude"]
    assert peak.unit == "m/s"
    # counts over the sensitivity of the station, 2.5168e9 counts s/m, as in ObsPy's metadata of BW.RJOB
    assert peak.value == pytest.approx(2297 / 2516778400, rel=0.1)


def test_a_zero_phase_filter_and_a_missing_taper_are_warned_of(run: Any) -> None:
    result = run(process_waveform, file=QUAKE, operations=["highpass"], low=1, zero_phase=True)
    assert any("do not pick" in w for w in result.warnings)
    assert any("taper" in w for w in result.warnings)


# --- picks -----------------------------------------------------------------------------------------------------------


def test_picks_of_the_example_record(run: Any) -> None:
    result = run(pick_phases, file=QUAKE)  # by eye: P 4.7 s, S 6.2 s
    assert result.quantities["p_pick"].value == pytest.approx(4.72, abs=0.06)
    assert result.quantities["s_pick"].value == pytest.approx(6.2, abs=0.1)
    one = run(pick_phases, file=QUAKE, method="sta_lta")
    assert one.quantities["p_pick"].value == pytest.approx(4.75, abs=0.06)
    assert "s_pick" not in one.quantities


def test_an_onset_inside_the_long_window_is_not_seen_and_the_hint_says_so(run: Any) -> None:
    error = refused(run, "no_pick", pick_phases, file=QUAKE, method="sta_lta", lta=10)
    assert "first 10 s" in str(error.hint)
    refused(run, "record_too_short", pick_phases, file=QUAKE, method="sta_lta", lta=40)


def test_one_component_cannot_be_picked_by_three(run: Any, tmp_path: Path) -> None:
    file = mseed(tmp_path / "one.mseed", (0, np.random.default_rng(2).normal(size=3000)))
    refused(run, "three_components_needed", pick_phases, file=file, method="ar")


@pytest.mark.parametrize("onset", [8.0, 13.0])
def test_a_made_onset_is_found(run: Any, tmp_path: Path, onset: float) -> None:
    rng = np.random.default_rng(3)
    time = np.arange(3000) / 100
    wave = 0.02 * rng.normal(size=3000) + np.where(
        time >= onset, np.sin(2 * np.pi * 6 * (time - onset)) * np.exp(onset - time), 0
    )
    result = run(pick_phases, file=mseed(tmp_path / "made.mseed", (0, wave)), method="sta_lta")
    assert result.quantities["p_pick"].value == pytest.approx(onset, abs=0.15)


# --- travel times ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "distance", "phase", "seconds", "within"),
    [
        ("iasp91", 30, "P", 370.3, 0.5),  # Kennett 1991 tables: 6:10.3
        ("iasp91", 30, "S", 670.3, 0.5),  # 11:10.3
        ("ak135", 30, "P", 370.3, 2.5),
        ("iasp91", 60, "P", 609.0, 1.5),  # 10:08.9
        ("iasp91", 90, "P", 782.0, 1.5),  # 13:01
    ],
)
def test_tabulated_travel_times(
    run: Any, model: str, distance: float, phase: str, seconds: float, within: float
) -> None:
    result = run(compute_travel_times, distance=distance, phases=[phase], model=model)
    assert result.quantities[f"travel_time_{phase}"].value == pytest.approx(seconds, abs=within)


def test_p_ends_at_the_shadow_of_the_core(run: Any) -> None:
    error = refused(run, "no_arrival", compute_travel_times, distance=120, phases=["P"])
    assert "PKIKP" in str(error.hint)


def test_phases_may_arrive_several_times(run: Any) -> None:
    result = run(compute_travel_times, distance=20, phases=["P"])
    assert result.quantities["travel_time_P"].value <= result.quantities["travel_time_P_2"].value
    assert any("times" in w for w in result.warnings)


def test_kilometres_and_degrees_are_one_distance(run: Any) -> None:
    one = run(compute_travel_times, distance_km=3335.85, phases=["P"]).quantities["travel_time_P"].value
    assert one == pytest.approx(
        run(compute_travel_times, distance=30, phases=["P"]).quantities["travel_time_P"].value, abs=0.01
    )


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("missing_argument", {}),
        ("conflicting_arguments", {"distance": 30, "distance_km": 100}),
        ("unknown_phase", {"distance": 30, "phases": ["Q"]}),
        ("bad_arguments", {"distance": 200}),
        ("bad_arguments", {"distance": 30, "depth": -5}),
        ("bad_arguments", {"distance": 30, "model": "earth"}),
    ],
)
def test_travel_times_that_cannot_be_had(run: Any, code: str, arguments: dict[str, Any]) -> None:
    refused(run, code, compute_travel_times, **arguments)


@settings(max_examples=15, deadline=None)
@given(st.floats(25, 85), st.floats(0.5, 8))
def test_farther_is_later(distance: float, more: float) -> None:
    context = ToolContext(cache_dir=Path(), artifact_dir=Path(), library_folder=Path())

    def seconds(where: float) -> float:
        arguments = {"distance": where, "phases": ["P"], "depth": 0.0, "model": "iasp91", "distance_km": None}
        return compute_travel_times.run(arguments, context).quantities["travel_time_P"].value

    assert seconds(distance) < seconds(distance + more)


def test_distance_from_s_minus_p(run: Any) -> None:
    result = run(estimate_epicentral_distance, s_minus_p=8, p_speed=6, s_speed=3.46)
    assert result.quantities["epicentral_distance"].value == pytest.approx(
        65.39, abs=0.05
    )  # 8 / (1/3.46 - 1/6)
    assert result.quantities["epicentral_distance"].relation == "~"


@given(st.floats(0.5, 60), st.floats(4, 8), st.floats(1.5, 2))
def test_the_distance_gives_the_time_back(seconds: float, speed: float, ratio: float) -> None:
    context = ToolContext(cache_dir=Path(), artifact_dir=Path(), library_folder=Path())
    arguments = {"s_minus_p": seconds, "p_speed": speed, "s_speed": None, "ratio": ratio}
    distance = estimate_epicentral_distance.run(arguments, context).quantities["epicentral_distance"].value
    assert distance * ratio / speed - distance / speed == pytest.approx(seconds, rel=1e-9)


def test_s_is_slower_than_p(run: Any) -> None:
    refused(run, "speeds_crossed", estimate_epicentral_distance, s_minus_p=8, p_speed=5, s_speed=6)
    assert any("beyond" in w for w in run(estimate_epicentral_distance, s_minus_p=60).warnings)


# --- magnitudes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "magnitude"),
    [
        (3.98e22, 9.0),  # Tohoku 2011, USGS 9.0 to 9.1
        ("3.98e29 dyn*cm", 9.0),
        (1.1e21, 7.96),  # Haida Gwaii-size; formula by hand
        (2.0e23, 9.47),  # Chile 1960: 2e23 N m, Mw 9.5 (Kanamori 1977)
    ],
)
def test_moment_magnitudes(run: Any, moment: Any, magnitude: float) -> None:
    result = run(estimate_magnitude, moment=moment)
    assert result.quantities["moment_magnitude"].value == pytest.approx(magnitude, abs=0.03)


@given(st.floats(-2, 9.5))
def test_moment_and_magnitude_are_inverse(magnitude: float) -> None:
    context = ToolContext(cache_dir=Path(), artifact_dir=Path(), library_folder=Path())
    empty = {"moment": None, "magnitude": None, "amplitude": None, "distance": None}
    moment = (
        estimate_magnitude.run(empty | {"magnitude": magnitude}, context).quantities["seismic_moment"].value
    )
    back = estimate_magnitude.run(empty | {"moment": moment}, context).quantities["moment_magnitude"].value
    assert back == pytest.approx(magnitude, abs=1e-9)


def test_local_magnitude_by_its_definition(run: Any) -> None:
    # Hutton and Boore: 1 mm at 100 km is ML 3 by definition, 10 mm at 17 km too
    assert run(estimate_magnitude, amplitude=1, distance=100).quantities[
        "local_magnitude"
    ].value == pytest.approx(3.0)
    near = run(estimate_magnitude, amplitude=10, distance=17).quantities["local_magnitude"].value
    assert near == pytest.approx(3.0, abs=0.02)


def test_a_moment_in_the_wrong_unit_is_suspected(run: Any) -> None:
    error = refused(run, "implausible_moment", estimate_magnitude, moment=3.98e29)
    assert "dyn" in str(error.hint)


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("missing_argument", {}),
        ("conflicting_arguments", {"moment": 1e20, "magnitude": 5}),
        ("missing_argument", {"amplitude": 3}),
        ("bad_arguments", {"moment": "3 kg"}),
        ("bad_arguments", {"moment": -1}),
    ],
)
def test_magnitudes_that_cannot_be_had(run: Any, code: str, arguments: dict[str, Any]) -> None:
    refused(run, code, estimate_magnitude, **arguments)


# --- catalogues ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("true", [0.8, 1.0, 1.2])
def test_the_b_value_of_a_made_catalogue(run: Any, true: float) -> None:
    rng = random.Random(7)
    exact = [1.95 + rng.expovariate(true * math.log(10)) for _ in range(4000)]
    result = run(analyze_catalog, magnitudes=[round(m, 1) for m in exact], completeness=2.0)
    b = result.quantities["b_value"]
    assert b.uncertainty is not None
    assert abs(b.value - true) < 4 * b.uncertainty
    # without the binning correction b comes out too high (Utsu 1966)
    assert (
        run(analyze_catalog, magnitudes=[round(m, 1) for m in exact], completeness=2.0, bin_width=0)
        .quantities["b_value"]
        .value
        > b.value
    )


def test_completeness_is_where_the_catalogue_thins_out(run: Any) -> None:
    rng = random.Random(8)
    whole = [round(1.0 + rng.expovariate(math.log(10)), 1) for _ in range(20000)]
    seen = [m for m in whole if m >= 2.0 or rng.random() < 0.1]
    result = run(analyze_catalog, magnitudes=seen)
    assert result.quantities["completeness_magnitude"].value == pytest.approx(2.2, abs=0.11)


def test_a_catalogue_from_quakeml_and_csv(run: Any, tmp_path: Path) -> None:
    catalog = obspy.core.event.Catalog(
        [
            obspy.core.event.Event(magnitudes=[obspy.core.event.Magnitude(mag=2.0 + 0.1 * (n % 9) * (n % 2))])
            for n in range(80)
        ]
    )
    catalog.write(str(tmp_path / "c.xml"), format="QUAKEML")
    from_xml = run(analyze_catalog, file=str(tmp_path / "c.xml"), completeness=2.0)
    rows = "\n".join(f"2020-01-01,{2.0 + 0.1 * (n % 9) * (n % 2):.1f}" for n in range(80))
    (tmp_path / "c.csv").write_text(f"time,Mag\n{rows}\n")
    from_csv = run(analyze_catalog, file=str(tmp_path / "c.csv"), completeness=2.0)
    assert from_xml.quantities["b_value"].value == pytest.approx(from_csv.quantities["b_value"].value)


def test_catalogues_that_give_no_b_value(run: Any, tmp_path: Path) -> None:
    refused(run, "too_few_events", analyze_catalog, magnitudes=[2.0, 3.0])
    refused(run, "too_few_events", analyze_catalog, magnitudes=[])
    refused(run, "missing_argument", analyze_catalog)
    (tmp_path / "c.csv").write_text("time,size\n1,2\n")
    refused(run, "bad_file", analyze_catalog, file=str(tmp_path / "c.csv"))


# --- distances ----------------------------------------------------------------------------------------------------------


def test_a_quarter_of_the_equator(run: Any) -> None:
    result = run(compute_geodesic, latitude_1=0, longitude_1=0, latitude_2=0, longitude_2=90)
    assert result.quantities["geodesic_distance"].value == pytest.approx(
        10018.754, abs=0.001
    )  # a π / 2, WGS84
    assert result.quantities["azimuth"].value == pytest.approx(90)
    assert result.quantities["angular_distance"].value == pytest.approx(90)


def test_a_known_line(run: Any) -> None:
    # Vincenty's own example, Flinders Peak to Buninyon, 54 972.271 m on GRS80 (Geoscience Australia)
    result = run(
        compute_geodesic, latitude_1=-37.95103341666667, longitude_1=144.42486788888888,
        latitude_2=-37.65282113888889, longitude_2=143.92649552777777,
    )  # fmt: skip
    assert result.quantities["geodesic_distance"].value == pytest.approx(54.972271, abs=1e-6)
    assert result.quantities["azimuth"].value == pytest.approx(306.868158, abs=1e-5)


@given(st.floats(-89, 89), st.floats(-179, 179), st.floats(-89, 89), st.floats(-179, 179))
def test_there_and_back_is_as_far(a: float, b: float, c: float, d: float) -> None:
    context = ToolContext(cache_dir=Path(), artifact_dir=Path(), library_folder=Path())

    def km(*p: float) -> dict[str, float]:
        names = ("latitude_1", "longitude_1", "latitude_2", "longitude_2")
        return {
            n: q.value
            for n, q in compute_geodesic.run(dict(zip(names, p, strict=True)), context).quantities.items()
        }

    there, back = km(a, b, c, d), km(c, d, a, b)
    assert there["geodesic_distance"] == pytest.approx(back["geodesic_distance"], abs=1e-6)
    assert there["spherical_distance"] == pytest.approx(there["geodesic_distance"], rel=0.0065, abs=0.01)


def test_antipodes_and_wrong_coordinates(run: Any) -> None:
    result = run(compute_geodesic, latitude_1=0, longitude_1=0, latitude_2=0, longitude_2=180)
    assert any("antipodal" in w for w in result.warnings)
    refused(run, "bad_arguments", compute_geodesic, latitude_1=95, longitude_1=0, latitude_2=0, longitude_2=0)


# --- spectra ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("window", ["hann", "boxcar"])
def test_the_amplitude_of_a_sine(run: Any, window: str) -> None:
    values = [3.5 * math.sin(2 * math.pi * 5 * n / 100) for n in range(400)]
    result = run(compute_spectrum, values=values, sampling_rate=100, window=window)
    assert result.quantities["dominant_frequency"].value == pytest.approx(5.0)
    assert result.quantities["dominant_amplitude"].value == pytest.approx(3.5, rel=1e-6)
    assert result.quantities["variance"].value == pytest.approx(3.5**2 / 2, rel=1e-6)


def test_a_sine_above_the_nyquist_frequency_is_folded(run: Any) -> None:
    values = [math.sin(2 * math.pi * 65 * n / 100) for n in range(400)]
    assert run(compute_spectrum, values=values, sampling_rate=100).quantities[
        "dominant_frequency"
    ].value == pytest.approx(35)


def test_the_density_of_white_noise_integrates_to_its_variance(run: Any, context: ToolContext) -> None:
    values = np.random.default_rng(5).normal(scale=2, size=20000)
    result = run(compute_spectrum, values=values.tolist(), sampling_rate=50, kind="psd")
    (data,) = [a for a in result.artifacts if a.name == "spectrum.csv"]
    rows = (context.artifact_dir / data.sha).read_text().splitlines()[1:]
    density = [float(row.split(",")[3]) for row in rows]
    step = result.quantities["frequency_resolution"].value
    assert sum(density) * step == pytest.approx(4.0, rel=0.05)


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("missing_argument", {}),
        ("missing_argument", {"values": [1.0] * 20}),
        ("too_short", {"values": [1.0, 2.0], "sampling_rate": 10}),
        ("bad_arguments", {"values": [1.0] * 20, "sampling_rate": 0}),
    ],
)
def test_spectra_that_cannot_be_had(run: Any, code: str, arguments: dict[str, Any]) -> None:
    refused(run, code, compute_spectrum, **arguments)
