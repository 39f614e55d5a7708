"""Training the router: questions are generated from what the tools say of themselves and from a file of phrasings.

`python -m benchmate.agents.router_training` trains it for the installed tools and writes the weights that ship.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmate.agents.intake import Candidate
from benchmate.agents.router import (
    KINDS,
    MASKS,
    NONE,
    SHIPPED,
    WORDS,
    Weights,
    features,
    kind_counts,
    mask,
    save,
)
from benchmate.runtime.canonical import digest
from benchmate.tools.base import Tool
from benchmate.tools.intake import find_candidates, find_documents
from benchmate.tools.registry import Registry, load_registry

PHRASES = Path(__file__).with_name("router_phrases")  # a folder: one file for each group of tools
SEED = 20260101
STRENGTH = 30.0  # inverse of the regularisation
STRUCTURE_FORMS = (
    "{structure}",
    "the SMILES {structure}",
    "the compound with SMILES {structure}",
    "the molecule {structure}",
)
SWAPPED = 0.35  # share of the phrasings repeated with a structure for a compound's name, with RNA for DNA
PROPERTY_FORMS = (
    "what is the {property} of {subject}", "{property} of {subject}", "calculate the {property} for {subject}",
    "{subject} {property}", "how large is the {property} of {subject}", "I need the {property} of {subject}",
    "which of {subject}, {subject} and {subject} has the highest {property}", "compare the {property} of {subject} and {subject}",
)  # fmt: skip
COURTESIES = (
    "{}?", "{}?", "{}?", "please {}", "can you tell me {}?", "quick question: {}", "hi, {}", "{} please", "for my notes: {}", "could you tell me {}?",
    "I want to know {}", "hello! {} Thanks.",
)  # fmt: skip


class Example(NamedTuple):
    """A masked question, how many subjects of each kind it holds, its tool, and the phrasing it comes from."""

    text: str
    counts: tuple[int, ...]
    tool: str
    phrasing: str


def phrases() -> dict[str, Any]:
    """Return the phrasings by tool (and for `none`), with {compound}, {dna}, {number} … where a subject stands.

    Under `unanswered` are the properties, by kind of subject, that no tool gives.
    """
    from ruamel.yaml import YAML

    merged: dict[str, Any] = {}
    for path in sorted(PHRASES.glob("*.yaml")):
        for name, forms in YAML(typ="safe", pure=True).load(path).items():
            if isinstance(forms, list):
                merged.setdefault(name, []).extend(forms)
            else:
                merged.setdefault(name, {}).update(forms)
    return merged


def fingerprint(registry: Registry) -> str:
    """Return a digest of all that the router learns from: it is trained anew when this changes."""
    settings = [MASKS, WORDS, PROPERTY_FORMS, COURTESIES, SEED, STRENGTH, SWAPPED, STRUCTURE_FORMS]
    written = [path.read_text("utf-8") for path in sorted(PHRASES.glob("*.yaml"))]
    return digest("router", registry.fingerprint, written, settings, length=16)


def examples(registry: Registry) -> Iterator[Example]:
    """Yield what the router learns: every phrasing plain, and once more as a question or with courtesy."""
    rng = random.Random(SEED)
    written = phrases()
    owners = _owners(registry)
    for name, tool in (*registry.offered.items(), (NONE, None)):
        takes_structures = tool is None or "compound" in tool.entity_arguments.values()
        for form in written.get(name, ()):
            yield from _variants(form, *fill_form(form), name, rng)
            swapped = _swap(form, takes_structures, rng)
            if swapped != form and rng.random() < SWAPPED:
                yield from _variants(form, *fill_form(swapped), name, rng)
        for text in tool.examples if tool else ():
            found = [Candidate.model_validate(c) for c in find_candidates(text)]
            yield from _variants(text, mask(text, found), kind_counts(found), name, rng)
        asked = _properties(tool) if tool else written["unanswered"].items()
        for kind, properties in asked:
            for words in properties:
                if tool and owners[kind, words.lower()] != name:
                    continue  # another tool is asked for this by its name alone
                for form in rng.sample(PROPERTY_FORMS, 3 if tool else 2):
                    filled = form.format(property=words, subject="{" + kind + "}")
                    if rng.random() < SWAPPED:
                        filled = _swap(filled, takes_structures, rng)
                    masked, counts = fill_form(filled)
                    yield Example(masked, tuple(counts), name, words)


def _swap(form: str, takes_structures: bool, rng: random.Random) -> str:
    """Return a phrasing with RNA for DNA and, where that makes sense, a structure for a compound's name."""
    form = form.replace("{dna}", "{rna}")
    return form.replace("{compound}", rng.choice(STRUCTURE_FORMS)) if takes_structures else form


def _variants(
    phrasing: str, text: str, counts: list[int], tool: str, rng: random.Random
) -> Iterator[Example]:
    plain = text.rstrip("?")
    for variant in (plain, rng.choice(COURTESIES).format(plain)):
        yield Example(variant, tuple(counts), tool, phrasing)


def fill_form(form: str) -> tuple[str, list[int]]:
    """Return a phrasing with its slots masked, and what it holds."""
    for found in sorted(find_documents(form), reverse=True):
        form = f"{form[: found.start]}{{document}}{form[found.end :]}"
    slots = ["name" if slot == "compound" else slot for slot in re.findall(r"\{(\w+)\}", form)]
    text = re.sub(r"\{(\w+)\}", lambda m: MASKS["name" if m[1] == "compound" else m[1]], form)
    return text, [min(3, slots.count(kind)) for kind in KINDS]


def _properties(tool: Tool) -> Iterator[tuple[str, list[str]]]:
    """Yield each kind of subject the tool takes, and the words for the properties it gives."""
    words = [
        spelled.strip()
        for name, wording in tool.properties.items()
        for spelled in (name.replace("_", " "), *wording.split(","))
    ]
    kinds = [k for n in tool.schema.get("required", []) if (k := tool.entity_arguments.get(n))]
    for kind in dict.fromkeys(kinds):
        if kind == "sequence":
            kind = "protein" if "protein" in f"{tool.name} {tool.summary}".lower() else "dna"
        yield kind, list(dict.fromkeys(words))


def _owners(registry: Registry) -> dict[tuple[str, str], str]:
    """Return which tool is meant by a property's words alone, where several give it: one about a single subject, with most properties."""
    owners: dict[tuple[str, str], tuple[tuple[bool, int], str]] = {}
    for name, tool in registry.offered.items():
        required = tool.schema.get("required", [])
        single = len(required) == 1 and tool.schema["properties"][required[0]].get("type") != "array"
        rank = (single, len(tool.properties))
        for kind, properties in _properties(tool):
            for words in properties:
                key = (kind, words.lower())
                if key not in owners or rank > owners[key][0]:
                    owners[key] = (rank, name)
    return {key: name for key, (_, name) in owners.items()}


def train(registry: Registry) -> Weights:
    """Return a router trained on the generated questions: multinomial logistic regression."""
    rows = list(dict.fromkeys(examples(registry)))
    classes, coefficients, intercepts = fit(
        features([r.text for r in rows], [r.counts for r in rows]), [r.tool for r in rows]
    )
    return Weights(classes, coefficients, intercepts, fingerprint(registry))


def fit(inputs: Any, tools: list[str]) -> tuple[tuple[str, ...], Any, Any]:
    """Return the classes, the coefficients `[classes, features]` and the intercepts `[classes]`."""
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # threads that wait for one another on a busy machine take ten times as long
        model = LogisticRegression(C=STRENGTH, max_iter=1000, class_weight="balanced").fit(inputs, tools)
    return tuple(model.classes_.tolist()), model.coef_, model.intercept_


if __name__ == "__main__":
    trained = train(load_registry())
    save(trained, SHIPPED)
    print(
        f"{SHIPPED.name}: {SHIPPED.stat().st_size / 1000:.0f} kB, {len(trained.classes)} classes, {trained.fingerprint}"
    )
