"""Substructure search: which compounds hold a pattern, how often, and on which atoms."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import ReadBy, Said
from benchmate.tools.base import ToolResult, tool
from benchmate.tools.chemistry.compounds import Compound
from benchmate.tools.chemistry.molecules import rdkit_source
from benchmate.tools.chemistry.parsing import quiet_rdkit

if TYPE_CHECKING:
    from rdkit.Chem import Mol

_MOST_QUERY = 1000  # characters
_MOST_MATCHES = 1000  # in one compound
_MOST_TARGETS = 5000
_WRITTEN = re.compile(r"(?<![\w\[\]()])[A-Za-z\[(*][\w@+\-\[\]()=#$:/\\%.*~;,!&]*")
_CALLED = re.compile(
    r"\b(?:SMARTS|SMILES|substructure|pattern|fragment|motif|moiety|query|search for|matches of)(?:\s+(?:pattern|search|query|for|of|is))*\s*:?\s*$",
    re.I,
)


def queries_in(question: str) -> list[Any]:
    """Return the pattern that a question searches for: what follows 'SMARTS' or the like, else the last written structure.

    Where only one structure is written, names are what is searched.
    """
    written = []
    for match in _WRITTEN.finditer(question):
        text = match[0].rstrip(".,;:!-")
        while text.endswith(")") and text.count(")") > text.count("("):
            text = text[:-1]
        if re.search(r"[\[=#]|\(.*\)|[cnos]\d", text) and re.search(r"[A-Z\[cnos]", text):
            written.append((match.start(), text))
    called = [
        t
        for start, t in written
        if _CALLED.search(question[:start]) or re.match(r"\s+in\b", question[start + len(t) :])
    ]
    found = called or [text for _, text in reversed(written)]
    return found[:1]


@tool(
    domain="chemistry",
    properties={
        "match_count": "number of matches, matches, occurrences, how often, times",
        "hit_count": "number of compounds that match, hits, matching compounds",
    },
    examples=(
        "Does paracetamol contain a phenol, c1ccccc1[OX2H]?",
        "Which of aspirin, ibuprofen and caffeine contain the substructure C(=O)[OX2H1]?",
        "Substructure search for c1ccncc1 in nicotine and caffeine",
        "How many times does the SMARTS [NX3][CX3](=[OX1]) match CC(=O)NCC(=O)NC?",
        "Find compounds with a 2-pyridone, tautomers included: O=c1cccc[nH]1 in Oc1ccccn1",
        "Is a sulfonamide, S(=O)(=O)N, in celecoxib and furosemide?",
    ),
    example={"query": "c1ccccc1[OX2H]", "targets": ["paracetamol", "benzene"]},
)
def search_substructure(
    query: Annotated[str, ReadBy(queries_in)],
    targets: list[Compound],
    language: Annotated[
        Literal["auto", "smiles", "smarts"], Said({"smarts": "SMARTS pattern, SMARTS"})
    ] = "auto",
    tautomers: Annotated[bool, Said({"true": "tautomers, tautomer-insensitive, any tautomer"})] = False,
    stereo: Annotated[bool, Said({"true": "with stereochemistry, stereo, chirality"})] = False,
) -> ToolResult:
    """Search compounds for a substructure given as SMARTS or SMILES, with the matching atoms.

    Read as SMILES, a query is a piece of a molecule: aromatic rings match however they are drawn, and free valences may
    carry anything. Read as SMARTS, it says exactly what it says: `C` is aliphatic, `C1=CC=CC=C1` no benzene ring. With
    `auto` a query that is a valid SMILES is read as one, and a warning says where SMARTS would count otherwise.

    Args:
        query: The substructure as SMARTS or SMILES.
        targets: The compounds to search.
        language: How to read the query.
        tautomers: Whether any tautomer of the query counts; the query must be SMILES.
        stereo: Whether stereo configurations written in the query must agree.
    """
    if not targets:
        raise InvalidInput("no_targets", "there is nothing to search", hint="give at least one compound")
    if len(targets) > _MOST_TARGETS:
        raise InvalidInput(
            "too_large", f"{len(targets)} compounds; the limit is {_MOST_TARGETS}", hint="split the list"
        )
    pattern, read_as = _read_query(query, language)
    if tautomers and read_as != "smiles":
        raise InvalidInput(
            "no_tautomer_query", "tautomers are found of a SMILES, and the query is SMARTS",
            hint="give the substructure as a SMILES",
        )  # fmt: skip
    searcher = _tautomer_query(pattern) if tautomers else pattern
    other = _as_smarts(query) if read_as == "smiles" and language == "auto" and not tautomers else None
    warnings: list[str] = []
    rows: list[dict[str, Any]] = []
    for target in targets:
        matches = _matches(searcher, target.mol(), stereo)
        if len(matches) >= _MOST_MATCHES:
            raise InvalidInput(
                "too_many_matches", f"the query matches {target.label!r} {_MOST_MATCHES} times or more",
                hint="make the query more specific",
            )  # fmt: skip
        if other is not None and (strict := len(_matches(other, target.mol(), stereo))) != len(matches):
            warnings.append(
                f"{query!r} was read as SMILES: {len(matches)} in {target.label}; as SMARTS it would match {strict} times"
            )
        rows.append(
            {"label": target.label, "smiles": target.smiles, "count": len(matches), "atoms": [list(m) for m in matches]}
        )  # fmt: skip
        warnings += target.warnings
    how = f"{read_as}, unique sets of atoms" + (", any tautomer of the query" if tautomers else "")
    conditions = {"query": query, "read as": read_as, "stereo": str(stereo).lower()}
    quantities = {
        f"match_count_{i}": Quantity(
            value=row["count"], property="match_count", method=how, conditions={**conditions, "target": row["label"]}
        )
        for i, row in enumerate(rows)
    }  # fmt: skip
    quantities["hit_count"] = Quantity(
        value=sum(row["count"] > 0 for row in rows), property="hit_count", method=how, conditions=conditions
    )
    return ToolResult(
        quantities=quantities,
        data={
            "query": query,
            "read_as": read_as,
            "hits": [row["label"] for row in rows if row["count"]],
            "targets": rows,
            "atom_numbering": "from 0 in the SMILES of each row",
        },
        source=rdkit_source("Daylight SMARTS theory manual"),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _read_query(query: str, language: str) -> tuple[Mol, str]:
    from rdkit import Chem

    text = query.strip()
    if not text:
        raise InvalidInput("empty_query", "the query is empty", hint="give a SMARTS such as [CX3](=O)[OX2H]")
    if len(text) > _MOST_QUERY or not text.isascii() or any(c.isspace() for c in text):
        raise InvalidInput(
            "invalid_query", f"{text[:60]!r} is no SMARTS and no SMILES", hint="give a pattern such as c1ccccc1[OX2H]"
        )  # fmt: skip
    if language in ("auto", "smiles"):
        with quiet_rdkit():
            mol = Chem.MolFromSmiles(text)
        if mol is not None and mol.GetNumAtoms() and (language == "smiles" or not _only_smarts(mol)):
            return mol, "smiles"
        if language == "smiles":
            raise InvalidInput(
                "invalid_query", f"{query!r} is not a valid SMILES", hint="use language='smarts'"
            )
    pattern = _as_smarts(text)
    if pattern is None or not pattern.GetNumAtoms():
        raise InvalidInput(
            "invalid_query", f"{query!r} is neither valid SMARTS nor SMILES",
            hint="check brackets, bonds and ring closures", details={"query": query},
        )  # fmt: skip
    return pattern, "smarts"


def _only_smarts(mol: Mol) -> bool:
    """Return whether a text that is also SMILES is better read as SMARTS: it has wildcards, or bracket atoms say H counts."""
    return any(
        atom.GetAtomicNum() == 0 or (atom.GetNoImplicit() and not atom.GetIsAromatic() and not atom.GetFormalCharge()
        and not atom.GetIsotope() and atom.GetChiralTag() == 0)
        for atom in mol.GetAtoms()
    )  # fmt: skip


def _as_smarts(query: str) -> Mol | None:
    from rdkit import Chem

    with quiet_rdkit():
        pattern: Mol | None = Chem.MolFromSmarts(query.strip())
    return pattern


def _tautomer_query(pattern: Mol) -> Any:
    from rdkit.Chem import rdTautomerQuery

    with quiet_rdkit():
        return rdTautomerQuery.TautomerQuery(pattern)


def _matches(query: Any, mol: Mol, stereo: bool) -> tuple[tuple[int, ...], ...]:
    from rdkit.Chem import SubstructMatchParameters

    options: Any = SubstructMatchParameters()
    options.useChirality = stereo
    options.maxMatches = _MOST_MATCHES
    with quiet_rdkit():
        if hasattr(query, "GetTemplateMolecule"):
            return tuple(query.GetSubstructMatches(mol, options))
        return tuple(mol.GetSubstructMatches(query, options))
