"""Whether the tools can answer: each question of a list by the calls that a person would make, without any model.

Run: `python benchmarks/instruments.py [--misses]`. `data/questions.jsonl` holds questions with their answers and sources;
`data/calls.yaml` holds for each the calls and where in their results the answer stands (`highest`: of the call with the highest
value there), or the error that is the answer. A path is as
in a citation: `quantities/logp`, `data/formula`; `1:data/x` is the second call's.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmate.runtime.errors import BenchmateError
from benchmate.runtime.quantity import Quantity
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.registry import load_registry

DATA = Path(__file__).parent / "data"
EXACT = 1e-9  # relative, where a question gives no tolerance
PINT = {"A^2": "angstrom**2", "M^-1 cm^-1": "L/mol/cm", "mAh/g": "mA*hour/g", "g/cm3": "g/cm**3", "C": "degC", "Msun": "solar_mass",
        "d": "day", "%": "percent", "eV": "eV"}  # fmt: skip


def answer(question: Mapping[str, Any], entry: Mapping[str, Any], context: ToolContext) -> tuple[bool, str]:
    """Return whether the calls give the question's answer, and what they gave."""
    results: list[ToolResult] = []
    try:
        for call in entry["calls"]:
            tool = load_registry()[call["tool"]]
            results.append(tool.run(tool.validate(call.get("with", {})), context))
    except BenchmateError as error:
        return entry.get("error") == error.code, f"{error.code}: {error}"
    if "error" in entry:
        return False, "no error was raised"
    if highest := entry.get("highest"):
        results = [max(results, key=lambda r: value_at([r], highest, {}))]
    wanted, tolerance = question["answer"], question.get("tolerance")
    path = entry["answer"]
    if isinstance(path, Mapping):
        found = {key: value_at(results, where, question) for key, where in path.items()}
        if "equals" in entry:
            return all(same(entry["equals"][k], found[k], None, question["type"]) for k in found), str(found)
        limits = tolerance if isinstance(tolerance, Mapping) else {}
        right = all(same(wanted[k], found.get(k), limits.get(k), "number") for k in wanted)
        return right, str(found)
    if isinstance(path, list):
        found_all = [value_at(results, where, question) for where in path]
        return all(same(w, f, tolerance, "number") for w, f in zip(wanted, found_all, strict=True)), str(
            found_all
        )
    found_one = value_at(results, path, question)
    wanted = entry.get("equals", wanted)
    return same(wanted, found_one, tolerance, question["type"]), str(found_one)


def value_at(results: Sequence[ToolResult], path: str, question: Mapping[str, Any]) -> Any:
    """Return what stands at a path: a number in the question's unit, or plain data."""
    number, _, rest = path.rpartition(":")
    node: Any = results[int(number or 0)]
    parts = rest.split("/")
    if parts[0] == "quantities":
        quantity: Quantity = node.quantities[parts[1]]
        unit = question.get("unit")
        return quantity.to(PINT.get(unit, unit)).value if unit and quantity.unit else quantity.value
    node = node.model_dump(mode="json")
    for part in parts:
        node = node[int(part)] if isinstance(node, list) else node[part]
    return node


def same(wanted: Any, found: Any, tolerance: Any, kind: str) -> bool:
    """Return whether a found value is the wanted one, by the question's type."""
    if kind == "smiles":
        return canonical(wanted) == canonical(found)
    if kind == "any_of_smiles_sets":
        given = {canonical(s) for s in found} if isinstance(found, list) else set()
        return any(given == {canonical(s) for s in option} for option in wanted)
    if isinstance(wanted, bool) or isinstance(found, bool):
        return bool(wanted) == bool(found)
    if isinstance(wanted, (int, float)):
        if not isinstance(found, (int, float)):
            return False
        limit = float(tolerance) if isinstance(tolerance, (int, float)) else abs(wanted) * EXACT
        return math.isclose(wanted, found, rel_tol=0, abs_tol=max(limit, 1e-12))
    if isinstance(wanted, str):
        left, right = str(wanted).casefold(), str(found).casefold()
        return left == right or (kind == "number" and left in right)
    return bool(wanted == found)


def canonical(smiles: Any) -> str:
    from rdkit import Chem

    return str(Chem.CanonSmiles(smiles)) if isinstance(smiles, str) else repr(smiles)


def main() -> None:
    from ruamel.yaml import YAML

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--misses", action="store_true", help="print what the wrong ones gave")
    arguments = parser.parse_args()
    questions = [json.loads(line) for line in (DATA / "questions.jsonl").read_text("utf-8").splitlines()]
    calls = YAML(typ="safe", pure=True).load(DATA / "calls.yaml")
    offline = [q for q in questions if not q.get("needs_network")]
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        from benchmate.runtime.settings import load_settings

        context = ToolContext(
            cache_dir=load_settings().cache_dir, artifact_dir=Path(folder), library_folder=Path(folder)
        )
        for question in offline:
            entry = calls.get(question["id"])
            right, said = answer(question, entry, context) if entry else (False, "no calls are known")
            counts[question["domain"]][0] += right
            counts[question["domain"]][1] += 1
            if arguments.misses and not right:
                print(
                    f"{question['id']}: {question['question'][:100]}\n    wanted {question['answer']}, got {said}"
                )
    for domain, (right, total) in counts.items():
        print(f"{domain:22} {right:3} of {total}")
    right, total = (sum(c[i] for c in counts.values()) for i in (0, 1))
    print(
        f"{'all offline':22} {right:3} of {total} = {100 * right / total:.1f} %, {time.perf_counter() - began:.1f} s"
    )


if __name__ == "__main__":
    main()
