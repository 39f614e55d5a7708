"""An exported run: the same bytes each time, readable by others, and nothing private by accident."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import platform
import zipfile
from pathlib import Path

import bibtexparser
import pytest
from rdkit import Chem

from benchmate.app.export import export_run
from benchmate.app.runs import RunOutcome, call_once, execute
from benchmate.app.saving import plan_of
from benchmate.runtime.errors import BenchmateError, InvalidInput, StorageError
from benchmate.runtime.journal import Journal
from benchmate.workflows.loader import load_workflow, to_plan

pytestmark = pytest.mark.usefixtures("inline_tools")


class NoModel:
    name = version = "none"


async def ask(question: str, out: Path, private: bool = False) -> RunOutcome:
    return await execute(question=question, out=out, engine=NoModel(), private=private)


async def test_an_export_holds_what_others_can_read(tmp_path: Path) -> None:
    outcome = await ask("logP of aspirin and ibuprofen", tmp_path / "runs")
    names = export_run(outcome.folder, tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        archive.extractall(tmp_path / "out")
    root = tmp_path / "out" / outcome.run_id
    assert {"report.html", "evidence.csv", "compounds.sdf", "references.bib", "journal.sqlite"} <= set(names)
    rows = list(csv.DictReader(io.StringIO((root / "evidence.csv").read_text(encoding="utf-8"))))
    logp = {r["subject"]: float(r["value"]) for r in rows if r["property"] == "logp"}
    assert logp == {"aspirin": 1.3101, "ibuprofen": 3.0732}  # RDKit's Wildman-Crippen logP
    molecules = [m for m in Chem.SDMolSupplier(str(root / "compounds.sdf")) if m is not None]
    assert {Chem.MolToInchiKey(m) for m in molecules} == {m.GetProp("InChIKey") for m in molecules}
    assert {m.GetProp("_Name") for m in molecules} == {"aspirin", "ibuprofen"}
    crate = json.loads((root / "ro-crate-metadata.json").read_text(encoding="utf-8"))
    listed = {n["@id"] for n in crate["@graph"]}
    assert {n for n in names if n != "ro-crate-metadata.json"} <= listed
    parts = {p["@id"] for n in crate["@graph"] if n["@id"] == "./" for p in n["hasPart"]}
    assert all((root / p).is_file() for p in parts)
    journal = Journal(root / "journal.sqlite", read_only=True)
    assert journal.verify() > 0
    journal.close()
    bibtex = (root / "references.bib").read_text(encoding="utf-8")
    assert bibtex.count("{") == bibtex.count("}")
    assert "RDKit" in bibtex


async def test_a_workflow_travels_with_what_it_made(tmp_path: Path) -> None:
    inputs = {"compounds": ["aspirin", "ibuprofen", "caffeine"]}
    outcome = await execute(workflow="lead_triage", inputs=inputs, out=tmp_path / "runs", engine=NoModel())
    names = export_run(outcome.folder, tmp_path / "a.zip", person="Ada")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        archive.extractall(tmp_path / "out")
    root = tmp_path / "out" / outcome.run_id
    again = to_plan(load_workflow(root / "workflow.yaml"))
    assert (again.tasks, again.inputs) == (plan_of(outcome.folder).tasks, plan_of(outcome.folder).inputs)
    nodes = {n["@id"]: n for n in json.loads((root / "ro-crate-metadata.json").read_text("utf-8"))["@graph"]}
    assert nodes["./"]["mainEntity"] == {"@id": "workflow.yaml"}
    assert nodes[nodes["./"]["author"]["@id"]]["name"] == "Ada"
    (table,) = [n for n in names if n.startswith("tables/")]
    rows = list(csv.DictReader(io.StringIO((root / table).read_text(encoding="utf-8"))))
    assert [r["Subject"] for r in rows] == [
        "ibuprofen",
        "aspirin",
        "caffeine",
    ]  # QED by RDKit: 0.82, 0.55, 0.54
    assert {"comparison.svg", "comparison.csv"} <= {Path(n).name for n in names if n.startswith("figures/")}
    known = bibtexparser.loads((root / "references.bib").read_text(encoding="utf-8")).entries
    dois = {e["doi"] for e in known if "doi" in e}
    assert {"10.1021/ci990307l", "10.1038/nchem.1243", "10.1021/ci100050t"} <= dois  # logP, QED, fingerprints
    environment = json.loads((root / "environment.json").read_text(encoding="utf-8"))
    assert environment["versions"]["python"] == platform.python_version()
    assert environment["tools"]["compute_descriptors"]


async def test_a_single_call_is_exported_too(tmp_path: Path) -> None:
    await call_once("draw_structure", {"compound": "aspirin"}, out=tmp_path / "runs")
    (folder,) = (tmp_path / "runs").iterdir()
    names = export_run(folder, tmp_path / "a.zip")
    assert {"report.md", "evidence.csv", "compounds.sdf", "references.bib"} <= set(names)
    assert "workflow.yaml" not in names and not (folder / "report.md").exists()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        crate = json.loads(archive.read(f"{folder.name}/ro-crate-metadata.json"))
    (action,) = [n for n in crate["@graph"] if n["@type"] == "CreateAction"]
    nodes = {n["@id"]: n for n in crate["@graph"]}
    assert nodes[action["instrument"]["@id"]]["name"] == "draw_structure"
    results = action["result"] if isinstance(action["result"], list) else [action["result"]]
    assert "image/svg+xml" in {nodes[r["@id"]].get("encodingFormat") for r in results}


async def test_a_call_that_failed_is_exported_as_a_failure(tmp_path: Path) -> None:
    with pytest.raises(BenchmateError):
        await call_once("compute_descriptors", {"compound": "nonsensol"}, out=tmp_path / "runs")
    (folder,) = (tmp_path / "runs").iterdir()
    export_run(folder, tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        crate = json.loads(archive.read(f"{folder.name}/ro-crate-metadata.json"))
    (action,) = [n for n in crate["@graph"] if n["@type"] == "CreateAction"]
    assert action["actionStatus"] == "http://schema.org/FailedActionStatus"
    assert "nonsensol" in action["error"]


async def test_a_figure_travels_with_its_data_and_code(tmp_path: Path) -> None:
    outcome = await ask("plot petal length against petal width for sample:iris", tmp_path / "runs")
    names = export_run(outcome.folder, tmp_path / "a.zip")
    assert {Path(n).suffix for n in names if n.startswith("figures/")} >= {".svg", ".csv", ".py"}


async def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    outcome = await ask("TPSA of ibuprofen", tmp_path / "runs")
    for name in ("a.zip", "b.zip"):
        export_run(outcome.folder, tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


async def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    outcome = await ask("TPSA of ibuprofen", tmp_path / "runs", private=True)
    with pytest.raises(InvalidInput) as refused:
        export_run(outcome.folder, tmp_path / "a.zip")
    assert refused.value.code == "private"
    assert not (tmp_path / "a.zip").exists()
    export_run(outcome.folder, tmp_path / "a.zip", private=True)
    with pytest.raises(InvalidInput) as refused:
        export_run(outcome.folder, tmp_path / "a.zip", private=True)
    assert refused.value.code == "exists"
    with pytest.raises(StorageError):
        export_run(outcome.folder, tmp_path / "no" / "folder.zip", private=True)


async def test_an_eln_archive_has_one_experiment_with_hashed_files(tmp_path: Path) -> None:
    outcome = await ask("TPSA of ibuprofen", tmp_path / "runs")
    export_run(outcome.folder, tmp_path / "a.eln", person="Ada")
    with zipfile.ZipFile(tmp_path / "a.eln") as archive:
        (root,) = {name.partition("/")[0] for name in archive.namelist()}  # one folder at the root
        crate = json.loads(archive.read(f"{root}/ro-crate-metadata.json"))
        nodes = {n["@id"]: n for n in crate["@graph"]}
        assert nodes["ro-crate-metadata.json"]["about"] == {"@id": "./"}
        listed = {p["@id"] for p in nodes["./"]["hasPart"]}
        files = [n for n in nodes.values() if n["@type"] == "File"]
        assert {f"{root}/{f['@id'].removeprefix('./')}" for f in files} == set(archive.namelist()) - {
            f"{root}/ro-crate-metadata.json"
        }
        for file in files:
            content = archive.read(f"{root}/{file['@id'].removeprefix('./')}")
            assert hashlib.sha256(content).hexdigest() == file["sha256"]
            assert file["contentSize"] == str(len(content))
            assert file["@id"] in listed
    assert nodes["./experiment/"]["genre"] == "experiment"
    assert "37.3" in nodes["./experiment/"]["text"]
    assert nodes["#author"]["name"] == "Ada"
