"""Saving a conversation as a workflow: the calls that its turns made, as steps that anybody can run again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmate.agents.contracts import Plan, Report
from benchmate.runtime.artifacts import ArtifactStore
from benchmate.runtime.calls import evidence_in
from benchmate.runtime.errors import InvalidInput, NotFound
from benchmate.runtime.evidence import Evidence
from benchmate.runtime.journal import Journal, open_existing
from benchmate.tools.registry import load_registry
from benchmate.workflows.loader import to_yaml
from benchmate.workflows.schema import SCHEMA, Workflow

OWN = ("intake", "verify", "report")  # what the graph calls for itself


def workflow_of(runs: Sequence[Path], name: str, title: str = "") -> Workflow:
    """Return the workflow whose steps are the tool calls that runs made and reported, each once, with the properties they stated.

    What a follow-up left unsaid is in its call: the steps need no model and no conversation. Raises InvalidInput
    (`nothing_to_save`, `bad_name`), NotFound (`no_such_run`).
    """
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,63}", name):
        raise InvalidInput(
            "bad_name",
            f"{name!r} is no name of a workflow",
            hint="lower-case letters, digits, _ and -, as in my_checks",
        )
    steps: dict[str, dict[str, Any]] = {}
    for folder in runs:
        journal = open_existing(folder)
        try:
            _add_steps(steps, journal, ArtifactStore(folder / "artifacts"))
        finally:
            journal.close()
    if not steps:
        raise InvalidInput("nothing_to_save", "no tool gave a result here", hint="ask something first")
    document = {
        "schema": SCHEMA,
        "name": name,
        "title": title or name.replace("_", " ").capitalize(),
        "steps": list(steps.values()),
    }
    return Workflow.model_validate(document)


def plan_of(folder: Path) -> Plan:
    """Return the plan that a run followed, as it was before the run. Raises NotFound (`no_such_run`, `no_plan`)."""
    journal = open_existing(folder)
    try:
        made = journal.last("plan.set")
    finally:
        journal.close()
    if made is None:
        raise NotFound(
            "no_plan",
            f"{folder.name} followed no plan, or stopped before it had one",
            hint="`benchmate resume` goes on with a run that stopped; a single tool call has no plan",
        )
    store = ArtifactStore(folder / "artifacts")
    return Plan.model_validate(store.get_json(made.body["ref"])).unstarted()


def reported_evidence(folder: Path) -> list[Evidence]:
    """Return the results of the tools that a run called for its tasks. Raises NotFound (`no_such_run`)."""
    journal = open_existing(folder)
    try:
        return list(_reported(journal))
    finally:
        journal.close()


def _reported(journal: Journal) -> Iterator[Evidence]:
    offered = load_registry().offered
    return (e for e in evidence_in(journal) if e.task not in OWN and e.tool in offered)


def _add_steps(steps: dict[str, dict[str, Any]], journal: Journal, store: ArtifactStore) -> None:
    written = journal.last("report.written")
    report = Report.model_validate(store.get_json(written.body["ref"])) if written else None
    paths = {r.body["sha256"]: str(r.body["given"]) for r in journal.records("file.kept")}
    for evidence in _reported(journal):
        if evidence.id in steps:
            continue
        stated = [
            c.property
            for c in (report.claims if report else ())
            if c.property and any(cite.startswith(f"{evidence.id}#") for cite in c.cites)
        ]
        step: dict[str, Any] = {"id": f"{evidence.tool[:50]}_{len(steps) + 1}", "tool": evidence.tool}
        step["with"] = _arguments(evidence, paths)
        if stated:
            step["claims"] = list(dict.fromkeys(stated))
        steps[evidence.id] = step


def _arguments(evidence: Evidence, paths: dict[str, str]) -> dict[str, Any]:
    """Return the arguments as a person writes them: without defaults, files by the paths they were given by."""
    tool = load_registry()[evidence.tool]
    defaults = {n: s.get("default") for n, s in tool.schema["properties"].items()}
    return {
        name: _path(value, paths)
        for name, value in evidence.arguments.items()
        if value is not None and value != defaults.get(name)
    }


def _path(value: Any, paths: dict[str, str]) -> Any:
    if isinstance(value, dict) and set(value) == {"name", "sha256"}:
        return paths.get(value["sha256"], value["name"])
    return value


def save(runs: Sequence[Path], file: Path) -> Workflow:
    """Write the workflow of runs to a YAML file of its name. Raises as `workflow_of`, InvalidInput (`exists`), StorageError."""
    from benchmate.runtime.files import write_atomically

    file = file.expanduser()
    if file.suffix not in (".yaml", ".yml"):
        raise InvalidInput("bad_name", f"{file} is no YAML file", hint=f"{file}.yaml")
    if file.exists():
        raise InvalidInput("exists", f"{file} is there already", hint="give another name, or remove it first")
    if not file.absolute().parent.is_dir():
        raise NotFound("no_such_folder", f"there is no folder {file.absolute().parent}")
    made = workflow_of(runs, file.stem.lower().replace(" ", "_"))
    write_atomically(file, to_yaml(made).encode())
    return made
