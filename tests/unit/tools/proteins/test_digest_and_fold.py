"""Digests and folds: rules of PeptideCutter, masses of textbooks, the hairpin of the ViennaRNA manual, traps, conservation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import Tool, ToolContext, ToolResult
from benchmate.tools.biology.digestion import digest_protein
from benchmate.tools.biology.folding import fold_rna
from benchmate.tools.biology.sequences import AMINO_ACIDS

CONTEXT = ToolContext(cache_dir=Path(), artifact_dir=Path(), library_folder=Path())
WATER = 18.010565  # Da, monoisotopic
ENZYMES = ("trypsin", "trypsin_p", "lys_c", "arg_c", "glu_c", "asp_n", "chymotrypsin", "cnbr")


def run(tool: Tool, **arguments: Any) -> ToolResult:
    return tool.run(tool.validate(arguments), CONTEXT)


def peptides(sequence: str, **arguments: Any) -> list[str]:
    return [row["peptide"] for row in run(digest_protein, sequence=sequence, **arguments).data["peptides"]]


@pytest.mark.parametrize(
    ("enzyme", "expected"),
    [
        ("trypsin", ["WEK", "LMRPFEDKPYWMHVILSW"]),  # neither R-P nor K-P
        ("trypsin_p", ["WEK", "LMR", "PFEDK", "PYWMHVILSW"]),
        ("lys_c", ["WEK", "LMRPFEDK", "PYWMHVILSW"]),
        ("arg_c", ["WEKLMR", "PFEDKPYWMHVILSW"]),
        ("glu_c", ["WE", "KLMRPFE", "DKPYWMHVILSW"]),
        ("asp_n", ["WEKLMRPFE", "DKPYWMHVILSW"]),
        ("chymotrypsin", ["W", "EKLMRPF", "EDKPY", "WMHVILSW"]),  # not between W and M
        ("cnbr", ["WEKLM", "RPFEDKPYWM", "HVILSW"]),
    ],
)
def test_each_rule_cuts_where_it_says(enzyme: str, expected: list[str]) -> None:
    chain = "WEKLMRPFEDKPYWMHVILSW"
    assert peptides(chain, enzyme=enzyme) == expected


def test_mass_and_mz_of_a_calibration_peptide() -> None:
    # [Glu1]-fibrinopeptide B: [M+H]+ 1570.6768, [M+2H]2+ 785.8421 (mass-calibration standard)
    row = run(digest_protein, sequence="EGVNDNEEGFFSAR").data["peptides"][0]
    assert row["mz"]["1"] == pytest.approx(1570.6768, abs=1e-3)
    assert row["mz"]["2"] == pytest.approx(785.8421, abs=1e-3)


def test_carbamidomethyl_adds_57_for_each_cysteine() -> None:
    free, made = (
        run(digest_protein, sequence="ACDECFGHIK", cysteine=c).data["peptides"][0]["monoisotopic_mass"]
        for c in ("free", "carbamidomethyl")
    )
    assert made - free == pytest.approx(2 * 57.021464)


def test_missed_cleavages_and_positions() -> None:
    rows = run(digest_protein, sequence="AAKCCRDDKEE", missed_cleavages=1).data["peptides"]
    found = {(row["peptide"], row["start"], row["end"], row["missed_cleavages"]) for row in rows}
    assert ("AAKCCR", 1, 6, 1) in found and ("EE", 10, 11, 0) in found and len(found) == 7


def test_cyanogen_bromide_leaves_homoserine_lactone() -> None:
    first, last = run(digest_protein, sequence="AWYMGWYM", enzyme="cnbr").data["peptides"]
    met = run(digest_protein, sequence="AWYM", enzyme="cnbr").data["peptides"][0]  # the C-terminal Met stays
    assert first["monoisotopic_mass"] - met["monoisotopic_mass"] == pytest.approx(-48.003371)
    assert last["end"] == 8


@settings(max_examples=40, deadline=None)
@given(st.text(AMINO_ACIDS, min_size=5, max_size=60), st.sampled_from(ENZYMES))
def test_a_full_digest_conserves_chain_and_mass(chain: str, enzyme: str) -> None:
    chain = "F" + chain  # F is no nucleotide code: the chain is a protein
    rows = run(digest_protein, sequence=chain, enzyme=enzyme).data["peptides"]
    assert "".join(row["peptide"] for row in rows) == chain
    if enzyme != "cnbr":
        from Bio.SeqUtils import molecular_weight

        total = molecular_weight(chain, "protein", monoisotopic=True) + (len(rows) - 1) * WATER
        assert sum(row["monoisotopic_mass"] for row in rows) == pytest.approx(total, abs=1e-3)


@pytest.mark.parametrize(
    ("code", "tool", "arguments"),
    [
        ("not_protein", digest_protein, {"sequence": "ATGGCCATTGTAATGGGCC"}),
        ("undetermined_residues", digest_protein, {"sequence": "MKWVTFXSLLFLF"}),
        ("no_peptides", digest_protein, {"sequence": "MKWVTFISLLF", "shortest": 50}),
        ("bad_arguments", digest_protein, {"sequence": "MKWVTFISLLF", "missed_cleavages": -1}),
        ("not_nucleotides", fold_rna, {"sequence": "MKWVTFISLLFLFSSAYS"}),
        ("ambiguous_bases", fold_rna, {"sequence": "GGNGAAAACCCC"}),
        ("too_short", fold_rna, {"sequence": "ACGU"}),
        ("too_long", fold_rna, {"sequence": "ACGU" * 200}),
        ("no_thymine", fold_rna, {"sequence": "GGGGAAAACCCC", "molecule": "dna"}),
        ("bad_arguments", fold_rna, {"sequence": "GGGGAAAACCCC", "temperature": 200}),
    ],
)
def test_bad_input_is_refused(code: str, tool: Tool, arguments: dict[str, Any]) -> None:
    with pytest.raises(BenchmateError) as caught:
        run(tool, **arguments)
    assert caught.value.code == code


def test_the_hairpin_of_viennarna() -> None:
    result = run(fold_rna, sequence="GGGGAAAACCCC")  # RNAfold 2.x: ((((....)))) -5.4 kcal/mol
    assert result.data["structure"] == "((((....))))"
    assert result.quantities["minimum_free_energy"].value == pytest.approx(-5.4, abs=0.05)
    assert result.data["pairs"][0] == {"i": 1, "j": 12, "pair": "G-C"}


def test_t_is_read_as_u_and_said() -> None:
    rna, read = (run(fold_rna, sequence=s) for s in ("GGGGUUAACCCC", "GGGGTTAACCCC"))
    assert read.data["structure"] == rna.data["structure"]
    assert read.quantities["minimum_free_energy"] == rna.quantities["minimum_free_energy"]
    assert any("read as U" in w for w in read.warnings)


def test_dna_pairs_less_tightly_than_rna() -> None:
    rna, dna = (
        run(fold_rna, sequence="GGGGTAAACCCC", molecule=m).quantities["minimum_free_energy"].value
        for m in ("rna", "dna")
    )
    assert rna < dna < 0


def test_cold_makes_folds_stabler() -> None:
    warm, cold = (
        run(fold_rna, sequence="GGGGUAAACCCC", temperature=t).quantities["minimum_free_energy"].value
        for t in ("37 degC", "25 degC")
    )
    assert cold < warm


@pytest.mark.parametrize("chain", ["AAAAAAAAAA", "GGGAAAUCC"])  # no pair; pairs at +0.8 kcal/mol
def test_what_does_not_fold_is_open(chain: str) -> None:
    result = run(fold_rna, sequence=chain)
    assert result.data["structure"] == "." * len(chain)
    assert result.quantities["minimum_free_energy"].value == 0


@settings(max_examples=25, deadline=None)
@given(st.text("ACGU", min_size=12, max_size=60))
def test_pairs_are_canonical_and_span_a_loop(chain: str) -> None:
    result = run(fold_rna, sequence=chain)
    assert len(result.data["structure"]) == len(chain)
    for pair in result.data["pairs"]:
        assert pair["pair"] in {"G-C", "C-G", "A-U", "U-A", "G-U", "U-G"}
        assert pair["j"] - pair["i"] > 3
