"""The sentences of claims. Code writes each from its evidence, so that the verifier can write it again and compare."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from benchmate.agents.contracts import Claim, value_text
from benchmate.runtime.evidence import Entity, Evidence
from benchmate.runtime.quantity import Quantity, format_number
from benchmate.tools.base import Tool
from benchmate.tools.registry import load_registry

RANK = "rank_by_"
FLAG = "flag: "
_RANKED = re.compile(r"(rank_high|rank_low)\(c0, rest\)")


class Cited(NamedTuple):
    """One citation, looked up: the evidence, the path in it, and what stands there."""

    evidence: Evidence
    pointer: str
    value: Any

    @property
    def key(self) -> str:
        return self.pointer.rsplit("/", 1)[-1]


def words_for(tool: Tool, name: str) -> str:
    """Return how a reader calls a property: the first of the tool's words for it."""
    return tool.properties.get(name, name.replace("_", " ")).split(",")[0].strip()


def subject_of(evidence: Evidence, key: str | None = None) -> Entity | None:
    """Return the entity that a value is about: `similarity_2` is about the entity at `targets[2]`, others about the first."""
    entities = [e for e in evidence.result.entities if e.argument != "context"]
    index = re.search(r"_(\d+)$", key or "")
    if index:
        for entity in entities:
            if entity.argument.endswith(f"[{index[1]}]"):
                return entity
    return entities[0] if entities else None


def sentence(claim: Claim, cited: Sequence[Cited]) -> str | None:
    """Return the sentence that the claim's own value, unit and subject make over its evidence; None when there is none.

    Raises InvalidInput (`unknown_unit`) for a unit that is none.
    """
    first = cited[0]
    label = claim.subject.label if claim.subject else None
    if claim.derivation is not None:
        return _derived(claim, cited, label)
    if claim.kind == "quote":
        return quote_sentence(first.evidence.resolve(first.pointer.rpartition("/")[0]))
    if isinstance(first.value, Quantity) and isinstance(claim.value, float):
        unit = claim.unit or ""
        spread = first.value.uncertainty if unit == first.value.unit else None
        stated = first.value.model_copy(update={"value": claim.value, "unit": unit, "uncertainty": spread})
        return numeric_sentence(first.evidence, first.key, stated, label)
    if isinstance(claim.value, (str, bool)) and claim.kind == "categorical":
        return plain_sentence(words_for(load_registry()[first.evidence.tool], first.key), claim.value, label)
    return None


def numeric_sentence(evidence: Evidence, key: str, quantity: Quantity, label: str | None) -> str:
    """Return what a quantity says: 'The logP of aspirin is 1.31.', 'aspirin has 1 structural alert.'"""
    what = words_for(load_registry()[evidence.tool], quantity.property)
    value = quantity.model_copy(update={"relation": "="}).format()
    which = which_of(evidence, key)
    counted = what.removeprefix("number of ")
    if (
        label
        and not quantity.unit
        and counted.endswith("s")
        and quantity.relation == "="
        and quantity.value == int(quantity.value)
    ):
        least = (quantity.conditions or {}).get("minimum")
        counted = (
            f"{counted[:-1] if quantity.value == 1 else counted}{f' of at least {least}' if least else ''}"
        )
        return f"{label} has {value} {counted}{which}."
    entity = subject_of(evidence, key)
    others = [
        e.label
        for e in evidence.result.entities
        if entity is not None and e is not entity and "[" not in e.argument
    ]
    parent = entity is not None and _is_of_parent(quantity, entity) and "parent" not in what
    about = (
        f" of {'the parent of ' if parent else ''}{label}" + (f" to {', '.join(others)}" if others else "")
        if label
        else ""
    )
    if quantity.conditions and "species" in quantity.conditions:
        what = what.removesuffix(" of a species")
        about = f" of {quantity.conditions['species']}{about.replace(' of ', ' in ')}"
    relation = {"=": "is", "<": "is below", ">": "is above", "~": "is about"}[quantity.relation]
    return f"The {what}{about}{which} {relation} {value}."


# said of every quantity that has them: which column of a table a number is of
_ALWAYS = ("column", "columns", "x", "y")
_ELSEWHERE = ("species", "minimum", "form")  # conditions that the sentence says in a way of its own
_LONGEST_METHOD = 40  # characters that a sentence has room for
_LONGEST_CONDITION = 60


def which_of(evidence: Evidence, key: str) -> str:
    """Return what tells a quantity from those of the same property and subject in the result: ' (term GNP)', or ''.

    Taken are the fewest conditions that differ among them; where none do, the method or the name of the quantity.
    """
    quantities = evidence.result.quantities
    own = quantities[key]
    conditions = own.conditions or {}
    always = [k for k in _ALWAYS if k in conditions]
    alike = {
        k: q for k, q in quantities.items()
        if q.property == own.property and q.unit == own.unit and subject_of(evidence, k) == subject_of(evidence, key)
    }  # fmt: skip
    chosen = always
    if len(alike) > 1:
        told = [q.conditions or {} for q in alike.values()]
        differing = [k for k in conditions if k not in _ELSEWHERE and len({t.get(k) for t in told}) > 1]
        methods = [q.method or "" for q in alike.values()]
        if any("species" in t for t in told):
            pass
        elif len(set(methods)) == len(methods) and len(own.method or "") <= _LONGEST_METHOD and own.method:
            return f" by {own.method}"
        elif differing:
            chosen = [*always, *(k for k in _fewest(differing, told) if k not in always)]
        elif not any(len({t.get(k) for t in told}) > 1 for t in told for k in t):
            return f" ({key.replace('_', ' ')})" if key != own.property else ""
    said = ", ".join(f"{k} {str(conditions[k])[:_LONGEST_CONDITION]}" for k in chosen if k in conditions)
    return f" ({said})" if said else ""


def _fewest(keys: Sequence[str], told: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the fewest of the conditions that tell as many apart as all of them do, names before numbers."""
    chosen: list[str] = []

    def apart(names: Sequence[str]) -> int:
        return len({tuple(t.get(n) for n in names) for t in told})

    def plain(name: str) -> bool:
        return any(re.search(r"[A-Za-z]", str(t.get(name, ""))) for t in told)

    while apart(chosen) < apart(keys):
        left = [k for k in keys if k not in chosen]
        chosen.append(max(left, key=lambda k: (apart([*chosen, k]), plain(k), -left.index(k))))
    return chosen


def _is_of_parent(quantity: Quantity, entity: Entity) -> bool:
    """Return whether the value is of a compound's parent, and the compound is something else: a salt, an ion."""
    parent = entity.details.get("parent_inchikey")
    return bool(parent and parent != entity.key and (quantity.conditions or {}).get("form") == "parent")


def plain_sentence(words: str, value: str | bool, label: str | None) -> str:
    """Return what a text or a yes or no says."""
    if label and str(value) in label:
        return f"{words[:1].upper()}{words[1:]}: {value}."
    if isinstance(value, bool):
        return (
            f"{label}: {words}, {value_text(value, None)}."
            if label
            else f"{words}: {value_text(value, None)}."
        )
    return f"The {words}{f' of {label}' if label else ''} is {value}."


def quote_sentence(passage: Mapping[str, Any]) -> str:
    """Return a passage with the place where it stands."""
    place = " · ".join(str(passage[k]) for k in ("source", "heading", "lines") if passage.get(k))
    return f"{place}: “{passage['text']}”"


def rank_sentence(label: str, place: float, of: int, words: str, function: str, own: Quantity) -> str:
    """Return a place in a ranking."""
    end = "highest" if function == "rank_high" else "lowest"
    return f"{label} ranks {format_number(place)} of {of} by {words} ({end} first), with {own.format()}."


def flag_sentence(label: str, name: str, holds: bool, used: Sequence[tuple[str, Quantity]]) -> str:
    """Return whether a flag is raised, and on what."""
    values = ", ".join(f"{words} {quantity.format()}" for words, quantity in used)
    return f"{label}: flag “{name}” {'raised' if holds else 'not raised'} ({values})."


def _derived(claim: Claim, cited: Sequence[Cited], label: str | None) -> str | None:
    """Return the sentence of a derived value. What neither ranks nor flags is spelt out: 'logP of a - logP of b is 1.2.'"""
    if label is None or any(not isinstance(c.value, Quantity) for c in cited):
        return None
    words = [words_for(load_registry()[c.evidence.tool], c.value.property) for c in cited]
    subjects = [subject_of(c.evidence, c.key) for c in cited]
    own: Quantity = cited[0].value
    name = claim.property or ""
    ranked = _RANKED.fullmatch(claim.derivation or "")
    if name.startswith(RANK):
        distinct = len({s.key for s in subjects if s is not None}) == len(cited)
        alike = {c.value.property for c in cited} == {own.property} and name == f"{RANK}{own.property}"
        if not (ranked and distinct and alike and isinstance(claim.value, float)):
            return None
        return rank_sentence(label, claim.value, len(cited), words[0], ranked[1], own)
    if name.startswith(FLAG):
        alike = len({s.key for s in subjects if s is not None}) == 1
        pairs = [(w, c.value) for w, c in zip(words, cited, strict=True)]
        return (
            flag_sentence(label, name.removeprefix(FLAG), claim.value, pairs)
            if alike and isinstance(claim.value, bool)
            else None
        )
    named = [f"{w} of {s.label}" if s else w for w, s in zip(words, subjects, strict=True)]
    spelt = re.sub(
        r"\bc(\d+)\b", lambda m: named[int(m[1])] if int(m[1]) < len(named) else m[0], claim.derivation or ""
    )
    return f"{spelt} is {value_text(claim.value, claim.unit)}."
