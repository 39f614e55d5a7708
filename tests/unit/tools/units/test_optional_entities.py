"""An entity argument may be left out: `Compound | None`."""

from pathlib import Path

import pytest

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.base import Source, ToolContext, ToolResult, tool
from benchmate.tools.chemistry.compounds import Compound


@tool(domain="test")
def describe(subject: Compound | None = None) -> ToolResult:
    """Say which compound was given.

    Args:
        subject: The compound, if any.
    """
    source = Source(kind="computed", name="test")
    return ToolResult(data={"inchikey": subject.inchikey if subject else None}, source=source)


CONTEXT = ToolContext(Path("unused"), Path("unused"), Path("unused"))


def test_left_out_it_is_none() -> None:
    for arguments in ({}, {"subject": None}):
        result = describe.run(describe.validate(arguments), CONTEXT)
        assert result.data == {"inchikey": None} and result.entities == ()


@pytest.mark.parametrize("given", ["CCO", {"smiles": "CCO"}])
def test_given_it_is_resolved_and_echoed(given: object) -> None:
    result = describe.run(describe.validate({"subject": given}), CONTEXT)
    assert result.data == {"inchikey": "LFQSCWFLJHTTHZ-UHFFFAOYSA-N"}  # PubChem CID 702
    assert [entity.argument for entity in result.entities] == ["subject"]


def test_it_shows_in_the_schema_and_in_the_entity_arguments() -> None:
    assert describe.entity_arguments == {"subject": "compound"}
    assert "subject" not in describe.schema.get("required", [])
    with pytest.raises(InvalidInput, match="subject"):
        describe.validate({"subject": 7})
