"""What questions give to the tools of structures: files, atoms, chains, ligands and cutoffs."""

from __future__ import annotations

from typing import Any

import pytest

from benchmate.agents.arguments import legal_calls
from benchmate.agents.intake import Candidate
from benchmate.tools.intake import find_candidates
from benchmate.tools.registry import load_registry

CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("parse_structure", "what chains are in 4hhb.pdb", {"file": "4hhb.pdb"}),
    ("measure_structure", "how far is A/87/NE2 from A/142/FE in 4hhb.pdb?", {"file": "4hhb.pdb", "atoms": ["A/87/NE2", "A/142/FE"]}),
    ("measure_structure", "distance H/52A/CA to L/-3/O5' in fab.cif", {"file": "fab.cif", "atoms": ["H/52A/CA", "L/-3/O5'"]}),
    ("measure_structure", "distance of A/45/CA:B and A/2(HEM)/FE in x.pdb", {"file": "x.pdb", "atoms": ["A/45/CA:B", "A/2(HEM)/FE"]}),
    ("measure_structure", "angle A/1/N A/1/CA A/1/C in model 3 of x.pdb", {"file": "x.pdb", "atoms": ["A/1/N", "A/1/CA", "A/1/C"], "model": 3}),
    ("compute_backbone_torsions", "Ramachandran plot of chain B in x.cif", {"file": "x.cif", "chain": "B"}),
    ("compute_backbone_torsions", "phi and psi in the chain of x.cif", {"file": "x.cif"}),
    ("superpose_structures", "RMSD of chain A of one.pdb on chain C of two.cif",
     {"file": "one.pdb", "other": "two.cif", "chain": "A", "other_chain": "C"}),
    ("superpose_structures", "backbone RMSD of apo.pdb and holo.pdb by residue number",
     {"file": "apo.pdb", "other": "holo.pdb", "atoms": "backbone", "pairing": "numbering"}),
    ("find_contacts", "residues within 5 Å of HEM in 4hhb.pdb", {"file": "4hhb.pdb", "of": "HEM", "cutoff": 5.0}),
    ("find_contacts", "contacts between chain H and chain L of fab.pdb", {"file": "fab.pdb", "of": "H", "between": "L"}),
    ("find_contacts", "contacts of ligand 2PE with chain A in x.pdb, including waters",
     {"file": "x.pdb", "of": "2PE", "between": "A", "waters": True}),
    ("find_contacts", "what touches A/142 in sample:hemoglobin", {"file": "sample:hemoglobin", "of": "A/142"}),
    ("compute_structure_size", "buried surface between chains A and B of x.pdb", {"file": "x.pdb", "chains": ["A", "B"]}),
    ("compute_structure_size", "SASA of x.pdb with a probe radius of 0.2 nm", {"file": "x.pdb", "probe": 2.0}),
]  # fmt: skip


@pytest.mark.parametrize(("tool", "question", "arguments"), CALLS)
def test_a_question_gives_the_arguments(tool: str, question: str, arguments: dict[str, Any]) -> None:
    candidates = [Candidate.model_validate(c) for c in find_candidates(question)]
    offered = load_registry()[tool]
    first = next(legal_calls(offered, question, candidates))
    assert first == arguments
    assert offered.validate(first)


@pytest.mark.parametrize(
    ("tool", "question"),
    [
        ("measure_structure", "how large is the protein in x.pdb"),  # names no atoms
        ("find_contacts", "is 4HHB.pdb a good structure"),  # names no part
        ("parse_structure", "what is hemoglobin"),  # names no file
    ],
)
def test_what_a_question_does_not_name_is_not_made_up(tool: str, question: str) -> None:
    candidates = [Candidate.model_validate(c) for c in find_candidates(question)]
    assert list(legal_calls(load_registry()[tool], question, candidates)) == []
