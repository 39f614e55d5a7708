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
    r"InChI=1S?/\S+|(?<![A-Z])[A-Z]{14}-[A-Z]{10}-[A-Z](?![A-Z])|(?<![\d-])\d{2,7}-\d\d-\d(?![\d-])"
)
_SPECIES = r"(?:\d*\s?[A-Z(\[][A-Za-z0-9()\[\]₀-₉·•^+\-⁺⁻²³]*(?:\((?:s|l|g|aq)\))?|e[-⁻]|e\^-)"
_SIDE = rf"(?:\d+\s+)?{_SPECIES}(?:\s*\+\s*(?:\d+\s+)?{_SPECIES})*"
_EQUATION = re.compile(rf"(?<![\w()\[\]=#]){_SIDE}\s*(?:<?[-=—–]+>|[→⟶⇌⇋⇄↔⟷➔➝]|={{1,2}})\s*{_SIDE}")
_NUMBER = re.compile(  # not the digits of names ('4'-hydroxy…', '2,4-di…'), of ends (5'), of 3D
    r"(?<![\w.\-])[-+−]?\d+(?:,\d{3})*(?:\.\d+)?(?:\s?[x×]\s?10\^?[-−]?\d+|[eE][-+]?\d+)?"
    r"(?![\w,'’′]*-[A-Za-z]|['’′](?!\w)|['’′]-|-?[dD]\b)"
)
_UNIT_WORD = re.compile(r"[^\s,;?!()]+")
# words that pint reads as units and people mean as words
_NO_UNITS = frozenset(
    "a an and are as at be by can could do does for from give how h i if in into is it its me my many much of on or our out "
    "please so than that the their there this to us was we what which with would you your have has number value unit "
    "units equal equals convert express change need same amount about around count point points no yes x dot us mine".split()
)
# names that no table here knows: where a compound would stand, by the ending, and what those that follow it are joined by
_SLOT = re.compile(
    r"\b(?:of|for|about|draw|is|are|does|has|than|between|compare|like|resembles?|(?:similar|close|closest|compared) (?:to|with))\s+"
    r"(?:the\s+)?(?:compound\s+|drug\s+|molecule\s+)?(?=[A-Za-z\d(\[])",
    re.I,
)
_JOINED = re.compile(r",?\s+(?:and|or|vs\.?|versus|than|with|to)\s+(?:of\s+)?|,\s*", re.I)
_NAME = re.compile(r"[A-Za-z\d(\[][\w\-,'’()\[\]]{4,}")
_ENDING = re.compile(
    r"(?:ine|ol|ane|ene|yne|ate|ide|one|ib|mab|in|il|am|acid|ium|ose|yl|al|ar|en|azole|afil|tan|fen|cin|xel|ast|vir|pam|lol)$"
)
_ORDINARY = frozenset(
    "accurate additional adequate aggregate agricultural alcohol alkane alkene alkyne animal antigen anyone "
    "appropriate approval approximate architectural arrival associate bacterial baseline beside between bilateral "
    "biological breakfast broadcast broken calculate candidate capital carbide cellular central certain certificate "
    "chemical children chloride choose circular citizen climate clinical combine commercial contain control "
    "conventional corporate council critical crystal cultural decide define determine diagram digital dinucleotide "
    "discipline divide domain educational electrical eleven engine equilibrium essential estimate evaluate everyone "
    "examine experimental explain federal feminine filtrate forecast frozen functional fungal garden gasoline general "
    "generate global golden graduate guideline halide halogen helical hidden horizontal hormone hospital hydride "
    "hydrogen indicate individual industrial initial inside intermediate international interval invertebrate journal "
    "ketone kitchen lactone lateral linear machine magazine margin marine material mathematical mechanical medical "
    "medicine medium membrane methyl mineral mitochondrial molecular national natural neutral nitride nitrogen "
    "nonpolar normal nuclear nucleotide obtain oligonucleotide oligopeptide online operational optical optional "
    "origin original outline outside oxygen partial particular pathogen pencil peptide personal pharmaceutical phenyl "
    "physical pipeline polynucleotide polypeptide popular potential precipitate premium private professional program "
    "protein protocol proven provide purpose rational regional regular remain removal reversal routine school "
    "separate serial several signal similar singular skeletal someone special statistical stencil stream structural "
    "substrate sulfide symbol telephone template theoretical thermal typical ultimate uranium vertebrate vertical "
    "within written".split()
)
_FORMULA = re.compile(r"(?<![\w\-])(?:[A-Z][a-z]?\d*|\((?:[A-Z][a-z]?\d*)+\)\d*){2,}(?![\w\-^{+])")
_NO_FORMULAS = frozenset("IC50 CC50 HeLa U2OS PC3 SI UV NIH UFF HF DFT VOC OK PCB UK US USA".split())
_PEPTIDE = re.compile(
    r"\b(?:peptide|pentapeptide|tripeptide|tetrapeptide|dipeptide|protein|sequence)s?(?:\s+sequence)?:?\s+([ACDEFGHIKLMNPQRSTVWY]{3,9})(?!\w)"
)
_PROTEIN_WORDS = re.compile(r"\b(?:\w*peptide|protein|residues?|amino|isoelectric|pI|gravy|sequence)", re.I)
_LOWER_PROTEIN = re.compile(r"(?<![\w-])[acdefghiklmnpqrstvwy]{10,}(?![\w-])")


def find_candidates(text: str) -> list[dict[str, Any]]:
    """Return what a text holds that a tool could take, in order, none overlapping another of its kind."""
    taken: list[Found] = []
    structures = list(_structures(text))
    valid = [s for s in structures if s.kind == "compound"]
    invalid = [s for s in structures if s.kind == "structure"]
    for found in (*valid, *_equations(text), *_sequences(text), *invalid, *_names(text)):
        if not any(found.start < t.end and t.start < found.end for t in taken):
            taken.append(found)
    numbers = [n for n in _numbers(text) if not any(n.start < t.end and t.start < n.end for t in taken)]
    units = (
        [u for u in _units(text, taken) if not any(u.start < t.end and t.start < u.end for t in taken)]
        if numbers or _asks_conversion(text)
        else []
    )
    taken += _unknown_names(text, [*taken, *units])
    return [f._asdict() for f in sorted([*taken, *numbers, *units])]


def _structures(text: str) -> Iterator[Found]:
    for match in _INCHI.finditer(text):
        written = match[0].rstrip(".,;:?!)'\"’”")
        yield Found(match.start(), match.start() + len(written), written, "compound")
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
            if re.fullmatch(r"[\w@+\-\[\]()=#$:/\\%.*~]+", core, re.ASCII):
                yield Found(start, start + len(core), core, "structure")
        else:
            yield Found(start, start + len(core), core, "compound")


def _meant_as_smiles(token: str) -> bool:
    if len(token) < 3 or not looks_like_smiles(token) or re.fullmatch(r"[-+.\d()=#:/\\]+", token):
        return False
    if re.search(r"[=#@\[\]\\]|[cnos]\d|\d[cnos]|[A-Z]\(|\)[A-Z]|\)\(|[A-Z]1.*[A-Z]1", token):
        return bool(re.search(r"[CNOSPcnos]", token)) and "->" not in token
    return (
        bool(re.fullmatch(r"(?:C|N|O|S|P|F|Cl|Br|I)+", token))
        and bool(re.search(r"CC|CO|OC|CN|NC|CCl|CBr|CF", token))
        and "C" in token
    )


def _equations(text: str) -> Iterator[Found]:
    for match in _EQUATION.finditer(text):
        written = match[0].strip(" .?,")
        start = match.start() + match[0].index(written)
        if written.count("(") == written.count(")") and written.count("[") == written.count("]"):
            yield Found(start, start + len(written), written, "equation")


def _sequences(text: str) -> Iterator[Found]:
    for found in find_sequences(text):
        kind = found.kind if found.kind in ("dna", "rna", "protein") else "dna"
        yield Found(found.start, found.end, text[found.start : found.end], kind)
    for match in _PEPTIDE.finditer(text):
        yield Found(*match.span(1), match[1], "protein")
    if _PROTEIN_WORDS.search(text):
        for match in _LOWER_PROTEIN.finditer(text):
            if re.search(r"[^aeiouy]{5}|[aeiouy]{4}|[kvwh]{2}|q(?!u)", match[0]):  # no English word
                yield Found(*match.span(), match[0].upper(), "protein")


def _names(text: str) -> Iterator[Found]:
    for start, end, name in find_names(text):
        yield Found(start, end, name, "compound")


def _unknown_names(text: str, taken: list[Found]) -> list[Found]:
    """Return the words that stand where a compound's name would and are in no table: PubChem may know them, or the answer is no.

    These are words with a name's ending, the words joined to a compound by 'and' or a comma, and else formulas.
    """
    found: list[Found] = []
    places = [m.end() for m in _SLOT.finditer(text)]
    compounds = [t for t in taken if t.kind in ("compound", "structure")]
    places += [m.end() for t in compounds if (m := _JOINED.match(text, t.end))]
    while places:
        match = _NAME.match(text, places.pop(0))
        if match is None:
            continue
        word = match[0].rstrip("?.!,'’)") if "(" not in match[0] else match[0].rstrip("?.!,'’")
        new = Found(match.start(), match.start() + len(word), word, "unknown")
        if not any(new.start < t.end and t.start < new.end for t in (*taken, *found)) and _may_be_name(word):
            found.append(new)
            places += [m.end()] if (m := _JOINED.match(text, new.end)) else []
    if found or any(t.kind not in ("number", "unit") for t in taken):
        return found
    return [
        Found(*m.span(), m[0], "unknown")
        for m in _FORMULA.finditer(text)
        if m[0] not in _NO_FORMULAS and re.search(r"\d|[a-z]", m[0]) and _is_formula(m[0])
        and not any(m.start() < t.end and t.start < m.end() for t in taken)
    ]  # fmt: skip


def _may_be_name(word: str) -> bool:
    from benchmate.tools.chemistry.names import everyday_words

    low = word.lower()
    return (
        bool(_ENDING.search(low)) and len(word) > 5 and low not in everyday_words() and low not in _ORDINARY
    )


def _is_formula(text: str) -> bool:
    from benchmate.tools.chemistry.formulas import parse_species

    try:
        return len(parse_species(text).atoms) > 1
    except InvalidInput:
        return False


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
            if _NUMBER.fullmatch(group[0][0]):
                continue
            glued = re.match(r"[-+−]?\d[\d.,]*(?:[eE][-+]?\d+)?(?=[^\d\s.,])", text[start:end])
            start += glued.end() if glued else 0
            written = text[start:end].rstrip(".:'\"’”").lstrip("'\"‘“")
            start += len(text[start:end]) - len(text[start:end].lstrip("'\"‘“"))
            if _is_unit(written, read_unit) and (len(written) > 2 or _in_unit_place(text, start, written)):
                yield Found(start, start + len(written), written, "unit")
                step = length
                break
        position += step


def _in_unit_place(text: str, start: int, written: str) -> bool:
    """Return whether a unit of one or two letters stands where one would: after a number or 'in', 'to', 'how many'."""
    if written in "dD" and text[start - 1 : start].isdigit():
        return False  # '3D'
    return bool(
        re.search(
            r"(?:(?<![A-Za-z\d])[\d.,]*\d\s?|\b(?:in|to|into|as|of|many|much)\s+|[->→=?]\s*)$",
            text[:start],
            re.I,
        )
    )


def _is_unit(written: str, parse: Any) -> bool:
    words = written.lower().split()
    if (
        not words
        or any(w in _NO_UNITS for w in words)
        or "per" in (words[0], words[-1])
        or not re.search(r"[A-Za-zµμ°ÅΩ%‰]", written)
        or re.search(r"^[\d.]|\d\d", written)
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
