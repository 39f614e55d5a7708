"""The code in the README and the documentation runs as it is written."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)


@pytest.mark.parametrize("block", blocks("README.md", "python"))
def test_the_readmes_python_runs_as_a_script(block: str, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(block)
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_readmes_python_runs_inside_a_running_loop(tmp_path: Path) -> None:
    """As a notebook runs a cell."""
    first = textwrap.indent(blocks("README.md", "python")[0], "    ")
    script = f"import asyncio\nasync def cell():\n{first}\nasyncio.run(cell())\nprint('once')\n"
    (tmp_path / "cell.py").write_text(script)
    done = subprocess.run(
        [sys.executable, "cell.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("once") == 1


def test_the_readmes_commands_exist() -> None:
    from typer.main import get_command

    from benchmate.app.cli import app

    known = get_command(app).commands  # type: ignore[attr-defined]
    for block in (*blocks("README.md", "console"), *blocks("docs/workflows.md", "console")):
        for name in re.findall(r"benchmate (\w+)", block):
            assert name in known, name


def test_the_documented_tool_runs_as_a_plug_in(tmp_path: Path) -> None:
    (block,) = blocks("docs/tools.md", "python")
    (tmp_path / "carbons.py").write_text(block)
    info = tmp_path / "carbons-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: carbons\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[benchmate.tools]\ncarbons = carbons\n")
    command = [
        sys.executable,
        "-m",
        "benchmate.app.cli",
        "tool",
        "call",
        "count_carbons",
        '{"compound": "ibuprofen"}',
        "--out",
        "runs",
    ]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert "13" in done.stdout  # C13H18O2


def test_the_example_files_of_workflows_are_valid() -> None:
    from benchmate.workflows.loader import parse_workflow

    examples = [
        b for b in blocks("docs/workflows.md", "yaml") if b.startswith(("schema:", "# yaml-language-server"))
    ]
    assert examples
    for number, text in enumerate(examples):
        parse_workflow(text, f"example {number}")


WORKFLOWS = [b for b in blocks("docs/workflows.md", "yaml") if b.startswith("schema:")]


@pytest.mark.usefixtures("inline_tools")
@pytest.mark.parametrize("text", WORKFLOWS, ids=[re.findall(r"name: (\w+)", b)[0] for b in WORKFLOWS])
async def test_the_example_files_of_workflows_run(text: str, tmp_path: Path) -> None:
    from benchmate.app.runs import execute

    (tmp_path / "example.yaml").write_text(text)
    outcome = await execute(workflow=str(tmp_path / "example.yaml"), out=tmp_path / "runs")
    assert outcome.status == "complete", outcome.answer
    assert outcome.report is not None
    assert outcome.report.claims


def test_the_commands_of_the_workflows_page_run_as_written(tmp_path: Path) -> None:
    files = {re.findall(r"name: (\w+)", text)[0]: text for text in WORKFLOWS}
    for name, text in files.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    (tmp_path / "hits.sdf").write_bytes(sdf_of("CCO", "CC(=O)Nc1ccc(O)cc1"))
    commands = [
        line[2:]
        for b in blocks("docs/workflows.md", "console")
        for line in b.splitlines()
        if line.startswith("$ ")
    ]
    assert len(commands) >= 4
    for command in commands:
        words = [sys.executable, "-m", "benchmate.app.cli", *shlex.split(command)[1:]]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, (command, done.stderr)


def sdf_of(*smiles: str) -> bytes:
    from rdkit import Chem

    return "".join(f"{Chem.MolToMolBlock(Chem.MolFromSmiles(s))}$$$$\n" for s in smiles).encode()
