"""`benchmate tool`: the list, a tool's help from its schema, and arguments that are wrong."""

import csv
import json
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field
from typer.testing import CliRunner, Result

from benchmate.app.cli import app
from benchmate.app.cli_tools import type_words
from benchmate.tools.base import Source, ToolResult, tool
from benchmate.tools.registry import load_registry


def invoke(*words: str) -> Result:
    return CliRunner().invoke(app, ["tool", *words])


def test_the_list_names_every_tool_offered() -> None:
    shown = invoke("list")
    assert shown.exit_code == 0
    for name, known in load_registry().offered.items():
        assert f" {name} " in shown.stdout and known.summary in shown.stdout


def test_the_list_as_json_can_be_narrowed_to_a_field() -> None:
    listed = json.loads(invoke("list", "--domain", "chemistry", "--json").stdout)
    assert {entry["domain"] for entry in listed} == {"chemistry"}
    assert {"name", "version", "effects", "cost", "summary"} <= listed[0].keys()


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["show", "compute_descriptor"], "did you mean 'compute_descriptors'?"),
        (["call", "compute_descriptor", "{}"], "did you mean 'compute_descriptors'?"),
        (["list", "--domain", "chemisty"], "did you mean 'chemistry'?"),
        (["call", "convert_units", "--arg", "valu=1"], "did you mean 'value'?"),
        (["call", "convert_units", '{"value": 1'], "write '{"),
        (["call", "convert_units", "[1]"], "write '{"),
    ],
)
def test_a_wrong_name_or_argument_exits_2_with_a_hint(words: list[str], hint: str) -> None:
    shown = invoke(*words)
    assert shown.exit_code == 2 and shown.stdout == ""
    assert f"hint: {hint}" in shown.stderr


def test_help_names_every_argument_and_property() -> None:
    shown = invoke("show", "compute_descriptors")
    known = load_registry()["compute_descriptors"]
    assert shown.exit_code == 0
    for name in [*known.schema["properties"], *known.properties]:
        assert f"  {name} " in shown.stdout
    assert "benchmate tool call compute_descriptors --arg 'compound=…'" in shown.stdout


def test_help_as_json_carries_the_schema() -> None:
    document = json.loads(invoke("show", "convert_units", "--json").stdout)
    assert document["arguments"] == load_registry()["convert_units"].schema


def test_types_are_said_in_words() -> None:
    @tool(domain="testing")
    def sample(
        text: str,
        count: Annotated[int, Field(ge=1, lt=10)],
        kind: Literal["a", "b"],
        items: list[float],
        flag: bool = False,
        maybe: str | int | None = None,
    ) -> ToolResult:
        """Do nothing.

        Args:
            text: t
            count: c
            kind: k
            items: i
            flag: f
            maybe: m
        """
        return ToolResult(source=Source(kind="computed", name="test"))

    schema = sample.schema
    words = {n: type_words(p, schema.get("$defs", {})) for n, p in schema["properties"].items()}
    assert words == {
        "text": "text",
        "count": "whole number ≥ 1 < 10",
        "kind": 'one of "a", "b"',
        "items": "list of number",
        "flag": "true or false",
        "maybe": "text or whole number",
    }


def test_a_table_has_a_row_for_each_line_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "set.smi").write_text("CCO R-1\nc1ccc(C(. R-2\nCC(=O)Oc1ccccc1C(=O)O R-3\n")
    target = tmp_path / "set.csv"
    shown = invoke(
        "table", "compute_descriptors", str(tmp_path / "set.smi"), "--to", str(target), "--out", str(tmp_path / "runs"), "--json",
    )  # fmt: skip
    assert shown.exit_code == 0, shown.stderr
    document = json.loads(shown.stdout)
    assert (document["rows"], document["failed"]) == (3, 1)
    rows = list(csv.DictReader(target.read_text().splitlines()))
    assert [row["item"] for row in rows] == ["R-1", "R-2", "R-3"]
    assert float(rows[2]["molecular_weight (g/mol)"]) == pytest.approx(180.16, abs=0.01)  # PubChem CID 2244
    assert "not a valid SMILES" in rows[1]["error"]


def test_sequences_of_a_file_make_a_table(tmp_path: Path) -> None:
    (tmp_path / "set.fasta").write_text(">one\nMQIFVKTLTGK\n>two\nMK*L\n")
    shown = invoke(
        "table", "compute_protein_properties", str(tmp_path / "set.fasta"), "--to", str(tmp_path / "t.csv"),
        "--out", str(tmp_path / "runs"), "--json",
    )  # fmt: skip
    assert json.loads(shown.stdout)["failed"] == 1


def test_a_tool_without_one_subject_makes_no_table(tmp_path: Path) -> None:
    shown = invoke("table", "balance_reaction", str(tmp_path / "set.smi"))
    assert shown.exit_code == 2 and "does not take one compound or one sequence" in shown.stderr
