"""Who may call which tool."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmate.agents import specialists
from benchmate.agents.specialists import load_specialists
from benchmate.tools.registry import Registry, load_registry


def test_every_offered_tool_has_a_specialist() -> None:
    assert set().union(*(a.tools for a in load_specialists().values())) == set(load_registry().offered)
    assert "compute_descriptors" in load_specialists()["chemist"].tools
    assert "compute_descriptors" not in load_specialists()["biologist"].tools
    assert all("convert_units" in a.tools for a in load_specialists().values())


def test_a_plug_in_of_a_domain_of_its_own_is_the_analysts(monkeypatch: pytest.MonkeyPatch) -> None:
    own = replace(load_registry()["convert_units"], name="measure_tides", domain="oceanography")
    registry = Registry({**load_registry(), "measure_tides": own})
    monkeypatch.setattr(specialists, "load_registry", lambda: registry)
    assert [name for name, agent in load_specialists().items() if "measure_tides" in agent.tools] == [
        "analyst"
    ]
