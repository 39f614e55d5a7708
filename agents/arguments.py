"""From a question to the arguments a tool could take: every string argument is an enum of what the text holds."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from benchmate.agents.intake import Candidate
from benchmate.agents.measures import assign, assign_lists, groups
from benchmate.runtime.errors import InvalidInput
from benchmate.tools.base import Tool
from benchmate.tools.chemistry.parsing import looks_like_smiles
from benchmate.tools.intake import find_documents

# which kinds of candidate a plain string argument takes, by its name
ARGUMENT_KINDS: dict[str, tuple[str, ...]] = {
    "equation": ("equation",),
    "name": ("name",),
    "structure": ("structure", "name"),
    "from_unit": ("unit",),
    "to_unit": ("unit",),
    "reaction": ("reaction",),
    "formula": ("formula", "name"),
    "solute": ("name", "formula", "structure"),
    "expression": ("expression", "equation"),
    "time": ("time",),
}
ENTITY_KINDS: dict[str, tuple[str, ...]] = {
    "compound": ("name", "structure"),
    "sequence": ("dna", "protein", "rna"),
    "file": ("file",),
}
# how a question says an option, where it is not by the option's own name
OPTION_WORDS: dict[str, str] = {
    "parent": r"\bparent|\bfree (?:base|acid)|\bneutral form|\bwithout (?:the )?(?:salt|counter-?ion)",
    "single": r"\bsingle[- ]?strand|\bss ?[DR]NA|\boligo|\bprimer",
    "double": r"\bdouble[- ]?strand|\bds ?[DR]NA|\bduplex",
    "circular": r"\bcircular|\bplasmid",
    "rdkit": r"\brdkit (?:fingerprint|path|topological)|\btopological (?:path )?fingerprint",
    "maccs": r"\bMACCS\b",
    "bandpass": r"\bband[- ]?pass|\bfilter\w* .{0,60}\b(?:between|from)\b",
    "highpass": r"\bhigh[- ]?pass",
    "lowpass": r"\blow[- ]?pass",
    "remove_response": r"\b(?:remov|deconvolv|correct)\w*\b.{0,40}\bresponse|\bground (?:velocity|motion)",
    "resample": r"\b(?:re|down|up)[- ]?sampl",
    "demean": r"\bdemean|\b(?:remove|subtract) the mean",
    "wallace": r"\bWallace|\b(?:2 ?\+ ?4|4 ?\+ ?2) rule",
    "benjamini_hochberg": r"\bBH\b|\bBenjamini|\bFDR\b",
    "Planck15": r"\bPlanck ?(?:20)?15",
    "Planck13": r"\bPlanck ?(?:20)?13",
    "psd": r"\bPSD\b|\bpower spectral density|\bWelch",
}
# how a question says yes to an argument
BOOLEAN_WORDS: dict[str, str] = {
    "to_stop": r"\b(?:stop|stopping|end|ending|up) (?:at|to|with) (?:the )?(?:first )?stop|\b(?:until|till|before|to) (?:the )?(?:first )?stop"
}
# the words that a list argument takes from a question
LIST_WORDS: dict[str, str] = {
    "phases": r"\b(?:P|S|Pn|Pg|Sn|Sg|PP|SS|PPP|SSS|PcP|ScS|PcS|ScP|PKP|PKIKP|PKiKP|SKS|SKKS|SKIKS|Pdiff|Sdiff|pP|sP|sS|pS)\b",
    "enzymes": r"\b[A-Z][a-z]{2}[A-Z]?[a-z]?\d{0,4}(?:I{1,3}|IV|VI{0,3}|IX|XI{0,3}|XIV)\b",
}
# how a question gives a number to an argument: N stands for the number
NUMBER_WORDS: dict[str, str] = {
    "count": r"N (?:[\w-]+ ){0,3}(?:conform\w+|geometr\w+|rotamers|structures|shapes|passages|results|hits|paragraphs|quotes)|"
    r"(?:conformers|conformations|results|passages|count|top)\W{1,2}N",
    "genetic_code": r"(?:genetic code|translation table|code|table)(?: number| no\.?)? N",
    "min_orf": r"(?:at least|minimum(?: of)?|min\.?|more than|longer than|≥|>=?) ?N",
}  # fmt: skip
GENETIC_CODES = {r"\byeast mitochondri": 3, r"\binvertebrate mitochondri": 5, r"\bmitochondri": 2, r"\bciliate": 6,
                 r"\bbacterial|\bprokaryot|\bplastid|\bchloroplast": 11}  # fmt: skip
MOST_CALLS = 24  # legal calls of one tool that are put before the model


def _calculation(question: str) -> dict[str, Any] | None:
    from benchmate.tools.mathematics.calculation import read_calculation

    return read_calculation(question)


def _problem(question: str) -> dict[str, Any] | None:
    from benchmate.tools.mathematics.symbolic import read_problem

    return read_problem(question)


def _uncertain(question: str) -> dict[str, Any] | None:
    from benchmate.tools.mathematics.calculation import read_uncertain

    return read_uncertain(question)


def _amounts(question: str) -> list[str]:
    """Return the amounts that a question names with their substances: ['10 g C3H8, 30 g O2']."""
    found = re.findall(
        r"\d[\d.,]*\s?(?:[mµukn]?(?:g|mol|L|l)|mmol|kg)\b(?:\s+(?:of\s+)?\d[\d.]*\s?m?M\b)?\s+(?:of\s+)?[A-Za-z][\w()·\-]*(?:\s(?:acid|anhydride|alcohol|chloride|"
        r"oxide|acetate|sulfate|hydroxide|bromide|carbonate))?", question,
    )  # fmt: skip
    return [", ".join(found)] if found else []


def _two_texts(question: str) -> dict[str, Any] | None:
    found = re.search(
        r"(?:between|of|from|strings?|words?|texts?|barcodes?)\s+[\"'“]?([\w-]+)[\"'”]?\s+(?:and|to|vs\.?)\s+[\"'“]?([\w-]+)",
        question,
    )
    return {"first": found[1], "second": found[2]} if found else None


# tools whose arguments are a language of their own, read by the tool's own reader from the whole question
WHOLE_QUESTIONS: dict[str, Callable[[str], dict[str, Any] | None]] = {
    "solve_math": _problem,
    "calculate": _calculation,
    "propagate_uncertainty": _uncertain,
    "compute_edit_distance": _two_texts,
}


def kind_of(candidate: Candidate) -> str:
    """Return what a candidate is to the router and to arguments: compounds are told apart into `name` and `structure`."""
    if candidate.kind not in ("compound", "unknown"):
        return candidate.kind
    written = candidate.text
    smiles = looks_like_smiles(written) and re.search(r"[A-Za-z]", written) is not None
    return "structure" if written.startswith("InChI=") or smiles else "name"


def of_kinds(candidates: Sequence[Candidate], kinds: tuple[str, ...]) -> list[str]:
    """Return the texts of the candidates of these kinds in order of appearance, each once."""
    ordered = sorted(candidates, key=lambda c: c.start)
    return list(dict.fromkeys(c.text for c in ordered if kind_of(c) in kinds))


def fits(tool: Tool, candidates: Sequence[Candidate], question: str = "") -> bool:
    """Return whether the text holds something for each argument that the tool must have."""
    return next(legal_calls(tool, question, candidates), None) is not None


def _measured(tool: Tool) -> dict[str, dict[str, Any]]:
    """Return the schemas of the single numbers that a tool measures in a unit of its own."""
    return {
        name: schema
        for name, schema in tool.schema.get("properties", {}).items()
        if "unit" in schema and "array" not in _types(schema)
    }


def _parts(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a schema with the alternatives it names."""
    return [schema, *schema.get("anyOf", [])]


def _types(schema: dict[str, Any]) -> set[str]:
    return {part.get("type", "") for part in _parts(schema)}


def _number_lists(tool: Tool) -> dict[str, dict[str, Any]]:
    """Return the schemas of the arguments that are lists of numbers."""
    return {
        name: schema
        for name, schema in tool.schema.get("properties", {}).items()
        if any(
            part.get("type") == "array" and part.get("items", {}).get("type") in ("number", "integer")
            for part in _parts(schema)
        )
    }


def _number_groups(tool: Tool) -> str | None:
    """Return the argument that takes lists of numbers by name, if there is one."""
    for name, schema in tool.schema.get("properties", {}).items():
        for part in _parts(schema):
            inner = part.get("additionalProperties")
            if (
                isinstance(inner, dict)
                and inner.get("type") == "array"
                and inner["items"].get("type") == "number"
            ):
                return name
    return None


def _given_numbers(tool: Tool, question: str, candidates: Sequence[Candidate]) -> dict[str, Any]:
    """Return the numbers, the lists and the groups of lists that a question gives to a tool's arguments."""
    required = set(tool.schema.get("required", []))
    given: dict[str, Any] = dict(assign(question, _measured(tool), candidates, required))
    if any(c.kind == "numbers" for c in candidates):
        if name := _number_groups(tool):
            given[name] = groups(question, candidates)
        else:
            given |= assign_lists(question, _number_lists(tool), candidates)
    return given


def legal_calls(tool: Tool, question: str, candidates: Sequence[Candidate]) -> Iterator[dict[str, Any]]:
    """Yield the arguments the tool could be called with, the likeliest first.

    A tool that takes one compound and finds several in the text yields one call each; so does every other choice that
    the wording leaves open.
    """
    if tool.name in WHOLE_QUESTIONS:
        if (read := WHOLE_QUESTIONS[tool.name](question)) is not None:
            yield read
        return
    required = set(tool.schema.get("required", []))
    optional = optional_values(tool, question, candidates)
    numbers = _given_numbers(tool, question, candidates)
    choices: dict[str, list[Any]] = {}
    for name in tool.schema.get("properties", {}):
        if name in required:
            values = (
                [numbers[name]] if name in numbers else _required_values(tool, name, question, candidates)
            )
            if not values:
                return
            choices[name] = values
    lists = [n for n in choices if tool.schema["properties"][n].get("type") == "array" and n not in numbers]
    scalars = [n for n in choices if n not in lists]
    if not lists:
        _pairs_in_order(tool, choices)
    for combination in itertools.islice(itertools.product(*(choices[n] for n in scalars)), MOST_CALLS):
        arguments = dict(zip(scalars, combination, strict=True))
        if _repeats_an_entity(tool, arguments):
            continue
        if {"from_unit", "to_unit"} <= arguments.keys() and arguments["from_unit"] == arguments["to_unit"]:
            continue
        for name in lists:
            rest = [v for v in choices[name] if v not in arguments.values()]
            if not rest:
                break
            arguments[name] = rest
        else:
            ordered = {n: arguments[n] for n in tool.schema["properties"] if n in arguments}
            called = {**ordered, **optional, **{n: v for n, v in numbers.items() if n not in ordered}}
            if "substance" in called and not _between_mass_and_amount(called):
                del called["substance"]
            yield called


def _repeats_an_entity(tool: Tool, arguments: dict[str, Any]) -> bool:
    """Return whether two arguments of one kind hold the same thing: a call compares two, not one with itself."""
    held = [(kind, str(arguments[n])) for n, kind in tool.entity_arguments.items() if n in arguments]
    return len(set(held)) < len(held)


def _pairs_in_order(tool: Tool, choices: dict[str, list[Any]]) -> None:
    """Give each of several arguments of one kind the one thing of the text that is its by order, where there are as many."""
    for kind in set(tool.entity_arguments.values()):
        names = [n for n in choices if tool.entity_arguments.get(n) == kind]
        if (
            len(names) > 1
            and all(choices[n] == choices[names[0]] for n in names)
            and len(choices[names[0]]) == len(names)
        ):
            held = list(choices[names[0]])
            for name, value in zip(names, held, strict=True):
                choices[name] = [value]


def _between_mass_and_amount(conversion: dict[str, Any]) -> bool:
    """Return whether two units differ by mass against amount of substance, so that a molar mass is needed."""
    from benchmate.runtime.quantity import parse_unit
    from benchmate.tools.units import read_unit

    try:
        source, target = (
            parse_unit(read_unit(conversion[n]).unit).dimensionality for n in ("from_unit", "to_unit")
        )
    except InvalidInput:
        return False
    return {d for d in {*source, *target} if source.get(d, 0) != target.get(d, 0)} == {
        "[mass]",
        "[substance]",
    }


def _required_values(tool: Tool, name: str, question: str, candidates: Sequence[Candidate]) -> list[Any]:
    schema = tool.schema["properties"][name]
    entity = tool.entity_arguments.get(name)
    if entity:
        found = of_kinds(candidates, ENTITY_KINDS[entity])
        if entity == "compound" and not found:
            found = of_kinds(candidates, ("formula",))
        is_query = schema.get("type") != "array" and "targets" in tool.schema["properties"]
        return _queries(question, found) if is_query else found
    if schema.get("type") in ("number", "integer"):
        numbers = _with_units_first(candidates)
        return numbers if schema["type"] == "number" else [int(n) for n in numbers if n.is_integer()]
    if "enum" in schema:
        said = [o for o in schema["enum"] if re.search(_option_words(str(o)), question, re.I)]
        return said or list(schema["enum"])
    if schema.get("type") == "array":
        named = _named_list(name, schema, question, candidates)
        return named or []
    if schema.get("type") in ("object", "boolean"):
        return []
    if name in ("from_unit", "to_unit"):
        return _units(name, question, candidates)
    if name in ARGUMENT_KINDS:
        return list(_texts(name, candidates))
    if name == "amounts":
        return list(_amounts(question))
    return [subject_words(question)] if question else ["text"]


def optional_values(tool: Tool, question: str, candidates: Sequence[Candidate]) -> dict[str, Any]:
    """Return the optional arguments that the text settles: an option or a number it names, a substance to convert."""
    required = set(tool.schema.get("required", []))
    settled: dict[str, Any] = {}
    for name, schema in tool.schema.get("properties", {}).items():
        if name in required:
            continue
        parts = _parts(schema)
        value: Any = None
        if "unit" in schema:
            continue  # numbers are assigned together
        if kind := tool.entity_arguments.get(name):
            taken = sum(tool.entity_arguments.get(other) == kind for other in required)
            value = next(iter(of_kinds(candidates, ENTITY_KINDS[kind])[taken:]), None)
        elif options := [o for part in parts for o in part.get("enum", []) if isinstance(o, str)]:
            value = next((o for o in options if re.search(_option_words(o), question, re.I)), None)
        elif "array" in _types(schema):
            value = _named_list(name, schema, question, candidates)
        elif name == "reaction" and tool.name == "apply_reaction":
            value = _named_reaction(question) or next(iter(_texts(name, candidates)), None)
        elif "string" in _types(schema) and name in ARGUMENT_KINDS:
            value = next(iter(_texts(name, candidates)), None)
        elif any(part.get("type") in ("integer", "number") for part in parts):
            value = _named_number(name, schema.get("type", "number"), question)
        elif schema.get("type") == "boolean" and re.search(
            BOOLEAN_WORDS.get(name, rf"\b(?:with|including|consider) {name}"), question, re.I
        ):
            value = True
        if value is not None and value != schema.get("default"):
            settled[name] = value
    return settled


def _named_reaction(question: str) -> str | None:
    """Return the named reaction that a question speaks of, the longest name first."""
    from benchmate.tools.synthesis.named import named_reactions

    names = {said: r.name for r in named_reactions().values() for said in (r.name, *r.aliases)}
    said = [n for n in names if re.search(rf"(?<![\w-]){re.escape(n)}(?![\w-])", question, re.I)]
    return names[max(said, key=len)] if said else None


def _texts(name: str, candidates: Sequence[Candidate]) -> list[str]:
    """Return the texts that a plain string argument could be; a name counts as a formula where it is one ('NaCl')."""
    found = of_kinds(candidates, ARGUMENT_KINDS[name])
    if name != "formula":
        return found
    from benchmate.tools.mentions import is_formula

    return [text for text in found if text.startswith("\\ce") or is_formula(text)]


def _named_list(
    name: str, schema: dict[str, Any], question: str, candidates: Sequence[Candidate]
) -> list[Any] | None:
    """Return what a list argument could hold: options in the order of the text, words of a known form, whole numbers it names."""
    items: dict[str, Any] = next((part["items"] for part in _parts(schema) if "items" in part), {})
    if "enum" in items:
        places = {o: m.start() for o in items["enum"] if (m := re.search(_option_words(o), question, re.I))}
        return sorted(places, key=lambda o: places[o]) or None
    if name in LIST_WORDS:
        return list(dict.fromkeys(re.findall(LIST_WORDS[name], question))) or None
    if items.get("type") == "integer" and re.search(rf"\b{name}", question, re.I):
        return [int(n) for n in of_kinds(candidates, ("number",)) if re.fullmatch(r"\d+", n)] or None
    return None


def _option_words(option: str) -> str:
    return OPTION_WORDS.get(option, rf"\b{re.escape(option).replace('_', '[ _-]')}\b")


def _named_number(name: str, kind: str, question: str) -> float | int | None:
    """Return the number a question gives to an argument: 'radius 3', '20 conformers', 'seed = 7'."""
    words = name.replace("_", " ")
    pattern = NUMBER_WORDS.get(name, rf"\b{words}s?(?: of| is)?\s?[=:]?\s?N|N {words}")
    number = r"(?<![\w.])(\d+)(?!\w|\.\d)" if kind == "integer" else r"(?<![\w.])(\d+(?:\.\d+)?)(?!\w)"
    found = re.search(pattern.replace("N", number), question, re.IGNORECASE)
    if found is None:
        if name == "genetic_code":
            return next(
                (code for words, code in GENETIC_CODES.items() if re.search(words, question, re.I)), None
            )
        if name == "radius" and (fingerprint := re.search(r"\bECFP[-_]?(\d)", question, re.IGNORECASE)):
            return int(fingerprint[1]) // 2  # ECFP4 names the diameter
        return None
    written = next(group for group in found.groups() if group)
    return int(written) if kind == "integer" else float(written)


def _queries(question: str, compounds: list[str]) -> list[str]:
    """Return the compounds that others could be compared with, which is one where the wording says which.

    Of two it is the first, as similarity has no direction; of more it is the one after 'to', 'with' or 'against'.
    """
    if len(compounds) <= 2:
        return compounds[:1]
    after = r"\b(?:to|with|against|versus|vs\.?|like|resembles?)\s+(?:the\s+)?"
    named = [c for c in compounds if re.search(after + re.escape(c) + r"(?!\w)", question, re.IGNORECASE)]
    return named if len(named) == 1 else compounds


def _with_units_first(candidates: Sequence[Candidate]) -> list[float]:
    """Return the numbers of a text, those that a unit follows before the others."""
    starts = {c.start for c in candidates if c.kind == "unit"}
    numbers = sorted((c for c in candidates if c.kind == "number"), key=lambda c: c.start)
    numbers.sort(key=lambda c: not ({c.end, c.end + 1} & starts))
    return list(dict.fromkeys(float(c.text) for c in numbers))


def _units(name: str, question: str, candidates: Sequence[Candidate]) -> list[str]:
    """Return the units a value could be in or be converted to.

    What follows a number is converted from; of the others, what follows 'to', 'in', 'into' or 'how many' comes first.
    """
    ends = {c.end for c in candidates if c.kind == "number"}
    units = sorted((c for c in candidates if c.kind == "unit"), key=lambda c: c.start)
    source = {c.text for c in units if {c.start, c.start - 1} & ends}
    others = list(dict.fromkeys(c.text for c in units if c.text not in source))
    if len(source) > 1:
        return []  # values in several units are for a calculation, not a conversion
    if not source or not others:
        return list(dict.fromkeys(c.text for c in units))
    if name == "from_unit":
        return [u for u in dict.fromkeys(c.text for c in units) if u in source]
    asked = r"\b(?:to|in|into|as|of|how many|how much|which|what)\s+(?:an?\s+)?"
    first = [u for u in others if re.search(rf"{asked}{re.escape(u)}(?!\w)", question, re.IGNORECASE)]
    return first or others


_COURTESY = re.compile(
    r"^(?:(?:please|hi|hello|so|and|also|then|now|well|ok|okay|quick question)\b[\s,:!]*|"
    r"(?:can|could|would|will) you(?: please)?\s+|I(?:'d| would) like to know\s+|(?:tell|show|give) me\s+)+",
    re.I,
)
_SEARCHING = re.compile(
    r"^(?:(?:please\s+)?(?:search|look\s+up|look|find|check|scan|go|retrieve|quote|cite|summari[sz]e|list|show|read)\b\s*"
    r"(?:me\s+)?(?:in|through|into|up|for|within|across|among)?\s*)",
    re.I,
)
_ASKING = re.compile(
    r"^(?:what(?:'s)?|which|who|whom|where|is there|are there|is|are|was|were|do|does|did|have|has|had|how)?\s*"
    r"(?:(?:anything|something|any ?one|people|we|I|they|others|authors|passages?|the passages?|documents?|do|does|did|have|has|"
    r"had|got|is|are|was|were|it|been)\s+)*"
    r"(?:(?:said|say|says|saying|reported?|reports|written|writes?|wrote|mention(?:s|ed)?|discuss(?:es|ed)?|covers?|covered|"
    r"known|state[sd]?|found|find|tells?|told|conclude[sd]?|anything|something)\b\s*(?:me\s+)?)+"
    r"(?:about|on|of|for|regarding|concerning|as to)?\s*",
    re.I,
)
_LEFT_OVER = re.compile(
    r"^(?:according to|(?:in|from|through|of|within|across|based on|with|for|about|on|by)\b(?=\s*[,:]|\s*$))?[\s,:.;-]*(?:and\s+)?"
    r"(?:(?:about|on|for|regarding)\s+)?(?:the\s+)?",
    re.I,
)
_BEFORE_MENTION = re.compile(
    r"\b(?:according to|based on|in|from|through|of|within|across|with|by|per)\s*$", re.I
)


def subject_words(question: str) -> str:
    """Return what a search is about: a question without courtesy, verbs of asking and the mention of the documents."""
    text = question.strip()
    if not list(find_documents(text)):  # 'search the folder for …': nothing that is known to be a mention
        text = re.sub(
            r"^\s*(?:please|can you|could you|search|look up|find|check)?\s*(?:(?:in|through)\s+)?(?:for|about|on|:)?\s*",
            "", text, count=1, flags=re.IGNORECASE,
        )  # fmt: skip
        return text.rstrip("?. ") or question.strip()
    for found in sorted(find_documents(text), reverse=True):
        before = _BEFORE_MENTION.sub("", text[: found.start])
        text = f"{before.rstrip()} {text[found.end :].lstrip()}"
    text = " ".join(text.split()).lstrip(" ,:;.?")
    for pattern in (_COURTESY, _SEARCHING, _LEFT_OVER, _ASKING, _LEFT_OVER):
        text = pattern.sub("", text.lstrip(" ,:;."), count=1)
    text = re.sub(r"\s+(?=[,.;:?!])", "", text).strip(" ,:;?.")
    return text if re.search(r"\w{3}", text) else question.strip().rstrip("?. ")
