"""ADMET-AI: what is made of its numbers, without the library; and where it is installed, its own numbers and drugs known for an effect."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmate.runtime.errors import BenchmateError
from benchmate.tools import extras
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.chemistry import admet
from benchmate.tools.chemistry.admet import predict_admet
from benchmate.tools.chemistry.admet_endpoints import ENDPOINTS, endpoint_name

installed = pytest.mark.skipif(bool(extras.missing_parts("admet")), reason="ADMET-AI is not installed")


def answered(**values: float) -> dict[str, Any]:
    """An answer of the process with every endpoint at 0.5, except as told."""
    predicted, tested = {}, {}
    for name, endpoint in ENDPOINTS.items():
        predicted[endpoint.key] = values.get(name, 0.5)
        predicted[f"{endpoint.key}_drugbank_approved_percentile"] = 50.0
        held_out = {"R^2": "0.7", "MAE": "0.4"} if endpoint.regression else {"AUROC": "0.84", "AUPRC": "0.9"}
        tested[endpoint.key] = {"category": "Toxicity", "size": "648", "species": "human", **held_out}
    tested["Half_Life_Obach"]["R^2"] = "-2.4"
    return {
        "versions": {"admet-ai": "2.0.1", "chemprop": "2.2.4", "torch": "2.13.0"},
        "predicted": predicted,
        "tested": tested,
    }


@pytest.fixture
def canned(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Stand in for the library; what it is to answer may be changed."""
    answer = answered()
    monkeypatch.setattr(extras, "_installed", lambda module: True)
    monkeypatch.setattr(admet, "_ask", lambda smiles: answer)
    return answer


def run(compound: str, *endpoints: str) -> ToolResult:
    nowhere = Path("unused")
    arguments: dict[str, Any] = {"compound": compound} | ({"endpoints": list(endpoints)} if endpoints else {})
    return predict_admet.run(predict_admet.validate(arguments), ToolContext(nowhere, nowhere, nowhere))


def refusal(compound: str, *endpoints: str) -> BenchmateError:
    with pytest.raises(BenchmateError) as caught:
        run(compound, *endpoints)
    return caught.value


def test_all_endpoints_or_those_named(canned: dict[str, Any]) -> None:
    assert len(ENDPOINTS) == 41 and len({e.key for e in ENDPOINTS.values()}) == 41
    assert set(run("aspirin").quantities) == set(ENDPOINTS) - {"half_life"}
    assert set(run("aspirin", "herg_blocking", "herg_blocking").quantities) == {"herg_blocking"}


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("hERG", "herg_blocking"),
        ("CYP3A4", "cyp3a4_inhibition"),
        ("CYP3A4 substrate", "cyp3a4_substrate"),
        ("BBB", "bbb_penetration"),
        ("HIA_Hou", "human_intestinal_absorption"),
        ("Caco-2", "caco2_permeability"),
        ("half-life", "half_life"),
        ("LD50", "ld50"),
        ("Solubility", "aqueous_solubility"),
        ("log_d", "log_d"),
    ],
)
def test_endpoints_as_chemists_write_them(canned: dict[str, Any], written: str, name: str) -> None:
    (row,) = run("aspirin", written).data["endpoints"]
    assert row["endpoint"] == name


def test_every_endpoint_has_a_name_of_its_own() -> None:
    for name, endpoint in ENDPOINTS.items():
        assert endpoint_name(name) == endpoint_name(endpoint.key) == name
    assert endpoint_name(3) == 3 and endpoint_name("unknown") == "unknown"


def test_a_probability_says_of_what_and_that_it_is_no_fact(canned: dict[str, Any]) -> None:
    result = run("aspirin", "herg_blocking")
    quantity = result.quantities["herg_blocking"]
    assert quantity.unit == "" and quantity.relation == "~"
    assert (quantity.conditions or {})["meaning"] == "probability that it blocks hERG"
    assert (quantity.conditions or {})["on compounds left out"] == "AUROC 0.84, AUPRC 0.90"
    assert any("no measurement" in w for w in result.warnings)


def test_a_number_has_a_unit_and_no_talk_of_probability(canned: dict[str, Any]) -> None:
    result = run("aspirin", "hydration_free_energy")
    assert result.quantities["hydration_free_energy"].unit == "kcal/mol"
    assert not any("probability" in w for w in result.warnings)


def test_log_d_is_not_log_p(canned: dict[str, Any]) -> None:
    assert any("not logP" in w for w in run("aspirin", "log_d").warnings)
    assert not any("logP" in w for w in run("aspirin", "ld50").warnings)


def test_an_endpoint_without_skill_stands_in_data_only(canned: dict[str, Any]) -> None:
    result = run("aspirin", "half_life")
    assert not result.quantities
    assert result.data["endpoints"][0]["value"] == 0.5
    assert any("worse than their mean" in w for w in result.warnings)


@pytest.mark.parametrize(
    ("endpoint", "impossible"),
    [("microsome_clearance", -22.8), ("plasma_protein_binding", 104.0), ("plasma_protein_binding", -3.0)],
)
def test_an_impossible_number_is_not_given(
    canned: dict[str, Any], endpoint: str, impossible: float
) -> None:  # ADMET-AI 2.0.1 gives ethanol a clearance of -22.8
    canned["predicted"][ENDPOINTS[endpoint].key] = impossible  # type: ignore[index]
    result = run("ethanol", endpoint)
    assert not result.quantities
    assert any("cannot be" in w for w in result.warnings)


def test_a_logarithm_may_be_negative(canned: dict[str, Any]) -> None:
    canned["predicted"]["Caco2_Wang"] = -4.56
    quantity = run("aspirin", "caco2_permeability").quantities["caco2_permeability"]
    assert quantity.value == -4.56 and "cm/s" in (quantity.conditions or {})["meaning"]


@pytest.mark.parametrize(
    ("compound", "word"),
    [
        ("ethanol", "smaller"),
        ("N[C@@H](C)C(=O)N[C@@H](C)C(=O)N[C@@H](C)C(=O)O", "peptide"),
        ("C" * 80, "heavier"),
        ("C[N+](C)(C)CCCCCCC", "an ion"),
        ("CC(=O)Oc1ccccc1C(=O)[O-].[Na+]", "a salt"),
    ],
)
def test_what_is_outside_the_domain_is_flagged(canned: dict[str, Any], compound: str, word: str) -> None:
    result = run(compound, "herg_blocking")
    assert not result.data["in_domain"]
    assert any(word in w for w in result.warnings)


def test_a_salt_is_its_parent(canned: dict[str, Any]) -> None:
    result = run("CC(=O)Oc1ccccc1C(=O)[O-].[Na+]", "herg_blocking")
    assert result.data["structure"] == "CC(=O)Oc1ccccc1C(=O)O"
    assert run("aspirin").data["in_domain"]


@pytest.mark.parametrize(
    ("compound", "endpoints", "code"),
    [
        ("[NH3][Pt]([NH3])(Cl)Cl", (), "outside_domain"),
        ("water", (), "outside_domain"),
        ("C[Hg]C", (), "outside_domain"),
        ("aspirin", ("hERGs",), "bad_arguments"),
        ("aspirinn", (), "unknown_compound"),
        ("C1CC", (), "invalid_smiles"),
        ("", (), "bad_arguments"),
    ],
)
def test_bad_input_is_typed(
    canned: dict[str, Any], compound: str, endpoints: tuple[str, ...], code: str
) -> None:
    assert refusal(compound, *endpoints).code == code


@pytest.mark.parametrize("fault", ["error", "time"])
def test_a_process_that_fails_is_typed(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    def fails(command: list[str], **more: Any) -> subprocess.CompletedProcess[str]:
        if fault == "time":
            raise subprocess.TimeoutExpired(command, 1)
        return subprocess.CompletedProcess(command, 1, "", "no weights")

    monkeypatch.setattr(extras, "_installed", lambda module: True)
    monkeypatch.setattr(subprocess, "run", fails)
    error = refusal("aspirin")
    assert (error.code, error.kind) == ("admet_failed", "crashed")


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "_installed", lambda module: False)
    error = refusal("aspirin")
    assert error.code == "missing_extra" and "benchmate[admet]" in str(error)


@installed
def test_the_numbers_are_those_of_the_library_used_directly() -> None:
    code = (
        "import json, os; os.environ['CUDA_VISIBLE_DEVICES'] = ''\n"
        "from admet_ai import ADMETModel\n"
        "print(json.dumps({k: float(v) for k, v in ADMETModel().predict('CC(=O)Oc1ccccc1C(=O)O').items()}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    direct = json.loads(done.stdout.splitlines()[-1])
    first, again = run("aspirin"), run("aspirin")
    assert [r["value"] for r in first.data["endpoints"]] == [r["value"] for r in again.data["endpoints"]]
    for row in first.data["endpoints"]:
        assert row["value"] == pytest.approx(direct[row["library_name"]], abs=1e-4)
        percentile = direct[f"{row['library_name']}_drugbank_approved_percentile"]
        assert row["percentile_of_approved_drugs"] == pytest.approx(percentile, abs=0.1)
    assert first.quantities["herg_blocking"].value < 0.1  # aspirin does not block hERG and is well absorbed
    assert first.quantities["human_intestinal_absorption"].value > 0.9


@installed
@pytest.mark.parametrize(
    ("compound", "endpoint", "low", "high"),
    [
        ("CC(C)(C)c1ccc(cc1)C(O)CCCN1CCC(CC1)C(O)(c1ccccc1)c1ccccc1", "herg_blocking", 0.8, 1.0),  # terfenadine, withdrawn for it
        ("caffeine", "bbb_penetration", 0.9, 1.0),
        ("caffeine", "aqueous_solubility", -1.9, -0.4),  # measured -0.88
        ("2-naphthylamine", "ames_mutagenicity", 0.8, 1.0),
    ],
)  # fmt: skip
def test_compounds_known_for_an_effect(compound: str, endpoint: str, low: float, high: float) -> None:
    assert low <= run(compound, endpoint).quantities[endpoint].value <= high
