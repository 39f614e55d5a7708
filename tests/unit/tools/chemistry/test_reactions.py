"""Reading formulas and balancing equations: textbook reactions, and conservation for generated ones."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError, InvalidInput
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.chemistry.formulas import hill_formula, is_formula_of, parse_species
from benchmate.tools.chemistry.reactions import Equation, balance, balance_reaction, parse_equation


def run(equation: str) -> ToolResult:
    nowhere = Path("unused")
    arguments = balance_reaction.validate({"equation": equation})
    return balance_reaction.run(arguments, ToolContext(nowhere, nowhere, nowhere))


def refusal(equation: str) -> BenchmateError:
    with pytest.raises(BenchmateError) as caught:
        run(equation)
    return caught.value


@pytest.mark.parametrize(
    ("equation", "coefficients"),
    [  # general chemistry textbooks (Petrucci; Zumdahl), unless said
        ("KMnO4 + HCl -> KCl + MnCl2 + H2O + Cl2", [2, 16, 2, 2, 8, 5]),
        ("C8H18 + O2 → CO2 + H2O", [2, 25, 16, 18]),
        ("C8H18+O2=CO2+H2O", [2, 25, 16, 18]),
        ("Ca(OH)2(aq) + H3PO4(aq) -> Ca3(PO4)2(s) + H2O(l)", [3, 2, 1, 6]),
        ("Cr2O7^2- + Fe2+ + H+ <=> Cr3+ + Fe3+ + H2O", [1, 6, 14, 2, 6, 7]),
        ("Fe³⁺ + e⁻ → Fe²⁺", [1, 1, 1]),
        ("MnO4- + H+ + e- -> Mn2+ + H2O", [1, 8, 5, 1, 4]),
        ("SO4 2- + Ba 2+ -> BaSO4", [1, 1, 1]),
        ("CuSO₄·5H₂O ⇌ CuSO₄ + H₂O", [1, 1, 5]),
        ("CuSO4.5H2O -> CuSO4 + H2O", [1, 1, 5]),
        ("K4[Fe(CN)6] + H2SO4 + H2O -> K2SO4 + FeSO4 + (NH4)2SO4 + CO", [1, 6, 6, 2, 1, 3, 6]),
        ("P4 + NaOH + H2O -> NaH2PO2 + PH3", [1, 3, 3, 3, 1]),
        (  # Stout, J. Chem. Educ. 1995, 72, 1125: the hardest of the classic puzzles
            "[Cr(N2H4CO)6]4[Cr(CN)6]3 + KMnO4 + H2SO4 -> K2Cr2O7 + MnSO4 + CO2 + KNO3 + K2SO4 + H2O",
            [10, 1176, 1399, 35, 1176, 420, 660, 223, 1879],
        ),
    ],
)
def test_textbook_equations(equation: str, coefficients: list[int]) -> None:
    result = run(equation)
    assert [row["coefficient"] for row in result.data["species"]] == coefficients
    assert [result.quantities[f"coefficient_{i}"].value for i in range(len(coefficients))] == coefficients


def test_the_result_names_species_and_side() -> None:
    result = run("2 H2 + O2 -> 2 H2O")
    assert result.data["equation"] == "2 H2 + O2 -> 2 H2O"
    assert result.warnings == ()
    water = result.quantities["coefficient_2"]
    assert water.property == "stoichiometric_coefficient"
    assert water.conditions == {"species": "H2O", "side": "product", "equation": "2 H2 + O2 -> 2 H2O"}
    assert result.quantities["molar_mass_2"].value == pytest.approx(18.015, abs=0.001)  # IUPAC 2021
    (entity,) = result.entities
    assert (entity.kind, entity.label) == ("equation", "2 H2 + O2 -> 2 H2O")


@pytest.mark.parametrize("equation", ["3 H2 + O2 -> 2H2O", "2H2 + O2 -> H2O"])
def test_wrong_coefficients_are_replaced_and_named(equation: str) -> None:
    result = run(equation)
    assert result.data["equation"] == "2 H2 + O2 -> 2 H2O"
    assert "replaced" in result.warnings[0]


@pytest.mark.parametrize("equation", ["4 H2 + 2 O2 -> 4 H2O", "H2 + 1/2 O2 -> H2O", "H2 + 0.5 O2 -> H2O"])
def test_multiples_of_the_right_coefficients_are_right(equation: str) -> None:
    assert run(equation).warnings == ()


def test_several_reactions_in_one_are_underdetermined() -> None:
    error = refusal("C + O2 -> CO + CO2")
    assert error.code == "underdetermined"
    assert sorted(error.info.details["reactions"]) == ["2 C + O2 -> 2 CO", "C + O2 -> CO2"]
    assert len(error.info.details["basis"]) == 2


@pytest.mark.parametrize(
    ("equation", "words"),
    [
        ("H2 + O2 -> H2O + N2", "N is only on the right side"),
        ("NaCl -> KCl", "Na is only on the left side"),
        ("Fe2+ -> Fe3+", "no coefficients conserve"),
        ("Na + Cl2 -> NaCl + e-", "no balanced equation has e-"),
    ],
)
def test_what_cannot_be_balanced_says_why(equation: str, words: str) -> None:
    error = refusal(equation)
    assert error.code == "cannot_balance"
    assert words in str(error)


@pytest.mark.parametrize(
    ("equation", "code", "hint"),
    [
        ("methane + O2 -> CO2 + H2O", "not_a_formula", "methane is CH4"),
        ("2 nosuchname + O2 -> CO2", "not_a_formula", "formulas"),
        ("NACL -> Na + Cl2", "unknown_element", "did you mean 'Na'"),
        ("Xy + O2 -> XyO", "unknown_element", "Xe"),
        ("H2O", "not_an_equation", "H2 + O2 -> H2O"),
        ("H2 -> O2 -> H2O", "not_an_equation", ""),
        ("", "not_an_equation", ""),
        ("H2 + H2 -> H2O", "not_an_equation", "once"),
        ("Fe(OH2 -> Fe + H2O", "not_a_formula", ""),
        ("N3- + H+ -> HN3", "ambiguous_charge", "N3^-"),
    ],
)
def test_what_cannot_be_read_is_typed(equation: str, code: str, hint: str) -> None:
    error = refusal(equation)
    assert error.code == code
    assert hint in (error.hint or "")


@pytest.mark.parametrize(
    ("text", "atoms", "charge"),
    [
        ("Fe2(SO4)3", {"Fe": 2, "S": 3, "O": 12}, 0),
        ("Al2(SO4)3·18H2O", {"Al": 2, "S": 3, "O": 30, "H": 36}, 0),
        ("[Cu(NH3)4]2+", {"Cu": 1, "N": 4, "H": 12}, 2),
        ("[Fe(CN)6]^3-", {"Fe": 1, "C": 6, "N": 6}, -3),
        ("Fe3+", {"Fe": 1}, 3),
        ("Fe+3", {"Fe": 1}, 3),
        ("NO3-", {"N": 1, "O": 3}, -1),
        ("NH4+", {"N": 1, "H": 4}, 1),
        ("SO42-", {"S": 1, "O": 4}, -2),
        ("SO₄²⁻", {"S": 1, "O": 4}, -2),
        ("Hg2^2+", {"Hg": 2}, 2),
        ("I3-", {"I": 3}, -1),
        ("S2-", {"S": 1}, -2),
        ("Na+ (aq)", {"Na": 1}, 1),
        ("CH3COOH", {"C": 2, "H": 4, "O": 2}, 0),
        ("Co", {"Co": 1}, 0),
        ("CO", {"C": 1, "O": 1}, 0),
        ("D2O", {"D": 2, "O": 1}, 0),
    ],
)
def test_formulas_and_charges(text: str, atoms: dict[str, int], charge: int) -> None:
    species = parse_species(text)
    assert dict(species.atoms) == atoms
    assert species.charge == charge
    assert parse_species(species.text) == species or species.state or species.warnings


@pytest.mark.parametrize(
    ("formula", "mass"),
    [  # CRC Handbook, standard atomic weights
        ("CuSO4·5H2O", 249.685),
        ("KMnO4", 158.034),
        ("C6H12O6", 180.156),
        ("D2O", 20.028),
    ],
)
def test_molar_masses(formula: str, mass: float) -> None:
    assert parse_species(formula).molar_mass == pytest.approx(mass, abs=0.003)


def test_formulas_in_any_case() -> None:
    assert is_formula_of("nacl", "ClNa")
    assert is_formula_of("co2", "CO2")
    assert not is_formula_of("aspirin", "C9H8O4")
    assert not is_formula_of("cocoon", "C3O3N")


ELEMENTS = ["C", "H", "O", "N", "Fe", "Cl"]
ATOMS = st.dictionaries(st.sampled_from(ELEMENTS), st.integers(1, 6), min_size=1, max_size=4)


@given(st.lists(st.tuples(ATOMS, st.integers(1, 5), st.integers(-2, 2)), min_size=1, max_size=4))
def test_balanced_equations_conserve_atoms_and_charge(parts: list[tuple[dict[str, int], int, int]]) -> None:
    """Any reactants can combine to one product: the answer must conserve everything and be in lowest terms."""
    total: Counter[str] = Counter()
    for atoms, count, _ in parts:
        total.update({symbol: number * count for symbol, number in atoms.items()})
    charge = sum(count * z for _, count, z in parts)

    def written(atoms: dict[str, int], z: int) -> str:
        return hill_formula(atoms) + (f"^{abs(z)}{'+' if z > 0 else '-'}" if z else "")

    left = [written(atoms, z) for atoms, _, z in parts]
    assume(len(set(left)) == len(left))
    equation = parse_equation(f"{' + '.join(left)} -> {written(dict(total), charge)}")
    if independent(equation) == 1:
        conserved(equation, balance(equation))
    else:
        with pytest.raises(InvalidInput, match="independent reactions"):
            balance(equation)


def independent(equation: Equation) -> int:
    """Return the dimension of the null space by numpy's SVD, another way than the tool's."""
    symbols = sorted({symbol for species in equation.species for symbol in species.atoms})
    matrix = [
        [species.atoms.get(symbol, 0) for symbol in symbols] + [species.charge]
        for species in equation.species
    ]
    return len(matrix) - int(np.linalg.matrix_rank(np.array(matrix, dtype=float)))


@given(st.integers(1, 12), st.integers(0, 24), st.integers(0, 6), st.integers(0, 3))
def test_combustion_conserves_atoms(c: int, h: int, o: int, n: int) -> None:
    counts = {"C": c, "H": h, "O": o, "N": n}
    fuel = hill_formula({symbol: count for symbol, count in counts.items() if count})
    assume(fuel not in ("CO2",) and 4 * c + h > 2 * o)
    products = ["CO2"] + (["H2O"] if h else []) + (["N2"] if n else [])
    equation = parse_equation(f"{fuel} + O2 -> {' + '.join(products)}")
    conserved(equation, balance(equation))


def conserved(equation: Equation, numbers: tuple[int, ...]) -> None:
    from math import gcd

    balance_sheet: Counter[str] = Counter()
    for i, (species, number) in enumerate(zip(equation.species, numbers, strict=True)):
        sign = 1 if i < len(equation.reactants) else -1
        for symbol, count in species.atoms.items():
            balance_sheet[symbol] += sign * number * count
        balance_sheet["charge"] += sign * number * species.charge
    assert set(balance_sheet.values()) == {0}
    assert all(number > 0 for number in numbers)
    assert gcd(*numbers) == 1


@given(st.text(alphabet="HOCNaCl2()[]+-=> ·e^3", max_size=30))
def test_any_text_is_balanced_or_refused_with_a_type(text: str) -> None:
    try:
        outcome: object = run(text).data["equation"]
    except BenchmateError as error:
        outcome = error.info
    assert isinstance(outcome, str) or outcome.kind == "invalid"  # type: ignore[attr-defined]
