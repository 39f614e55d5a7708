"""Primer pairs: their places, their temperatures, and what is refused."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from benchmate.runtime.errors import BenchmateError
from benchmate.runtime.evidence import ToolResult
from benchmate.tools import extras
from benchmate.tools.base import ToolContext
from benchmate.tools.biology.dna import reverse_complement
from benchmate.tools.biology.primer_search import Limits, melting_temperature, paired_end, paired_run
from benchmate.tools.biology.primers import design_primers

TEMPLATE = "".join(random.Random(7).choices("ACGT", k=600))
LIMITS = Limits(None, 18, 27, (57, 63), (40, 60), (100, 1000), 3.0, 50.0, 1.5, 0.6, 50.0)


def call(folder: Path, **arguments: Any) -> ToolResult:
    context = ToolContext(cache_dir=folder, artifact_dir=folder, library_folder=folder)
    return design_primers.run(design_primers.validate({"template": TEMPLATE, **arguments}), context)


def test_the_m13_forward_primer_melts_where_primer3_says() -> None:
    # primer3-py 2.4.0, calc_tm("GTAAAACGACGGCCAGT") with its default 50 mM Na+, 1.5 mM Mg2+, 0.6 mM dNTPs, 50 nM: 54.70 degC
    assert melting_temperature("GTAAAACGACGGCCAGT", LIMITS) == pytest.approx(54.7, abs=0.3)


def test_the_ecori_end_pairs_with_itself() -> None:
    assert paired_end("CCAAGAATTC", "CCAAGAATTC") == 6
    assert paired_run("AAAACCCC", "GGGGAAAA") == 4


@pytest.mark.parametrize("engine", ["nearest_neighbour", "primer3"])
def test_primers_lie_on_the_template_around_the_target(tmp_path: Path, engine: str) -> None:
    result = call(tmp_path, target_start=250, target_end=320, engine=engine)
    assert 1 <= len(result.data["pairs"]) <= 5
    for number, pair in enumerate(result.data["pairs"], 1):
        left, right = pair["forward"], pair["reverse"]
        assert TEMPLATE[left["start"] - 1 : left["end"]] == left["sequence"]
        assert TEMPLATE[right["start"] - 1 : right["end"]] == reverse_complement(right["sequence"])
        assert left["end"] < 250 and right["start"] > 320
        assert right["end"] - left["start"] + 1 == pair["product"]
        assert result.quantities[f"pair_{number}_product"].value == pair["product"]
        assert result.quantities[f"pair_{number}_tm_difference"].value <= 3
        assert -20 < result.quantities[f"pair_{number}_forward_hairpin"].value <= 0  # kcal, not cal
        assert 57 <= result.quantities[f"pair_{number}_forward_tm"].value <= 63


def test_the_best_pair_comes_first(tmp_path: Path) -> None:
    result = call(tmp_path)
    penalties = [
        result.quantities[f"pair_{n}_penalty"].value for n in range(1, len(result.data["pairs"]) + 1)
    ]
    assert penalties == sorted(penalties)


def test_a_repeated_template_has_off_target_sites(tmp_path: Path) -> None:
    result = call(tmp_path, template=TEMPLATE[:300] * 2)
    assert result.quantities["pair_1_forward_off_targets"].value >= 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"template": "MKWVTFISLLFLFSSAYS"}, "not_nucleotides"),
        ({"template": "ACGTTGCATGTCAGTT"}, "too_short"),
        ({"template": TEMPLATE * 6}, "no_target"),
        ({"target_start": 590, "target_end": 700}, "bad_target"),
        ({"tm_minimum": 65, "tm_maximum": 60}, "bad_range"),
        ({"target_start": 5}, "no_primers"),
        ({"template": "AT" * 200}, "no_primers"),
    ],
)
def test_wrong_requests_are_refused(tmp_path: Path, arguments: dict[str, Any], code: str) -> None:
    with pytest.raises(BenchmateError) as caught:
        call(tmp_path, **arguments)
    assert caught.value.code == code


def test_primer3_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    present = extras._installed
    monkeypatch.setattr(extras, "_installed", lambda module: module != "primer3" and present(module))
    with pytest.raises(BenchmateError) as caught:
        call(tmp_path, engine="primer3")
    assert caught.value.code == "missing_extra" and "benchmate[primer3]" in str(caught.value)
