"""The RO-Crate: what the specifications ask of every crate, and what ours says of a run."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmate.agents.contracts import Plan, Report, Task
from benchmate.app.report.crate import write_crate
from benchmate.app.report.crate_workflow import workflow_text
from benchmate.runtime.artifacts import ArtifactStore
from benchmate.runtime.canonical import canonical_value
from benchmate.runtime.errors import StorageError


def references(value: Any) -> set[str]:
    """Return every @id that is referred to rather than described."""
    if isinstance(value, dict):
        if set(value) == {"@id"}:
            return {value["@id"]}
        return set().union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


def several(value: Any) -> list[Any]:
    """Return a property's values: in compacted JSON-LD a list of one is that one, and an empty one is not there."""
    return value if isinstance(value, list) else [] if value is None else [value]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("report.md", "report.html", "journal.sqlite"):
        (tmp_path / name).write_text("x")
    return tmp_path


def crate_of(
    report: Report, folder: Path, given: Mapping[str, str] | None = None
) -> dict[str, dict[str, Any]]:
    document = json.loads(write_crate(report, folder, given).read_text())
    assert document["@context"][0] == "https://w3id.org/ro/crate/1.1/context"
    ids = Counter(node["@id"] for node in document["@graph"])
    assert max(ids.values()) == 1
    return {node["@id"]: node for node in document["@graph"]}


def test_it_is_a_crate(report: Report, folder: Path, store: ArtifactStore) -> None:
    nodes = crate_of(report, folder)
    descriptor, root = nodes["ro-crate-metadata.json"], nodes["./"]
    assert descriptor["about"] == {"@id": "./"}
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    assert root["@type"] == "Dataset" and root["datePublished"] == "2025-10-09T08:53:20Z"
    assert {"name", "description", "license"} <= set(root)
    outside = {
        "https://w3id.org/ro/crate/1.1",
        "http://schema.org/CompletedActionStatus",
        "http://schema.org/FailedActionStatus",
    }
    assert references(list(nodes.values())) - outside <= set(nodes)
    for file in several(root["hasPart"]):
        assert nodes[file["@id"]]["@type"] == "File" and (folder / file["@id"]).is_file()


def test_every_call_is_an_action_of_its_tool(
    reports: dict[str, Report], folder: Path, store: ArtifactStore
) -> None:
    report = reports["lead triage"]
    nodes = crate_of(report, folder)
    for line in report.evidence:
        action = nodes[f"#{line.id}"]
        assert action["@type"] == "CreateAction"
        tool = nodes[action["instrument"]["@id"]]
        assert (tool["@type"], tool["name"], tool["softwareVersion"]) == (
            "SoftwareApplication",
            line.tool,
            line.tool_version,
        )
        results = [nodes[r["@id"]] for r in several(action.get("result"))]
        values = {
            r["name"]: (r["value"], r.get("unitText", "")) for r in results if r["@type"] == "PropertyValue"
        }
        assert values == {q.property: (q.value, q.unit) for q in line.quantities.values()}
    drawings = [
        r["@id"]
        for r in several(nodes[f"#{report.evidence[0].id}"]["result"])
        if r["@id"].startswith("artifacts/")
    ]
    assert drawings == [f"artifacts/{report.figures[0].artifact.sha}"]
    assert nodes["#failure-0"]["error"].startswith(
        "unknown_compound: no compound is known as 'asprin-2-oxide'"
    )
    assert len(nodes["./"]["mentions"]) == len(report.evidence) + 1


WORKFLOW = {"File", "SoftwareSourceCode", "ComputationalWorkflow"}
TRIAGE = Plan(
    title="Triage",
    inputs={
        "compounds": ["aspirin", "ibuprofen"],
        "limit": 5.0,
        "strict": True,
        "gel": None,
        "table": "mine/table.csv",
    },
    input_kinds={"compounds": "compound", "gel": "image", "table": "file"},
    made_by="workflow triage",
    tasks=(
        Task(
            id="logp", kind="tool", tool="compute_descriptors", arguments={"compound": "${inputs.compounds}"}
        ),
    ),
)


def test_a_run_that_followed_a_plan_has_it_as_its_main_entity(
    reports: dict[str, Report], folder: Path, store: ArtifactStore
) -> None:
    """What Workflow Run Crate 0.5 and Workflow RO-Crate 1.0 ask for: the types, the language, parameters bound both ways."""
    sha = store.put(b"a,b\n", name="table.csv", media_type="text/csv").sha
    report = reports["lead triage"].model_copy(update={"plan": TRIAGE})
    (folder / "workflow.yaml").write_text(workflow_text(report) or "")
    nodes = crate_of(report, folder, {"mine/table.csv": sha})
    profiles = {p["@id"].rsplit("/", 1)[0] for p in nodes["./"]["conformsTo"]}
    assert profiles == {
        "https://w3id.org/ro/wfrun/process",
        "https://w3id.org/ro/wfrun/workflow",
        "https://w3id.org/workflowhub/workflow-ro-crate",
    }
    workflow = nodes[nodes["./"]["mainEntity"]["@id"]]
    assert workflow["@id"] == "workflow.yaml" and set(workflow["@type"]) == WORKFLOW
    assert nodes[workflow["programmingLanguage"]["@id"]]["@type"] == "ComputerLanguage"
    (run,) = [n for n in nodes.values() if n.get("instrument") == {"@id": "workflow.yaml"}]
    assert run["@type"] == "CreateAction" and {"@id": run["@id"]} in nodes["./"]["mentions"]
    kinds = {}
    for side, bound in (("input", "object"), ("output", "result")):
        for parameter in (nodes[p["@id"]] for p in workflow[side]):
            kinds[parameter["name"]] = parameter["additionalType"]
            for value in several(parameter.get("workExample")):
                assert {"@id": parameter["@id"]} in several(nodes[value["@id"]]["exampleOfWork"])
                assert value in several(run[bound])
    assert kinds == {
        "compounds": "PropertyValue", "limit": "Integer", "strict": "Boolean", "gel": "Text", "table": "File",
        "report_md": "File", "report_html": "File", "figures": "File", "claims": "PropertyValue",
    }  # fmt: skip
    assert nodes["#input-limit-value"]["value"] == 5
    assert nodes["#input-compounds-value"]["value"] == '["aspirin","ibuprofen"]'
    assert nodes["#input-table"]["workExample"] == {"@id": f"artifacts/{sha}"}
    assert nodes[f"artifacts/{sha}"]["name"] == "table.csv"
    assert "mine/table.csv" not in json.dumps(nodes[f"artifacts/{sha}"])
    claims = {nodes[c["@id"]]["value"] for c in nodes["#output-claims"]["workExample"]}
    assert claims == {c.value for c in report.claims if c.value is not None}
    again = report.model_copy(update={"plan": Plan.model_validate(canonical_value(TRIAGE))})
    assert workflow_text(again) == workflow_text(report)


def test_a_run_that_ended_badly_is_a_failed_execution(reports: dict[str, Report], folder: Path) -> None:
    report = reports["empty and failed"].model_copy(update={"plan": TRIAGE})
    (folder / "workflow.yaml").write_text("x")
    run = crate_of(report, folder)["#run"]
    assert run["actionStatus"] == "http://schema.org/FailedActionStatus" and run["error"]


def test_without_a_plan_it_is_a_process_run_crate(reports: dict[str, Report], folder: Path) -> None:
    nodes = crate_of(reports["one question"], folder)
    assert nodes["./"]["conformsTo"] == {"@id": "https://w3id.org/ro/wfrun/process/0.5"}
    assert "mainEntity" not in nodes["./"]
    assert workflow_text(reports["one question"]) is None


def test_it_lists_the_files_that_are_there(reports: dict[str, Report], tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    assert crate_of(reports["one question"], bare)["./"]["hasPart"] == []


def test_the_same_run_gives_the_same_bytes(report: Report, folder: Path, store: ArtifactStore) -> None:
    first = write_crate(report, folder).read_bytes()
    assert write_crate(Report.model_validate(canonical_value(report)), folder).read_bytes() == first


def test_a_folder_that_cannot_be_written_is_said(reports: dict[str, Report], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        write_crate(reports["one question"], tmp_path / "file")
