"""The run's folder as an RO-Crate 1.1 in the style of Process Run Crate: what was made, by what, from what.

Vocabulary: https://w3id.org/ro/crate/1.1 and https://w3id.org/ro/wfrun/process/0.5.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmate.agents.contracts import EvidenceLine, Failure, Report
from benchmate.app.report.text import one_line, shortened
from benchmate.app.report.view import LONGEST_ARGUMENTS, STATUS_MARKS
from benchmate.runtime.canonical import canonical_float, canonical_value
from benchmate.runtime.evidence import split_citation
from benchmate.runtime.files import write_atomically

METADATA = "ro-crate-metadata.json"
_SPECIFICATION = "https://w3id.org/ro/crate/1.1"
_PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
_TERMS = "https://w3id.org/ro/terms/workflow-run/context"
_FILES = {
    "report.md": ("Report", "text/markdown"),
    "report.html": ("Report", "text/html"),
    "journal.sqlite": ("Journal: every call, its result and every decision", "application/vnd.sqlite3"),
}

Node = dict[str, Any]


def write_crate(report: Report, folder: Path) -> Path:
    """Write `ro-crate-metadata.json` for the run in `folder` and return its path.

    It lists the files that are there, one CreateAction for each piece of evidence and a failed one for each
    failure. The same report and files give the same bytes.

    Raises StorageError (`storage_full`, `storage_denied`, `storage_failed`).
    """
    graph = list(_graph(report, folder))
    document = {"@context": [f"{_SPECIFICATION}/context", _TERMS], "@graph": graph}
    text = json.dumps(canonical_value(document), ensure_ascii=False, indent=2, sort_keys=True)
    write_atomically(folder / METADATA, f"{text}\n".encode())
    return folder / METADATA


def _graph(report: Report, folder: Path) -> Iterator[Node]:
    files = list(_files(report, folder))
    evidence = list({line.id: line for line in reversed(report.evidence)}.values())[::-1]
    tools = list(_tools(report, evidence))
    actions = [node for line in evidence for node in _evidence_action(report, line, files)]
    actions += [_failed_action(failure, number) for number, failure in enumerate(report.failures)]
    yield {
        "@id": METADATA,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": _SPECIFICATION},
    }
    yield {
        "@id": "./",
        "@type": "Dataset",
        "name": one_line(report.title) or "Report",
        "description": one_line(report.answer) or STATUS_MARKS[report.status][1],
        "identifier": report.run,
        "datePublished": datetime.fromtimestamp(canonical_float(report.started_at), UTC).strftime(
            "%Y-%m-%dT%H:%M:%SZ"
        ),
        "license": {"@id": "#licence"},
        "conformsTo": {"@id": _PROFILE},
        "hasPart": _refs(files),
        "mentions": _refs(node for node in actions if node["@type"] == "CreateAction"),
    }
    yield {"@id": _PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"}
    yield {
        "@id": "#licence",
        "@type": "CreativeWork",
        "name": "No licence chosen",
        "description": "The person who made this run decides who may use it, and has not said so here.",
    }
    yield from files
    yield from tools
    yield from actions


def _files(report: Report, folder: Path) -> Iterator[Node]:
    for name, (title, media_type) in _FILES.items():
        if (folder / name).is_file():
            yield {"@id": name, "@type": "File", "name": title, "encodingFormat": media_type}
    known = {figure.artifact.sha: figure for figure in reversed(report.figures)}
    for path in sorted((folder / "artifacts").glob("[0-9a-f]" * 64)):
        node: Node = {"@id": f"artifacts/{path.name}", "@type": "File", "name": path.name}
        node |= {"contentSize": str(path.stat().st_size), "identifier": f"sha256:{path.name}"}
        if figure := known.get(path.name):
            node |= {"name": one_line(figure.artifact.name), "encodingFormat": figure.artifact.media_type}
            node["description"] = one_line(figure.title)
        yield node


def _tools(report: Report, evidence: Iterable[EvidenceLine]) -> Iterator[Node]:
    """Yield benchmate, the software it ran on, and each tool in each version."""
    others = {name: version for name, version in sorted(report.versions.items()) if name != "benchmate"}
    program: Node = {"@id": "#benchmate", "@type": "SoftwareApplication", "name": "benchmate"}
    if "benchmate" in report.versions:
        program["softwareVersion"] = one_line(report.versions["benchmate"])
    if others:
        program["softwareRequirements"] = [{"@id": _fragment("software", name)} for name in others]
    yield program
    for name, version in others.items():
        yield {
            "@id": _fragment("software", name),
            "@type": "SoftwareApplication",
            "name": one_line(name),
            "softwareVersion": one_line(version),
        }
    for tool, version in sorted({(line.tool, line.tool_version) for line in evidence}):
        yield {
            "@id": _fragment("tool", tool, version),
            "@type": "SoftwareApplication",
            "name": one_line(tool),
            "softwareVersion": one_line(version),
            "isPartOf": {"@id": "#benchmate"},
        }


def _evidence_action(report: Report, line: EvidenceLine, files: Iterable[Node]) -> Iterator[Node]:
    """Yield the action that a call was, its arguments, and each quantity it gave."""
    identity = _fragment(line.id)
    given: Node = {
        "@id": f"{identity}/arguments",
        "@type": "PropertyValue",
        "name": "arguments",
        "value": shortened(line.arguments, LONGEST_ARGUMENTS),
    }
    quantities: list[Node] = []
    for key, quantity in sorted(line.quantities.items()):
        node: Node = {"@id": f"{identity}/quantities/{_slug(key)}", "@type": "PropertyValue"}
        node |= {"name": quantity.property, "value": quantity.value}
        node |= {"unitText": quantity.unit} if quantity.unit else {}
        node |= {"measurementTechnique": quantity.method} if quantity.method else {}
        notes = {
            **(quantity.conditions or {}),
            **({"relation": quantity.relation} if quantity.relation != "=" else {}),
        }
        node |= {"description": "; ".join(f"{k}: {v}" for k, v in sorted(notes.items()))} if notes else {}
        quantities.append(node)
    shown = {
        f"artifacts/{f.artifact.sha}"
        for f in report.figures
        if line.id in {split_citation(s)[0] for s in f.shows}
    }
    action: Node = {
        "@id": identity,
        "@type": "CreateAction",
        "name": f"{one_line(line.tool)} gave {line.id}",
        "instrument": {"@id": _fragment("tool", line.tool, line.tool_version)},
        "object": [{"@id": given["@id"]}],
        "result": [*_refs(quantities), *_refs(node for node in files if node["@id"] in shown)],
        "actionStatus": {"@id": "http://schema.org/CompletedActionStatus"},
    }
    source = " · ".join(part for part in (line.source, line.reference) if part)
    action["description"] = one_line("; ".join((source, *line.warnings, *sorted(line.labels))))
    yield action
    yield given
    yield from quantities


def _failed_action(failure: Failure, number: int) -> Node:
    subject = failure.task if failure.given is None else f"{failure.task}: {shortened(failure.given, 200)}"
    return {
        "@id": f"#failure-{number}",
        "@type": "CreateAction",
        "name": one_line(subject),
        "instrument": {"@id": "#benchmate"},
        "actionStatus": {"@id": "http://schema.org/FailedActionStatus"},
        "error": one_line(f"{failure.error.code}: {failure.error}"),
    }


def _refs(nodes: Iterable[Node]) -> list[Node]:
    return [{"@id": node["@id"]} for node in nodes]


def _fragment(*parts: str) -> str:
    return f"#{'-'.join(map(_slug, parts))}"


def _slug(text: str) -> str:
    """Return `text` as it may stand in an id: other characters than these are percent-encoded."""
    return quote(text.encode("utf-8", "replace"), safe="")
