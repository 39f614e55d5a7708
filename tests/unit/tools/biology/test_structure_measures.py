"""Measures of structures against Biopython's own parser and arithmetic, closed formulae, and moved copies."""

from __future__ import annotations

import functools
import io
import math
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structure_examples import atom, call, context, stored, write

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.biology.structure_contacts import find_contacts
from benchmate.tools.biology.structure_geometry import (
    compute_backbone_torsions,
    measure_structure,
    ramachandran_region,
)
from benchmate.tools.biology.structure_size import compute_structure_size
from benchmate.tools.biology.structure_superposition import superpose_structures

SAMPLE = "sample:hemoglobin"


@functools.cache
def parsed(name: str) -> Any:
    """The structure as Biopython's parser has it."""
    from Bio.PDB import PDBParser

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return PDBParser(QUIET=True).get_structure("x", io.StringIO(stored(name).decode()))


@functools.cache
def atoms_of_a() -> list[tuple[str, Any]]:
    return [
        (f"A/{r.id[1]}/{a.id}", a)
        for r in parsed("4hhb.pdb")[0]["A"]
        for a in r
        if r.id[0] == " " or r.resname == "HEM"
    ]


@settings(max_examples=15)
@given(st.lists(st.integers(0, 1111), min_size=2, max_size=4, unique=True))
def test_distances_angles_and_dihedrals_agree_with_biopython(places: list[int]) -> None:
    from Bio.PDB.vectors import calc_angle, calc_dihedral

    chosen = [atoms_of_a()[i] for i in places]
    with tempfile.TemporaryDirectory() as folder:
        result = call(measure_structure, Path(folder), SAMPLE, atoms=[name for name, _ in chosen])
    atoms = [one for _, one in chosen]
    vectors = [one.get_vector() for one in atoms]
    if len(atoms) == 2:
        assert result.quantities["distance"].value == pytest.approx(float(atoms[0] - atoms[1]), abs=1e-4)
    elif len(atoms) == 3:
        assert result.quantities["angle"].value == pytest.approx(math.degrees(calc_angle(*vectors)), abs=1e-3)
    else:
        expected = math.degrees(calc_dihedral(*vectors))
        found = result.quantities["dihedral"].value
        assert abs((found - expected + 180) % 360 - 180) < 1e-3


def test_a_dihedral_has_the_iupac_sign(tmp_path: Path) -> None:
    # looking from the second to the third atom, the fourth is 90 degrees clockwise of the first
    places = ((1, 0, 0), (0, 0, 0), (0, 0, 1), (0, 1, 1))
    text = "".join(atom(n, "LIG", "A", 1, p) for n, p in zip(("C1", "C2", "C3", "C4"), places, strict=True))
    result = call(
        measure_structure, tmp_path, write(tmp_path, text), atoms=[f"A/1/C{i}" for i in (1, 2, 3, 4)]
    )
    assert result.quantities["dihedral"].value == pytest.approx(90)


def test_phi_and_psi_agree_with_biopython(tmp_path: Path) -> None:
    from Bio.PDB.Polypeptide import PPBuilder

    rows = call(compute_backbone_torsions, tmp_path, SAMPLE).data["residues"]
    expected: dict[str, tuple[float | None, float | None]] = {}
    for chain in parsed("4hhb.pdb")[0]:
        for peptide in PPBuilder().build_peptides(chain):
            for residue, angles in zip(peptide, peptide.get_phi_psi_list(), strict=True):
                expected[f"{chain.id}/{residue.id[1]}"] = angles
    assert len(rows) == len(expected) == 574
    for row in rows:
        for found, angle in zip((row["phi"], row["psi"]), expected[row["residue"]], strict=True):
            assert (found is None) == (angle is None)
            assert found is None or found == pytest.approx(math.degrees(angle), abs=2e-3)


def test_the_trp_cage_is_helical_and_its_prolines_are_trans(tmp_path: Path) -> None:
    result = call(compute_backbone_torsions, tmp_path, "1l2y.pdb")
    rows = {row["residue"]: row for row in result.data["residues"]}
    # Neidigh, Fesinmeyer and Andersen 2002 (Nat Struct Biol 9:425): alpha helix from Leu2 to Lys8
    assert {rows[f"A/{n}"]["region"] for n in range(2, 9)} == {"alpha"}
    assert result.quantities["cis_peptide_count"].value == 0
    assert {a.name for a in result.artifacts} >= {"torsions.csv", "ramachandran.svg"}


def test_angles_are_not_given_across_a_gap(tmp_path: Path) -> None:
    lines = stored("4hhb.pdb").decode().splitlines(keepends=True)
    kept = "".join(
        x for x in lines if x.startswith("ATOM") and x[21] == "A" and int(x[22:26]) in (10, 11, 12, 14, 15)
    )
    rows = call(compute_backbone_torsions, tmp_path, write(tmp_path, kept)).data["residues"]
    assert [(r["phi"] is None, r["psi"] is None) for r in rows] == [
        (True, False), (False, False), (False, True), (True, False), (False, True),
    ]  # fmt: skip


@given(st.floats(-180, 180), st.floats(-180, 180))
def test_every_pair_of_angles_has_one_region(phi: float, psi: float) -> None:
    assert ramachandran_region(phi, psi) in ("alpha", "beta", "left", "other")


@pytest.mark.parametrize(
    ("phi", "psi", "region"),
    # IUPAC 1970 and Creighton: alpha helix, 3-10 helix, parallel and antiparallel sheet, polyproline II, left-handed helix
    [(-57, -47, "alpha"), (-49, -26, "alpha"), (-119, 113, "beta"), (-139, 135, "beta"), (-78, 149, "beta"), (57, 47, "left"), (60, -120, "other")],
)  # fmt: skip
def test_ideal_conformations_have_their_regions(phi: float, psi: float, region: str) -> None:
    assert ramachandran_region(phi, psi) == region


def test_atoms_by_insertion_code_and_by_alternate_location(tmp_path: Path) -> None:
    from Bio.PDB.vectors import Vector

    chain = parsed("1igy_excerpt.pdb")[0]["B"]
    expected = float(chain[(" ", 52, "A")]["CA"] - chain[(" ", 82, "C")]["CA"])
    result = call(measure_structure, tmp_path, "1igy_excerpt.pdb", atoms=["B/52A/CA", "B/82C/CA"])
    assert result.quantities["distance"].value == pytest.approx(expected, abs=1e-4)
    assert expected != pytest.approx(float(chain[52]["CA"] - chain[82]["CA"]), abs=0.1)
    assert isinstance(chain[52]["CA"].get_vector(), Vector)


ALTERNATES = (
    atom("CA", "SER", "A", 1, (0, 0, 0), altloc="A", occupancy=0.3)
    + atom("CA", "SER", "A", 1, (1, 0, 0), altloc="B", occupancy=0.7)
    + atom("CB", "SER", "A", 1, (0, 2, 0), altloc="A", occupancy=0.3)
    + atom("CB", "SER", "A", 1, (1, 2, 0), altloc="B", occupancy=0.7)
    + atom("CA", "GLY", "A", 2, (5, 0, 0))
)


@pytest.mark.parametrize(
    ("first", "altloc", "distance"),
    [("A/1/CA", None, 4.0), ("A/1/CA", "A", 5.0), ("A/1/CA:A", None, 5.0), ("A/1/CA:B", "A", 4.0), ("A/1/CA", "C", 4.0)],
)  # fmt: skip
def test_the_alternate_location_that_is_taken(
    tmp_path: Path, first: str, altloc: str | None, distance: float
) -> None:
    given_altloc = {"altloc": altloc} if altloc else {}
    result = call(
        measure_structure, tmp_path, write(tmp_path, ALTERNATES), atoms=[first, "A/2/CA"], **given_altloc
    )
    assert result.quantities["distance"].value == pytest.approx(distance)
    assert any("alternate locations" in w for w in result.warnings)


WRONG = [
    (["A/87", "A/88/CA"], "bad_atom", "A/45/CA"),
    (["A/87/NE2", "E/1/CA"], "unknown_chain", "A, B, C, D"),
    (["A/87/NE2", "Bxp/1/CA"], "unknown_chain", "author's chain B"),
    (["A/87/NE2", "A/160X/CA"], "unknown_residue", "A/"),
    (["A/87/NE2", "A/87A/CA"], "unknown_residue", "A/87 HIS"),
    (["A/87/NE2", "A/88/CG"], "unknown_atom", "CB"),
    (["A/87/NE2", "A/87/NE2"], "same_atom", ""),
    (["A/87/CA:Z", "A/88/CA"], "unknown_atom", "none"),
]


@pytest.mark.parametrize(("atoms", "code", "hint"), WRONG)
def test_atoms_that_are_not_there(tmp_path: Path, atoms: list[str], code: str, hint: str) -> None:
    with pytest.raises(BenchmateError) as error:
        call(measure_structure, tmp_path, SAMPLE, atoms=atoms)
    assert error.value.code == code and hint in str(error.value)


def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BenchmateError, match="1 to 38") as error:
        call(measure_structure, tmp_path, "1l2y.pdb", atoms=["A/1/CA", "A/2/CA"], model=39)
    assert error.value.code == "unknown_model"


def test_two_residues_of_one_number_are_told_apart_by_name(tmp_path: Path) -> None:
    text = atom("CA", "GLY", "A", 1, (0, 0, 0)) + atom("CA", "GLY", "A", 2, (4, 0, 0)) + "TER\n"
    text += atom("CA", "CA", "A", 2, (9, 0, 0), element="CA", record="HETATM") + "END\n"
    path = write(tmp_path, text)
    with pytest.raises(BenchmateError) as error:
        call(measure_structure, tmp_path, path, atoms=["A/1/CA", "A/2/CA"])
    assert error.value.code == "ambiguous_atom" and "A/2(GLY)/CA" in str(error.value)
    result = call(measure_structure, tmp_path, path, atoms=["A/1/CA", "A/2(CA)/CA"])
    assert result.quantities["distance"].value == pytest.approx(9)


def superimposed(fixed: list[Any], moving: list[Any]) -> float:
    from Bio.PDB import Superimposer

    fit = Superimposer()
    fit.set_atoms(fixed, moving)
    return float(fit.rms)


def test_rmsd_agrees_with_biopython(tmp_path: Path) -> None:
    model = parsed("4hhb.pdb")[0]
    for names, option in ((("CA",), "ca"), (("N", "CA", "C", "O"), "backbone")):
        sides = [[r[n] for r in model[c] if r.id[0] == " " for n in names] for c in "AC"]
        result = call(superpose_structures, tmp_path, SAMPLE, chain="A", other_chain="C", atoms=option)
        assert result.quantities["rmsd"].value == pytest.approx(superimposed(*sides), abs=1e-4)
        assert result.quantities["pair_count"].value == 141
        assert result.quantities["sequence_identity"].value == 100


def test_models_of_an_ensemble(tmp_path: Path) -> None:
    ensemble = parsed("1l2y.pdb")
    sides = [[r["CA"] for r in ensemble[n]["A"]] for n in (0, 6)]  # Biopython counts models from 0
    result = call(superpose_structures, tmp_path, "1l2y.pdb", model=1, other_model=7)
    assert result.quantities["rmsd"].value == pytest.approx(superimposed(*sides), abs=1e-4)


def test_alpha_and_beta_globin_are_paired_by_their_sequences(tmp_path: Path) -> None:
    from Bio.Align import PairwiseAligner, substitution_matrices
    from Bio.SeqUtils import seq1

    model = parsed("4hhb.pdb")[0]
    a, b = ([r for r in model[c] if r.id[0] == " "] for c in "AB")
    aligner = PairwiseAligner(mode="global", open_gap_score=-11, extend_gap_score=-1)
    aligner.substitution_matrix = substitution_matrices.load("BLOSUM62")
    alignment = aligner.align("".join(seq1(r.resname) for r in a), "".join(seq1(r.resname) for r in b))[0]
    pairs = [
        (a[i], b[j])
        for (i0, i1), (j0, _) in zip(*alignment.aligned, strict=True)
        for i, j in zip(range(i0, i1), range(j0, j0 + i1 - i0), strict=True)
    ]
    expected = superimposed([x["CA"] for x, _ in pairs], [y["CA"] for _, y in pairs])
    result = call(superpose_structures, tmp_path, SAMPLE, chain="A", other_chain="B")
    # the two programs may place a gap a residue apart
    assert result.quantities["pair_count"].value == pytest.approx(len(pairs), abs=2)
    assert result.quantities["rmsd"].value == pytest.approx(expected, abs=0.3)
    assert result.quantities["sequence_identity"].value == pytest.approx(45, abs=3)


@settings(max_examples=10)
@given(
    st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: sum(x * x for x in q) > 0.1),
    st.tuples(*[st.floats(-90, 90)] * 3),
)
def test_a_moved_copy_fits_without_residue(quaternion: tuple[float, ...], shift: tuple[float, ...]) -> None:
    w, x, y, z = np.array(quaternion) / np.linalg.norm(quaternion)
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
    lines = [line for line in stored("1igy_excerpt.pdb").decode().splitlines() if line.startswith("ATOM")]
    moved = []
    for line in lines:
        place = rotation @ np.array([float(line[i : i + 8]) for i in (30, 38, 46)]) + np.array(shift)
        moved.append(line[:30] + "".join(f"{v:8.3f}" for v in place) + line[54:])
    with tempfile.TemporaryDirectory() as folder:
        other = write(Path(folder), "\n".join(moved) + "\nEND\n", "moved.pdb")
        result = call(superpose_structures, Path(folder), "1igy_excerpt.pdb", other=other)
    assert result.quantities["rmsd"].value < 0.003  # coordinates have three decimals
    assert np.allclose(np.array(result.data["rotation"]), rotation.T, atol=2e-3)


def test_the_moved_structure_lies_on_the_first(tmp_path: Path) -> None:
    import gemmi

    result = call(superpose_structures, tmp_path, SAMPLE, chain="A", other_chain="C")
    kept = next(a for a in result.artifacts if a.name == "superposed.cif")
    content = context(tmp_path).artifact_dir
    from benchmate.runtime.artifacts import ArtifactStore

    moved = gemmi.read_structure_string(ArtifactStore(content).get(kept.sha).decode())
    fixed = [r["CA"].coord for r in parsed("4hhb.pdb")[0]["A"] if r.id[0] == " "]
    found = [r.sole_atom("CA").pos.tolist() for r in moved[0]["C"].get_polymer()]
    deviations = np.linalg.norm(np.array(fixed) - np.array(found), axis=1)
    assert math.sqrt(np.mean(deviations**2)) == pytest.approx(result.quantities["rmsd"].value, abs=1e-3)


def test_pairing_by_number_follows_numbers(tmp_path: Path) -> None:
    result = call(superpose_structures, tmp_path, SAMPLE, chain="A", other_chain="B", pairing="numbering")
    assert result.quantities["pair_count"].value == 141
    assert result.quantities["rmsd"].value > 3  # alpha and beta are numbered apart after residue 20
    assert any("by number" in w for w in result.warnings)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({}, "nothing_to_superpose"),
        ({"other": SAMPLE}, "nothing_to_superpose"),
        ({"chain": "A", "other_chain": "Z"}, "unknown_chain"),
        ({"chain": "A", "other_chain": "B", "atoms": "phosphorus"}, "too_few_pairs"),
    ],
)
def test_superpositions_that_cannot_be(tmp_path: Path, arguments: dict[str, Any], code: str) -> None:
    with pytest.raises(BenchmateError) as error:
        call(superpose_structures, tmp_path, SAMPLE, **arguments)
    assert error.value.code == code


def brute(first: list[Any], second: list[Any], cutoff: float) -> tuple[int, set[str]]:
    """Contacts by all distances of Biopython's atoms."""
    a, b = (np.array([x.coord for x in side], dtype=float) for side in (first, second))
    near = np.argwhere(np.linalg.norm(a[:, None] - b[None], axis=2) <= cutoff)
    return len(near), {f"{second[j].parent.parent.id}/{second[j].parent.id[1]}" for _, j in near}


@pytest.mark.parametrize("cutoff", [3.2, 4.0, 6.0])
def test_contacts_of_haem_are_all_the_close_pairs(tmp_path: Path, cutoff: float) -> None:
    every = [a for a in parsed("4hhb.pdb")[0].get_atoms() if a.parent.resname != "HOH"]
    haem = [a for a in every if a.parent.resname == "HEM" and a.parent.parent.id == "A"]
    rest = [a for a in every if a.parent is not haem[0].parent]
    count, residues = brute(haem, rest, cutoff)
    result = call(find_contacts, tmp_path, SAMPLE, of="A/142", cutoff=cutoff)
    assert result.quantities["contact_count"].value == count
    assert {r.split()[0] for r in result.data["residues_of_second"]} == residues
    # the proximal histidine F8 holds the iron: His 87 of the alpha chain
    assert result.data["pairs"][0]["second"] == "A/87 HIS" and result.data["pairs"][0]["atoms"] == "FE, NE2"


def test_contacts_of_two_chains(tmp_path: Path) -> None:
    model = parsed("4hhb.pdb")[0]
    a, b = ([x for r in model[c] if r.id[0] == " " for x in r] for c in "AB")
    result = call(find_contacts, tmp_path, SAMPLE, of="A", between="B", cutoff="0.4 nm")
    count, residues = brute(a, b, 4.0)
    assert result.quantities["contact_count"].value == count
    assert {r.split()[0] for r in result.data["residues_of_second"]} == residues
    swapped = call(find_contacts, tmp_path, SAMPLE, of="B", between="A", cutoff=4.0)
    assert swapped.quantities["contact_count"].value == count


def test_a_ligand_by_name_is_every_copy_and_waters_count_when_asked(tmp_path: Path) -> None:
    by_name = call(find_contacts, tmp_path, SAMPLE, of="HEM")
    alone = [
        call(find_contacts, tmp_path, SAMPLE, of=p).quantities["contact_count"].value
        for p in ("A/142", "B/148", "C/142", "D/148")
    ]
    assert by_name.quantities["contact_count"].value == sum(alone)
    assert any("4 times" in w for w in by_name.warnings)
    wet = call(find_contacts, tmp_path, SAMPLE, of="A/142", waters=True)
    assert any(r.endswith("HOH") for r in wet.data["residues_of_second"])


def test_hydrogens_do_not_count_as_contacts(tmp_path: Path) -> None:
    text = atom("C1", "LIG", "A", 1, (0, 0, 0), record="HETATM") + atom(
        "H1", "LIG", "A", 1, (1, 0, 0), record="HETATM"
    )
    text += atom("C1", "LGA", "A", 2, (4.5, 0, 0), record="HETATM") + "END\n"
    result = call(find_contacts, tmp_path, write(tmp_path, text), of="LIG", cutoff=4)
    assert result.quantities["contact_count"].value == 0 and any(
        "longer cutoff" in w for w in result.warnings
    )


@pytest.mark.parametrize(("arguments", "code"), [({"of": "ATP"}, "unknown_part"), ({"of": "A", "between": "A/5"}, "same_part"), ({"of": "A/999"}, "unknown_part"), ({"of": "A", "cutoff": 20}, "too_large")])  # fmt: skip
def test_contacts_that_cannot_be(tmp_path: Path, arguments: dict[str, Any], code: str) -> None:
    with pytest.raises(BenchmateError) as error:
        call(find_contacts, tmp_path, SAMPLE, **arguments)
    assert error.value.code == code


def trace(*atoms: tuple[str, float]) -> str:
    """A chain of one-atom residues along x."""
    return (
        "".join(atom(e, "GLY", "A", n, (x, 0, 0), element=e[0]) for n, (e, x) in enumerate(atoms, 1))
        + "END\n"
    )


def test_the_surface_of_two_spheres(tmp_path: Path) -> None:
    # two carbons of radius R = 1.70 + 1.40 at d: each loses a cap of height R - d/2, area 2 pi R h
    for d in (1.5, 4.0):
        result = call(compute_structure_size, tmp_path, write(tmp_path, trace(("CA", 0.0), ("CA", d))))
        radius = 1.70 + 1.40
        expected = 2 * (4 * math.pi * radius**2 - 2 * math.pi * radius * (radius - d / 2))
        assert result.quantities["solvent_accessible_area"].value == pytest.approx(expected, rel=0.015)
        assert result.quantities["radius_of_gyration"].value == pytest.approx(d / 2)
        assert result.quantities["largest_extent"].value == pytest.approx(d)
    bare = call(
        compute_structure_size, tmp_path, write(tmp_path, trace(("CA", 0.0), ("CA", 50.0))), probe="1 pm"
    )
    assert bare.quantities["solvent_accessible_area"].value == pytest.approx(8 * math.pi * 1.71**2)


def test_the_radius_of_gyration_is_weighted_by_mass(tmp_path: Path) -> None:
    result = call(compute_structure_size, tmp_path, write(tmp_path, trace(("CA", 0.0), ("SG", 10.0))))
    carbon, sulfur = 12.011, 32.06  # IUPAC 2021
    expected = 10 * math.sqrt(carbon * sulfur) / (carbon + sulfur)
    assert result.quantities["radius_of_gyration"].value == pytest.approx(expected, rel=1e-3)


def test_hemoglobin_buries_what_its_chains_lose(tmp_path: Path) -> None:
    from Bio.PDB.Chain import Chain
    from Bio.PDB.SASA import ShrakeRupley

    def area(chains: str) -> float:
        together = Chain("x")
        for place, residue in enumerate(
            r for c in chains for r in parsed("4hhb.pdb")[0][c] if r.id[0] == " "
        ):
            copied = residue.copy()
            copied.id = (" ", place, " ")
            together.add(copied)
        ShrakeRupley(n_points=250).compute(together, level="C")
        return float(together.sasa)

    result = call(compute_structure_size, tmp_path, SAMPLE, chains=["A", "B"])
    assert result.quantities["solvent_accessible_area"].value == pytest.approx(area("AB"), rel=0.01)
    buried = area("A") + area("B") - area("AB")
    assert result.quantities["buried_area"].value == pytest.approx(buried, rel=0.03)


def test_the_radius_of_gyration_of_a_chain(tmp_path: Path) -> None:
    atoms = [a for r in parsed("4hhb.pdb")[0]["B"] if r.id[0] == " " for a in r]
    masses, places = np.array([a.mass for a in atoms]), np.array([a.coord for a in atoms], dtype=float)
    centre = masses @ places / masses.sum()
    expected = math.sqrt(masses @ ((places - centre) ** 2).sum(axis=1) / masses.sum())
    result = call(compute_structure_size, tmp_path, SAMPLE, chains=["B"])
    assert result.quantities["radius_of_gyration"].value == pytest.approx(expected, rel=1e-4)
    assert result.quantities["largest_extent"].value == pytest.approx(
        max(float(np.linalg.norm(places - p, axis=1).max()) for p in places), abs=1e-4
    )
