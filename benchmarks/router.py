"""How good the question router is: `PYTHONPATH=src python benchmarks/router.py`.

Cross-validation holds out whole phrasings (and whole properties), with all their variants. The development questions in
tests/data/router_dev.jsonl were written before the router saw any, and share no wording with what it learns from.
"""

from __future__ import annotations

import json
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from benchmate.agents.arguments import fits
from benchmate.agents.intake import Candidate
from benchmate.agents.router import (
    CLOSE,
    DOUBT,
    LEAST,
    NONE,
    SHIPPED,
    Weights,
    features,
    kind_counts,
    mask,
    read,
    scores,
)
from benchmate.agents.router_training import examples, fingerprint, fit, phrases
from benchmate.tools.intake import find_candidates
from benchmate.tools.registry import load_registry

QUESTIONS = Path(__file__).parents[1] / "tests/data/router_dev.jsonl"
FOLDS = 5


def main() -> None:
    """Print the figures."""
    registry = load_registry()
    rows = list(dict.fromkeys(examples(registry)))
    start = time.perf_counter()
    inputs = features([r.text for r in rows], [r.counts for r in rows])
    embedded = time.perf_counter()
    tools = np.array([r.tool for r in rows])
    weights = Weights(*fit(inputs, list(tools)), fingerprint(registry))
    fitted = time.perf_counter()
    phrasings = len({r.phrasing for r in rows})
    print(f"training: {len(rows)} questions from {phrasings} phrasings and properties; "
          f"embedding {embedded - start:.1f} s, fitting {fitted - embedded:.1f} s")  # fmt: skip
    _cross_validate(rows, inputs, tools)
    shipped = read(SHIPPED) if SHIPPED.is_file() else None
    if shipped is None or shipped.fingerprint != weights.fingerprint:
        print("the shipped weights are stale: run `python -m benchmate.agents.router_training`")
    else:
        weights = shipped
    _development(weights)


def _cross_validate(rows: list[Any], inputs: Any, tools: Any) -> None:
    fold = np.array([zlib.crc32(r.phrasing.encode()) % FOLDS for r in rows])
    said = np.empty_like(tools)
    for held in range(FOLDS):
        classes, coefficients, intercepts = fit(inputs[fold != held], list(tools[fold != held]))
        said[fold == held] = np.array(classes)[
            (inputs[fold == held] @ coefficients.T + intercepts).argmax(axis=1)
        ]
    written = {form for forms in phrases().values() if isinstance(forms, list) for form in forms}
    whole = np.array([r.phrasing in written for r in rows])
    for name, chosen in (("all", np.ones(len(rows), bool)), ("phrasings", whole)):
        right, of_none = (said == tools)[chosen], (tools == NONE)[chosen]
        print(f"{FOLDS}-fold accuracy ({name}): {right.mean():.3f}; tools {right[~of_none].mean():.3f}, "
              f"none {right[of_none].mean():.3f}")  # fmt: skip


def _development(weights: Weights) -> None:
    registry, rows = load_registry(), [json.loads(line) for line in QUESTIONS.read_text("utf-8").splitlines()]
    right, alone, slowest = {True: 0, False: 0}, 0, 0.0
    for row in rows:
        found = [Candidate.model_validate(c) for c in find_candidates(row["question"])]
        start = time.perf_counter()
        given = scores(weights, mask(row["question"], found), kind_counts(found))
        slowest = max(slowest, time.perf_counter() - start)
        ranked = sorted((n for n in given if n != NONE), key=lambda n: -given[n])
        refused = given[ranked[0]] < max(LEAST, DOUBT * given[NONE])
        listed = [n for n in ranked if given[n] >= CLOSE * given[ranked[0]] and fits(registry[n], found)]
        said = NONE if refused or not listed else listed[0]
        right[row["tool"] == NONE] += said == row["tool"]
        alone += said != NONE and len(listed) == 1
        if said != row["tool"]:
            top = ", ".join(f"{n} {given[n]:.2f}" for n in sorted(given, key=lambda n: -given[n])[:3])
            print(f"  wrong: {row['question']!r} is {row['tool']}, not {said} ({top})")
    none = sum(row["tool"] == NONE for row in rows)
    print(f"development questions: {right[False]}/{len(rows) - none} of those a tool answers ({alone} with one tool alone), "
          f"{right[True]}/{none} of the others; slowest {1000 * slowest:.0f} ms")  # fmt: skip


if __name__ == "__main__":
    main()
