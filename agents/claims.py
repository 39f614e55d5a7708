"""From evidence to claims: what a call's result lets us state, in words made by templates."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator

from benchmate.agents.contracts import Claim, Subject, claim_id
from benchmate.agents.wording import numeric_sentence, plain_sentence, quote_sentence, subject_of, words_for
from benchmate.runtime.evidence import Evidence
from benchmate.runtime.quantity import Quantity
from benchmate.tools.base import Tool

HEADLINE = 6  # properties stated when nobody says which


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
            yield numeric_claim(evidence, task, key, quantity)
    value = evidence.result.data.get(name)
    if not found and isinstance(value, (str, bool)) and value != "":
        yield categorical_claim(tool, evidence, task, name, value)


def numeric_claim(evidence: Evidence, task: str, key: str, quantity: Quantity) -> Claim:
    """Return the claim of one quantity."""
    entity = subject_of(evidence, key)
    return Claim(
        id=claim_id(task, entity.key if entity else evidence.call_key, key),
        text=numeric_sentence(evidence, key, quantity, entity.label if entity else None),
        kind="numeric",
        property=quantity.property,
        value=quantity.value,
        unit=quantity.unit,
        subject=Subject(key=entity.key, label=entity.label) if entity else None,
        cites=(evidence.cite(f"/quantities/{key}"),),
        task=task,
        labels=evidence.result.labels,
    )


def categorical_claim(tool: Tool, evidence: Evidence, task: str, name: str, value: str | bool) -> Claim:
    """Return the claim of one text or yes/no value in a result's data."""
    entity = subject_of(evidence)
    return Claim(
        id=claim_id(task, entity.key if entity else evidence.call_key, name),
        text=plain_sentence(words_for(tool, name), value, entity.label if entity else None),
        kind="categorical",
        property=name,
        value=value,
        subject=Subject(key=entity.key, label=entity.label) if entity else None,
        cites=(evidence.cite(f"/data/{name}"),),
        task=task,
        labels=evidence.result.labels,
    )


def quote_claims(evidence: Evidence, task: str) -> list[Claim]:
    """Return one claim per passage that a search found: the words stand in the library at that place, no more."""
    claims = []
    for index, passage in enumerate(evidence.result.data.get("passages", [])):
        claims.append(
            Claim(
                id=claim_id(task, evidence.call_key, "passage", index),
                text=quote_sentence(passage),
                kind="quote",
                value=passage["text"],
                cites=(evidence.cite(f"/data/passages/{index}/text"),),
                task=task,
                labels=evidence.result.labels,
            )
        )
    return claims


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
