"""The workflow that a run followed, as the main entity of its RO-Crate: the file, its inputs and outputs, and its execution.

Vocabulary: https://w3id.org/ro/wfrun/workflow/0.5, https://w3id.org/workflowhub/workflow-ro-crate/1.0, Bioschemas'
ComputationalWorkflow and FormalParameter 1.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from benchmate.agents.contracts import Plan, Report
from benchmate.app.report.crate_actions import (
    COMPLETED,
    FAILED,
    Node,
    artifact_name,
    fragment,
    iso_time,
    refs,
)
from benchmate.app.report.text import one_line, shortened
from benchmate.app.report.view import LONGEST_ARGUMENTS, STATUS_MARKS
from benchmate.runtime.canonical import canonical_json, digest
from benchmate.runtime.errors import InvalidInput

WORKFLOW = "workflow.yaml"
PROFILES = {
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
_LANGUAGE = "#benchmate-workflow"
_TYPES = {bool: "Boolean", int: "Integer", float: "Float", str: "Text"}


def workflow_text(report: Report) -> str | None:
    """Return the plan that a run followed as a workflow file; None where it followed none, or none that a file can spell."""
    from benchmate.workflows.from_plan import plan_to_workflow

    if report.plan is None or not report.plan.tasks:
        return None
    try:
        return plan_to_workflow(_plain(report.plan))
    except InvalidInput:
        return None


def describe_workflow(
    report: Report, files: dict[str, Node], tools: Iterable[Node], given: Mapping[str, str]
) -> Iterator[Node]:
    """Yield the execution of the workflow, its parameters and their values. The nodes of its file and of what it read and made are completed.

    `given` are the hashes of the files that calls read, by the paths they were given by.
    """
    assert report.plan is not None
    plan = _plain(report.plan)
    inputs = list(_inputs(plan, files, given))
    outputs = list(_outputs(report, files))
    made_by = "a person" if plan.made_by == "person" else f"the {one_line(plan.made_by)}"
    files[WORKFLOW] |= {
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "name": one_line(plan.title) or "Workflow",
        "description": f"The plan that the run followed, made by {made_by}, written as a workflow file: "
        "its inputs have this run's values as defaults.",
        "version": digest("plan", plan.model_dump(mode="json"), length=12),
        "conformsTo": {"@id": _bioschemas("ComputationalWorkflow")},
        "programmingLanguage": {"@id": _LANGUAGE},
        "input": refs(parameter for parameter, _ in inputs),
        "output": refs(parameter for parameter, _ in outputs),
        "hasPart": refs(tools),
    }
    objects = [value for _, values in inputs for value in values]
    if plan.question:
        objects.append(_value("#question", "question", plan.question))
    results = [value for _, values in outputs for value in values]
    mark, meaning = STATUS_MARKS[report.status]
    ended = report.status in ("complete", "partial")
    action: Node = {
        "@id": "#run",
        "@type": "CreateAction",
        "name": f"Run {one_line(report.run)}: {mark.word}",
        "description": meaning,
        "startTime": iso_time(report.started_at),
        "instrument": {"@id": WORKFLOW},
        "object": _once(objects),
        "result": _once(results),
        "actionStatus": COMPLETED if ended else FAILED,
    }
    yield action if ended else action | {"error": meaning}
    yield {
        "@id": _LANGUAGE,
        "@type": "ComputerLanguage",
        "name": "benchmate workflow",
        "version": "1",
        "description": "Workflows in YAML whose first key is `schema: benchmate.workflow/v1`.",
    }
    for kind in (
        ("ComputationalWorkflow", "FormalParameter") if inputs or outputs else ("ComputationalWorkflow",)
    ):
        yield {
            "@id": _bioschemas(kind),
            "@type": "CreativeWork",
            "name": f"Bioschemas {kind}",
            "version": "1.0-RELEASE",
        }
    yield from (parameter for parameter, _ in (*inputs, *outputs))
    yield from (value for value in (*objects, *results) if value["@type"] == "PropertyValue")


def _bioschemas(kind: str) -> str:
    return f"https://bioschemas.org/profiles/{kind}/1.0-RELEASE"


def _plain(plan: Plan) -> Plan:
    """Return the plan as it is read back from a run's folder, so that it always gives the same bytes."""
    return Plan.model_validate_json(canonical_json(plan))


def _inputs(
    plan: Plan, files: Mapping[str, Node], given: Mapping[str, str]
) -> Iterator[tuple[Node, list[Node]]]:
    for name, value in plan.inputs.items():
        several = value if isinstance(value, list) else [value]
        found = [files.get(artifact_name(sha)) for sha in (_sha_of(one, given) for one in several)]
        read = [node for node in found if node is not None]
        if read and len(read) == len(several):
            yield _bound(f"input-{name}", name, "File", read)
        elif value is None:
            yield _bound(f"input-{name}", name, "Text", [])
        else:
            node = _value(fragment(f"input-{name}", "value"), name, value)
            yield _bound(f"input-{name}", name, _TYPES.get(type(value), "PropertyValue"), [node])


def _sha_of(value: Any, given: Mapping[str, str]) -> str:
    """Return the hash of a file that an input's value is: an attachment, or the path of a file that a call read."""
    if isinstance(value, Mapping) and isinstance(value.get("artifact"), Mapping):
        return str(value["artifact"].get("sha", ""))
    return given.get(value, "") if isinstance(value, str) else ""


def _outputs(report: Report, files: Mapping[str, Node]) -> Iterator[tuple[Node, list[Node]]]:
    for name in ("report.md", "report.html"):
        if name in files:
            yield _bound(f"output-{name}", name.replace(".", "_"), "File", [files[name]])
    parts = [a.sha for f in report.figures for a in (f.artifact, f.data, f.script) if a is not None]
    figures = [files[artifact_name(sha)] for sha in dict.fromkeys(parts) if artifact_name(sha) in files]
    if figures:
        yield _bound("output-figures", "figures", "File", figures)
    claims = []
    for claim in {claim.id: claim for claim in report.claims if claim.value is not None}.values():
        node = _value(fragment(claim.id), claim.property or claim.kind, claim.value)
        node |= {"unitText": claim.unit} if claim.unit else {}
        verdict = report.verdicts.get(claim.id)
        node["description"] = one_line(f"{claim.text} ({verdict.status if verdict else 'unchecked'})")
        claims.append(node)
    if claims:
        yield _bound("output-claims", "claims", "PropertyValue", claims)


def _bound(identity: str, name: str, kind: str, values: list[Node]) -> tuple[Node, list[Node]]:
    """Return a parameter of the workflow with its values, each pointing to the other."""
    parameter: Node = {
        "@id": fragment(identity),
        "@type": "FormalParameter",
        "name": one_line(name),
        "additionalType": kind,
        "conformsTo": {"@id": _bioschemas("FormalParameter")},
    }
    if values:
        parameter["workExample"] = refs(values)
    for value in values:
        value.setdefault("exampleOfWork", []).append({"@id": parameter["@id"]})
    return parameter, values


def _value(identity: str, name: str, value: Any) -> Node:
    plain = value if isinstance(value, (bool, int, float)) else None
    text = value if isinstance(value, str) else canonical_json(value)
    told = shortened(one_line(text), LONGEST_ARGUMENTS) if plain is None else plain
    return {"@id": identity, "@type": "PropertyValue", "name": one_line(name), "value": told}


def _once(nodes: Iterable[Node]) -> list[Node]:
    return refs({node["@id"]: node for node in nodes}.values())
