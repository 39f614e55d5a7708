"""Exported runs against the RO-Crate profiles' own validator. `make validate-crates` runs these tests."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from benchmate.app.export import export_run
from benchmate.app.runs import call_once, execute

PYTHON = os.environ.get("CRATE_VALIDATOR_PYTHON", "")
SCRIPT = Path(__file__).parent / "validate_crate.py"

pytestmark = pytest.mark.usefixtures("inline_tools")


class NoModel:
    name = version = "none"


def exported(run: Path, to: Path, suffix: str = "zip") -> Path:
    """Return where an export of the run was unpacked to."""
    export_run(run, to / f"run.{suffix}", person="Ada")
    with zipfile.ZipFile(to / f"run.{suffix}") as archive:
        archive.extractall(to / suffix)
    return to / suffix / run.name


def validated(crate: Path, profile: str) -> tuple[int, list[list[str]]]:
    """Return how many checks passed that the profile requires, and what was found wrong."""
    done = subprocess.run(
        [PYTHON, SCRIPT, crate, profile], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answer = json.loads(done.stdout.splitlines()[-1])
    return answer["passed"], answer["issues"]


async def test_a_workflow_is_a_workflow_run_crate(tmp_path: Path) -> None:
    outcome = await execute(
        workflow="lead_triage", inputs={"compounds": ["aspirin", "ibuprofen", "nonsensol"]}, out=tmp_path, engine=NoModel(),
    )  # fmt: skip
    crate = exported(outcome.folder, tmp_path)
    assert outcome.status == "partial"  # a failed item is an action too
    for profile in ("workflow-run-crate", "process-run-crate", "workflow-ro-crate"):
        passed, issues = validated(crate, profile)
        assert (issues, passed > 40) == ([], True)
    assert validated(outcome.folder, "workflow-run-crate")[1] == []  # the run's own folder is one as well


async def test_a_question_is_a_workflow_run_crate(tmp_path: Path) -> None:
    outcome = await execute(question="logP of aspirin and ibuprofen", out=tmp_path, engine=NoModel())
    assert validated(exported(outcome.folder, tmp_path), "workflow-run-crate")[1] == []


async def test_a_question_about_a_file_is_a_workflow_run_crate(tmp_path: Path) -> None:
    question = "plot petal length against petal width for sample:iris"
    outcome = await execute(question=question, out=tmp_path, engine=NoModel())
    assert validated(exported(outcome.folder, tmp_path), "workflow-run-crate")[1] == []


async def test_a_call_is_a_process_run_crate(tmp_path: Path) -> None:
    await call_once("compute_descriptors", {"compound": "aspirin"}, out=tmp_path / "runs")
    (folder,) = (tmp_path / "runs").iterdir()
    crate = exported(folder, tmp_path)
    assert validated(crate, "process-run-crate")[1] == []
    assert any("mainEntity" in message for _, _, message, _ in validated(crate, "workflow-run-crate")[1])


async def test_an_eln_archive_is_a_crate(tmp_path: Path) -> None:
    outcome = await execute(question="TPSA of ibuprofen", out=tmp_path, engine=NoModel())
    assert validated(exported(outcome.folder, tmp_path, "eln"), "ro-crate-1.1")[1] == []


async def test_the_validator_sees_what_is_missing(tmp_path: Path) -> None:
    outcome = await execute(question="TPSA of ibuprofen", out=tmp_path, engine=NoModel())
    crate = exported(outcome.folder, tmp_path)
    file = crate / "ro-crate-metadata.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    for node in document["@graph"]:
        if node["@id"] == "#run":
            node["instrument"] = {"@id": "#benchmate"}
    file.write_text(json.dumps(document), encoding="utf-8")
    (issue,) = validated(crate, "workflow-run-crate")[1]
    assert issue[0].startswith("workflow-run-crate")
    assert "mainEntity as its instrument" in issue[2]
