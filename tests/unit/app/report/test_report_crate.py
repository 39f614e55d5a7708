"""The RO-Crate: what the specifications ask of every crate, and what ours says of a run."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from benchmate.agents.contracts import Report
from benchmate.app.report.crate import write_crate
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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("report.md", "report.html", "journal.sqlite"):
        (tmp_path / name).write_text("x")
    return tmp_path


def crate_of(report: Report, folder: Path) -> dict[str, dict[str, Any]]:
    document = json.loads(write_crate(report, folder).read_text())
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
    for file in root["hasPart"]:
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
        results = [nodes[r["@id"]] for r in action["result"]]
        values = {
            r["name"]: (r["value"], r.get("unitText", "")) for r in results if r["@type"] == "PropertyValue"
        }
        assert values == {q.property: (q.value, q.unit) for q in line.quantities.values()}
    drawings = [
        r["@id"] for r in nodes[f"#{report.evidence[0].id}"]["result"] if r["@id"].startswith("artifacts/")
    ]
    assert drawings == [f"artifacts/{report.figures[0].artifact.sha}"]
    assert nodes["#failure-0"]["error"].startswith(
        "unknown_compound: no compound is known as 'asprin-2-oxide'"
    )
    assert len(nodes["./"]["mentions"]) == len(report.evidence) + 1


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
