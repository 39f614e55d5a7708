"""Training the router: questions are generated from what the tools say of themselves and from a file of phrasings."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

from benchmate.agents.intake import Candidate
from benchmate.agents.router import KINDS, MASKS, NONE, Weights, features, kind_counts, mask
from benchmate.runtime.canonical import digest
from benchmate.tools.base import Tool
from benchmate.tools.intake import find_candidates
from benchmate.tools.registry import Registry

PHRASES = Path(__file__).with_name("router_phrases.yaml")
SEED = 20260101
PROPERTY_FORMS = (
    "what is the {property} of {subject}", "{property} of {subject}", "calculate the {property} for {subject}",
    "{subject} {property}", "how large is the {property} of {subject}", "I need the {property} of {subject}",
    "which of {subject}, {subject} and {subject} has the highest {property}", "compare the {property} of {subject} and {subject}",
)  # fmt: skip
COURTESIES = (
    "{}",
    "{}?",
    "please {}",
    "can you tell me {}?",
    "quick question: {}",
    "hi, {}",
    "{} please",
    "for my notes: {}",
)
SUBJECTS = {"compound": ("compound",), "sequence": ("dna", "protein")}


def phrases() -> dict[str, list[str]]:
    """Return the phrasings by tool (and for `none`), with {compound}, {dna}, {number} … where a subject stands."""
    from ruamel.yaml import YAML

    loaded: dict[str, list[str]] = YAML(typ="safe", pure=True).load(PHRASES)
    return loaded


def fingerprint(registry: Registry) -> str:
    """Return a digest of all that the router learns from: it is trained anew when this changes."""
    return digest(
        "router", registry.fingerprint, phrases(), MASKS, KINDS, PROPERTY_FORMS, COURTESIES, SEED, length=16
    )


def questions(registry: Registry) -> Iterator[tuple[str, list[int], str]]:
    """Yield (masked text, kind counts, tool) for training."""
    rng = random.Random(SEED)
    written = phrases()
    for name, tool in registry.offered.items():
        forms = [fill_form(form) for form in (*written.get(name, ()), *_property_forms(tool, rng))]
        forms += [(mask(text, found := _candidates(text)), kind_counts(found)) for text in tool.examples]
        for text, counts in forms:
            for _ in range(2):
                yield rng.choice(COURTESIES).format(text), counts, name
    for form in written[NONE]:
        text, counts = (
            fill_form(form) if "{" in form else (mask(form, found := _candidates(form)), kind_counts(found))
        )
        for _ in range(2):
            yield rng.choice(COURTESIES).format(text), counts, NONE


def _candidates(text: str) -> list[Candidate]:
    return [Candidate.model_validate(c) for c in find_candidates(text)]


def fill_form(form: str) -> tuple[str, list[int]]:
    """Return a phrasing with its slots masked, and what it holds."""
    slots = re.findall(r"\{(\w+)\}", form)
    text = re.sub(r"\{(\w+)\}", lambda m: MASKS[m[1]], form)
    return text, [min(3, slots.count(kind)) for kind in KINDS]


def _property_forms(tool: Tool, rng: random.Random) -> Iterator[str]:
    kinds = [
        k
        for n, kind in tool.entity_arguments.items()
        if n in tool.schema.get("required", [])
        for k in SUBJECTS[kind]
    ]
    if not kinds:
        return
    if tool.domain == "biology" and len(kinds) > 1:
        kinds = ["protein"] if "protein" in tool.name else ["dna"] if "dna" in tool.name else kinds
    for name, wording in tool.properties.items():
        for words in dict.fromkeys([name.replace("_", " "), *(w.strip() for w in wording.split(","))]):
            for form in rng.sample(PROPERTY_FORMS, 3):
                yield form.format(property=words, subject="{" + rng.choice(kinds) + "}")


def train(registry: Registry) -> Weights:
    """Return a router trained on the generated questions: multinomial logistic regression, seconds on one core."""
    from sklearn.linear_model import LogisticRegression

    rows = list(dict.fromkeys((text, tuple(counts), label) for text, counts, label in questions(registry)))
    inputs = features([r[0] for r in rows], [list(r[1]) for r in rows])
    model = LogisticRegression(C=20.0, max_iter=2000, class_weight="balanced").fit(
        inputs, [r[2] for r in rows]
    )
    return Weights(tuple(model.classes_.tolist()), model.coef_, model.intercept_, fingerprint(registry))
