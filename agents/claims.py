"""From evidence to claims: what a call's result lets us state, in words made by templates."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator

from benchmate.agents.contracts import Claim, Subject, claim_id, value_text
from benchmate.runtime.evidence import Entity, Evidence
from benchmate.runtime.quantity import Quantity
from benchmate.tools.base import Tool

HEADLINE = 6  # properties stated when nobody says which


def words_for(tool: Tool, name: str) -> str:
    """Return how a reader calls a property: the first of the tool's words for it."""
    return tool.properties.get(name, name.replace("_", " ")).split(",")[0].strip()


def subject_of(evidence: Evidence, key: str | None = None) -> Entity | None:
    """Return the entity that a quantity is about: `similarity_2` is about the entity at `targets[2]`, others about the first."""
    entities = [e for e in evidence.result.entities if e.argument != "context"]
    index = re.search(r"_(\d+)$", key or "")
    if index:
        for entity in entities:
            if entity.argument.endswith(f"[{index[1]}]"):
                return entity
    return entities[0] if entities else None


def claims_from(
    tool: Tool, evidence: Evidence, task: str, wanted: Iterable[str] | None = None
) -> list[Claim]:
    """Return the claims that one call supports, for the wanted properties (None: the first few the tool declares)."""
    names = list(wanted) if wanted is not None else list(tool.properties)
    claims: list[Claim] = []
    for name in names:
        claims.extend(_claims_for(tool, evidence, task, name))
        if wanted is None and len(claims) >= HEADLINE:
            break
    return claims


def _claims_for(tool: Tool, evidence: Evidence, task: str, name: str) -> Iterator[Claim]:
    found = False
    for key, quantity in evidence.result.quantities.items():
        if quantity.property == name or key == name:
            found = True
            yield numeric_claim(tool, evidence, task, key, quantity)
    value = evidence.result.data.get(name)
    if not found and isinstance(value, (str, bool)) and value != "":
        yield categorical_claim(tool, evidence, task, name, value)


def numeric_claim(tool: Tool, evidence: Evidence, task: str, key: str, quantity: Quantity) -> Claim:
    """Return the claim of one quantity."""
    entity = subject_of(evidence, key)
    others = [
        e.label
        for e in evidence.result.entities
        if entity is not None and e is not entity and "[" not in e.argument
    ]
    return Claim(
        id=claim_id(task, entity.key if entity else evidence.call_key, key),
        text=_sentence(tool, quantity, entity, others),
        kind="numeric",
        property=quantity.property,
        value=quantity.value,
        unit=quantity.unit,
        subject=Subject(key=entity.key, label=entity.label) if entity else None,
        cites=(evidence.cite(f"/quantities/{key}"),),
        task=task,
        labels=evidence.result.labels,
    )


def _sentence(tool: Tool, quantity: Quantity, entity: Entity | None, others: list[str]) -> str:
    """Return what a quantity says: 'The logP of aspirin is 1.31.', 'aspirin has 1 structural alert.'"""
    what, value = words_for(tool, quantity.property), quantity.model_copy(update={"relation": "="}).format()
    counted = what.removeprefix("number of ")
    if (
        entity
        and not quantity.unit
        and counted.endswith("s")
        and quantity.relation == "="
        and quantity.value == int(quantity.value)
    ):
        return f"{entity.label} has {value} {counted[:-1] if quantity.value == 1 else counted}."
    about = _about(entity, others)
    if quantity.conditions and "species" in quantity.conditions:
        about = f" of {quantity.conditions['species']}{about.replace(' of ', ' in ')}"
    relation = {"=": "is", "<": "is below", ">": "is above", "~": "is about"}[quantity.relation]
    return f"The {what}{about} {relation} {value}."


def categorical_claim(tool: Tool, evidence: Evidence, task: str, name: str, value: str | bool) -> Claim:
    """Return the claim of one text or yes/no value in a result's data."""
    entity = subject_of(evidence)
    return Claim(
        id=claim_id(task, entity.key if entity else evidence.call_key, name),
        text=_plain_sentence(words_for(tool, name), value, entity),
        kind="categorical",
        property=name,
        value=value,
        subject=Subject(key=entity.key, label=entity.label) if entity else None,
        cites=(evidence.cite(f"/data/{name}"),),
        task=task,
        labels=evidence.result.labels,
    )


def _plain_sentence(words: str, value: str | bool, entity: Entity | None) -> str:
    if entity and str(value) in entity.label:
        return f"{words[:1].upper()}{words[1:]}: {value}."
    if isinstance(value, bool):
        return (
            f"{entity.label}: {words}, {value_text(value, None)}."
            if entity
            else f"{words}: {value_text(value, None)}."
        )
    return f"The {words}{_about(entity, [])} is {value}."


def quote_claims(evidence: Evidence, task: str) -> list[Claim]:
    """Return one claim per passage that a search found: the words stand in the library at that place, no more."""
    claims = []
    for index, passage in enumerate(evidence.result.data.get("passages", [])):
        place = " · ".join(str(passage[k]) for k in ("source", "heading", "lines") if passage.get(k))
        claims.append(
            Claim(
                id=claim_id(task, evidence.call_key, "passage", index),
                text=f"{place}: “{passage['text']}”",
                kind="quote",
                value=passage["text"],
                cites=(evidence.cite(f"/data/passages/{index}/text"),),
                task=task,
                labels=evidence.result.labels,
            )
        )
    return claims


def _about(entity: Entity | None, others: list[str]) -> str:
    if entity is None:
        return ""
    return f" of {entity.label}" + (f" to {', '.join(others)}" if others else "")


def asked_properties(tool: Tool, question: str) -> list[str]:
    """Return the tool's properties that the question names in the tool's own words for them, in the tool's order.

    Plurals and punctuation do not matter. Where wordings overlap the longest holds: 'exact mass' does not ask for 'mass'.
    """
    text = _plain(question)
    spans: list[tuple[int, int, str]] = []
    for name, pattern in _wordings(tuple(tool.properties.items())):
        spans += [(m.start(), m.end(), name) for m in pattern.finditer(text)]
    asked = {
        name
        for start, end, name in spans
        if not any(a < end and start < b and b - a > end - start for a, b, _ in spans)
    }
    return [name for name in tool.properties if name in asked]


@functools.lru_cache(maxsize=256)
def _wordings(properties: tuple[tuple[str, str], ...]) -> list[tuple[str, re.Pattern[str]]]:
    """Return a pattern for each wording of each property."""
    return [
        (name, re.compile(rf"(?<!\w){words}(?!\w)"))
        for name, wording in properties
        for words in {_plain(w) for w in (name.replace("_", " "), *wording.split(","))} - {""}
    ]


def _plain(text: str) -> str:
    """Return the words of a text in lower case and in the singular, punctuation left out."""
    words = re.findall(r"[a-z0-9]+", re.sub(r"['’]s\b", "", text.lower()))
    return " ".join(w[:-1] if re.search(r"[a-z]{2}[^s]s$", w) else w for w in words)
