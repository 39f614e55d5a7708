"""How questions speak of the parts of a structure: 'chain A', 'chains A and B', 'the ligand HEM', 'residue A/142'."""

from __future__ import annotations

import re

_FILES = re.compile(r"sample:[\w-]+|\S*\.(?:pdb|ent|cif|mmcif)(?:\.gz)?\b", re.I)
_CHAIN = re.compile(r"\bchains?\s+(?P<first>[A-Za-z0-9]{1,2})\b(?:\s*(?:and|with|to|on|onto|against|vs\.?|,|&)\s*(?:chain\s+)?(?P<second>[A-Za-z0-9]{1,2})(?![\w/]))?")  # fmt: skip
_PLACE = re.compile(r"(?<![\w/:])[A-Za-z0-9]{1,4}/-?\d+[A-Za-z]?(?![\w/])")
_LIGAND = re.compile(
    r"\b(?:ligands?|inhibitors?|cofactors?|residue|compound|ion|of|around|to|by|with|does)\s+(?:the\s+)?(?:ligand\s+)?(?P<name>[A-Z][A-Z0-9]{1,4}|[0-9](?=[A-Z0-9]*[A-Z])[A-Z0-9]{2})\b"
)
_WORDS = frozenset("RMSD CA SASA PDB NMR CIF ASA VS AND OF IN DNA RNA".split())
_FRAGMENTS = frozenset("is the and of in to or".split())


def said_chains(question: str) -> list[str]:
    """Return the chains that a question names, in order, each once."""
    found: list[str] = []
    for match in _CHAIN.finditer(_FILES.sub(" ", question)):
        found += [
            name for name in (match["first"], match["second"]) if name and name.lower() not in _FRAGMENTS
        ]
    return list(dict.fromkeys(found))


def first_chain(question: str) -> list[str]:
    """Return the first chain that a question names, if any."""
    return said_chains(question)[:1]


def second_chain(question: str) -> list[str]:
    """Return the second chain that a question names, if any."""
    return said_chains(question)[1:2]


def chain_list(question: str) -> list[list[str]]:
    """Return the chains that a question names as the one value of a list, if it names any."""
    chains = said_chains(question)
    return [chains] if chains else []


def said_parts(question: str) -> list[str]:
    """Return the parts that a question names: ligands and residues before chains."""
    text = _FILES.sub(" ", question)
    chains = said_chains(question)
    found = [(m.start(), m[0]) for m in _PLACE.finditer(text)]
    found += [
        (m.start("name"), m["name"])
        for m in _LIGAND.finditer(text)
        if m["name"] not in _WORDS and m["name"] not in chains
    ]
    return list(dict.fromkeys([part for _, part in sorted(found)] + chains))


def first_part(question: str) -> list[str]:
    """Return the part whose contacts a question asks for."""
    return said_parts(question)[:1]


def second_part(question: str) -> list[str]:
    """Return the other part that a question names, if any."""
    return said_parts(question)[1:2]
