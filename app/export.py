"""A run as one file that travels: report, record, figures with their data and code, evidence as tables, compounds, references."""

from __future__ import annotations

import csv
import hashlib
import html
import io
import json
import mimetypes
import re
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmate.agents.contracts import Report, Table
from benchmate.app.open_run import start_of
from benchmate.app.report.bibliography import bibliography
from benchmate.app.report.crate import JOURNAL, MEDIA, METADATA, crate_metadata
from benchmate.app.report.crate_workflow import WORKFLOW
from benchmate.app.report.documents import report_documents
from benchmate.app.runs import files_given
from benchmate.app.single_call import report_of_call
from benchmate.runtime.artifacts import ArtifactStore
from benchmate.runtime.calls import evidence_in
from benchmate.runtime.canonical import canonical_float
from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.evidence import Entity, Evidence
from benchmate.runtime.files import storage_error
from benchmate.runtime.journal import Journal, open_existing

BEGINNING = (1980, 1, 1, 0, 0, 0)  # of time in a zip: the same run gives the same bytes
COLUMNS = ("evidence", "tool", "version", "quantity", "property", "value", "unit", "uncertainty", "relation", "subject", "method", "conditions", "source", "reference")  # fmt: skip


def export_run(
    folder: Path, file: Path, *, private: bool = False, replace: bool = False, person: str = ""
) -> list[str]:
    """Write a run, also of a single tool call, as a zip that holds one RO-Crate, and return the names of what is in it.

    A file that ends in `.eln` becomes an archive for electronic lab notebooks (The ELN Consortium's file format): one experiment
    by `person`, whose files carry their SHA-256.

    Beside the run's own files: `tables/` as CSV, `evidence.csv` (a row for each quantity) and `evidence.jsonl`, `figures/` by
    their names with data and code, `compounds.csv` and `compounds.sdf`, `references.bib`, `environment.json`. Raises NotFound
    (`no_such_run`), InvalidInput (`run_not_ended`, `private`, `exists`), StorageError.
    """
    if file.exists() and not replace:
        raise InvalidInput("exists", f"{file} is there already", hint="--force replaces it")
    journal = open_existing(folder)
    store = ArtifactStore(folder / "artifacts")
    try:
        journal.verify()
        report = _report(folder, journal, store)
        opened, given = journal.first("run.opened"), files_given(journal)
        evidence = list(evidence_in(journal))
    finally:
        journal.close()
    closed = bool(opened and opened.body.get("private")) or any(
        "private" in e.result.labels for e in evidence
    )
    if closed and not private:
        raise InvalidInput(
            "private", f"{folder.name} holds private data, and an export is made to be given away",
            hint="--private exports it all the same",
        )  # fmt: skip
    contents = report_documents(report, store)
    contents |= {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and _travels(path.relative_to(folder).as_posix())
    }
    contents[JOURNAL] = _journal_copy(folder / JOURNAL)
    contents |= dict(_made(report, evidence, store))
    if file.suffix.lower() == ".eln":
        contents = {f"experiment/{name}": content for name, content in contents.items()}
        contents[METADATA] = _eln_metadata(report, contents, person)
    else:
        sizes = {name: len(contents[name]) for name in sorted(contents)}
        contents[METADATA] = crate_metadata(report, sizes, given, person)
    try:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for name in sorted(contents):
                entry = zipfile.ZipInfo(f"{folder.name}/{name}", BEGINNING)
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, contents[name], zipfile.ZIP_DEFLATED, 9)
    except OSError as error:
        raise storage_error(f"{file} cannot be written", error) from error
    return sorted(contents)


def _report(folder: Path, journal: Journal, store: ArtifactStore) -> Report:
    """Return the run's report; of a single call the one that is made of it. Raises InvalidInput (`run_not_ended`)."""
    opened, written = journal.first("run.opened"), journal.last("report.written")
    if written is not None:
        return Report.model_validate(store.get_json(written.body["ref"]))
    if opened is not None and not start_of(opened.body):
        return report_of_call(folder.name, journal)
    raise InvalidInput(
        "run_not_ended", f"{folder.name} has no report yet", hint=f"`benchmate resume {folder}` first"
    )


def _travels(name: str) -> bool:
    """Return whether a file of the run's folder is part of an export: no locks and no checkpoints of the graph."""
    return name.startswith("artifacts/") or name in ("report.md", "report.html", WORKFLOW)


def _journal_copy(path: Path) -> bytes:
    """Return the journal as one file, whatever stands in its write-ahead log."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "journal.sqlite"
        source, target = sqlite3.connect(f"file:{path}?mode=ro", uri=True), sqlite3.connect(copy)
        try:
            source.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")
        finally:
            source.close()
            target.close()
        return copy.read_bytes()


def _made(report: Report, evidence: list[Evidence], store: ArtifactStore) -> Iterator[tuple[str, bytes]]:
    listed = {line.id for line in report.evidence}
    drawn = {f.artifact.sha for f in report.figures}
    once = list({e.id: e for e in evidence if e.id in listed}.values())
    shown = {e.id: e for e in evidence if e.id in listed or drawn & {a.sha for a in e.result.artifacts}}
    for number, table in enumerate(report.tables, 1):
        yield f"tables/{number}_{_file_name(table.title)}.csv", _report_table(table)
    yield "evidence.csv", _table(COLUMNS, (row for e in once for row in _rows(e)))
    lines = [json.dumps(e.model_dump(mode="json"), ensure_ascii=False, sort_keys=True) for e in once]
    yield "evidence.jsonl", "".join(f"{line}\n" for line in lines).encode()
    yield from _figures(shown.values(), store)
    compounds = {
        entity.key: entity for e in once for entity in e.result.entities if entity.details.get("smiles")
    }
    if compounds:
        names = ("name", "inchikey", "smiles")
        yield (
            "compounds.csv",
            _table(names, ((c.label, c.key, c.details["smiles"]) for c in compounds.values())),
        )
        yield "compounds.sdf", _sdf(compounds.values())
    yield "references.bib", bibliography(list(shown.values()), report.versions).encode()
    environment = {
        "versions": report.versions,
        "tools": {e.tool: e.tool_version for e in shown.values()},
        "sources": sorted({e.result.source.name for e in shown.values()}),
        "repeat": list(report.repeat),
    }
    yield "environment.json", json.dumps(environment, ensure_ascii=False, indent=2, sort_keys=True).encode()


def _rows(evidence: Evidence) -> Iterator[tuple[Any, ...]]:
    from benchmate.agents.wording import subject_of

    for key, q in evidence.result.quantities.items():
        subject = subject_of(evidence, key)
        yield (
            evidence.id, evidence.tool, evidence.tool_version, key, q.property, q.value, q.unit or "", q.uncertainty, q.relation,
            subject.label if subject else "", q.method or "", "; ".join(f"{k} {v}" for k, v in (q.conditions or {}).items()),
            evidence.result.source.name, evidence.result.source.reference or "",
        )  # fmt: skip


def _report_table(table: Table) -> bytes:
    """Return a table as the report shows it, with the claim behind each cell in a column of its own where there are any."""
    cited = [i for i in range(len(table.columns)) if any(row[i].claim_id for row in table.rows)]
    head = [f"{c.title} ({c.unit})" if c.unit else c.title for c in table.columns]
    return _table(
        [*head, *(f"{table.columns[i].title}: claim" for i in cited)],
        ([*(cell.text for cell in row), *(row[i].claim_id for i in cited)] for row in table.rows),
    )


def _file_name(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:64] or "table"


def _table(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(["" if cell is None else cell for cell in row] for row in rows)
    return text.getvalue().encode()


def _figures(evidence: Iterable[Evidence], store: ArtifactStore) -> Iterator[tuple[str, bytes]]:
    """Yield the files that tools made by the names they gave them, each evidence in a folder of its own."""
    for one in evidence:
        for artifact in one.result.artifacts:
            name = re.sub(r"[^\w.-]+", "_", artifact.name) or artifact.sha[:12]
            yield f"figures/{one.id}/{name}", store.get(artifact.sha)


def _sdf(compounds: Iterable[Entity]) -> bytes:
    from rdkit import Chem

    blocks = []
    for compound in compounds:
        molecule: Any = Chem.MolFromSmiles(str(compound.details["smiles"]))
        if molecule is None:
            continue
        molecule.SetProp("_Name", compound.label)
        block = Chem.MolToMolBlock(molecule)
        blocks.append(f"{block}> <InChIKey>\n{compound.key}\n\n$$$$\n")
    return "".join(blocks).encode()


def _eln_metadata(report: Report, contents: dict[str, bytes], person: str) -> bytes:
    """Return the metadata of an ELN archive: https://github.com/TheELNConsortium/TheELNFileFormat, SPECIFICATION.md."""
    made = datetime.fromtimestamp(canonical_float(report.started_at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    files = [
        {
            "@id": f"./{name}", "@type": "File", "name": Path(name).name, "contentSize": str(len(contents[name])),
            "encodingFormat": _media_of(name, contents[name]), "sha256": hashlib.sha256(contents[name]).hexdigest(),
        }
        for name in sorted(contents)
    ]  # fmt: skip
    author = {"@id": "#author", "@type": "Person", "name": person or "unknown"}
    publisher = {"@id": "#benchmate", "@type": "Organization", "name": "benchmate"}
    claims = "".join(f"<li>{html.escape(c.text)}</li>" for c in report.claims)
    experiment = {
        "@id": "./experiment/", "@type": "Dataset", "name": report.title, "genre": "experiment", "dateCreated": made, "dateModified": made,
        "author": {"@id": "#author"}, "text": f"<p>{html.escape(report.answer)}</p><ul>{claims}</ul>", "encodingFormat": "text/html",
        "identifier": report.run, "hasPart": [{"@id": f["@id"]} for f in files],
    }  # fmt: skip
    head = {
        "@id": METADATA, "@type": "CreativeWork", "about": {"@id": "./"}, "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        "dateCreated": made, "sdPublisher": {"@id": "#benchmate"}, "version": "1.0",
    }  # fmt: skip
    root = {
        "@id": "./", "@type": "Dataset", "name": report.title, "description": report.answer, "datePublished": made, "license": "not chosen",
        "hasPart": [{"@id": "./experiment/"}, *({"@id": f["@id"]} for f in files)],
    }  # fmt: skip
    document = {
        "@context": [
            "https://w3id.org/ro/crate/1.1/context",
            {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"},
        ],
        "@graph": [head, root, experiment, *files, author, publisher],
    }
    return f"{json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True)}\n".encode()


def _media_of(name: str, content: bytes) -> str:
    """Return the media type of a file by its name, or by its first bytes where it is named by its hash."""
    if content.startswith(b"SQLite format 3"):
        return "application/vnd.sqlite3"
    known = MEDIA.get(Path(name).suffix) or mimetypes.types_map.get(Path(name).suffix)
    return known or ("image/svg+xml" if b"<svg" in content[:400] else "application/octet-stream")
