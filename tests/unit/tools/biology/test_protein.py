"""Proteins: values that UniProt and ProtParam print, additivity, and letters that leave a value open."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.biology.protein import compute_protein_properties
from benchmate.tools.biology.sequences import AMINO_ACIDS

UBIQUITIN = "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG"  # UniProt P0CG47
LYSOZYME = (  # UniProt P00698, residues 19-147
    "KVFGRCELAAAMKRHGLDNYRGYSLGNWVCAAKFESNFNTQATNRNTDGSTDYGILQINSRWWCNDGRTPGSRNLCNIPCSALLSSDITASVNCAKKIVSDGNGMN"
    "AWVAWRNRCKGTDVQAWIRGCRL"
)


def compute(sequence: str) -> ToolResult:
    nowhere = Path("unused")
    tool = compute_protein_properties
    return tool.run(tool.validate({"sequence": sequence}), ToolContext(nowhere, nowhere, nowhere))


def value(result: ToolResult, name: str) -> float:
    return result.quantities[name].value


def test_ubiquitin_as_uniprot_and_protparam_print_it() -> None:
    result = compute(UBIQUITIN)  # P0CG47: 76 residues, 8564.7 Da, pI 6.56, epsilon 1490
    assert value(result, "length") == 76
    assert value(result, "mass") == pytest.approx(8564.7, abs=0.1)
    assert value(result, "isoelectric_point") == pytest.approx(6.56, abs=0.005)
    assert value(result, "extinction_coefficient_reduced") == 1490
    assert result.quantities["extinction_coefficient_reduced"].unit == "L/mol/cm"
    assert value(result, "monoisotopic_mass") == pytest.approx(
        8559.62, abs=0.02
    )  # NIST, ubiquitin MS standard


def test_mature_lysozyme_as_protparam_prints_it() -> None:
    result = compute(LYSOZYME)  # ProtParam P00698, 19-147: 129 residues, 14313 Da, pI 9.32, epsilon 37970
    assert value(result, "length") == 129
    assert value(result, "mass") == pytest.approx(14313.0, abs=0.2)
    assert value(result, "isoelectric_point") == pytest.approx(9.32, abs=0.005)
    assert value(result, "extinction_coefficient_cystine") == 37970
    assert value(result, "extinction_coefficient_reduced") == 37470
    assert value(result, "gravy") == pytest.approx(-0.472, abs=0.001)
    assert value(result, "aromaticity") == pytest.approx((3 + 3 + 6) / 129)  # Phe, Tyr, Trp
    assert any("disulfide" in warning and "2.016" in warning for warning in result.warnings)


def test_leu_enkephalin_monoisotopic_mass() -> None:
    # PubChem CID 461776: C28H37N5O7, monoisotopic mass 555.26929 Da
    assert value(compute("YGGFL"), "monoisotopic_mass") == pytest.approx(555.2693, abs=2e-4)


def test_extreme_chains_have_an_isoelectric_point_beyond_4_and_12() -> None:
    assert value(compute("D" * 20), "isoelectric_point") < 4.05
    assert value(compute("R" * 20), "isoelectric_point") > 12


def test_what_is_not_considered_is_said() -> None:
    (warning,) = compute("MQIFVKTLTGK").warnings
    assert "initiator methionine, signal peptide, disulfide bonds" in warning


def test_rare_residues_leave_out_what_their_scales_lack() -> None:
    result = compute("MKTAYUIAKQR")
    assert {"isoelectric_point", "gravy", "instability_index"}.isdisjoint(result.quantities)
    assert any("selenocysteine" in warning for warning in result.warnings)
    cysteine = compute("MKTAYCIAKQR")  # Sec is Cys with Se for S: 78.971 - 32.06 (IUPAC 2021)
    assert value(result, "mass") - value(cysteine, "mass") == pytest.approx(46.9, abs=0.05)


@pytest.mark.parametrize(
    ("sequence", "code", "named"),
    [
        ("MKTAXIAKQR", "undetermined_residues", "'X' at position 5 stands for any residue"),
        ("MKTABIAKQR", "undetermined_residues", "Asp or Asn"),
        ("MKTAZIAKQR", "undetermined_residues", "Glu or Gln"),
        ("MKTAJIAKQR", "undetermined_residues", "Leu or Ile"),
        ("MKTAY*IAKQR", "internal_stop", "position 6 of 11"),
        ("ATGGCCATTGTAATGGGCCGCTGA", "not_protein", "DNA"),
        ("AUGGCCAUUGUAAUG", "not_protein", "RNA"),
        ("hemoglobin", "name_not_sequence", "'hemoglobin'"),
    ],
)
def test_refusals(sequence: str, code: str, named: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        compute(sequence)
    assert refusal.value.code == code and named in str(refusal.value)


def test_letters_that_fit_both_are_read_as_amino_acids_and_that_is_said() -> None:
    assert any("read as amino acids" in warning for warning in compute("GAGAGA").warnings)


PROTEIN = st.text(AMINO_ACIDS, min_size=2, max_size=60).map(lambda letters: "LE" + letters)


@given(PROTEIN, PROTEIN)
def test_joining_two_chains_takes_off_one_water(a: str, b: str) -> None:
    joined = compute(a + b)
    for name, water in (("mass", 18.0153), ("monoisotopic_mass", 18.010565)):
        parts = value(compute(a), name) + value(compute(b), name)
        assert value(joined, name) == pytest.approx(parts - water, abs=1e-3)


@given(PROTEIN)
def test_composition_adds_up_and_order_does_not_weigh(letters: str) -> None:
    here, there = compute(letters), compute(letters[::-1])
    assert value(here, "mass") == pytest.approx(value(there, "mass"))
    assert sum(
        q.value for name, q in here.quantities.items() if name.startswith("percent_")
    ) == pytest.approx(100)
    assert sum(entry["count"] for entry in here.data["composition"].values()) == len(letters)
