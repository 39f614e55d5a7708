"""From a question to the arguments a tool could take: every string argument is an enum of what the text holds."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any

from benchmate.agents.assigning import assign
from benchmate.agents.intake import Candidate
from benchmate.agents.number_lists import assign_lists, groups
from benchmate.agents.options import list_units, listed_options, said_columns, said_option
from benchmate.agents.searching import subject_words
from benchmate.runtime.errors import InvalidInput
from benchmate.tools.arguments import is_list, parts_of, types_of
from benchmate.tools.base import Tool
from benchmate.tools.chemistry.parsing import looks_like_smiles
from benchmate.tools.file_kinds import suffix_of

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
    "position": ("position",),
    "first": ("position",),
    "second": ("position",),
}
ENTITY_KINDS: dict[str, tuple[str, ...]] = {
    "compound": ("name", "structure"),
    "sequence": ("dna", "protein", "rna"),
    "file": ("file",),
}
MOST_CALLS = 24  # legal calls of one tool that are put before the model


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
    return {n: s for n, s in _arguments(tool).items() if "unit" in s and not is_list(s)}


def _arguments(tool: Tool) -> dict[str, dict[str, Any]]:
    properties: dict[str, dict[str, Any]] = tool.schema.get("properties", {})
    return properties


def _number_lists(tool: Tool) -> dict[str, dict[str, Any]]:
    """Return the schemas of the arguments that are lists of numbers."""
    return {
        name: schema
        for name, schema in _arguments(tool).items()
        if any(
            part.get("type") == "array" and part.get("items", {}).get("type") in ("number", "integer")
            for part in parts_of(schema)
        )
    }


def _number_groups(tool: Tool) -> str | None:
    """Return the argument that takes lists of numbers by name, if there is one."""
    for name, schema in _arguments(tool).items():
        for part in parts_of(schema):
            inner = part.get("additionalProperties")
            if (
                isinstance(inner, dict)
                and inner.get("type") == "array"
                and inner["items"].get("type") == "number"
            ):
                return name
    return None


def _given(tool: Tool, question: str, candidates: Sequence[Candidate]) -> dict[str, Any]:
    """Return what a question gives to a tool's arguments all together: its numbers, lists, groups of lists, and columns."""
    properties = _arguments(tool)
    required = set(tool.schema.get("required", []))
    given: dict[str, Any] = dict(assign(question, _measured(tool), candidates, required))
    if any(c.kind == "numbers" for c in candidates) and (name := _number_groups(tool)):
        given[name] = groups(question, candidates)
    else:
        lists = assign_lists(question, _number_lists(tool), candidates)
        given |= {n: one.values for n, one in lists.items()}
        given |= list_units(properties, lists)
    return given | said_columns(question, properties, candidates)


def legal_calls(
    tool: Tool, question: str, candidates: Sequence[Candidate], around: str = ""
) -> Iterator[dict[str, Any]]:
    """Yield the arguments the tool could be called with, the likeliest first.

    `around` is what stands beside the question and may say options of it: 'This is a circular plasmid. …'.

    A tool that takes one compound and finds several in the text yields one call each; so does every other choice that
    the wording leaves open.
    """
    if tool.reader is not None:
        if (read := tool.reader(question)) is not None:
            yield read
        return
    if not _reads_the_files(tool, candidates):
        return
    required = set(tool.schema.get("required", []))
    optional = optional_values(tool, question, candidates, around)
    given = _given(tool, question, candidates)
    choices: dict[str, list[Any]] = {}
    for name in _arguments(tool):
        if name in required:
            values = [given[name]] if name in given else _required_values(tool, name, question, candidates)
            if not values:
                return
            choices[name] = values
    whole = given.keys() | tool.readers.keys()  # each value of these is a list already
    lists = [n for n in choices if _arguments(tool)[n].get("type") == "array" and n not in whole]
    scalars = [n for n in choices if n not in lists]
    if not lists:
        _pairs_in_order(tool, choices)
    for combination in itertools.islice(itertools.product(*(choices[n] for n in scalars)), MOST_CALLS):
        arguments = dict(zip(scalars, combination, strict=True))
        if _repeats_a_subject(tool, arguments):
            continue
        for name in lists:
            rest = [v for v in choices[name] if v not in arguments.values()]
            if not rest:
                break
            arguments[name] = rest
        else:
            ordered = {n: arguments[n] for n in _arguments(tool) if n in arguments}
            called = {**ordered, **optional, **{n: v for n, v in given.items() if n not in ordered}}
            if "substance" in called and not _between_mass_and_amount(called):
                del called["substance"]
            yield called


def _kinds_taken(tool: Tool, name: str) -> tuple[str, ...]:
    """Return the kinds of candidates that an argument takes; none where it takes no subject."""
    if kind := tool.entity_arguments.get(name):
        return ENTITY_KINDS[kind]
    return ARGUMENT_KINDS.get(name, ())


def _repeats_a_subject(tool: Tool, arguments: dict[str, Any]) -> bool:
    """Return whether two arguments of one kind hold the same thing: a call compares two, not one with itself."""
    held = [(kinds, str(arguments[n])) for n in arguments if (kinds := _kinds_taken(tool, n))]
    return len(set(held)) < len(held)


def _pairs_in_order(tool: Tool, choices: dict[str, list[Any]]) -> None:
    """Give each of several arguments of one kind the one thing of the text that is its by order, where there are as many."""
    for kinds in {_kinds_taken(tool, n) for n in choices} - {(), ("unit",)}:
        names = [n for n in choices if _kinds_taken(tool, n) == kinds]
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
    schema = _arguments(tool)[name]
    entity = tool.entity_arguments.get(name)
    if entity:
        found = _entities(tool, entity, candidates)
        if entity == "compound" and not found:
            found = of_kinds(candidates, ("formula",))
        is_query = schema.get("type") != "array" and "targets" in _arguments(tool)
        return _queries(question, found) if is_query else found
    if schema.get("type") in ("number", "integer"):
        numbers = _with_units_first(candidates)
        return numbers if schema["type"] == "number" else [int(n) for n in numbers if n.is_integer()]
    if name in tool.readers:
        return tool.readers[name](question)
    if "enum" in schema:
        said = said_option(schema, question)
        return list(schema["enum"]) if said is None else [said]
    if schema.get("type") == "array":
        return listed_options(schema, question)
    if schema.get("type") in ("object", "boolean"):
        return []
    if name in ("from_unit", "to_unit"):
        return _units(name, question, candidates)
    if name in ARGUMENT_KINDS:
        return list(_texts(name, candidates))
    return [subject_words(question)] if question else ["text"]


def optional_values(
    tool: Tool, question: str, candidates: Sequence[Candidate], around: str = ""
) -> dict[str, Any]:
    """Return the optional arguments that the text settles: an option that it says, a list, a subject that is left."""
    required = set(tool.schema.get("required", []))
    settled: dict[str, Any] = {}
    for name, schema in _arguments(tool).items():
        if name in required:
            continue
        value: Any = None
        if kind := tool.entity_arguments.get(name):
            taken = sum(tool.entity_arguments.get(other) == kind for other in required)
            value = next(iter(_entities(tool, kind, candidates)[taken:]), None)
        elif name in tool.readers:
            value = next(iter(tool.readers[name](question)), None)
        elif "string" in types_of(schema) and name in ARGUMENT_KINDS:
            value = next(iter(_texts(name, candidates)), None)
        else:
            value = (
                (listed_options(schema, question) or None)
                if is_list(schema)
                else said_option(schema, question)
            )
            if value is None and around and not is_list(schema):
                value = said_option(schema, around)
        if value is not None and value != schema.get("default"):
            settled[name] = value
    return settled


def _entities(tool: Tool, kind: str, candidates: Sequence[Candidate]) -> list[str]:
    """Return the texts that an entity argument of this kind could be; files only of the kinds that the tool reads."""
    found = of_kinds(candidates, ENTITY_KINDS[kind])
    return [f for f in found if suffix_of(f) in tool.files] if kind == "file" and tool.files else found


def _reads_the_files(tool: Tool, candidates: Sequence[Candidate]) -> bool:
    """Return whether a tool reads a file that the question names, where it names some."""
    named = [c for c in candidates if c.kind == "file" and c.start >= 0]
    takes = "file" in tool.entity_arguments.values()
    return not named or (takes and bool(_entities(tool, "file", named)))


def _texts(name: str, candidates: Sequence[Candidate]) -> list[str]:
    """Return the texts that a plain string argument could be; a name counts as a formula where it is one ('NaCl')."""
    found = of_kinds(candidates, ARGUMENT_KINDS[name])
    if name != "formula":
        return found
    from benchmate.tools.mentions import is_formula

    return [text for text in found if text.startswith("\\ce") or is_formula(text)]


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
