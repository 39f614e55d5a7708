"""A run as an RO-Crate 1.1: what was made, by what, from what.

A run that followed a plan is a Workflow Run Crate, with the plan as a workflow file for its main entity; a single tool call is a
Process Run Crate. Vocabulary: https://w3id.org/ro/crate/1.1 and https://w3id.org/ro/wfrun/process/0.5.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from benchmate.agents.contracts import Report
from benchmate.app.report.crate_actions import (
    Node,
    artifact_name,
    evidence_action,
    failed_action,
    refs,
    software,
    tools,
)
from benchmate.app.report.crate_workflow import PROFILES, WORKFLOW, describe_workflow
from benchmate.app.report.text import one_line
from benchmate.app.report.view import STATUS_MARKS
from benchmate.runtime.canonical import canonical_float, canonical_value
from benchmate.runtime.evidence import Artifact
from benchmate.runtime.files import write_atomically

METADATA = "ro-crate-metadata.json"
JOURNAL = "journal.sqlite"
MEDIA = {
    ".md": "text/markdown", ".html": "text/html", ".svg": "image/svg+xml", ".png": "image/png", ".py": "text/x-python", ".yaml": "application/yaml",
    ".csv": "text/csv", ".jsonl": "application/jsonl", ".sdf": "chemical/x-mdl-sdfile", ".bib": "application/x-bibtex", ".json": "application/json",
    ".txt": "text/plain", ".sqlite": "application/vnd.sqlite3",
}  # fmt: skip
TITLES = {
    "report.md": "Report",
    "report.html": "Report",
    WORKFLOW: "Workflow",
    JOURNAL: "Journal: every call, its result and every decision",
}
_SPECIFICATION = "https://w3id.org/ro/crate/1.1"
_PROCESS_RUN = "https://w3id.org/ro/wfrun/process/0.5"
_TERMS = "https://w3id.org/ro/terms/workflow-run/context"


def write_crate(report: Report, folder: Path, given: Mapping[str, str] | None = None) -> Path:
    """Write `ro-crate-metadata.json` for the run in `folder` and return its path. See `crate_metadata`.

    Raises StorageError (`storage_full`, `storage_denied`, `storage_failed`).
    """
    names = [name for name in TITLES if (folder / name).is_file()]
    names += [artifact_name(p.name) for p in sorted((folder / "artifacts").glob("[0-9a-f]" * 64))]
    # the journal goes on, and a replay's is another
    sizes = {name: None if name == JOURNAL else (folder / name).stat().st_size for name in names}
    write_atomically(folder / METADATA, crate_metadata(report, sizes, given or {}))
    return folder / METADATA


def crate_metadata(
    report: Report, sizes: Mapping[str, int | None], given: Mapping[str, str], author: str = ""
) -> bytes:
    """Return the content of `ro-crate-metadata.json` for files of these names and sizes.

    It lists them, one CreateAction for each piece of evidence and a failed one for each failure; where `workflow.yaml` is
    among the files, one for the run as its execution too. `given` are the hashes of the files that calls read, by the paths
    they were given by, `author` is who gives the crate away. The same report and files give the same bytes.
    """
    graph = [_compacted(node) for node in _graph(report, sizes, given, author)]
    document = {"@context": [f"{_SPECIFICATION}/context", _TERMS], "@graph": graph}
    return f"{json.dumps(canonical_value(document), ensure_ascii=False, indent=2, sort_keys=True)}\n".encode()


def _compacted(node: Node) -> Node:
    """Return an entity in JSON-LD's compacted form, in which a list of one is that one; of empty lists only `hasPart` stays."""
    told = {k: v for k, v in node.items() if v != [] or k == "hasPart"}
    return {k: v[0] if isinstance(v, list) and len(v) == 1 else v for k, v in told.items()}


def _graph(
    report: Report, sizes: Mapping[str, int | None], given: Mapping[str, str], author: str
) -> Iterator[Node]:
    files = dict(_files(report, sizes, given))
    evidence = list({line.id: line for line in reversed(report.evidence)}.values())[::-1]
    called = list(tools(evidence))
    followed = WORKFLOW in files and report.plan is not None
    actions = list(describe_workflow(report, files, called, given)) if followed else []
    actions += [node for line in evidence for node in evidence_action(report, line, files)]
    actions += [failed_action(failure, number) for number, failure in enumerate(report.failures)]
    profiles = {_PROCESS_RUN: ("Process Run Crate", "0.5"), **(PROFILES if followed else {})}
    *_, workflow_ro_crate = profiles
    root: Node = {
        "@id": "./",
        "@type": "Dataset",
        "name": one_line(report.title) or "Report",
        "description": one_line(report.answer) or STATUS_MARKS[report.status][1],
        "identifier": report.run,
        "datePublished": datetime.fromtimestamp(canonical_float(report.started_at), UTC).strftime(
            "%Y-%m-%dT%H:%M:%SZ"
        ),
        "license": {"@id": "#licence"},
        "conformsTo": [{"@id": profile} for profile in profiles],
        "hasPart": refs(files.values()),
        "mentions": refs(node for node in actions if node["@type"] == "CreateAction"),
    }
    yield {
        "@id": METADATA,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": [{"@id": _SPECIFICATION}, *([{"@id": workflow_ro_crate}] if followed else [])],
    }
    root |= {"mainEntity": {"@id": WORKFLOW}} if followed else {}
    yield root | ({"author": {"@id": "#author"}} if author else {})
    if author:
        yield {"@id": "#author", "@type": "Person", "name": one_line(author)}
    for profile, (name, version) in profiles.items():
        yield {"@id": profile, "@type": "CreativeWork", "name": name, "version": version}
    yield {
        "@id": "#licence",
        "@type": "CreativeWork",
        "name": "No licence chosen",
        "description": "The person who made this run decides who may use it, and has not said so here.",
    }
    yield from files.values()
    yield from software(report)
    yield from called
    yield from actions


def _files(
    report: Report, sizes: Mapping[str, int | None], given: Mapping[str, str]
) -> Iterator[tuple[str, Node]]:
    """Yield each file's name and its entity."""
    read = {sha: PurePosixPath(path) for path, sha in sorted(given.items())}
    known: dict[str, Artifact] = {a.sha: a for line in reversed(report.evidence) for a in line.artifacts}
    titles: dict[str, str] = {}
    for figure in reversed(report.figures):
        parts = (figure.data, figure.script, figure.artifact)
        known |= {a.sha: a for a in parts if a is not None}
        titles[figure.artifact.sha] = figure.title
    for name, size in sizes.items():
        path = PurePosixPath(name)
        node: Node = {"@id": quote(name), "@type": "File", "name": TITLES.get(name, path.name)}
        if media := MEDIA.get(path.suffix):
            node["encodingFormat"] = media
        if size is not None:
            node["contentSize"] = str(size)
        if path.parent.name == "artifacts":
            node["identifier"] = f"sha256:{path.name}"
            if path.name in read:
                node["name"] = one_line(read[path.name].name)
                if media := MEDIA.get(read[path.name].suffix):
                    node["encodingFormat"] = media
            if artifact := known.get(path.name):
                node |= {"name": one_line(artifact.name), "encodingFormat": artifact.media_type}
            if path.name in titles:
                node["description"] = one_line(titles[path.name])
        yield name, node
