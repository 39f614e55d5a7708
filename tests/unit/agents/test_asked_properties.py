"""Which of a tool's properties a question names."""

from __future__ import annotations

import pytest

from benchmate.agents.claims import asked_properties
from benchmate.agents.wording import words_for
from benchmate.tools.base import Tool, ToolResult, tool
from benchmate.tools.registry import load_registry

REGISTRY = load_registry()
ASKED = [
    ("compute_descriptors", "what is the molecular weight of aspirin", "molecular_weight"),
    ("compute_descriptors", "MW of aspirin?", "molecular_weight"),
    ("compute_descriptors", "How heavy is caffeine?", "molecular_weight"),
    ("compute_descriptors", "how much does one mole of it weigh", "molecular_weight"),
    ("compute_descriptors", "which is the lightest", "molecular_weight"),
    ("compute_descriptors", "the exact mass of ibuprofen", "exact_mass"),
    ("compute_descriptors", "monoisotopic mass, four decimals", "exact_mass"),
    ("compute_descriptors", "exact mass and molar mass", "molecular_weight exact_mass"),
    ("compute_descriptors", "how many heavy atoms are in it", "heavy_atom_count"),
    ("compute_descriptors", "which is heavier, and how many heavy atoms has it", "molecular_weight heavy_atom_count"),
    ("compute_descriptors", "is aspirin's logP above 2", "logp"),
    ("compute_descriptors", "how greasy is dioxane", "logp"),
    ("compute_descriptors", "rank them by lipophilicity", "logp"),
    ("compute_descriptors", "octanol/water partition coefficient", "logp"),
    ("compute_descriptors", "logP, TPSA.", "logp tpsa"),
    ("compute_descriptors", "polar surface area", "tpsa"),
    ("compute_descriptors", "will it cross membranes", "logp tpsa"),
    ("compute_descriptors", "how many hydrogen bond donors does it have", "hbd"),
    ("compute_descriptors", "H-bond donors and acceptors", "hbd hba"),
    ("compute_descriptors", "Lipinski donors", "lipinski_hbd"),
    ("compute_descriptors", "one rotatable bond or two?", "rotatable_bonds"),
    ("compute_descriptors", "how many aromatic rings", "aromatic_ring_count"),
    ("compute_descriptors", "how many rings", "ring_count"),
    ("compute_descriptors", "rings, and aromatic rings", "ring_count aromatic_ring_count"),
    ("compute_descriptors", "the fraction of sp3 carbons", "fsp3"),
    ("compute_descriptors", "is it hard to make", "sa_score"),
    ("compute_descriptors", "its Murcko scaffold", "scaffold"),
    ("compute_descriptors", "formula and MW of aspirin", "molecular_weight formula"),
    ("compute_descriptors", "net charge", "formal_charge"),
    ("compute_descriptors", "the massive weightless chargers", ""),  # words, not parts of words
    ("compute_descriptors", "what is this", ""),
    ("check_druglikeness", "does it break Lipinski's rule of five", "lipinski_violations"),
    ("check_druglikeness", "PAINS alerts?", "alert_count"),
    ("check_druglikeness", "does it satisfy Veber", "veber_violations"),
    ("validate_structure", "is it a valid SMILES", "valid"),
    ("validate_structure", "does it leave stereocentres open", "unspecified_stereo"),
    ("analyze_dna", "GC content in percent", "gc_content"),
    ("analyze_dna", "how long is this", "length"),
    ("analyze_dna", "how many adenines are in it", "adenine_count"),
    ("analyze_dna", "how many adenine bases", "adenine_count"),
    ("analyze_dna", "the longest open reading frame", "longest_orf"),
    ("analyze_dna", "find the ORFs", "orf_count"),
    ("analyze_dna", "mass without phosphate", "mass_without_phosphate"),
    ("analyze_dna", "reverse complement please", "reverse_complement"),
    ("compute_protein_properties", "pI and GRAVY", "isoelectric_point gravy"),
    ("compute_protein_properties", "how heavy is the peptide", "mass"),
    ("compute_protein_properties", "monoisotopic mass", "monoisotopic_mass"),
    ("compute_protein_properties", "how many residues", "length"),
    (
        "compute_protein_properties",
        "extinction coefficient at 280 nm",
        "extinction_coefficient_reduced extinction_coefficient_cystine",
    ),
    (
        "compute_protein_properties",
        "extinction coefficient at 280 nm with all cysteines reduced",
        "extinction_coefficient_reduced",
    ),
    ("compute_protein_properties", "amino-acid composition", "amino_acid_percentage"),
    ("compare_similarity", "how similar are they", "similarity"),
    ("generate_conformers", "how many conformers does it have", "conformer_count"),
    ("generate_conformers", "energy difference between the conformers", "energy_span"),
    ("balance_reaction", "balance it", "equation"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "question", "expected"), ASKED)
def test_properties_a_question_names(name: str, question: str, expected: str) -> None:
    assert asked_properties(REGISTRY[name], question) == expected.split()


@pytest.mark.parametrize("name", REGISTRY.offered)
def test_the_words_shown_for_a_property_ask_for_it_alone(name: str) -> None:
    # claims are written with these words and checked by what their text asks for
    offered = REGISTRY[name]
    for prop in offered.properties:
        assert asked_properties(offered, f"The {words_for(offered, prop)} of it is 5.") == [prop]


def test_the_order_is_the_tools_and_a_name_is_a_wording() -> None:
    @tool(domain="test", properties={"yield_stress": "strength", "mass": "mass, weight"})
    def weigh(of: str) -> ToolResult:
        """Weigh.

        Args:
            of: What.
        """
        raise NotImplementedError

    assert isinstance(weigh, Tool)
    assert asked_properties(weigh, "Its weight and yield stress") == ["yield_stress", "mass"]
