"""Safety screen: energetic groups, oxygen balance, peroxide formers, reactive groups and public lists, offline and in part."""

from __future__ import annotations

import functools
from importlib import resources
from typing import Any, NamedTuple

from benchmate.runtime.evidence import Source
from benchmate.runtime.quantity import Quantity
from benchmate.tools.base import ToolResult, tool
from benchmate.tools.chemistry.compounds import Compound
from benchmate.tools.chemistry.parsing import inchikey, quiet_rdkit

LEVELS = ("nothing found", "caution", "restricted", "refuse")
ENERGETIC_BALANCE = (
    -120.0
)  # percent: with several energetic groups, above it a compound counts as a possible explosive
_SEVERAL = 3
_RULE_OF_SIX = (
    6  # carbons for each energetic group, below which a sensitive compound may explode (Bretherick)
)
_SENSITIVE = frozenset(
    ("azide", "azide ion", "diazo compound", "diazonium salt", "organic peroxide", "hydroperoxide", "peracid", "N-halo compound",
     "hypohalite", "fulminate", "tetrazole", "triazene", "heavy-metal acetylide")
)  # fmt: skip
_NOT_FINAL = "the lists are parts of public lists and the groups are rules of thumb: nothing found does not mean harmless"


class Listed(NamedTuple):
    """A compound of a public list."""

    name: str
    smiles: str
    list_name: str
    list_id: str
    source: str
    level: str


class Family(NamedTuple):
    """A class of compounds that a list names."""

    name: str
    pattern: Any
    list_name: str
    list_id: str
    source: str
    level: str


class Lists(NamedTuple):
    """The lists: compounds by the skeleton of their InChIKey, families, and patterns of groups."""

    compounds: dict[str, list[Listed]]
    families: list[Family]
    explosophores: dict[str, Any]
    peroxide_formers: dict[str, Any]
    reactive: dict[str, tuple[Any, str]]
    told: list[dict[str, str]]


@tool(
    domain="chemistry",
    properties={
        "oxygen_balance": "oxygen balance, oxygen balance to carbon dioxide",
        "nitro_count": "number of nitro groups, nitro groups",
        "explosophore_count": "number of energetic groups, explosophores, explosive groups",
        "list_match_count": "number of list matches, controlled list matches, regulated",
        "similarity": "similarity to the nearest listed compound, nearest listed compound",
    },
    examples=(
        "Is TNT explosive?",
        "Safety check of sodium azide",
        "Is sarin on the chemical weapons list?",
        "Does diethyl ether form peroxides?",
        "What are the hazards of CC(=O)OOC(C)=O?",
        "oxygen balance of nitroglycerin",
        "Is this compound a controlled substance: CC(N)Cc1ccccc1",
        "any reactive or explosive groups in acetyl chloride?",
    ),
    example={"compound": "TNT"},
)
def check_safety(compound: Compound) -> ToolResult:
    """Screen a compound for explosive and reactive groups, peroxide formation, and public lists of weapons, drugs and precursors.

    Works offline and in part: lists are examples with their sources, GHS classes are not known offline. Similarity to a listed
    compound is shown, and decides nothing.

    Args:
        compound: The compound.
    """
    mol, lists = compound.mol(), _lists()
    matches = list_matches(mol, {compound.inchikey, compound.parent_inchikey})
    groups = {
        name: n
        for name, p in lists.explosophores.items()
        if (n := len(mol.GetSubstructMatches(p, maxMatches=100)))
    }
    peroxides = [name for name, p in lists.peroxide_formers.items() if mol.HasSubstructMatch(p)]
    reactive = [
        {"group": name, "note": note}
        for name, (p, note) in lists.reactive.items()
        if mol.HasSubstructMatch(p)
    ]
    balance = _oxygen_balance(mol)
    nitro = groups.get("nitro group", 0)
    energetic = sum(groups.values())
    high = balance is not None and energetic >= _SEVERAL and balance > ENERGETIC_BALANCE
    carbons = sum(atom.GetSymbol() == "C" for atom in mol.GetAtoms())
    sensitive = sum(n for name, n in groups.items() if name in _SENSITIVE)
    explosive = high or "organic peroxide" in groups or (sensitive and carbons < _RULE_OF_SIX * sensitive)
    level = max(
        (LEVELS.index(m["level"]) for m in matches),
        default=LEVELS.index("caution") if groups or peroxides or reactive else 0,
    )
    if high:
        level = LEVELS.index("refuse")
    nearest, similarity = _nearest(mol)
    quantities = {
        "nitro_count": Quantity(value=nitro, property="nitro_count", method="SMARTS, C-NO2"),
        "explosophore_count": Quantity(value=energetic, property="explosophore_count", method="SMARTS of energetic groups"),
        "list_match_count": Quantity(value=len(matches), property="list_match_count", method="InChIKey skeleton of the parent, or SMARTS of a listed family"),
        "nearest_listed_similarity": Quantity(
            value=similarity, property="similarity", method="Tanimoto, Morgan radius 2", conditions={"to": nearest.name},
        ),
    }  # fmt: skip
    if balance is not None:
        quantities["oxygen_balance"] = Quantity(
            value=balance, unit="percent", property="oxygen_balance", method="to CO2, H2O, N2, HX and SO2",
        )  # fmt: skip
    warnings = [f"{m['name']} is on the list: {m['list']}" for m in matches]
    if explosive:
        told = "" if balance is None else f", oxygen balance {balance:.0f} %"
        warnings.append(
            f"possible explosive: {', '.join(f'{n} x {name}' for name, n in groups.items())}{told}"
        )
    return ToolResult(
        data={
            "level": LEVELS[level],
            "refuse": LEVELS[level] == "refuse",
            "reasons": [*warnings, *([f"energetic groups: {', '.join(groups)}"] if groups else [])],
            "list_matches": matches,
            "explosophores": groups,
            "possible_explosive": bool(explosive),
            "peroxide_former": bool(peroxides),
            "peroxide_forming_groups": peroxides,
            "reactive_groups": reactive,
            "nearest_listed": {
                "name": nearest.name, "list": nearest.list_name, "similarity": round(similarity, 3),
                "note": "similarity alone is a weak sign and is not counted",
            },
            "ghs": {"known": False, "note": "GHS classes and H/P statements come from a web source (PubChem, ECHA) and are not known offline"},
            "lists": lists.told,
            "limits": _NOT_FINAL,
        },
        quantities=quantities,
        source=Source(kind="table", name="public lists in part, SMARTS of hazardous groups", reference="OPCW Annex on Chemicals; INCB Red List; Bretherick's Handbook, 8th ed. 2017"),
        warnings=tuple(warnings),
    )  # fmt: skip


def list_matches(mol: Any, keys: set[str]) -> list[dict[str, str]]:
    """Return what a compound with these InChIKeys (its own, its parent's) is on the lists, the gravest first."""
    lists = _lists()
    found: dict[tuple[str, str], dict[str, str]] = {}
    for key in sorted({k[:14] for k in keys if k}):
        for listed in lists.compounds.get(key, ()):
            found[listed.list_name, listed.name] = {
                "name": listed.name, "list": listed.list_name, "id": listed.list_id, "level": listed.level, "source": listed.source,
                "match": "same structure, stereochemistry and salt form left aside",
            }  # fmt: skip
    for family in lists.families:
        if mol.HasSubstructMatch(family.pattern) and not any(known == family.list_name for known, _ in found):
            found[family.list_name, family.name] = {
                "name": family.name, "list": family.list_name, "id": family.list_id, "level": family.level, "source": family.source,
                "match": "family, by SMARTS",
            }  # fmt: skip
    return sorted(found.values(), key=lambda m: -LEVELS.index(m["level"]))


def lists_told() -> list[dict[str, str]]:
    """Return which lists there are: id, name, source, as of when, what a match means, limits."""
    return _lists().told


def _oxygen_balance(mol: Any) -> float | None:
    """Return the oxygen balance in percent, or None where an element is not of the kind it is defined for.

    -1600 (2 C + (H - X) / 2 + 2 S - O) / M (Meyer, Köhler, Homburg, Explosives), to CO2, H2O, N2, HX and SO2.
    """
    from collections import Counter

    from rdkit import Chem
    from rdkit.Chem import Descriptors

    atoms = Counter(atom.GetSymbol() for atom in Chem.AddHs(mol).GetAtoms())
    halogens = sum(atoms[x] for x in ("F", "Cl", "Br", "I"))
    if (
        set(atoms) - {"C", "H", "N", "O", "S", "F", "Cl", "Br", "I"}
        or not atoms["C"] + atoms["N"] + atoms["O"]
    ):
        return None
    needed = 2 * atoms["C"] + max(atoms["H"] - halogens, 0) / 2 + 2 * atoms["S"] - atoms["O"]
    weight = Descriptors.MolWt(mol)  # type: ignore[attr-defined]
    return float(-1600 * needed / weight) + 0.0


def _nearest(mol: Any) -> tuple[Listed, float]:
    from rdkit.DataStructs import BulkTanimotoSimilarity

    generator, listed, prints = _listed_prints()
    scores = BulkTanimotoSimilarity(generator.GetFingerprint(mol), prints)
    best = max(range(len(scores)), key=lambda i: scores[i])
    return listed[best], float(scores[best])


@functools.cache
def _listed_prints() -> tuple[Any, list[Listed], list[Any]]:
    from rdkit.Chem import MolFromSmiles
    from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

    generator = GetMorganGenerator(radius=2, fpSize=2048)
    listed = [one for several in _lists().compounds.values() for one in several]
    return generator, listed, [generator.GetFingerprint(MolFromSmiles(one.smiles)) for one in listed]


@functools.cache
def _lists() -> Lists:
    from rdkit.Chem import MolFromSmarts, MolFromSmiles
    from ruamel.yaml import YAML

    table = YAML(typ="safe").load((resources.files(__package__) / "safety_lists.yaml").read_text("utf-8"))
    compounds: dict[str, list[Listed]] = {}
    families = []
    with quiet_rdkit():
        for entry in table["lists"]:
            said = (entry["name"], entry["id"], entry["source"], entry["level"])
            for name, smiles in entry["compounds"].items():
                key = inchikey(MolFromSmiles(smiles))[:14]
                compounds.setdefault(key, []).append(Listed(name, smiles, *said))
            for name, smarts in entry.get("classes", {}).items():
                families.append(Family(name, MolFromSmarts(smarts), *said))
    return Lists(
        compounds,
        families,
        {name: MolFromSmarts(s) for name, s in table["explosophores"].items()},
        {name: MolFromSmarts(s) for name, s in table["peroxide_formers"].items()},
        {name: (MolFromSmarts(row["smarts"]), row["note"]) for name, row in table["reactive_groups"].items()},
        [
            {k: entry[k] for k in ("id", "name", "source", "as_of", "level", "limits")}
            for entry in table["lists"]
        ],
    )
