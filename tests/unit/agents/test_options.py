"""Options, columns, positions, ranges and units that a question gives to a tool's arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmate.agents.arguments import legal_calls
from benchmate.agents.intake import Candidate
from benchmate.agents.options import phrase_pattern
from benchmate.tools.base import ToolContext
from benchmate.tools.columns import columns_in, named_columns
from benchmate.tools.intake import find_candidates
from benchmate.tools.registry import load_registry


@pytest.fixture
def call(tmp_path: Path) -> Any:
    """Return the likeliest call of a tool for a question, with the headers of the tables it names."""

    def likeliest(tool: str, question: str) -> dict[str, Any]:
        context = ToolContext(tmp_path, tmp_path, tmp_path)
        data = load_registry()["find_entities"].run({"text": question}, context).data
        candidates = [Candidate.model_validate(c) for c in data["candidates"]]
        return next(legal_calls(load_registry()[tool], question, candidates))

    return likeliest


@pytest.mark.parametrize(
    ("tool", "question", "expected"),
    [
        ("align_sequences", "align MKVLAAGIVGLPLQ and KVLSAGVIGLP locally with BLOSUM45", {"mode": "local", "matrix": "BLOSUM45"}),
        ("process_waveform", "bandpass sample:earthquake 0.8-6 Hz, zero phase", {"operations": ["bandpass"], "low": 0.8, "high": 6, "zero_phase": True}),
        ("process_waveform", "remove the mean from sample:earthquake, then taper it", {"operations": ["demean", "taper"]}),
        ("test_groups", "ctrl 4.1 3.8 4.6 4.0 and treated 5.2 4.9 5.6 4.7: Mann-Whitney U test", {"test": "mann_whitney"}),
        ("translate_sequence", "translate ATGGCCATTGTAATGGGCCGCTGA with the yeast mitochondrial code", {"genetic_code": 3}),
        ("compute_geodesic", "from 46.77 N, 8.12 E to 35.68 S, 139.75 W", {"latitude_1": 46.77, "longitude_1": 8.12, "latitude_2": -35.68, "longitude_2": -139.75}),
        ("measure_separation", "how far is 05h14m32.3s -08d12m06s from 05h55m10.3s +07d24m25s?", {"first": "05h14m32.3s -08d12m06s", "second": "05h55m10.3s +07d24m25s"}),
        ("estimate_star_planet", "parallax 23.41 +/- 0.05 mas", {"parallax": 23.41, "parallax_error": 0.05}),
        ("fit_curve", "fit an exponential decay to x = 0 1 2 4 6 min and y = 98 76 61 38 25", {"model": "exponential_decay", "x_unit": "min"}),
        ("fit_calibration", "standards 0, 2, 4, 8, 16 mg/L read 0.004 0.113 0.221 0.449 0.887", {"concentration_unit": "mg/L"}),
        ("design_experiment", "Box-Behnken for temperature 40-80 °C, pH 5-8 and time 10-60 min", {"design": "box_behnken", "factors": [
            {"name": "temperature", "low": 40, "high": 80, "unit": "°C"}, {"name": "pH", "low": 5, "high": 8}, {"name": "time", "low": 10, "high": 60, "unit": "min"}]}),
        ("correlate", "is sepal length related to petal width in sample:iris? Spearman", {"x_column": "sepal length (cm)", "y_column": "petal width (cm)", "method": "spearman"}),
        ("describe_table", "mean and quartiles per species for sample:iris", {"group_by": "species"}),
        ("fit_regression", "regress TOTEMP on GNP and YEAR from sample:longley, robust errors", {"response": "TOTEMP", "predictors": ["GNP", "YEAR"], "errors": "robust"}),
        ("load_lightcurve", "open tic2593_s14.fits and use the SAP_FLUX column", {"value_column": "SAP_FLUX"}),
        ("count_cells", "count the nuclei of b4.tif at 0.32 um per pixel; ignore anything smaller than 5 microns", {"pixel_size": 0.32, "min_diameter": 5, "max_diameter": None}),
        ("count_cells", "count the nuclei of b4.tif that are smaller than 25 um", {"min_diameter": None, "max_diameter": 25}),
        ("count_cells", "count the nuclei of b4.tif of at least 25 um", {"min_diameter": 25, "max_diameter": None}),
        ("matched_filter_gw", "run a 1.5 + 1.3 Msun template over v1.hdf5, starting at 32 hz", {"mass1": 1.5, "mass2": 1.3, "low_frequency": 32}),
        ("analyze_gw_strain", "whiten l1.hdf5 around GPS 1262879936.1, 16 s of it", {"gps_time": 1262879936.1, "duration": 16}),
        ("prepare_solution", "need 750 mL of 0.15 M NaCl, how many grams?", {"volume": 750, "concentration": 0.15, "stock_volume": None}),
        ("prepare_solution", "10 ml at 20 uM from a 5 mM stock", {"volume": 10, "concentration": 2e-5, "stock_concentration": 0.005}),
        ("compute_tm", "CCTGAAGTTCACGTTGGCAT with 60 mM Na+ and 2 mM Mg, primer 250 nM. Tm?", {"sodium": 60, "magnesium": 2, "oligo": 250}),
        ("power_analysis", "how many subjects per group for d = 0.8 at 90% power", {"effect_size": 0.8, "power": 0.9}),
        ("estimate_star_planet", "the dip is 640 ppm and the host has 1.21 solar radii", {"transit_depth": 0.00064, "star_radius": 1.21}),
        ("estimate_star_planet", "a companion at 2 AU of a star of 0.9 solar masses", {"star_mass": 0.9}),
        ("compute_cosmology", "which redshift was 1.2 billion years ago?", {"lookback_time": 1.2}),
        ("predict_solubility", "solubility of ketoprofen in water, it melts at 94 C", {"melting_point": 94}),
        ("simulate_isotope_pattern", "M+Na cluster of C12H9BrCl2O", {"adduct": "[M+Na]+"}),
        ("simulate_xrd", "peaks of CsCl (caesium chloride type, a=4.123 A) with Mo Ka1", {"prototype": "cesium_chloride", "radiation": "MoKa1", "a": 4.123}),
        ("fit_dose_response", "doses in nM 1 3 10 30 100 300 1000, viability % 99 96 88 64 33 14 6", {"dose_unit": "nM", "response_unit": "%"}),
        ("fit_calibration", "standards 0, 2, 4, 8, 16 read 0.004 0.113 0.221 0.449 0.887; my sample read 0.371", {"unknowns": [0.371]}),
        ("convert_coordinates", "equinox 1950: RA 83.16 deg, dec -5.42 deg", {"longitude": 83.16, "latitude": -5.42, "conversion": "from_b1950"}),
        ("calculate", "3.5 bar * 2.2 L / (8.314 J/mol/K * 310 K) in mmol", {"calculation": "3.5 bar * 2.2 L / (8.314 J/mol/K * 310 K)", "unit": "mmol"}),
        ("propagate_uncertainty", "R = V/I with V = 4.82 ± 0.03 and I = 0.217 ± 0.002. error on R?", {
            "expression": "V/I", "values": {"V": 4.82, "I": 0.217}, "uncertainties": {"V": 0.03, "I": 0.002}}),
    ],
)  # fmt: skip
def test_a_question_settles_arguments(call: Any, tool: str, question: str, expected: dict[str, Any]) -> None:
    found = call(tool, question)
    assert {name: found.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("10-60 min.", ["10", "60"]),
        ("from 10-60.", ["10", "60"]),
        ("0.2–1.1", ["0.2", "1.1"]),
        ("on 2016-04-26", []),
        ("50-78-2", []),
        ("between -5 and 5 °C", ["-5", "5"]),
    ],
)
def test_both_ends_of_a_range_are_numbers(text: str, numbers: list[str]) -> None:
    assert [c["text"] for c in find_candidates(text) if c["kind"] == "number"] == numbers


def test_columns_are_found_by_the_header_the_longest_first() -> None:
    headers = ["time (days)", "flux", "flux_err", "T"]
    found = {f.text: h for f, h in columns_in("plot flux err against time over 5 days, not T or t", headers)}
    assert found == {"flux err": "flux_err", "time": "time (days)", "T": "T"}


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("columns temp, eq and yield", ["temp", "eq", "yield"]),
        ('the "mean flux" column', ["mean flux"]),
        ("a column of water", []),
        ("the first column", []),
    ],
)
def test_words_called_columns(text: str, columns: list[str]) -> None:
    assert [f.text for f in named_columns(text)] == columns


def test_phrases_match_hyphens_and_capitals_as_meant() -> None:
    assert phrase_pattern("zero phase").search("a Zero-phase filter")
    assert phrase_pattern("filter ... between").search("filter the record between 1 and 2 Hz")
    assert phrase_pattern("BH").search("adjust by BH") and not phrase_pattern("BH").search("bh")
    assert phrase_pattern("").search("anything") is None


@pytest.mark.parametrize(
    ("tool", "question", "expected"),
    [
        ("measure_gel", "band volumes of the gel in gel.png, six lanes", {"lanes": 6}),
        ("digest_protein", "Glu-C digest of MAEGEITTFTALTEK with one missed cleavage", {"missed_cleavages": 1}),
        ("power_analysis", "how many patients for d = 0.5, two-sided alpha?", {"effect_size": 0.5, "alpha": None}),
        ("search_library", "what do my notes say about garnets? show the 3 best passages", {"count": 3}),
        ("optimize_codons", "back-translate MSKGEELFTG for S. cerevisiae without BamHI and XhoI sites", {"host": "S. cerevisiae", "avoid_enzymes": ["BamHI", "XhoI"]}),
        ("simulate_golden_gate", "BsmBI golden gate of AATGAGAGACGACTTGTGAATCGTCTCTGC and TTCGTCTCTAATGCGCGTTACTTACGCGTC", {"enzyme": "BsmBI"}),
        ("read_sequences", "list the CDS features in sample:cold-genes", {"feature_type": "CDS"}),
        ("search_substructure", "which of saccharin and dapsone match the SMARTS pattern S(=O)(=O)[NX3]?", {"query": "S(=O)(=O)[NX3]", "targets": ["saccharin", "dapsone"]}),
        ("prepare_solution", "how many grams of MgSO4·7H2O for 2 L of a 20 mM solution?", {"solute": "MgSO4·7H2O", "volume": 2000, "concentration": 0.02}),
        ("segment_image", "triangle threshold on coins.png after a Gaussian sigma of 2 px", {"smoothing": 2, "pixel_size": None}),
        ("convert_coordinates", "from 28.76 N, 17.89 W: altitude of 18h36m56.3s +38d47m01s", {"site_latitude": 28.76, "site_longitude": -17.89, "latitude": None}),
        ("propagate_uncertainty", "density from m/(pi*r^2*h): m = 1.842 ± 0.002 g, r = 0.503 ± 0.004 cm, h = 0.317 ± 0.003 cm", {"expression": "m/(pi*r^2*h)"}),
        ("load_lightcurve", "load sample:sunspots, YEAR is the time axis and SUNACTIVITY the flux", {"time_column": "YEAR", "value_column": "SUNACTIVITY"}),
    ],
)  # fmt: skip
def test_a_question_settles_more_arguments(
    call: Any, tool: str, question: str, expected: dict[str, Any]
) -> None:
    found = call(tool, question)
    assert {name: found.get(name) for name in expected} == expected


def test_a_question_about_another_kind_of_file_is_not_for_a_tool(call: Any) -> None:
    with pytest.raises(StopIteration):
        call("matched_filter_gw", "masses 4 and 5 in sample:earthquake")
    with pytest.raises(StopIteration):
        call("compute_descriptors", "the molecular weight of aspirin by sample:iris")
    assert call("read_waveform", "open sample:earthquake")["file"] == "sample:earthquake"


def test_options_beside_the_question_count() -> None:
    question, around = "Where does HindIII cut AAGCTTAAAAAAGCTT?", "This is a circular plasmid."
    candidates = [Candidate.model_validate(c) for c in find_candidates(question)]
    found = next(legal_calls(load_registry()["find_restriction_sites"], question, candidates, around))
    assert found["topology"] == "circular"
