"""Structure files: entries of the PDB against what they say of themselves, an AlphaFold model, numbering, and damaged files."""

from __future__ import annotations

import gzip
import math
import re
from pathlib import Path

import numpy as np
import pytest
from structure_examples import atom, call, stored, write

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import ToolResult
from benchmate.tools.biology.structure_geometry import measure_structure
from benchmate.tools.biology.structures import parse_structure

ALPHAFOLD = "AF-Q5VSL9-F1-model_v4.ca.cif"


def values(result: ToolResult, *names: str) -> list[float]:
    return [result.quantities[name].value for name in names]


def backbone(chain: str, number: int, x: float, b: float = 10.0, residue: str = "ALA") -> str:
    places = (("N", 0.0), ("CA", 1.5), ("C", 2.5))
    return "".join(
        atom(name, residue, chain, number, (x + d, 0.3 * d * (-1) ** number, 0.0), b=b) for name, d in places
    )


def test_hemoglobin_as_the_entry_describes_it(tmp_path: Path) -> None:
    result = call(parse_structure, tmp_path, "sample:hemoglobin")
    # PDB 4HHB: HEADER, REMARK 2, and the counts of REMARK 3 (4384 protein, 174 hetero, 221 solvent atoms)
    assert result.data["entry"] == "4HHB" and result.data["method"] == "X-RAY DIFFRACTION"
    assert result.data["title"].startswith("THE CRYSTAL STRUCTURE OF HUMAN DEOXYHAEMOGLOBIN")
    assert values(result, "resolution", "chain_count", "model_count", "water_count") == [1.74, 4, 1, 221]
    assert result.quantities["resolution"].unit == "angstrom"
    assert result.quantities["atom_count"].value == 4384 + 174 + 221
    assert values(result, "residue_count", "chain_A_residue_count", "chain_B_residue_count") == [
        574,
        141,
        146,
    ]
    assert result.quantities["missing_residue_count"].value == 0
    chains = result.data["chains"]
    assert [c["chain"] for c in chains] == ["A", "B", "C", "D"] and {c["type"] for c in chains} == {"protein"}
    assert chains[0]["entity"] == chains[2]["entity"] != chains[1]["entity"]
    # UniProt P69905 without its initiator Met
    assert chains[0]["sequence"].startswith("VLSPADKTNVKAAWGKVGAHAGEYGAEALERMFLSFPTTKTYFPHF")
    ligands = {row["name"]: row for row in result.data["ligands"]}
    assert ligands["HEM"]["count"] == 4 and ligands["HEM"]["heavy_atoms"] == 43
    assert ligands["HEM"]["author"] == ["A/142", "B/148", "C/142", "D/148"]
    assert result.data["assemblies"] == [
        {
            "name": "1", "oligomeric_state": "tetrameric", "determined_by": ["author", "software"], "chains": ["A", "B", "C", "D"],
            "copies_of_each_chain": dict.fromkeys("ABCD", 1), "operators": 1,
        }
    ]  # fmt: skip


def test_mean_b_factors_are_those_of_the_columns(tmp_path: Path) -> None:
    lines = [line for line in stored("4hhb.pdb").decode().splitlines() if line.startswith("ATOM")]
    by_chain = {c: [float(line[60:66]) for line in lines if line[21] == c] for c in "ABCD"}
    result = call(parse_structure, tmp_path, "sample:hemoglobin")
    for chain, column in by_chain.items():
        found = result.quantities[f"chain_{chain}_mean_b_factor"]
        assert found.value == pytest.approx(np.mean(column)) and found.unit == "angstrom**2"
    assert result.quantities["mean_b_factor"].value == pytest.approx(
        np.mean([b for column in by_chain.values() for b in column])
    )


def test_the_trp_cage_is_an_ensemble_without_b_factors(tmp_path: Path) -> None:
    result = call(parse_structure, tmp_path, "1l2y.pdb")  # PDB 1L2Y: 38 models of 20 residues
    assert values(result, "model_count", "residue_count", "chain_count", "ligand_count") == [38, 20, 1, 0]
    assert result.data["chains"][0]["sequence"] == "NLYIQWLKDGGPSSGRPPPS"
    assert result.data["method"] == "SOLUTION NMR"
    assert "resolution" not in result.quantities and "mean_b_factor" not in result.quantities
    assert any("38 models" in w for w in result.warnings) and any(
        "zero throughout" in w for w in result.warnings
    )


def test_missing_residues_alternates_and_both_numberings(tmp_path: Path) -> None:
    result = call(parse_structure, tmp_path, "3jqh.cif")
    chain = result.data["chains"][0]
    # the entry lists 144 unobserved residues, and 167 in its sequence
    assert values(result, "missing_residue_count", "residue_count", "resolution") == [144, 23, 2.201]
    assert chain["sequence_length"] == 167 and chain["sequence"].startswith("GELPEKSKLQEIYQELTR")
    assert [(m["residue"], m["label_number"], m["author"]) for m in chain["missing"][:4]] == [
        ("GLY", 1, "-2"), ("GLU", 2, "-1"), ("LEU", 3, "0"), ("PRO", 27, "24"),
    ]  # fmt: skip
    assert (chain["author_numbers"], chain["label_numbers"]) == ("1 to 23", "4 to 26")
    assert any("author and label numbers differ in A" in w for w in result.warnings)
    assert "A/15 A/B/C" in result.data["alternate_locations"]
    assembly = result.data["assemblies"][0]
    assert assembly["copies_of_each_chain"] == {"A": 24} and assembly["oligomeric_state"] == "24-meric"
    assert any("copies by symmetry" in w for w in result.warnings)


def test_missing_residues_of_a_pdb_file_have_the_numbers_of_remark_465(tmp_path: Path) -> None:
    body = (
        backbone("A", 12, 0.0)
        + backbone("A", 13, 3.8, residue="GLY")
        + backbone("A", 16, 15.2, residue="SER")
    )
    text = (
        "REMARK 465                                                                      \n"
        "REMARK 465   M RES C SSSEQI                                                     \n"
        "REMARK 465     MET A    11                                                      \n"
        "REMARK 465     TRP A    14                                                      \n"
        "REMARK 465     TYR A    15                                                      \n"
        "SEQRES   1 A    6  MET ALA GLY TRP TYR SER                                      \n"
    )
    result = call(parse_structure, tmp_path, write(tmp_path, text + body + "TER\nEND\n"))
    assert result.data["chains"][0]["missing"] == [
        {"residue": "MET", "label_number": 1, "author": "11"},
        {"residue": "TRP", "label_number": 4, "author": "14"},
        {"residue": "TYR", "label_number": 5, "author": "15"},
    ]
    assert result.data["chains"][0]["sequence"] == "MAGWYS"


def test_without_a_sequence_what_is_missing_is_not_known(tmp_path: Path) -> None:
    result = call(
        parse_structure, tmp_path, write(tmp_path, backbone("A", 1, 0.0) + backbone("A", 5, 15.2) + "END\n")
    )
    assert "missing_residue_count" not in result.quantities
    assert result.data["chains"][0]["missing"] is None
    assert result.data["chains"][0]["sequence_is"] == "of what is modelled"
    assert any("gives no sequence" in w for w in result.warnings)


def test_insertion_codes_keep_residues_apart(tmp_path: Path) -> None:
    result = call(
        parse_structure, tmp_path, "1igy_excerpt.pdb"
    )  # Kabat numbers: 52, 52A, 53; 82, 82A to 82C, 83
    assert result.data["insertion_codes"] == ["B/52A", "B/82A", "B/82B", "B/82C"]
    assert result.quantities["residue_count"].value == 9 + 1 + 6 + 3


def test_a_modified_residue_has_the_letter_of_its_parent(tmp_path: Path) -> None:
    text = "SEQRES   1 A    3  ALA MSE ALA\n" + backbone("A", 1, 0.0)
    text += (
        backbone("A", 2, 3.8, residue="MSE").replace("ATOM  ", "HETATM")
        + backbone("A", 3, 7.6)
        + "TER\nEND\n"
    )
    chain = call(parse_structure, tmp_path, write(tmp_path, text)).data["chains"][0]
    assert chain["sequence"] == "AMA" and chain["unusual_residues"] == [{"name": "MSE", "position": 2}]
    assert chain["modelled_residues"] == 3


def test_an_alphafold_model_has_plddt_and_no_b_factors(tmp_path: Path) -> None:
    result = call(parse_structure, tmp_path, ALPHAFOLD)
    # what the file lists for each residue: asym, residue, place, metric 2, score, model, ordinal
    local = [
        float(x)
        for x in re.findall(r"^A [A-Z]{3} \d+ 2 ([\d.]+) 1 \d+", stored(ALPHAFOLD).decode(), re.MULTILINE)
    ]
    assert len(local) == 837
    assert result.quantities["mean_plddt"].value == pytest.approx(np.mean(local), abs=1e-6)
    assert result.quantities["plddt_above_70"].value == pytest.approx(100 * np.mean(np.array(local) > 70))
    assert result.quantities["plddt_above_90"].value == pytest.approx(100 * np.mean(np.array(local) > 90))
    assert result.data["stated_global_plddt"] == 81.24
    assert not any("b_factor" in name for name in result.quantities)
    assert result.data["b_column"]["holds"] == "plddt" and any("is no B factor" in w for w in result.warnings)


MODEL = "".join(backbone("A", n, 3.8 * n, b=90.0 + n) for n in range(1, 6)) + "END\n"
TITLE = "TITLE     ALPHAFOLD MONOMER V2.0 PREDICTION FOR AN INVENTED PROTEIN (X00000)      \n"
XRAY = "EXPDTA    X-RAY DIFFRACTION                                                       \n"


@pytest.mark.parametrize(
    ("name", "header", "holds"),
    [
        ("x.pdb", TITLE, "plddt"),
        ("x_unrelaxed_rank_001_alphafold2_ptm_model_1.pdb", "", "plddt"),
        ("AF-P69905-F1-model_v4.pdb", "", "plddt"),
        ("x.pdb", XRAY + TITLE, "b_factor"),  # an experiment may name AlphaFold in its title
        ("AF-refined.pdb", XRAY, "b_factor"),
        ("x.pdb", "", "b_factor"),
        (
            "x.pdb",
            "TITLE     LIGHT CHAIN OF BOLTZMANN'S ANTIBODY                                      \n",
            "b_factor",
        ),
        ("dock_rank_001.pdb", "", "b_factor"),
        (
            "x.pdb",
            "EXPDTA    THEORETICAL MODEL                                                      \n",
            "unknown",
        ),
    ],
)
def test_a_prediction_is_told_by_what_the_file_says(
    tmp_path: Path, name: str, header: str, holds: str
) -> None:
    result = call(parse_structure, tmp_path, write(tmp_path, header + MODEL, name))
    assert result.data["b_column"]["holds"] == holds
    assert ("mean_plddt" in result.quantities) == (holds == "plddt")
    assert ("mean_b_factor" in result.quantities) == (holds == "b_factor")
    if holds == "plddt":
        assert result.quantities["mean_plddt"].value == pytest.approx(93)
        assert result.quantities["plddt_above_90"].value == 100
    if holds == "b_factor" and XRAY not in header:
        assert any("as pLDDT is" in w for w in result.warnings)


def test_fractions_are_told_from_percent(tmp_path: Path) -> None:
    text = TITLE.replace("ALPHAFOLD MONOMER V2.0", "ESMFOLD V1            ")
    text += "".join(backbone("A", n, 3.8 * n, b=0.9 + n / 100) for n in range(1, 5)) + "END\n"
    result = call(parse_structure, tmp_path, write(tmp_path, text))
    assert result.quantities["mean_plddt"].value == pytest.approx(92.5)
    assert any("pLDDT/100" in w for w in result.warnings)


def test_the_same_from_gzip(tmp_path: Path) -> None:
    plain = call(parse_structure, tmp_path, "1igy_excerpt.pdb")
    packed = call(
        parse_structure, tmp_path, write(tmp_path, gzip.compress(stored("1igy_excerpt.pdb")), "y.ent.gz")
    )
    assert packed.data | {"entry": ""} == plain.data | {"entry": ""} and packed.quantities == plain.quantities


SMALL = "data_quartz\n_cell_length_a 4.9\nloop_\n_atom_site_label\n_atom_site_fract_x\nSi 0.47\n"
COMPONENT = "data_HEM\n_chem_comp.id HEM\nloop_\n_chem_comp_atom.atom_id\nFE\nNA\n"
BAD = [
    (b"", "empty_file", ""),
    (b" \n", "empty_file", ""),
    (b"what is this", "bad_file", "neither a PDB nor an mmCIF"),
    (gzip.compress(b"HEADER" * 50)[:22], "bad_file", "damaged gzip"),
    (b"\xde\x00\x02\xa7version\xff\xfe", "bad_file", "BinaryCIF"),
    (SMALL.encode(), "bad_file", "small-molecule"),
    (COMPONENT.encode(), "bad_file", "chemical component"),
    (b"ATOM      1  N   ALA A   1\n", "bad_file", "cannot be read"),
    (
        (TWO := "data_{}\nloop_\n_atom_site.id\n_atom_site.Cartn_x\n1 2.0\n").format("a").encode()
        + TWO.format("b").encode(),
        "bad_file",
        "holds 2 structures",
    ),
    (b"data_x\nloop_\n_atom_site.id\n_atom_site.Cartn_x\n1\n", "bad_file", "cannot be read"),
    (atom("N", "ALA", "A", 1, (0, 0, 0)).replace("   0.000", "     nan", 1).encode(), "bad_coordinates", ""),
]


@pytest.mark.parametrize(("content", "code", "words"), BAD)
def test_damaged_and_other_files_are_refused(tmp_path: Path, content: bytes, code: str, words: str) -> None:
    with pytest.raises(BenchmateError) as error:
        call(parse_structure, tmp_path, write(tmp_path, content))
    assert error.value.code == code and words in str(error.value)


def test_models_and_chains_as_simulations_write_them(tmp_path: Path) -> None:
    body = backbone(" ", 1, 0.0) + backbone(" ", 2, 3.8)
    text = f"MODEL        0\n{body}ENDMDL\nMODEL        5\n{body}ENDMDL\nEND\n"
    path = write(tmp_path, text)
    result = call(parse_structure, tmp_path, path)
    assert result.data["chains"][0]["chain"] == "_" and any("called _" in w for w in result.warnings)
    atoms = ["_/1/CA", "_/2/CA"]
    first = call(measure_structure, tmp_path, path, atoms=atoms)  # by default the first, whatever its number
    assert first.data["model"] == 0 and first.quantities["distance"].value == pytest.approx(
        math.hypot(3.8, 0.9)
    )
    assert call(measure_structure, tmp_path, path, atoms=atoms, model=5).data["model"] == 5
