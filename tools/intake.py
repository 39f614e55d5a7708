"""Reading a question: the compounds, sequences, equations, numbers and units it holds. The graph's own tools."""

from __future__ import annotations

import bisect
import functools
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmate.runtime.errors import BenchmateError, InvalidInput, without_hints
from benchmate.runtime.evidence import Entity
from benchmate.tools.base import Source, ToolContext, ToolResult, tool
from benchmate.tools.biology.sequences import find_sequences, parse_sequence
from benchmate.tools.chemistry.compounds import Compound, find_names, resolve_compound
from benchmate.tools.chemistry.parsing import looks_like_smiles
from benchmate.tools.columns import columns_in, headers_of, named_columns
from benchmate.tools.mentions import Found, find_elements, find_expressions, find_formulas, find_mentions

LONGEST_QUESTION = 20_000  # characters; longer texts belong in the library


_TOKEN = re.compile(r"[^\s,;\"“”`]+")
_EDGES = "'’‘.?!:"
_INCHI = re.compile(
    r"InChI=1S?/\S+|(?<![A-Z])[A-Z]{14}-[A-Z]{10}-[A-Z](?![A-Z])|(?<![\d-])\d{2,7}-\d\d-\d(?![\d-])"
)
# a species never gives back what it has read, so that long texts are read once: a '+' belongs to it only as a charge
_SPECIES = r"(?:(?:\d+(?:[./]\d+)?\s{0,3})?[A-Z(\[](?:[A-Za-z0-9()\[\]₀-₉·•^⁺⁻²³]|-(?![-=—–]*>)|\+(?!\s?[A-Z\d(\[]))*|e\^?[-⁻](?![-=—–]*>))"
_TERMS = rf"{_SPECIES}(?:\s{{0,3}}\+\s{{0,3}}(?:\d+\s{{0,3}})?{_SPECIES})*"
_SIDE, _OTHER_SIDE = re.compile(rf"(?<![\w()\[\]=#/.]){_TERMS}"), re.compile(_TERMS)
_ARROW = re.compile(r"\s{0,3}(?:<?[-=—–]{1,9}>|[→⟶⇌⇋⇄↔⟷➔➝]|={1,2})\s{0,3}")
_ABOUT_REACTIONS = re.compile(r"\bbalanc|\bequation|\breaction|stoichiom|\bcoefficients?\b", re.I)
_LONGEST_EQUATION = 1000  # characters
_NUMBER = re.compile(  # not the digits of names ('4'-hydroxy…', '2,4-di…'), of ends (5'), of 3D
    r"(?<![\w.\-])[-+−]?\d+(?:,\d{3})*(?:\.\d+)?(?:\s?[x×]\s?10\^?[-−]?\d+|[eE][-+]?\d+)?"
    r"(?![\w,'’′]{0,60}-[A-Za-z]|['’′](?!\w)|['’′]-|-?[dD]\b)"
)
# after a number, the 6 of '0.8-6 Hz'; not the parts of a date, a CAS number or a name
_RANGE_END = re.compile(r"-(\d+(?:\.\d+)?)(?!\d|\.\d|-|['’′]|[,\w'’′]{0,60}-[A-Za-z])")
_LONGEST_UNIT = 60  # characters
_CONCENTRATION = re.compile(r"[munpfµμk]?M")  # 'mM Mg' is no product of units
_EVERYDAY_UNITS = frozenset(
    "bar bars cycle cycles turn turns bit bits day days hand hands head link links pole poles rod rods stone foot yard".split()
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
    r"\b(?:of|for|about|in|draw|is|are|does|will|would|can|could|should|has|than|between|compare|like|resembles?|(?:similar|close|closest|compared) (?:to|with))\s+"
    r"(?:the\s+)?(?:compound\s+|drug\s+|molecule\s+)?(?=[A-Za-z\d(\[])",
    re.I,
)
_JOINED = re.compile(r",?\s+(?:and|or|vs\.?|versus|than|with|to)\s+(?:of\s+)?|,\s*", re.I)
_NAME = re.compile(r"[A-Za-z\d(\[][\w\-,'’()\[\]]{4,}")
_ENDING = re.compile(
    r"(?:ine|ol|ane|ene|yne|ate|ide|one|ib|mab|in|il|am|acid|ium|ose|yl|al|ar|en|azole|afil|tan|fen|cin|xel|ast|vir|pam|lol|aban|grel|setron|dopa)$"
)
_ORDINARY = frozenset(
    "accurate achiral additional adequate aggregate agricultural alcohol alkane alkene alkyne animal antigen anyone "
    "appropriate approval approximate architectural arrival associate bacterial baseline beside between bilateral "
    "biological bitcoin breakfast broadcast broken calculate candidate capital carbide cellular central certain certificate "
    "chemical children chiral chloride choose circular citizen climate clinical combine commercial conformational contain control "
    "conventional corporate council critical crystal cultural decide define determine diagram digital dinucleotide "
    "discipline divide domain educational electrical eleven empirical engine equilibrium essential estimate evaluate everyone "
    "examine experimental explain federal feminine filtrate forecast frozen functional fungal garden gasoline general "
    "generate global golden graduate guideline halide halogen helical hidden horizontal hormone hospital hydride "
    "hydrogen indicate individual incubate industrial initial inside intermediate international interval invertebrate journal "
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
_PEPTIDE = re.compile(
    r"\b(?:peptide|pentapeptide|tripeptide|tetrapeptide|dipeptide|protein|sequence)s?(?:\s+sequence)?:?\s+([ACDEFGHIKLMNPQRSTVWY]{3,9})(?!\w)"
)
_PROTEIN_WORDS = re.compile(r"\b(?:\w*peptide|protein|residues?|amino|isoelectric|pI|gravy|sequence)", re.I)
_LOWER_PROTEIN = re.compile(r"(?<![\w-])[acdefghiklmnpqrstvwy]{10,}(?![\w-])")


_PREFIX = r"(?:\([RSEZ±+-]+\)-|[RSEZLD]-|dl-|rac-|dex-)"  # of stereochemistry, written before a name
# what stands beside a compound in a list, before and after it
_LISTED = re.compile(rf"{_PREFIX}?[A-Za-z\d(\[][\w\-'’()\[\]]{{2,}}(?:,\d[\w\-'’()\[\]]*)*")
_LIST_JOIN = re.compile(r"(?:,?\s+(?:and|or|vs\.?|versus)\s+(?:the\s+|of\s+)?|,\s*|\s+/\s+)", re.I)
_LIST_BEFORE = re.compile(
    rf"(?<![\w\-(\[)\]])((?:{_PREFIX})?[A-Za-z\d(\[][\w\-'’()\[\]]{{2,60}})"
    r"(,?\s+(?:and|or|vs\.?|versus|than|with|to)\s+(?:the\s+|of\s+)?|,\s*|\s+/\s+)$",
    re.I,
)
_NO_MEMBERS = frozenset(
    "logp clogp xlogp logd tpsa smiles inchi inchikey ecfp4 ecfp6 fcfp4 maccs tanimoto lipinski veber ghose pains brenk "
    "uff mmff mmff94 rdkit hplc lcms gcms nmr dmso uv-vis lipophilicity druglikeness drug-likeness stereocentres "
    "stereocenters conformers conformer isomers analogues analogs analogue analog ro5 fsp3 qed placebo vehicle control".split()
)
_NO_MEMBER_ENDINGS = re.compile(
    r"(?:icity|ility|ness|tion|sion|ically|ally|ously|ing|ised|ized|ated|phy|logy|metry)$"
)
# one's own documents: 'my notes', 'the papers I uploaded', 'according to our SOP'; not 'for my notes' and 'the paper'
_OWN = r"(?:library|docs?|documents?|notes|papers?|files?|pdfs?|reports?|protocols?|sops?|manuals?|literature(?: folder)?|notebooks?)"
_DOCUMENT = re.compile(
    rf"(?<!\bfor )(?<!\binto )(?:(?:(?:any|which|some|all|one) )?of )?"
    rf"\b(?:(?:my|our)\s+(?:own\s+|lab\s+|uploaded\s+|ingested\s+)?{_OWN}"
    r"|the\s+(?:uploaded|ingested)\s+\w+"
    r"|the\s+(?:library|docs|documents|notes|papers|files|pdfs|reports|protocols)"
    r"|the\s+(?:lab\s+)?manual)\b(?!\s+of\s+compounds)(?:\s+(?:that\s+)?(?:I|we)(?:'ve|\s+have)?\s+(?:uploaded|ingested|added))?"
    r"|\b(?:I|we)(?:'ve|\s+have)?\s+(?:just\s+)?(?:uploaded|ingested)\b",
    re.I,
)
_WRITTEN_INTO = re.compile(
    r"(?:\b(?:write|put|add|copy|paste|include|preparing|writing)\b[^.?!]{0,60}\b(?:in|into|to|for|of)|\bfor|\bpreparing|\bwriting|\bfinishing)\s+$",
    re.I,
)


class _Taken:
    """Places of a text that candidates hold, none overlapping another."""

    def __init__(self, found: Iterable[Found] = ()) -> None:
        self._spans = sorted((f.start, f.end) for f in found)

    def overlaps(self, new: Found) -> bool:
        """Return whether any place is held that the new candidate needs."""
        at = bisect.bisect_left(self._spans, (new.end,))
        return at > 0 and self._spans[at - 1][1] > new.start

    def add(self, new: Found) -> bool:
        """Hold the candidate's place, unless it is held; return whether it was free."""
        if self.overlaps(new):
            return False
        bisect.insort(self._spans, (new.start, new.end))
        return True


@without_hints()
def find_candidates(text: str) -> list[dict[str, Any]]:
    """Return what a text holds that a tool could take, in order, none overlapping another of its kind."""
    taken, places = list[Found](), _Taken()
    structures = list(_structures(text))
    valid = [s for s in structures if s.kind == "compound"]
    invalid = [s for s in structures if s.kind == "structure"]
    for found in (
        *find_mentions(text),
        *valid,
        *_equations(text),
        *_sequences(text),
        *invalid,
        *_names(text),
        *find_formulas(text),
        *find_elements(text),
        *find_documents(text),
        *find_expressions(text),
    ):
        if places.add(found):
            taken.append(found)
    numbers = [n for n in _numbers(text) if not places.overlaps(n)]
    measured = numbers or _asks_conversion(text) or any(f.kind == "numbers" for f in taken)
    units = [u for u in _units(text) if not places.overlaps(u)] if measured else []
    taken += _unknown_names(text, [*taken, *units])
    places = _Taken(taken)
    numbers = [n for n in numbers if not places.overlaps(n)]
    return [f._asdict() for f in sorted([*taken, *numbers, *units])]


def find_documents(text: str) -> Iterator[Found]:
    """Yield the mentions of one's own documents that a question is put to, not those that its answer is for."""
    for match in _DOCUMENT.finditer(text):
        if not _WRITTEN_INTO.search(text, max(0, match.start() - 90), match.start()):
            yield Found(*match.span(), match[0], "document")


def _structures(text: str) -> Iterator[Found]:
    for match in _INCHI.finditer(text):
        written = match[0]
        while written[-1] in ".,;:?!)]'\"’”" and not (
            written[-1] == ")" and written.count("(") >= written.count(")")
        ):
            written = written[:-1]
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
    position = 0
    while side := _SIDE.search(text, position):
        arrow = _ARROW.match(text, position := side.end())
        other = _OTHER_SIDE.match(text, arrow.end()) if arrow else None
        if arrow is None or other is None or other.end() - side.start() > _LONGEST_EQUATION:
            continue
        written = text[side.start() : other.end()].strip(" .?,")
        if _is_equation(text, written, arrow[0], other.end()):
            yield Found(side.start(), side.start() + len(written), written, "equation")
            position = other.end()


def _is_equation(text: str, written: str, arrow: str, end: int) -> bool:
    """Return whether a text is an equation and not a broken structure ('C1=CC=CC') or two units ('K -> C').

    One that cannot be read counts where the text is about reactions and the arrow is one: the tool says what is wrong.
    """
    from benchmate.tools.chemistry.reactions import parse_equation

    balanced = all(written.count(a) == written.count(b) for a, b in ("()", "[]"))
    if not balanced or re.match(r"[=#\w@\\/\[(]|-\S", text[end : end + 2]):
        return False
    bonds = arrow in ("=", "==")  # glued: a double bond?
    try:
        equation = parse_equation(written)
    except InvalidInput:
        return "=" not in arrow.strip("<>") and bool(_ABOUT_REACTIONS.search(text))
    sides = [{e for s in side for e in s.atoms} for side in (equation.reactants, equation.products)]
    if "+" not in written and len(equation.species) == 2:
        if all(len(s.text) == 1 for s in equation.species):
            return False
        return not bonds or (sides[0] == sides[1] and len(sides[0]) > 1)
    return True


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

    These are words with a name's ending, what is listed with a compound, before or after it, and else formulas.
    """
    found: list[Found] = []
    held = _Taken(taken)
    compounds = [t for t in taken if t.kind in ("compound", "structure")]
    slots = [m.end() for m in _SLOT.finditer(text)]
    slots += [m.end() for t in compounds if (m := _JOINED.match(text, t.end))]
    members = list(
        compounds
    )  # a list grows from its known members, and from what stood in a compound's place

    def add(match: re.Match[str], group: int, fits: Any) -> None:
        word = _bare_name(match[group])
        new = Found(match.start(group), match.start(group) + len(word), word, "unknown")
        if fits(word) and held.add(new):
            found.append(new)
            members.append(new)

    for start in slots:
        if match := _NAME.match(text, start):
            add(match, 0, _may_be_name)
    while members:
        known = members.pop(0)
        if (joined := _LIST_JOIN.match(text, known.end)) and (match := _LISTED.match(text, joined.end())):
            add(match, 0, _may_be_member)
        elif (joined := _JOINED.match(text, known.end)) and (match := _NAME.match(text, joined.end())):
            add(match, 0, _may_be_name)
        if match := _LIST_BEFORE.search(text, max(0, known.start - 90), known.start):
            loose = re.match(r"\W*(?:than|with|to)\b", match[2], re.I) is None
            add(match, 1, _may_be_member if loose else _may_be_name)
    return found


def _bare_name(written: str) -> str:
    """Return a name without the punctuation after it; brackets stay where they are closed."""
    bare = written.rstrip("?.!,'’")
    while bare.endswith((")", "]")) and (
        bare.count(")") > bare.count("(") or bare.count("]") > bare.count("[")
    ):
        bare = bare[:-1].rstrip("?.!,'’")
    return re.sub(r"['’]s$", "", bare)


def _may_be_name(word: str) -> bool:
    from benchmate.tools.chemistry.names import everyday_words

    low = word.lower()
    return (
        bool(_ENDING.search(low)) and len(word) > 5 and low not in everyday_words() and low not in _ORDINARY
    )


def _may_be_member(word: str) -> bool:
    """Return whether a word listed with a compound is meant as one: an unusual word, or one marked by its stereochemistry."""
    from benchmate.tools.chemistry.names import everyday_words

    low = word.lower()
    if low in _NO_MEMBERS or low in everyday_words() or low in _ORDINARY:
        return False
    if re.match(rf"{_PREFIX}[A-Za-z]{{4}}", word) or _may_be_name(word):
        return True
    if re.search(r"\d", word):  # a code: 'AZD9291', 'SB-203580'; not '5mg' or 'H2O'
        return bool(re.fullmatch(r"[A-Z]{2,5}-?\d{3,7}[A-Z]?", word))
    plain = re.fullmatch(r"[A-Za-z][a-z]{5,}(?:-[a-z]{4,})?", word) is not None
    return plain and not _NO_MEMBER_ENDINGS.search(low) and not _is_common(low)


def _is_common(word: str) -> bool:
    """Return whether a word, or the one it is formed from, is among the common words of English."""
    forms = [word, *re.split("-", word)]
    forms += [
        word.removesuffix(e)
        for e in ("s", "es", "d", "ed", "r", "er", "ly", "y", "al", "able", "ful", "less")
    ]
    forms += [word.removesuffix("ies") + "y", word.removesuffix("ed") + "e"]
    forms += [word.removeprefix(p) for p in ("non", "un", "re", "pre", "over")]
    return any(form in _common_words() for form in forms)


@functools.cache
def _common_words() -> frozenset[str]:
    """Return the whole words that the tokenizer of the library's embedding knows: the 20,000 most common ones."""
    stored = json.loads((Path(__file__).parent / "library" / "tokenizer.json").read_text("utf-8"))
    return frozenset(w for w in stored["model"]["vocab"] if len(w) > 3 and w.isalpha())


def _numbers(text: str) -> Iterator[Found]:
    for match in _NUMBER.finditer(text):
        plain = re.sub(r"\s?[x×]\s?10\^?", "e", match[0].replace(",", "").replace("−", "-"))
        yield Found(*match.span(), plain, "number")
        if end := _RANGE_END.match(text, match.end()):
            yield Found(*end.span(1), end[1], "number")


def _asks_conversion(text: str) -> bool:
    return bool(re.search(r"\bconvert|\bin (?:kelvin|celsius|fahrenheit)|\bhow many\b", text, re.IGNORECASE))


def _units(text: str) -> Iterator[Found]:
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
            if (
                end - start > _LONGEST_UNIT
                or any(_NUMBER.fullmatch(word[0]) for word in group)
                or (length > 1 and _CONCENTRATION.fullmatch(text[start:end].split()[0].lstrip("0123456789.")))
                or re.search(r"[,;]|[.:]\s", text[start:end])
            ):
                continue
            glued = re.match(r"[-+−]?\d[\d.,]*(?:[eE][-+]?\d+)?(?=[^\d\s.,])", text[start:end])
            start += glued.end() if glued else 0
            written = text[start:end].rstrip(".:'\"’”").lstrip("'\"‘“")
            start += len(text[start:end]) - len(text[start:end].lstrip("'\"‘“"))
            if _is_unit(written, read_unit) and (
                (len(written) > 2 and written.lower() not in _EVERYDAY_UNITS)
                or _in_unit_place(text, start, written)
            ):
                yield Found(start, start + len(written), written, "unit")
                step = length
                break
        position += step


def _in_unit_place(text: str, start: int, written: str) -> bool:
    """Return whether a unit of one or two letters stands where one would: after a number or 'in', 'to', 'how many'."""
    if written in "dD" and text[start - 1 : start].isdigit():
        return False  # '3D'
    if written == "%" and re.match(r"\s[-+−]?\d", text[start + 1 :]):
        return True  # 'viability % 99 96 88'
    return bool(
        re.search(
            r"(?:(?<![A-Za-z\d])[\d.,]*\d\s?|\b(?:in|to|into|as|of|many|much)\s+|[->→=?]\s*)$",
            text[max(0, start - 40) : start],
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
    if written == "AU":  # which of the two is meant, what is measured tells
        return True
    try:
        parse(written)
    except InvalidInput:
        return False
    return True


@tool(domain="internal", version="2")
def find_entities(text: str, context: ToolContext, tables: list[str] | None = None) -> ToolResult:
    """Find what a question is about: compounds, sequences, equations, numbers and units, compounds and sequences resolved.

    Where it names a table that is there, the columns it speaks of are found by the table's own header.

    Args:
        text: The question.
        tables: Files that were spoken of before: their columns may be meant.
    """
    if len(text) > LONGEST_QUESTION:
        raise InvalidInput("too_large", f"the question has {len(text)} characters; {LONGEST_QUESTION} is the limit",
                           hint="put long texts into the library with `benchmate ingest`")  # fmt: skip
    candidates, entities = _with_columns(find_candidates(text), text, context, tables or []), list[Entity]()
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


def _with_columns(
    candidates: list[dict[str, Any]], text: str, context: ToolContext, tables: list[str]
) -> list[dict[str, Any]]:
    """Return the candidates with the columns of the tables that the text names, in place of what overlaps them.

    Where it names none, the tables spoken of before count.
    """
    columns = [{**f._asdict(), "key": f.text} for f in named_columns(text)]
    for name in {c["text"] for c in candidates if c["kind"] == "file"} or set(tables):
        headers = headers_of(name, context.artifact_dir)
        columns = [c for c in columns if c["key"] in headers] if headers else columns
        columns += [{**found._asdict(), "key": header} for found, header in columns_in(text, headers)]
    held = _Taken(
        Found(c["start"], c["end"], c["text"], c["kind"]) for c in candidates if c["kind"] == "file"
    )
    kept = [c for c in columns if held.add(Found(c["start"], c["end"], c["text"], "column"))]
    others = [
        c for c in candidates if c["kind"] == "file" or not held.overlaps(Found(c["start"], c["end"], "", ""))
    ]
    return sorted([*others, *kept], key=lambda c: int(c["start"]))


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
