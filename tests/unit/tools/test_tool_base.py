"""The tool base and the registry: schemas come from functions, third parties add tools, wrong use is named."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, Literal

import pytest

from benchmate.runtime import plugins
from benchmate.runtime.errors import BenchmateError, NotFound
from benchmate.runtime.evidence import Source, ToolResult
from benchmate.runtime.quantity import Quantity
from benchmate.tools import registry
from benchmate.tools.base import Tool, ToolContext, tool
from benchmate.tools.chemistry.compounds import Compound


@tool(
    domain="chemistry",
    properties={"carbon_count": "number of carbon atoms, carbons"},
    examples=("carbons in benzene?",),
)
def count_carbons(
    compound: Compound, kind: Literal["all", "aromatic"] = "all", *, context: ToolContext
) -> ToolResult:
    """Count the carbon atoms of a compound.

    Aromatic ones can be counted alone.

    Args:
        compound: The compound.
        kind: Which carbons
            are counted.
    """
    atoms = [
        a for a in compound.mol().GetAtoms() if a.GetSymbol() == "C" and (kind == "all" or a.GetIsAromatic())
    ]
    kept = context.save("count.txt", "text/plain", str(len(atoms)).encode())
    return ToolResult(
        quantities={"carbon_count": Quantity(value=len(atoms), property="carbon_count")}, artifacts=(kept,),
        source=Source(kind="computed", name="test"),
    )  # fmt: skip


@pytest.fixture
def context(tmp_path: Path) -> ToolContext:
    return ToolContext(
        cache_dir=tmp_path, artifact_dir=tmp_path / "artifacts", library_folder=tmp_path / "library"
    )


def test_schema_and_help_come_from_the_function() -> None:
    assert isinstance(count_carbons, Tool)
    assert count_carbons.summary == "Count the carbon atoms of a compound."
    assert count_carbons.schema["required"] == ["compound"]
    assert count_carbons.schema["properties"]["kind"]["enum"] == ["all", "aromatic"]
    assert count_carbons.schema["properties"]["kind"]["description"] == "Which carbons are counted."
    assert "context" not in count_carbons.schema["properties"]
    assert count_carbons.entity_arguments == {"compound": "compound"}


def test_a_name_is_resolved_and_echoed(context: ToolContext) -> None:
    result = count_carbons.run(count_carbons.validate({"compound": "toluene", "kind": "aromatic"}), context)
    assert result.quantities["carbon_count"].value == 6
    assert result.entities[0].key == "YXFVVABEGXRONW-UHFFFAOYSA-N"  # toluene, PubChem CID 1140
    assert (context.artifact_dir / result.artifacts[0].sha).read_bytes() == b"6"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"compund": "benzene"}, "did you mean 'compound'"),
        ({}, "compound: Field required"),
        ({"compound": "benzene", "kind": "some"}, "kind"),
        ({"compound": 3}, "compound"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(BenchmateError, match="count_carbons") as caught:
        count_carbons.validate(arguments)
    assert caught.value.code == "bad_arguments"
    assert says in str(caught.value)


def test_an_unresolved_entity_names_its_argument(context: ToolContext) -> None:
    with pytest.raises(NotFound) as caught:
        count_carbons.run(count_carbons.validate({"compound": "nonsensol"}), context)
    assert caught.value.info.details["argument"] == "compound"


def test_a_parameter_without_a_description_is_a_fault_at_import() -> None:
    def silent(value: float) -> ToolResult:
        """Do something."""
        raise AssertionError

    with pytest.raises(TypeError, match="'value' needs a type and a description"):
        tool(domain="general")(silent)


def test_every_built_in_tool_says_what_it_measures_and_how_people_ask() -> None:
    for name, found in registry.load_registry().offered.items():
        assert found.properties or name in ("draw_structure", "plot_table"), (
            name
        )  # a picture measures nothing
        assert len(found.examples) >= 3, name
        assert all(p.get("description") for p in found.schema["properties"].values()), name


def installed(monkeypatch: pytest.MonkeyPatch, *values: str) -> None:
    points = [
        EntryPoint(name=f"p{i}", value=v, group=registry.ENTRY_POINT_GROUP) for i, v in enumerate(values)
    ]
    monkeypatch.setattr(
        plugins, "entry_points", lambda group: points if group == registry.ENTRY_POINT_GROUP else []
    )
    registry.load_registry.cache_clear()


@pytest.fixture
def clean_registry() -> Any:
    yield
    registry.load_registry.cache_clear()


@pytest.mark.usefixtures("clean_registry")
def test_third_parties_add_tools_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    before = registry.load_registry().fingerprint
    installed(monkeypatch, f"{__name__}:count_carbons")
    loaded = registry.load_registry()
    assert loaded["count_carbons"] is count_carbons
    assert loaded.fingerprint != before, "the router must be trained anew"


@pytest.mark.usefixtures("clean_registry")
@pytest.mark.parametrize(
    ("value", "code", "says"),
    [
        ("no_such_module:tool", "bad_plugin", "no_such_module"),
        (f"{__name__}:taken", "tool_name_taken", "convert_units"),
    ],
)
def test_a_bad_plugin_is_named(monkeypatch: pytest.MonkeyPatch, value: str, code: str, says: str) -> None:
    installed(monkeypatch, value)
    with pytest.raises(BenchmateError, match=says) as caught:
        registry.load_registry()
    assert caught.value.code == code


def _taken() -> Tool:
    def convert_units() -> ToolResult:
        """Take another tool's name."""
        raise AssertionError

    return tool(domain="general")(convert_units)


taken = _taken()


def test_an_unknown_tool_names_the_nearest() -> None:
    with pytest.raises(NotFound, match="compute_descriptors"):
        registry.load_registry()["compute_descriptor"]
