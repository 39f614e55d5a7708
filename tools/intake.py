"""Reading a question: the compounds, sequences, equations, numbers and units it holds. The graph's own tools."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from benchmate.runtime.errors import BenchmateError, InvalidInput
from benchmate.runtime.evidence import Entity
from benchmate.tools.base import Source, ToolResult, tool
from benchmate.tools.biology.sequences import find_sequences, parse_sequence
from benchmate.tools.chemistry.compounds import Compound, find_names, resolve_compound
from benchmate.tools.chemistry.parsing import looks_like_smiles

LONGEST_QUESTION = 20_000  # characters; longer texts belong in the library


class Found(NamedTuple):
    """A candidate for an argument, and where it stands."""

    start: int
    end: int
    text: str
    kind: str  # compound, structure (meant as one, but not valid), dna, rna, protein, equation, number, unit


_TOKEN = re.compile(r"[^\s,;\"“”`]+")
_EDGES = "'’‘.?!:"
_INCHI = re.compile(
    r"InChI=1S?/[^\s,;]+|(?<![A-Z])[A-Z]{14}-[A-Z]{10}-[A-Z](?![A-Z])|(?<![\d-])\d{2,7}-\d\d-\d(?![\d-])"
)
_SPECIES = r"(?:\d*\s?[A-Z(\[][A-Za-z0-9()\[\]₀-₉·•^+\-⁺⁻²³]*(?:\((?:s|l|g|aq)\))?|e[-⁻]|e\^-)"
_SIDE = rf"(?:\d+\s+)?{_SPECIES}(?:\s*\+\s*(?:\d+\s+)?{_SPECIES})*"
_EQUATION = re.compile(rf"{_SIDE}\s*(?:->|-->|=>|→|⟶|⇌|<->|<=>|=)\s*{_SIDE}")
_NUMBER = re.compile(
    r"(?<![\w.\-])[-+−]?\d+(?:,\d{3})*(?:\.\d+)?(?:\s?[x×]\s?10\^?[-−]?\d+|[eE][-+]?\d+)?(?![\w]*-[a-z])"
)
_UNIT_WORD = re.compile(r"[^\s,;?!()]+")
# words that pint reads as units and people mean as words
_NO_UNITS = frozenset(
    "a an and are as at be by can could do does for from give how h i if in into is it its me my many much of on or our out "
    "please per so than that the their there this to us was we what which with would you your have has number value unit "
    "units equal equals convert express change need same amount about around count point points no yes x dot us mine".split()
)
_OF = re.compile(
    r"\b(?:of|for|about|draw|is|are|does|has)\s+(?:the\s+)?(?:compound\s+|drug\s+|molecule\s+)?([A-Za-z][\w\-,'()\[\]]{3,})",
    re.I,
)


def find_candidates(text: str) -> list[dict[str, Any]]:
    """Return what a text holds that a tool could take, in order, none overlapping another of its kind."""
    taken: list[Found] = []
    for found in (*_structures(text), *_equations(text), *_sequences(text), *_names(text)):
        if not any(found.start < t.end and t.start < found.end for t in taken):
            taken.append(found)
    numbers = [n for n in _numbers(text) if not any(n.start < t.end and t.start < n.end for t in taken)]
    units = (
        [u for u in _units(text, taken) if not any(u.start < t.end and t.start < u.end for t in taken)]
        if numbers or _asks_conversion(text)
        else []
    )
    if not any(t.kind in ("compound", "structure") for t in taken):
        taken += _unknown_names(text, [*taken, *units])
    return [f._asdict() for f in sorted([*taken, *numbers, *units])]


def _structures(text: str) -> Iterator[Found]:
    for match in _INCHI.finditer(text):
        yield Found(*match.span(), match[0].rstrip("."), "compound")
    for match in _TOKEN.finditer(text):
        token = match[0]
        start = match.start() + len(token) - len(token.lstrip(_EDGES))
        core = token.strip(_EDGES)
        if (
            core.startswith("(")
            and core.endswith(")")
            and core.count("(") == core.count(")")
            and core[1:-1].count("(") == 0
        ):
            start, core = start + 1, core[1:-1]
        if core.endswith(")") and core.count(")") > core.count("("):
            core = core[:-1]
        if not _meant_as_smiles(core):
            continue
        try:
            resolve_compound(core)
        except BenchmateError:
            yield Found(start, start + len(core), core, "structure")
        else:
            yield Found(start, start + len(core), core, "compound")


def _meant_as_smiles(token: str) -> bool:
    if len(token) < 3 or not looks_like_smiles(token) or re.fullmatch(r"[-+.\d()=#:/\\]+", token):
        return False
    if re.search(r"[=#@\[\]\\]|[cnos]\d|\d[cnos]|[A-Z]\(|\)[A-Z]", token):
        return bool(re.search(r"[CNOSPcnos]", token)) and "->" not in token
    return (
        bool(re.fullmatch(r"(?:C|N|O|S|P|F|Cl|Br|I)+", token))
        and bool(re.search(r"CC|CO|OC|CN|NC|CCl|CBr|CF", token))
        and "C" in token
    )


def _equations(text: str) -> Iterator[Found]:
    for match in _EQUATION.finditer(text):
        written = match[0].rstrip(" .?,")
        yield Found(match.start(), match.start() + len(written), written, "equation")


def _sequences(text: str) -> Iterator[Found]:
    for found in find_sequences(text):
        kind = found.kind if found.kind in ("dna", "rna", "protein") else "dna"
        yield Found(found.start, found.end, found.text, kind)


def _names(text: str) -> Iterator[Found]:
    for start, end, name in find_names(text):
        yield Found(start, end, name, "compound")


def _unknown_names(text: str, taken: list[Found]) -> list[Found]:
    """Return the word that stands where a compound's name would, when none is known: PubChem may know it, or the answer is no."""
    from benchmate.tools.chemistry.names import everyday_words

    for match in _OF.finditer(text):
        word = match[1].rstrip("?.!,'")
        span = (match.start(1), match.start(1) + len(word))
        chemical = re.search(
            r"(?:ine|ol|ane|ene|yne|ate|ide|one|ib|mab|in|il|am|acid|ium|ose|yl|al|ar|en)$", word.lower()
        )
        free = not any(span[0] < t.end and t.start < span[1] for t in taken)
        if free and chemical and word.lower() not in everyday_words() and len(word) > 5:
            return [Found(*span, word, "unknown")]
    return []


def _numbers(text: str) -> Iterator[Found]:
    for match in _NUMBER.finditer(text):
        plain = re.sub(r"\s?[x×]\s?10\^?", "e", match[0].replace(",", "").replace("−", "-"))
        yield Found(*match.span(), plain, "number")


def _asks_conversion(text: str) -> bool:
    return bool(re.search(r"\bconvert|\bin (?:kelvin|celsius|fahrenheit)|\bhow many\b", text, re.IGNORECASE))


def _units(text: str, taken: list[Found]) -> Iterator[Found]:
    from benchmate.tools.units import read_unit

    words = [m for m in _UNIT_WORD.finditer(text)]
    position = 0
    while position < len(words):
        step = 1
        for length in (3, 2, 1):
            group = words[position : position + length]
            if len(group) < length:
                continue
            start, end = group[0].start(), group[-1].end()
            glued = re.match(r"[-+−]?\d[\d.,]*(?:[eE][-+]?\d+)?(?=[^\d\s.,])", text[start:end])
            start += glued.end() if glued else 0
            written = text[start:end].rstrip(".:'\"’”").lstrip("'\"‘“")
            start += len(text[start:end]) - len(text[start:end].lstrip("'\"‘“"))
            if _is_unit(written, read_unit):
                yield Found(start, start + len(written), written, "unit")
                step = length
                break
        position += step


def _is_unit(written: str, parse: Any) -> bool:
    words = written.lower().split()
    if (
        not words
        or any(w in _NO_UNITS for w in words)
        or not re.search(r"[A-Za-zµμ°ÅΩ%‰]", written)
        or re.match(r"[\d.]", written)
    ):
        return False
    try:
        parse(written)
    except InvalidInput:
        return False
    return True


@tool(domain="internal", version="1")
def find_entities(text: str) -> ToolResult:
    """Find what a question is about: compounds, sequences, equations, numbers and units, compounds and sequences resolved.

    Args:
        text: The question.
    """
    if len(text) > LONGEST_QUESTION:
        raise InvalidInput("too_large", f"the question has {len(text)} characters; {LONGEST_QUESTION} is the limit",
                           hint="put long texts into the library with `benchmate ingest`")  # fmt: skip
    candidates, entities = find_candidates(text), list[Entity]()
    for number, candidate in enumerate(candidates):
        try:
            if candidate["kind"] == "compound":
                entities.append(resolve_compound(candidate["text"]).entity(f"candidates[{number}]"))
            elif candidate["kind"] in ("dna", "rna", "protein"):
                entities.append(parse_sequence(candidate["text"]).entity(f"candidates[{number}]"))
        except (
            BenchmateError
        ) as error:  # an ambiguous name stays a candidate; the tool that takes it will say why it cannot
            candidate["problem"] = error.info.model_dump(mode="json")
            continue
        if candidate["kind"] in ("compound", "dna", "rna", "protein"):
            candidate["key"] = entities[-1].key
    plain = [{k: v for k, v in c.items() if k != "problem"} for c in candidates]
    problems = tuple(c["problem"]["message"] for c in candidates if "problem" in c)
    return ToolResult(
        data={"candidates": plain}, entities=tuple(entities), warnings=problems,
        source=Source(kind="computed", name="benchmate"),
    )  # fmt: skip


@tool(domain="internal", version="1")
def identify_compound(compound: Compound) -> ToolResult:
    """Identify one compound: its structure, InChIKey, formula, parent and salt form.

    Args:
        compound: The compound.
    """
    data = {
        "smiles": compound.smiles, "inchikey": compound.inchikey, "formula": compound.formula,
        "parent_smiles": compound.parent_smiles, "parent_inchikey": compound.parent_inchikey, "is_salt": compound.is_salt,
    }  # fmt: skip
    return ToolResult(
        data=data, source=Source(kind="computed", name=compound.resolved_by), warnings=compound.warnings
    )
