"""The public interface: a change of a name or a signature is seen here, and belongs in the CHANGELOG."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import benchmate
from benchmate.agents import specialists
from benchmate.tools import registry

RECORDED = Path(__file__).parents[1] / "data" / "public_api.txt"


def signatures() -> str:
    """Return each public name with its signature, or the names of its fields."""
    lines = []
    for name in sorted(set(benchmate.__all__) - {"__version__"}):
        value = getattr(benchmate, name)
        fields = getattr(value, "model_fields", None) or getattr(value, "__dataclass_fields__", None)
        if fields is not None:
            told = "{" + ", ".join(fields) + "}"
        elif hasattr(value, "__total__"):
            told = "{" + ", ".join(value.__annotations__) + "}"
        elif inspect.isfunction(value):
            told = str(inspect.signature(value))
        else:
            told = "{" + ", ".join(m for m in sorted(vars(value)) if not m.startswith("_")) + "}"
        lines.append(f"{name} {told}")
    return "\n".join(lines) + "\n"


def test_the_public_interface_is_as_recorded() -> None:
    assert signatures() == RECORDED.read_text("utf-8")


def test_every_public_name_is_documented() -> None:
    for name in set(benchmate.__all__) - {"__version__"}:
        assert (getattr(benchmate, name).__doc__ or "").strip(), name


def test_agents_and_tools_of_a_program_come_beside_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(specialists, "_added", {})
    monkeypatch.setattr(registry, "_added", {})
    brewer = benchmate.Specialist(name="brewer", summary="beer", prompt="You brew.", domains=("brewing",))
    try:
        benchmate.add_specialists(brewer)
        assert specialists.specialist("brewer") is brewer
        with pytest.raises(benchmate.InvalidInput, match="an agent named 'chemist' already"):
            benchmate.add_specialists(brewer.model_copy(update={"name": "chemist"}))
        with pytest.raises(benchmate.InvalidInput, match="not a tool"):
            benchmate.add_tools(len)  # type: ignore[arg-type]
        with pytest.raises(benchmate.NotFound, match="brewer"):
            specialists.specialist("brewr")
    finally:
        specialists.load_specialists.cache_clear()
        registry.load_registry.cache_clear()
