"""The detector: molecules and proteins in prose are found whole, and what only looks alike is not."""

from __future__ import annotations

import pytest

from benchmate.model.tokenizer.corpus import Molecule
from benchmate.model.tokenizer.detection import proteins_in, smiles_in
from benchmate.model.tokenizer.spans import spans_of
from benchmate.model.tokenizer.units import is_bracket_atom, units_of

HAEMOGLOBIN = "MVLSPADKTNVKAAWGKVGAHAGEYGAEALERMFLSFPTTKTYFPHFDLSHGSAQVKGHGKKVADALTNAVAHVDDMPNALSALSDLHAHKLRVDPVNFKLLSHCLLVTLAAHLPAEFTPAVHASLDKFLASVSTVLTSKYR"  # UniProt P69905
INSULIN = "MALWMRLLPLLALLALWGPDPAAAFVNQHLCGSHLVEALYLVCGERGFFYTPKTRREAEDLQVGQVELGGGPGAGSLQPLALEGSLQKRGIVEQCCTSICSLYQLENYCN"  # UniProt P01308
LOOKALIKES = [
    "CO2 and NO2", "option C", "the gene BRCA1", "/usr/local/bin/python3.11", "CAS 50-78-2", "CH3(CH2)10COOH", "O(n log n)", "D3h and (111)",
    "InChI=1S/C9H8O4/c1-6(10)13-8-5-3-2-4-7(8)9(11)12/h2-5H,1H3,(H,11,12)", "BIOS/CONFIG", "NCBI/OCSP.COBS", "CONSCIOUS", "pp. 1023-1035 (2019)",
    "12*s2**4*s4**2", "2**(S(n)/2) * pi*(S(n**2)/2)", "--------------------", "[1], [2,3] and [4-6]", "..........", "1,3,5-tris(bromomethyl)benzene", "CCO CC CCCC",
    "Cc1ccccc1", "CCCCCCCCCCCCCCCC", "C(C)(C)(C)(C)(C)C=O",
]  # fmt: skip


def found(text: str) -> list[str]:
    return [text[start:stop] for start, stop in smiles_in(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Aspirin (CC(=O)Oc1ccccc1C(=O)O).", "CC(=O)Oc1ccccc1C(=O)O"),
        ("SMILES:CN1C=NC2=C1C(=O)N(C(=O)N2C)C, caffeine", "CN1C=NC2=C1C(=O)N(C(=O)N2C)C"),
        ("化合物CC(C)Cc1ccc(cc1)C(C)C(=O)O很好", "CC(C)Cc1ccc(cc1)C(C)C(=O)O"),
        ("`C[C@@H](N)C(=O)O`", "C[C@@H](N)C(=O)O"),
        ("the ligand ClCCCCCCCCBr", None),
        ("the salt [Na+].CC(=O)[O-] is", "[Na+].CC(=O)[O-]"),
        ("F/C=C/C1CCCCC1", "F/C=C/C1CCCCC1"),
        ("xCC(=O)Oc1ccccc1C(=O)O", None),
        ("CC(=O)Oc1ccccc1C(=O)Oé", None),
    ],
)
def test_smiles_in_prose(text: str, expected: str | None) -> None:
    assert found(text) == ([expected] if expected else [])


@pytest.mark.parametrize("text", LOOKALIKES)
def test_what_only_looks_like_smiles(text: str) -> None:
    assert found(text) == []


def test_held_out_molecules_are_found_whole(held_out: list[Molecule]) -> None:
    strings = [m.canonical for m in held_out if len(m.canonical) >= 10]
    right = sum(found(f"We saw that {s}, too, dissolves.") == [s] for s in strings)
    assert right / len(strings) > 0.97


def test_names_and_formulas_of_compounds_are_text(pubchem: list[list[str]]) -> None:
    assert [row for row in pubchem if list(spans_of(f"We made {row[7]}, {row[2]} and {row[1]}."))] == []


def test_short_strings_need_a_tag() -> None:
    for text in ("ethanol CCO", "benzene c1ccccc1", "the SMILES CC(=O)O"):
        assert found(text) == []
    assert [s.tagged for s in spans_of("ethanol <SMILES>CCO</SMILES>")] == [True]


def test_code_fences_are_not_searched() -> None:
    aspirin = "CC(=O)Oc1ccccc1C(=O)O"
    assert [s.start for s in spans_of(f"```\n{aspirin}\n```\n{aspirin}")] == [30]


@pytest.mark.parametrize("sequence", [HAEMOGLOBIN, INSULIN, HAEMOGLOBIN + "*"])
def test_proteins_in_prose(sequence: str) -> None:
    wrapped = "\n".join(sequence[i : i + 60] for i in range(0, len(sequence), 60))
    for text in (f"Its chain is {sequence}.", f">sp|X\n{wrapped}\nEND of file", f"{wrapped}\n\nTHE NEXT"):
        ((start, stop),) = proteins_in(text)
        assert text[start:stop] in (sequence, wrapped)


@pytest.mark.parametrize(
    "text",
    [
        "THEQUICKBROWNFOXIUMPSOVERTHELAZYDOGANDRUNSAWAYFROMTHEHOUSE", "PLEASEDONOTSHOUTINTHISCORRIDORTHANKYOU", "ACGTACGTTAGCATCGATCGATCGGATCGATCGATTACG",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "MVLSPADKTNVKAAWGKVGAHAG", "x" + HAEMOGLOBIN, HAEMOGLOBIN + "_1", HAEMOGLOBIN.lower(),
    ],
)  # fmt: skip
def test_what_is_no_protein(text: str) -> None:
    assert list(proteins_in(text)) == []


def test_units_are_atoms_bonds_and_closures() -> None:
    assert units_of("[13C@@H]Cl%12(Br)c") == ["[13C@@H]", "Cl", "%12", "(", "Br", ")", "c"]
    for atom, fits in {"[C@@H]": True, "[13CH3-]": True, "[nH]": True, "[Fe+2]": True, "[*:1]": True, "[U]": True, "[Xx]": False, "[]": False,
                       "[hello]": False, "[1]": False, "[se]": True, "[Co@OH12]": True}.items():  # fmt: skip
        assert is_bracket_atom(atom) is fits, atom


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000 + "x",
        "." * 100_000,
        "[" * 100_000,
        "C(" * 100_000,
        "A\n" * 100_000,
        "<SMILES>" * 20_000,
        "C" * 200_000,
    ],
)
def test_long_nonsense_is_searched_in_one_go(text: str) -> None:
    assert all(span.tagged for span in spans_of(text))
