"""The router: which tools a question could mean. A linear classifier over sentence embeddings, words and what the text holds."""

from __future__ import annotations

import functools
import itertools
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmate.agents.arguments import fits, kind_of
from benchmate.agents.intake import Candidate
from benchmate.agents.measures import question_offset
from benchmate.runtime.calls import Call, record_call
from benchmate.runtime.context import RunContext, TaskScope
from benchmate.runtime.errors import NotFound
from benchmate.tools.base import Tool
from benchmate.tools.registry import Registry, load_registry

NONE = "none"  # the class of questions that no tool answers
MASKS = {
    "name": "the compound", "structure": "the structure", "dna": "the DNA sequence", "rna": "the RNA sequence",
    "protein": "the protein sequence", "equation": "the reaction equation", "number": "some amount", "unit": "a unit",
    "document": "my documents", "file": "the data file", "numbers": "the list of numbers", "time": "the date and time",
    "reaction": "the reaction SMILES", "formula": "the chemical formula", "expression": "the expression",
    "column": "a column", "position": "the sky position",
}  # fmt: skip
KINDS = tuple(MASKS)
SEARCH = "search_library"
_POINTING = re.compile(
    r"\b(?:it|its|they|them|their|these|those|both|(?:this|that|these|those|the same) "
    r"(?:name|compound|molecule|drug|structure|substance|sequence|peptide|protein|oligo|primer|reaction|equation|one)s?|that|this)\b",
    re.I,
)
WORDS = 1024  # places that words and pairs of words are hashed to
SHORTLIST = 3
CLOSE = 0.5  # tools at least this likely, relative to the best, are shortlisted
LEAST = 0.3  # a tool less likely than this is not called
DOUBT = 1.5  # how much likelier than `none` the best tool must be: a wrong answer is worse than no answer
SHIPPED = Path(__file__).with_name("router_weights.npz")


class Weights(NamedTuple):
    """A trained router: `coefficients` [classes, features], `intercepts` [classes]."""

    classes: tuple[str, ...]
    coefficients: Any
    intercepts: Any
    fingerprint: str


def mask(text: str, candidates: Sequence[Candidate]) -> str:
    """Return the text with its subjects replaced by what they are, so that wording alone is left."""
    borrowed = [MASKS[k] for c in candidates if c.start < 0 and (k := kind_of(c)) in MASKS]
    masked_from = len(text) + 1
    for candidate in sorted((c for c in candidates if c.start >= 0), key=lambda c: (-c.start, c.end)):
        if (kind := kind_of(candidate)) in MASKS and candidate.end <= masked_from:
            masked_from = candidate.start
            text = f"{text[: candidate.start]} {MASKS[kind]} {text[candidate.end :]}"
    if borrowed:  # subjects that stand elsewhere: they are what a pronoun here means
        subject = " and ".join(borrowed)
        text, replaced = _POINTING.subn(subject, text, count=1)
        text = text if replaced else f"{text.rstrip('?. ')}: {subject}"
    return re.sub(r"\s+(?=[,.;:?!)])", "", " ".join(text.split()))


def kind_counts(candidates: Sequence[Candidate]) -> list[int]:
    """Return how many different candidates of each kind there are, up to three."""
    found = {(kind_of(c), c.text) for c in candidates}
    return [min(3, sum(own == kind for own, _ in found)) for kind in KINDS]


def features(texts: Sequence[str], counts: Sequence[Sequence[int]]) -> Any:
    """Return the classifier's input `[texts, 384 + 2 × kinds + WORDS]`.

    That is the sentence embedding, which kinds of subjects there are and how many, and which words and pairs of words.
    """
    import numpy as np

    from benchmate.tools.library.embedding import embed

    held = np.asarray(counts, dtype=np.float32)
    words = np.zeros((len(texts), WORDS), dtype=np.float32)
    for row, text in zip(words, texts, strict=True):
        for group in _word_groups(text):
            row[zlib.crc32(group.encode()) % WORDS] += 1
        row /= max(float(np.linalg.norm(row)), 1.0)
    return np.hstack([embed(list(texts)), 0.5 * (held > 0), 0.25 * np.maximum(held - 1, 0), words])


def _word_groups(text: str) -> set[str]:
    words = re.findall(r"[a-z0-9%]+", text.lower())
    return {*words, *(f"{a} {b}" for a, b in itertools.pairwise(words))}


def scores(weights: Weights, text: str, counts: Sequence[int]) -> dict[str, float]:
    """Return the probability of each tool and of `none`."""
    import numpy as np

    logits = weights.coefficients @ features([text], [counts])[0] + weights.intercepts
    exponents = np.exp(logits - logits.max())
    return dict(zip(weights.classes, (exponents / exponents.sum()).tolist(), strict=True))


def save(weights: Weights, path: Path) -> None:
    """Write a trained router."""
    import numpy as np

    path.parent.mkdir(parents=True, exist_ok=True)
    head = json.dumps({"classes": weights.classes, "fingerprint": weights.fingerprint})
    np.savez_compressed(
        path,
        head=head,
        coefficients=weights.coefficients.astype("float16"),
        intercepts=weights.intercepts.astype("float32"),
    )


def read(path: Path) -> Weights:
    """Return a trained router from a file (no pickles)."""
    import numpy as np

    with np.load(path, allow_pickle=False) as stored:
        head = json.loads(str(stored["head"]))
        return Weights(
            tuple(head["classes"]), stored["coefficients"], stored["intercepts"], head["fingerprint"]
        )


@functools.cache
def _weights(cache: Path, registry: Registry) -> Weights:
    """Return the router for the installed tools: the shipped one, a cached one, or one trained now."""
    from benchmate.agents.router_training import fingerprint, train

    wanted = fingerprint(registry)
    cached = cache / "router" / f"{wanted}.npz"
    for path in (SHIPPED, cached):
        if path.is_file() and (found := read(path)).fingerprint == wanted:
            return found
    save(train(registry), cached)
    return read(cached)


async def route(
    context: RunContext,
    scope: TaskScope,
    question: str,
    candidates: Sequence[Candidate],
    tools: Mapping[str, Tool],
) -> list[str]:
    """Return the tools among `tools` that the question could mean, likeliest first; empty when none does.

    A question about one's own documents means a search. The scores are recorded as a model call. Raises NotFound (`no_subject`) when the likeliest tool lacks its subject.
    """
    registry = load_registry()
    if SEARCH in tools and _asks_documents(candidates):
        return [SEARCH]
    own = [c for c in candidates if c.start >= 0]
    offset = question_offset(question, own)
    local = [c.model_copy(update={"start": c.start - offset, "end": c.end - offset}) for c in own]
    local += [c for c in candidates if c.start < 0]
    text, counts = mask(question, local), kind_counts(candidates)
    arguments = {"text": text, "counts": counts, "tools": registry.fingerprint}

    async def run() -> dict[str, Any]:
        found = scores(_weights(context.settings.cache_dir, registry), text, counts)
        return {"scores": {k: round(v, 6) for k, v in found.items()}}

    result = (await record_call(context, scope, Call("model", "router", "1", arguments), run)).result
    found: dict[str, float] = result["scores"]
    ranked = sorted((n for n in found if n in tools), key=lambda n: -found[n])
    if not ranked or found[ranked[0]] < max(LEAST, DOUBT * found[NONE]):
        return []
    best = ranked[0]
    close = [n for n in ranked[:SHORTLIST] if found[n] >= CLOSE * found[best]]
    if not (fitting := [n for n in close if fits(tools[n], candidates, question)]):
        needs = ", ".join(tools[best].schema.get("required", []))
        raise NotFound(
            "no_subject",
            f"this reads like a question for {best}, but the text holds nothing it could take as {needs}",
            hint="write the name as in a catalogue, or the structure as SMILES, or the sequence in one-letter codes",
        )
    return fitting


def _asks_documents(candidates: Sequence[Candidate]) -> bool:
    """Return whether a text is put to one's own documents, and holds nothing that is only for calculating."""
    kinds = [c.kind for c in candidates]
    return "document" in kinds and "equation" not in kinds and kinds.count("unit") < 2
