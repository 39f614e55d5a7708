"""What a SMILES string is made of: atoms, bonds, branches and ring closures, each of them one symbol.

The grammar is that of OpenSMILES (opensmiles.org, 2016): an atom of the organic subset stands alone, every other atom is in brackets.
"""

from __future__ import annotations

import re

BRACKET_ATOM = r"\[[^\[\]\s]+\]"
UNIT = re.compile(rf"{BRACKET_ATOM}|Br|Cl|%\d\d|.", re.DOTALL)
_PARSED_ATOM = re.compile(
    r"\[(\d{0,3})(\*|[A-Z][a-z]?|[bcnops]|se|as|te)(@{0,2}|@(?:TH|AL|SP|TB|OH)\d{1,2})"
    r"(?:H\d?)?(?:\+{1,4}|-{1,4}|[+-]\d{1,2})?(?::\d{1,4})?\]"
)
ELEMENTS = frozenset(
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb "
    "Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au "
    "Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og".split()
)


def units_of(text: str) -> list[str]:
    """Return the units of a SMILES string in order; joined they are the string. What is no SMILES gives its characters."""
    return UNIT.findall(text)


def is_bracket_atom(unit: str) -> bool:
    """Return whether a unit is an atom in brackets as OpenSMILES writes it, of an element that exists."""
    found = _PARSED_ATOM.fullmatch(unit)
    return found is not None and (found[2] == "*" or found[2].capitalize() in ELEMENTS)
