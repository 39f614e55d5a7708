"""Chemical formulas as text: nested groups, hydrates, charges and state labels read into counts of atoms."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass

from benchmate.runtime.errors import InvalidInput

_SYMBOLS = (
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb Mo "
    "Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl "
    "Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og "
    "D T"
)
SYMBOLS = frozenset(_SYMBOLS.split())
ELECTRON_MASS = 5.48579909e-4  # g/mol, CODATA 2022
_DIGITS = str.maketrans("₀₁₂₃₄₅₆₇₈₉₍₎", "0123456789()")
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_STATE = re.compile(r"\s*\((aq|s|l|g|cr|am)\)$")
_DOTS = re.compile(r"\s*[·•∙⋅*]\s*|(?<=[\w)\]])\.(?=\d*[A-Z(\[])")
_EXPLICIT = re.compile(r"(?:\^\s*[({]?|\s+|(?<=\]))(\d*)([+-])(\d*)[)}]?$")
_TRAILING = re.compile(r"(\d*)([+-]+)(\d*)$")
_TOKEN = re.compile(r"([A-Z][a-z]?)(\d*)|([(\[{])|([)\]}])(\d*)|(\S)")
_CLOSING = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True)
class Species:
    """A formula read: `atoms` counts each element, `charge` is in elementary charges. The electron has no atoms."""

    text: str
    atoms: Mapping[str, int]
    charge: int = 0
    state: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def hill(self) -> str:
        """The formula in Hill order without charge: C, H, then alphabetical."""
        return hill_formula(self.atoms)

    @property
    def molar_mass(self) -> float:
        """Molar mass in g/mol from RDKit's average atomic weights, electrons of the charge accounted for."""
        from rdkit.Chem import GetPeriodicTable

        table = GetPeriodicTable()
        atoms = sum(_weight(table, symbol) * count for symbol, count in self.atoms.items())
        return atoms - self.charge * ELECTRON_MASS


def hill_formula(atoms: Mapping[str, int]) -> str:
    """Return the counts in Hill order: carbon, hydrogen, then alphabetical; alphabetical without carbon."""
    first = [s for s in ("C", "H") if s in atoms] if "C" in atoms else []
    order = first + sorted(s for s in atoms if s not in first)
    return "".join(f"{s}{atoms[s] if atoms[s] > 1 else ''}" for s in order)


def parse_species(text: str) -> Species:
    """Return the species written as `text`: 'Fe2(SO4)3', 'CuSO4·5H2O', 'Fe^3+', 'SO4 2-', 'SO₄²⁻', 'e-'.

    Raises InvalidInput: `not_a_formula`, `unknown_element` (with the nearest symbol), `ambiguous_charge`.
    """
    plain = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹]*[⁺⁻]$", lambda m: "^" + m[0].translate(_RAISED), text.strip())
    plain = plain.translate(_DIGITS).replace("−", "-").replace("–", "-")
    label = _STATE.search(plain)
    if label:
        plain = plain[: label.start()]
        raised = re.search(r"[⁰¹²³⁴⁵⁶⁷⁸⁹]*[⁺⁻]$", plain)
        if raised:
            plain = plain[: raised.start()] + "^" + raised[0].translate(_RAISED)
    state = label[1] if label else None
    if re.fullmatch(r"e(\^?-)?", plain):
        if plain == "e":
            raise InvalidInput("not_a_formula", f"{text!r} is not a formula", hint="write an electron as e-")
        return Species("e-", {}, -1, state)
    body, charge, warnings = _split_charge(plain, text)
    atoms: dict[str, int] = {}
    for part in _DOTS.split(body):
        multiple = re.match(r"\d*", part)
        count = int(multiple[0]) if multiple and multiple[0] else 1
        for symbol, number in _count_atoms(part[multiple.end() if multiple else 0 :], text).items():
            atoms[symbol] = atoms.get(symbol, 0) + count * number
    return Species(_tidy(body, charge), atoms, charge, state, warnings)


def is_formula(text: str) -> bool:
    """Return whether `text` reads wholly as a formula of known elements, with or without a charge."""
    return _as_formula(text) is not None


@functools.lru_cache(maxsize=256)
def _as_formula(text: str) -> Species | None:
    if not text or len(text) > 200 or not (text[0].isupper() or text[0] in "(["):
        return None
    try:
        return parse_species(text)
    except InvalidInput:
        return None


def is_formula_of(text: str, formula: str) -> bool:
    """Return whether `text`, in any case, spells the composition `formula` ('nacl' and 'NaCl' for ClNa)."""
    wanted = _as_formula(formula)
    if wanted is None or not re.fullmatch(r"[A-Za-z0-9]+", text):
        return False
    symbols = {symbol.lower(): symbol for symbol in wanted.atoms}
    return any(atoms == dict(wanted.atoms) for atoms in _readings(text.lower(), symbols))


def _readings(text: str, symbols: Mapping[str, str]) -> list[dict[str, int]]:
    if not text:
        return [{}]
    found = []
    for length in (1, 2):
        if text[:length] in symbols:
            number = re.match(r"\d*", text[length:])
            digits = number[0] if number else ""
            for rest in _readings(text[length + len(digits) :], symbols)[:50]:
                symbol = symbols[text[:length]]
                found.append({**rest, symbol: rest.get(symbol, 0) + int(digits or 1)})
    return found


def _split_charge(plain: str, text: str) -> tuple[str, int, tuple[str, ...]]:
    """Return (formula, charge, warnings). 'Fe3+' is Fe^3+, 'NO3-' is NO3^-, 'SO42-' is SO4^2-."""
    explicit = _EXPLICIT.search(plain)
    if explicit:
        body = plain[: explicit.start()].rstrip()
        return body, _signed(explicit[1] or explicit[3] or "1", explicit[2]), ()
    trailing = _TRAILING.search(plain)
    if not trailing:
        return plain, 0, ()
    before, digits, signs, after = plain[: trailing.start()], trailing[1], trailing[2], trailing[3]
    if len(signs) > 1 or after:
        return before + digits, _signed(after or str(len(signs)), signs[0]), ()
    if not digits:
        return before, _signed("1", signs), ()
    if re.fullmatch(r"[A-Z][a-z]?", before):  # one element: Fe3+, S2-, but triiodide I3-
        if signs == "-" and before in ("F", "Cl", "Br", "I"):
            return before + digits, -1, ()
        if signs == "-" and before in ("N", "O", "C"):
            raise InvalidInput(
                "ambiguous_charge",
                f"{text!r} may be {before}{digits} with one charge or {before} with {digits}",
                hint=f"write {before}{digits}^- or {before}^{digits}-",
            )
        return before, _signed(digits, signs), ()
    if len(digits) >= 2:
        read = f"{before}{digits[:-1]}^{digits[-1]}{signs}"
        return before + digits[:-1], _signed(digits[-1], signs), (f"{text!r} was read as {read}",)
    return before + digits, _signed("1", signs), ()


def _signed(digits: str, sign: str) -> int:
    return int(digits) if sign == "+" else -int(digits)


def _tidy(body: str, charge: int) -> str:
    body = _DOTS.sub("·", body)
    if not charge:
        return body
    return f"{body}^{abs(charge) if abs(charge) > 1 else ''}{'+' if charge > 0 else '-'}"


def _count_atoms(body: str, text: str) -> dict[str, int]:
    stack: list[tuple[str, dict[str, int]]] = [("", {})]
    for symbol, count, opening, closing, times, other in _TOKEN.findall(body):
        if symbol:
            if symbol not in SYMBOLS:
                _refuse(body, symbol, text)
            stack[-1][1][symbol] = stack[-1][1].get(symbol, 0) + int(count or 1)
        elif opening:
            stack.append((opening, {}))
        elif closing:
            if len(stack) < 2 or _CLOSING[stack[-1][0]] != closing:
                raise InvalidInput("not_a_formula", f"{text!r} has an unmatched {closing!r}")
            _, group = stack.pop()
            for atom, number in group.items():
                stack[-1][1][atom] = stack[-1][1].get(atom, 0) + number * int(times or 1)
        else:
            _refuse(body, other, text)
    if len(stack) > 1:
        raise InvalidInput("not_a_formula", f"{text!r} has an unmatched {stack[-1][0]!r}")
    if not stack[0][1] or any(number == 0 for number in stack[0][1].values()):
        raise InvalidInput(
            "not_a_formula", f"{text!r} is not a formula", hint="write formulas such as Fe2(SO4)3"
        )
    return stack[0][1]


def _refuse(body: str, found: str, text: str) -> None:
    """Raise for what is no element symbol: a name in words, or a symbol that does not exist."""
    if re.search(r"[a-z]{2}", body) or not found[0].isupper():
        raise InvalidInput(
            "not_a_formula",
            f"{text!r} is not a formula",
            hint="write formulas such as CH4 or Fe2(SO4)3, not names",
            details={"species": text},
        )
    known = [s for s in (found.capitalize(), found[0]) if s in SYMBOLS] + sorted(
        s for s in SYMBOLS if s[0] == found[0] and s != found[0]
    )
    capitals = re.search(rf"([A-Z]){found}", body)  # NACL
    if capitals and capitals[1] + found.lower() in SYMBOLS:
        known.insert(0, capitals[1] + found.lower())
    raise InvalidInput(
        "unknown_element",
        f"{text!r} names {found!r}, which is no element",
        hint=f"did you mean {known[0]!r}?" if known else "element symbols are written as in NaCl",
        details={"symbol": found, "nearest": known[:5]},
    )


def _weight(table: object, symbol: str) -> float:
    deuterium_tritium = {"D": 2.01410177812, "T": 3.0160492779}  # AME2020
    if symbol in deuterium_tritium:
        return deuterium_tritium[symbol]
    return float(table.GetAtomicWeight(symbol))  # type: ignore[attr-defined]
