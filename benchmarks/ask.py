"""How often `ask` makes the right call, answers right, or says honestly that it cannot; and how long a question takes.

Run: `python benchmarks/ask.py FILE.jsonl [--misses]`. A line holds `question`, `tool` (null: no tool here can answer), the call's
`arguments` and, where a value is asked for, `property` and `expected` (value, unit, tolerance). All questions are asked in one process
of one warm model, by the profile in force. The call that counts is the first of a plan's task in the run's journal.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import re
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmate.app.runs import RunOutcome, execute
from benchmate.model.factory import make_engine
from benchmate.runtime.errors import BenchmateError
from benchmate.runtime.journal import open_existing
from benchmate.runtime.quantity import convert, parse_unit
from benchmate.runtime.settings import load_settings
from benchmate.tools.base import Tool
from benchmate.tools.chemistry.compounds import resolve_compound
from benchmate.tools.registry import load_registry
from benchmate.tools.units import read_unit

CANNOT = re.compile(
    r"no_(?:tool|other_tool|subject)|unknown_.*|ambiguous_.*|invalid_.*"
)  # error codes of an honest no
TOLERANCE = 1e-3  # relative, where a question gives none
WRITTEN_UNITS = {
    "A": "angstrom",
    "A^2": "angstrom**2",
    "A**2": "angstrom**2",
    "A^3": "angstrom**3",
}  # not ampere
_ARROW = re.compile(r"-->|->|→|⟶|=>|⇌|<=>|=")


class Score(NamedTuple):
    """What became of one question. None: it does not ask for that."""

    seconds: float
    tool: bool | None
    arguments: bool | None
    value: bool | None
    honest: bool | None
    saw: str

    @property
    def missed(self) -> bool:
        return False in (self.tool, self.arguments, self.value, self.honest)


async def ask_all(questions: Sequence[Mapping[str, Any]], out: Path) -> list[Score]:
    """Ask every question in turn."""
    settings = load_settings()
    engine = make_engine(settings)
    scores = []
    try:
        for item in questions:
            begun = time.perf_counter()
            try:
                outcome = await execute(question=item["question"], out=out, settings=settings, engine=engine)
            except BenchmateError as error:
                scores.append(refused(item, error, time.perf_counter() - begun))
            else:
                scores.append(score(item, outcome, time.perf_counter() - begun))
    finally:
        await engine.aclose()
    return scores


def refused(item: Mapping[str, Any], error: BenchmateError, seconds: float) -> Score:
    """Return the score of a question that ended in an error: right where no tool can answer, and the error says so."""
    if item["tool"] is None:
        return Score(seconds, None, None, None, bool(CANNOT.fullmatch(error.code)), f"{error.code}: {error}")
    value = False if item.get("expected") is not None else None
    return Score(seconds, False, False, value, None, f"{error.code}: {error}")


def score(item: Mapping[str, Any], outcome: RunOutcome, seconds: float) -> Score:
    """Return the score of one question from its run."""
    made = first_call(outcome.folder)
    saw = f"{made[0]} {json.dumps(made[1], ensure_ascii=False)}" if made else "no call"
    saw += f"; {outcome.status}: {' '.join(outcome.answer.split())}"
    if item["tool"] is None:
        return Score(seconds, None, None, None, is_honest_no(outcome), saw)
    right_tool = made is not None and made[0] == item["tool"]
    right_arguments = False
    if made is not None and right_tool and item.get("arguments") is not None:
        right_arguments = same_arguments(load_registry()[made[0]], item["arguments"], made[1])
    value = None
    if item.get("property") and item.get("expected") is not None:
        value = states(outcome, item["property"], item["expected"])
    return Score(
        seconds, right_tool, right_arguments if item.get("arguments") is not None else None, value, None, saw
    )


def first_call(folder: Path) -> tuple[str, dict[str, Any]] | None:
    """Return the first tool call of a task of the plan: its name and arguments."""
    journal = open_existing(folder)
    try:
        plan = journal.last("plan.set")
        tasks = {task["id"] for task in plan.body["tasks"]} if plan else set()
        for record in journal.records("call.started"):
            if record.body["type"] == "tool" and record.task in tasks:
                return record.body["name"], record.body["arguments"]
    finally:
        journal.close()
    return None


def is_honest_no(outcome: RunOutcome) -> bool:
    """Return whether a run states nothing, failed, and says that no tool or subject was found."""
    report = outcome.report
    codes = [failure.error.code for failure in report.failures] if report else []
    stated = bool(report and report.claims)
    return not stated and outcome.status == "failed" and bool(codes) and all(map(CANNOT.fullmatch, codes))


# --- comparing ------------------------------------------------------------------------------------------------------


def same_arguments(tool: Tool, wanted: Mapping[str, Any], made: Mapping[str, Any]) -> bool:
    """Return whether two calls of a tool mean the same. What a question leaves open has the tool's default."""
    try:
        wanted = tool.validate(wanted)
    except BenchmateError:
        return False
    with contextlib.suppress(
        BenchmateError
    ):  # a call that was refused stands in the journal as it was asked for
        made = tool.validate(made)
    if wanted.keys() != made.keys():
        return False
    left, right = dict(wanted), dict(made)
    if tool.name == "calculate":  # '… in mg' and the unit mg are one request
        left, right = (
            {**side, "calculation": f"{side['calculation']} in {side['unit']}", "unit": None}
            if side.get("unit")
            else side
            for side in (left, right)
        )
    if tool.name == "compare_similarity" and len(left["targets"]) == len(right["targets"]) == 1:
        pairs = [{compound_key(side["query"]), compound_key(side["targets"][0])} for side in (left, right)]
        if pairs[0] != pairs[1]:
            return False
        left, right = (
            {k: v for k, v in side.items() if k not in ("query", "targets")} for side in (left, right)
        )
    columns = {n for n, schema in tool.schema["properties"].items() if "column" in schema}
    return all(
        same("column" if n in columns else tool.entity_arguments.get(n), n, left[n], right[n]) for n in left
    )


def same(kind: str | None, name: str, wanted: Any, made: Any) -> bool:
    """Return whether two values of one argument mean the same."""
    if wanted is None or made is None:
        return wanted is made
    if kind == "file" and not isinstance(wanted, list):
        return file_name(wanted) == file_name(made)
    if (
        name == "groups" and isinstance(wanted, dict) and isinstance(made, dict)
    ):  # what they are called is free
        return list(wanted.values()) == list(made.values())
    if isinstance(wanted, list) and isinstance(made, list):
        return len(wanted) == len(made) and all(
            same(kind, name, w, m) for w, m in zip(wanted, made, strict=True)
        )
    if kind == "compound" or name in ("structure", "name"):
        return compound_key(wanted) == compound_key(made)
    if kind == "sequence":
        return sequence_text(wanted) == sequence_text(made)
    if isinstance(wanted, (int, float)) and isinstance(made, (int, float)):
        return math.isclose(float(wanted), float(made), rel_tol=1e-9)
    if kind == "column":  # 'sepal width' is what the header calls 'sepal width (cm)'
        return column_name(wanted) == column_name(made)
    if name.endswith("_unit"):
        return same_unit(str(wanted), str(made))
    if name == "equation":
        return equation_text(str(wanted)) == equation_text(str(made))
    if name == "expression" and isinstance(wanted, str) and isinstance(made, str):
        return re.sub(r"\s", "", wanted) == re.sub(r"\s", "", made)
    if isinstance(wanted, str) and isinstance(made, str):
        return " ".join(wanted.split()).casefold() == " ".join(made.split()).casefold()
    return bool(wanted == made)


def file_name(given: Any) -> str:
    """Return what a file is called: the run keeps a path as the file's name and its hash."""
    if isinstance(given, dict):
        return str(given["name"])
    if given.startswith("sample:"):
        from benchmate.tools.samples import SAMPLES

        return SAMPLES[given.removeprefix("sample:")].name
    return Path(given).name


def column_name(given: Any) -> str:
    """Return a column's name without the unit in brackets after it."""
    return re.sub(r"\s*[(\[][^()\[\]]*[)\]]$", "", str(given)).strip().casefold()


def compound_key(given: Any) -> str:
    """Return a compound's InChIKey, or the text it was given as where that means no compound."""
    try:
        compound = resolve_compound(given)
    except BenchmateError:
        text = given if isinstance(given, str) else given.get("smiles") or given.get("name") or str(given)
        return " ".join(text.split()).casefold()
    return compound.inchikey or compound.smiles


def sequence_text(given: Any) -> str:
    """Return a sequence's letters."""
    text = given if isinstance(given, str) else given["sequence"]
    lines = [line for line in text.splitlines() if not line.startswith(">")]
    return re.sub(r"\s", "", "".join(lines)).upper()


def same_unit(wanted: str, made: str) -> bool:
    """Return whether two texts name one unit."""
    try:
        left, right = read_unit(wanted), read_unit(made)
    except BenchmateError:
        return wanted.strip() == made.strip()
    return left.difference == right.difference and bool(parse_unit(left.unit) == parse_unit(right.unit))


def equation_text(given: str) -> str:
    """Return an equation without blanks, with one kind of arrow."""
    return _ARROW.sub(">", re.sub(r"\s", "", given))


def states(outcome: RunOutcome, name: str, expected: Any) -> bool:
    """Return whether a claim of the run states the expected value of a property."""
    wanted = expected if isinstance(expected, Mapping) else {"value": expected}
    claims = [c for c in (outcome.report.claims if outcome.report else ()) if c.property == name]
    return any(_is_value(claim.value, claim.unit, wanted) for claim in claims)


def _is_value(value: Any, unit: str | None, wanted: Mapping[str, Any]) -> bool:
    target = wanted["value"]
    if isinstance(target, (str, bool)) or isinstance(value, (str, bool)) or value is None:
        return bool(value == target)
    written = str(wanted.get("unit") or "")
    try:
        actual = convert(
            float(value), unit or "", WRITTEN_UNITS.get(written) or read_unit(written).unit if written else ""
        )
    except BenchmateError:
        return False
    return abs(actual - float(target)) <= wanted.get("tolerance", TOLERANCE * abs(float(target)))


# --- printing -------------------------------------------------------------------------------------------------------


def summary(scores: Sequence[Score]) -> Iterator[str]:
    for words, found in (
        ("right tool", [s.tool for s in scores]),
        ("right tool and arguments", [s.arguments for s in scores]),
        ("right value", [s.value for s in scores]),
        ("honest no", [s.honest for s in scores]),
    ):
        asked = [f for f in found if f is not None]
        if asked:
            yield f"{words:<28}{sum(asked):>5} of {len(asked):<5}{100 * sum(asked) / len(asked):>6.1f} %"
    seconds = [s.seconds for s in scores]
    yield f"{'seconds a question':<28}{median(seconds):>5.1f} median, {max(seconds):.1f} longest, {seconds[0]:.1f} first"


def misses(questions: Sequence[Mapping[str, Any]], scores: Sequence[Score]) -> Iterator[str]:
    for number, (item, found) in enumerate(zip(questions, scores, strict=True), 1):
        if found.missed:
            wrong = [
                name for name in ("tool", "arguments", "value", "honest") if getattr(found, name) is False
            ]
            yield f"{item.get('id', number)}: {item['question']}"
            yield f"    wrong: {', '.join(wrong)}; wanted {item['tool']} {json.dumps(item.get('arguments'), ensure_ascii=False)}"
            yield f"    saw {found.saw}"


def load(path: Path) -> list[dict[str, Any]]:
    """Return the questions of a file; one that says no tool has its call in `calls.yaml` beside the file, or is left out."""
    items = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    if all("tool" in item for item in items):
        return items
    from ruamel.yaml import YAML

    known = YAML(typ="safe", pure=True).load(path.with_name("calls.yaml"))
    called = {k: v["calls"][0] for k, v in known.items() if len(v["calls"]) == 1}
    return [
        {**item, "tool": called[item["id"]]["tool"], "arguments": called[item["id"]].get("with", {})}
        for item in items
        if item["id"] in called
    ]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("file", type=Path)
    options.add_argument("--misses", action="store_true", help="show what went wrong")
    given = options.parse_args()
    questions = load(given.file)
    with tempfile.TemporaryDirectory() as scratch:
        scores = asyncio.run(ask_all(questions, Path(scratch)))
    if given.misses:
        print(*misses(questions, scores), sep="\n")
    print(*summary(scores), sep="\n")
    for domain in dict.fromkeys(q["domain"] for q in questions if "domain" in q):
        own = [s for q, s in zip(questions, scores, strict=True) if q.get("domain") == domain]
        right = [sum(bool(getattr(s, what)) for s in own) for what in ("tool", "arguments")]
        print(f"{domain:22} of {len(own):2}: right tool {right[0]:2}, and arguments {right[1]:2}")


if __name__ == "__main__":
    main()
