"""What was done, as RO-Crate entities: each tool call with its arguments and quantities, each failure, and the software behind them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from benchmate.agents.contracts import EvidenceLine, Failure, Report
from benchmate.app.report.text import one_line, shortened
from benchmate.app.report.view import LONGEST_ARGUMENTS
from benchmate.runtime.canonical import canonical_float
from benchmate.runtime.evidence import split_citation

COMPLETED = "http://schema.org/CompletedActionStatus"
FAILED = "http://schema.org/FailedActionStatus"
PROGRAM = "#benchmate"
_SHA256 = re.compile(r'"sha256":"([0-9a-f]{64})"')

Node = dict[str, Any]


def software(report: Report) -> Iterator[Node]:
    """Yield benchmate and the software it ran on."""
    others = {name: version for name, version in sorted(report.versions.items()) if name != "benchmate"}
    program: Node = {"@id": PROGRAM, "@type": "SoftwareApplication", "name": "benchmate"}
    if "benchmate" in report.versions:
        program["softwareVersion"] = one_line(report.versions["benchmate"])
    if others:
        program["softwareRequirements"] = [{"@id": fragment("software", name)} for name in others]
    yield program
    for name, version in others.items():
        yield {
            "@id": fragment("software", name),
            "@type": "SoftwareApplication",
            "name": one_line(name),
            "softwareVersion": one_line(version),
        }


def tools(evidence: Iterable[EvidenceLine]) -> Iterator[Node]:
    """Yield each tool that was called, in each version."""
    for tool, version in sorted({(line.tool, line.tool_version) for line in evidence}):
        yield {
            "@id": fragment("tool", tool, version),
            "@type": "SoftwareApplication",
            "name": one_line(tool),
            "softwareVersion": one_line(version),
            "isPartOf": {"@id": PROGRAM},
        }


def evidence_action(report: Report, line: EvidenceLine, files: Mapping[str, Node]) -> Iterator[Node]:
    """Yield the action that a call was, its arguments, and each quantity it gave."""
    identity = fragment(line.id)
    given: Node = {
        "@id": f"{identity}/arguments",
        "@type": "PropertyValue",
        "name": "arguments",
        "value": shortened(line.arguments, LONGEST_ARGUMENTS),
    }
    quantities: list[Node] = []
    for key, quantity in sorted(line.quantities.items()):
        node: Node = {"@id": f"{identity}/quantities/{slug(key)}", "@type": "PropertyValue"}
        node |= {"name": quantity.property, "value": quantity.value}
        node |= {"unitText": quantity.unit} if quantity.unit else {}
        node |= {"measurementTechnique": quantity.method} if quantity.method else {}
        notes = {
            **(quantity.conditions or {}),
            **({"relation": quantity.relation} if quantity.relation != "=" else {}),
        }
        node |= {"description": "; ".join(f"{k}: {v}" for k, v in sorted(notes.items()))} if notes else {}
        quantities.append(node)
    figures = [f for f in report.figures if line.id in {split_citation(s)[0] for s in f.shows}]
    made = {artifact_name(a.sha) for a in (*line.artifacts, *(f.artifact for f in figures))}
    read = {artifact_name(sha) for sha in _SHA256.findall(line.arguments)} - made
    source = " · ".join(part for part in (line.source, line.reference) if part)
    action: Node = {
        "@id": identity,
        "@type": "CreateAction",
        "name": f"{one_line(line.tool)} gave {line.id}",
        "description": one_line("; ".join((source, *line.warnings, *sorted(line.labels)))),
        "instrument": {"@id": fragment("tool", line.tool, line.tool_version)},
        "object": [{"@id": given["@id"]}, *refs(files[name] for name in sorted(read & files.keys()))],
        "result": [*refs(quantities), *refs(files[name] for name in sorted(made & files.keys()))],
        "actionStatus": COMPLETED,
    }
    if line.at:
        action["endTime"] = iso_time(line.at)
    yield action
    yield given
    yield from quantities


def failed_action(failure: Failure, number: int) -> Node:
    """Return the action that something not delivered was."""
    subject = failure.task if failure.given is None else f"{failure.task}: {shortened(failure.given, 200)}"
    return {
        "@id": f"#failure-{number}",
        "@type": "CreateAction",
        "name": one_line(subject),
        "instrument": {"@id": PROGRAM},
        "actionStatus": FAILED,
        "error": one_line(f"{failure.error.code}: {failure.error}"),
    }


def iso_time(seconds: float) -> str:
    """Return a recorded time, in seconds since 1970, as ISO 8601 in UTC."""
    return datetime.fromtimestamp(canonical_float(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def artifact_name(sha: str) -> str:
    """Return where an artifact lies in a run's folder."""
    return f"artifacts/{sha}"


def refs(nodes: Iterable[Node]) -> list[Node]:
    """Return references to entities."""
    return [{"@id": node["@id"]} for node in nodes]


def fragment(*parts: str) -> str:
    """Return the id of an entity that is no file."""
    return f"#{'-'.join(map(slug, parts))}"


def slug(text: str) -> str:
    """Return `text` as it may stand in an id: other characters than these are percent-encoded."""
    return quote(text.encode("utf-8", "replace"), safe="")
