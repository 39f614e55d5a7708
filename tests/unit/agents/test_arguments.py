"""What a question holds, and the arguments that follow for a tool."""

from __future__ import annotations

from typing import Any

import pytest

from benchmate.agents.arguments import fits, legal_calls, subject_words
from benchmate.agents.intake import Candidate
from benchmate.tools.intake import find_candidates
from benchmate.tools.registry import load_registry

DNA = "ATGGCCATTGTAATGGGCCGCTGAAAGGGTGCCCGATAG"  # of the Biopython tutorial


def found(question: str) -> list[Candidate]:
    return [Candidate.model_validate(c) for c in find_candidates(question)]


def calls(tool: str, question: str) -> list[dict[str, Any]]:
    return list(legal_calls(load_registry()[tool], question, found(question)))


CONVERSIONS = [
    ("how many kJ/mol is 12.5 kcal/mol", 12.5, "kcal/mol", "kJ/mol"),
    ("25 degC in K", 25, "degC", "K"),
    ("convert 300 K to °C", 300, "K", "°C"),
    ("98.6 F in C", 98.6, "F", "C"),
    ("-40 °F in °C", -40, "°F", "°C"),
    ("37 degrees Celsius in Fahrenheit", 37, "degrees Celsius", "Fahrenheit"),
    ("1 eV in nm", 1, "eV", "nm"),
    ("0.5 M to mM", 0.5, "M", "mM"),
    ("1,250 mbar to atm", 1250, "mbar", "atm"),
    ("1.5e-3 mol/L in µM", 1.5e-3, "mol/L", "µM"),
    ("2 x 10^5 Pa in bar", 2e5, "Pa", "bar"),
    ("760mmHg in kPa", 760, "mmHg", "kPa"),
    ("1650 cm-1 to micrometres", 1650, "cm-1", "micrometres"),
    ("How many angstroms are 0.154 nm?", 0.154, "nm", "angstroms"),
    ("Convert 1 kcal/mol to eV per molecule.", 1, "kcal/mol", "eV per molecule"),
    ("the barrier is 21 kcal/mol, how much in kJ/mol", 21, "kcal/mol", "kJ/mol"),
]


@pytest.mark.parametrize(("question", "value", "source", "target"), CONVERSIONS)
def test_conversions_leave_nothing_to_choose(question: str, value: float, source: str, target: str) -> None:
    assert calls("convert_units", question) == [{"value": value, "from_unit": source, "to_unit": target}]


CALLS: list[tuple[str, str, list[dict[str, Any]]]] = [
    ("convert_units", "how many mM is 10 mg/mL caffeine?",
     [{"value": 10, "from_unit": "mg/mL", "to_unit": "mM", "substance": "caffeine"}]),
    ("convert_units", "how many grams of caffeine for 250 mL of a 0.1 M solution", []),  # a calculation
    ("convert_units", "dry ice bath at -78 degC in kelvin", [{"value": -78, "from_unit": "degC", "to_unit": "kelvin"}]),
    ("convert_units", "25 C to K", [{"value": 25, "from_unit": "C", "to_unit": "K"}]),
    ("convert_units", "5 mL of water in L", [{"value": 5, "from_unit": "mL", "to_unit": "L"}]),
    ("convert_units", "moment of M0 = 3.98e22 N m", []),
    # compounds: names with digits, commas, primes and salts; structures; codes; names that no table knows
    ("compute_descriptors", "logP of aspirin, ibuprofen and naproxen?",
     [{"compound": "aspirin"}, {"compound": "ibuprofen"}, {"compound": "naproxen"}]),
    ("compute_descriptors", "TPSA of 2,4,6-trinitrotoluene", [{"compound": "2,4,6-trinitrotoluene"}]),
    ("compute_descriptors", "molecular weight of 1,2-dichloroethane", [{"compound": "1,2-dichloroethane"}]),
    ("compute_descriptors", "mass of N,N-dimethylformamide", [{"compound": "N,N-dimethylformamide"}]),
    ("compute_descriptors", "how much does 4'-hydroxyflurbiprofen weigh?", [{"compound": "4'-hydroxyflurbiprofen"}]),
    ("compute_descriptors", "MW of sodium benzoate", [{"compound": "sodium benzoate"}]),
    ("compute_descriptors", "MW of the free base of lidocaine hydrochloride",
     [{"compound": "lidocaine hydrochloride", "form": "parent"}]),
    ("compute_descriptors", "logp of vitamin B12 and coenzyme Q10",
     [{"compound": "vitamin B12"}, {"compound": "coenzyme Q10"}]),
    ("compute_descriptors", "What does CC(=O)OC1=CC=CC=C1C(=O)[O-].[Na+] weigh?",
     [{"compound": "CC(=O)OC1=CC=CC=C1C(=O)[O-].[Na+]"}]),
    ("compute_descriptors", "Compute the logP of CCO and of CCCCO", [{"compound": "CCO"}, {"compound": "CCCCO"}]),
    ("compute_descriptors", "is aspirin's logP above 2?", [{"compound": "aspirin"}]),
    ("compute_descriptors", "logP of c1ccc(C(.", [{"compound": "c1ccc(C("}]),  # refused by the tool, with a reason
    ("compute_descriptors", "how heavy is foozlamine", [{"compound": "foozlamine"}]),
    ("compute_descriptors", "is foozlamine more lipophilic than barzolol?",
     [{"compound": "foozlamine"}, {"compound": "barzolol"}]),
    ("compute_descriptors", "is caffeine heavier than foozlamine?",
     [{"compound": "caffeine"}, {"compound": "foozlamine"}]),
    ("compute_descriptors", "molar mass of H2SO4", [{"compound": "H2SO4"}]),
    ("compute_descriptors", "MW of the peptide bond", []),
    ("resolve_name", "what is RYYVLZVUVIJVGH-UHFFFAOYSA-N?", [{"name": "RYYVLZVUVIJVGH-UHFFFAOYSA-N"}]),
    ("resolve_name", "Which compound has the CAS number 50-78-2?", [{"name": "50-78-2"}]),
    ("resolve_name", "what is the name of CCO", []),  # a structure is no name
    ("validate_structure", "Check the structure C1CC1(C)(C)(C)", [{"structure": "C1CC1(C)(C)(C)"}]),
    ("validate_structure", "Does c1ccccc1C(=O parse?", [{"structure": "c1ccccc1C(=O"}]),
    ("validate_structure", "Is InChI=1S/C2H6O/c1-2-3/h3H,2H2,1H3 valid?",
     [{"structure": "InChI=1S/C2H6O/c1-2-3/h3H,2H2,1H3"}]),
    ("draw_structure", "Draw CC(=O)Nc1ccc(O)cc1 with atoms 0 and 1 highlighted",
     [{"compound": "CC(=O)Nc1ccc(O)cc1", "highlight": [0, 1]}]),
    # which one the others are compared with
    ("compare_similarity", "Compare theophylline with caffeine by MACCS keys",
     [{"query": "theophylline", "targets": ["caffeine"], "fingerprint": "maccs"}]),
    ("compare_similarity", "Which of ibuprofen, naproxen and caffeine is most similar to ketoprofen?",
     [{"query": "ketoprofen", "targets": ["ibuprofen", "naproxen", "caffeine"]}]),
    ("compare_similarity", "ECFP6 similarity of aspirin and salicylic acid, 1024 bits",
     [{"query": "aspirin", "targets": ["salicylic acid"], "radius": 3, "bits": 1024}]),
    # numbers that name an option, and numbers that name none
    ("generate_conformers", "conformers: 20 for cyclohexane", [{"compound": "cyclohexane", "count": 20}]),
    ("generate_conformers", "Make a 3D structure of caffeine with UFF, 15 conformers",
     [{"compound": "caffeine", "count": 15, "force_field": "UFF"}]),
    ("generate_conformers", "30 low-energy geometries of melatonin, seed 7, rmsd 0.5",
     [{"compound": "melatonin", "count": 30, "seed": 7, "rmsd": 0.5}]),
    ("generate_conformers", "3D structure of 1,2-dichloroethane", [{"compound": "1,2-dichloroethane"}]),
    ("search_library", "What do my notes say about the stability of compound 7?",
     [{"query": "stability of compound 7"}]),
    ("search_library", "search my library for column bleed", [{"query": "column bleed"}]),
    # sequences, in lower case too
    ("analyze_dna", f"gc content of {DNA.lower()}", [{"sequence": DNA.lower()}]),
    ("analyze_dna", f"ORFs of at least 5 amino acids in {DNA}", [{"sequence": DNA, "min_orf": 5}]),
    ("analyze_dna", f"Translate {DNA} with the vertebrate mitochondrial code (table 2)",
     [{"sequence": DNA, "genetic_code": 2}]),
    ("analyze_dna", f"translate {DNA} as in bacterial genomes", [{"sequence": DNA, "genetic_code": 11}]),
    ("analyze_dna", "mass of the single-stranded oligo 5'-GTAAAACGACGGCCAGT-3'",
     [{"sequence": "GTAAAACGACGGCCAGT", "strands": "single"}]),
    ("compute_protein_properties", "mw of peptide mqifvktltgktitlevepsdtienvkakiqdkeg",
     [{"sequence": "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEG"}]),
    ("compute_protein_properties", "pI of the peptide YGGFL", [{"sequence": "YGGFL"}]),
    ("compute_protein_properties", "pI of lysozyme", []),
]  # fmt: skip


@pytest.mark.parametrize(("tool", "question", "expected"), CALLS)
def test_calls_that_follow_from_a_question(tool: str, question: str, expected: list[dict[str, Any]]) -> None:
    assert calls(tool, question) == expected
    assert fits(load_registry()[tool], found(question)) == bool(expected)


EQUATIONS = (
    "KMnO4 + HCl -> KCl + MnCl2 + H2O + Cl2", "H2 + O2 = H2O", "Fe + O2 → Fe2O3", "N2 + H2 ⇌ NH3", "N2+H2<=>NH3",
    "C3H8 + 5 O2 --> 3 CO2 + 4 H2O", "CuSO4·5H2O ⟶ CuSO4 + H2O", "MnO4^- + Fe^2+ + H^+ -> Mn^2+ + Fe^3+ + H2O",
    "NaCl(aq) + AgNO3(aq) => AgCl(s) + NaNO3(aq)", "Cr2O7^2- + H+ + e- ⇄ Cr3+ + H2O",
)  # fmt: skip


@pytest.mark.parametrize("equation", EQUATIONS)
@pytest.mark.parametrize("question", ["Balance {}", "can you balance {}?", "{}: what are the coefficients?"])
def test_equations_with_all_kinds_of_arrows(equation: str, question: str) -> None:
    assert calls("balance_reaction", question.format(equation)) == [{"equation": equation}]


def test_what_the_wording_leaves_open_is_yielded_likeliest_first() -> None:
    one, other, last = "phenol", "aniline", "toluene"
    assert [c["query"] for c in calls("compare_similarity", f"how alike are {one}, {other}, {last}")] == [
        one, other, last,
    ]  # fmt: skip
    assert calls("convert_units", "5 nm or 7 nm in cm") == [
        {"value": value, "from_unit": "nm", "to_unit": "cm"} for value in (5, 7)
    ]


@pytest.mark.parametrize(
    "question",
    [
        "what is the molecular structure of the protein",
        "sample size for 80% power with d = 0.6",
        "which machine and protocol did they examine",
        "is IC50 a good measure for HeLa cells",
        r"the charge of \ce{S2O3^{2-}}",
    ],
)
def test_ordinary_words_are_no_compounds(question: str) -> None:
    assert {c.kind for c in found(question)} <= {"number", "unit", "formula"}


def test_places_are_those_of_the_text() -> None:
    for _, question, _ in CALLS:
        for candidate in found(question):
            written = question[candidate.start : candidate.end]
            assert candidate.kind == "number" or candidate.text.lower() == written.lower()


def test_a_search_leaves_the_courtesy_out() -> None:
    assert subject_words("Search my library for kinase selectivity?") == "kinase selectivity"
    assert subject_words("notes") == "notes"
    assert subject_words("search my docs for annealing of films") == "annealing of films"
    asked = "In my library, what have people reported about freeze-thaw stability?"
    assert subject_words(asked) == "freeze-thaw stability"
    assert subject_words("according to our SOP, how is lysis done?") == "how is lysis done"
