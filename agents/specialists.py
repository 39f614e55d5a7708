"""The specialists: each a small declaration. How one works depends on its model: free tool calls, or one constrained call.

Besides those here there are those of packages (entry-point group `benchmate.agents`), and those a program adds itself.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from benchmate.agents.attachments import attachments_in, check_accepted
from benchmate.agents.contracts import Contract, Task, TaskResult
from benchmate.runtime.context import RunContext, TaskScope
from benchmate.runtime.errors import InvalidInput, NotFound, did_you_mean
from benchmate.runtime.expressions import fill
from benchmate.runtime.plugins import load_plugins
from benchmate.tools.base import Tool
from benchmate.tools.registry import load_registry

ENTRY_POINT_GROUP = "benchmate.agents"
SHARED_DOMAINS = ("units", "library")  # every specialist may convert units and read the library


class Specialist(Contract):
    """An agent: what it is for, what it is told, and the domains whose tools it may call."""

    name: str
    summary: str
    prompt: str
    domains: tuple[str, ...]

    @property
    def tools(self) -> dict[str, Tool]:
        """The tools this specialist may call. Those of a domain that is nobody's are the analyst's."""
        offered = load_registry().offered
        own = (*self.domains, *SHARED_DOMAINS)
        return {n: t for n, t in offered.items() if t.domain in own or agent_for(t) == self.name}


_HOUSE_RULES = (
    "Call tools for every number; never state one from memory. Copy names, structures and sequences exactly as given. "
    "When no tool can answer, say so plainly."
)

_BUILT_IN: dict[str, Specialist] = {
    agent.name: agent
    for agent in (
        Specialist(
            name="chemist",
            summary="structures, properties, reactions, synthesis, solutions and energies of compounds",
            prompt=f"You are a chemist who works with calculators and tables. {_HOUSE_RULES}",
            domains=("chemistry",),
        ),
        Specialist(
            name="biologist",
            summary="DNA, RNA and protein sequences, cloning, and structure files of macromolecules",
            prompt=f"You are a molecular biologist who works with sequence tools. {_HOUSE_RULES}",
            domains=("biology",),
        ),
        Specialist(
            name="geoscientist",
            summary="seismograms, picks, travel times, magnitudes, earthquake catalogues, distances on the Earth",
            prompt=f"You are a seismologist who works with waveforms and Earth models. {_HOUSE_RULES}",
            domains=("earth",),
        ),
        Specialist(
            name="astronomer",
            summary="periods, transits, light curves, coordinates, times, cosmology, orbits and gravitational waves",
            prompt=f"You are an astronomer who works with light curves, catalogues and strain data. {_HOUSE_RULES}",
            domains=("astronomy", "gravitational_waves"),
        ),
        Specialist(
            name="materials_scientist",
            summary="crystals, diffraction, oxidation states, battery capacity, equations of state",
            prompt=f"You are a materials scientist who works with crystal structures. {_HOUSE_RULES}",
            domains=("materials",),
        ),
        Specialist(
            name="statistician",
            summary="tables, tests, regression, curve fits, experimental design and measurements in images",
            prompt=f"You are a statistician. Say which test was made and whether its assumptions hold. {_HOUSE_RULES}",
            domains=("statistics", "images"),
        ),
        Specialist(
            name="mathematician",
            summary="symbolic mathematics, calculations with units, propagation of uncertainty",
            prompt=f"You are a mathematician who works with a computer algebra system. {_HOUSE_RULES}",
            domains=("mathematics",),
        ),
        Specialist(
            name="analyst",
            summary="units, the library, comparisons, rankings and flags over other tasks' results",
            prompt=f"You are an analyst who compares results that others obtained. {_HOUSE_RULES}",
            domains=(),
        ),
    )
}


_added: dict[str, Specialist] = {}


@functools.cache
def load_specialists() -> Mapping[str, Specialist]:
    """Return every specialist by name.

    Raises InvalidInput (`bad_plugin`, `agent_name_taken`) naming the package at fault.
    """
    found = dict(_BUILT_IN)
    for origin, loaded in load_plugins(ENTRY_POINT_GROUP, "agent"):
        if not isinstance(loaded, Specialist):
            raise InvalidInput("bad_plugin", f"the agent plug-in {origin!r} is not a Specialist")
        if found.get(loaded.name, loaded) is not loaded:
            raise InvalidInput("agent_name_taken", f"{origin} brings a second agent named {loaded.name!r}")
        found[loaded.name] = loaded
    return found | _added


def add_specialists(*agents: Specialist) -> None:
    """Add specialists to this program; one that was added before under the same name is replaced.

    Raises InvalidInput (`not_a_specialist`, `agent_name_taken`).
    """
    known = load_specialists()
    for agent in agents:
        if not isinstance(agent, Specialist):
            raise InvalidInput("not_a_specialist", f"{agent!r} is not a benchmate.Specialist")
        if agent.name in known and agent.name not in _added:
            raise InvalidInput("agent_name_taken", f"there is an agent named {agent.name!r} already")
    _added.update({agent.name: agent for agent in agents})
    load_specialists.cache_clear()


def specialist(name: str) -> Specialist:
    """Return a specialist. Raises NotFound (`unknown_agent`) with the nearest name."""
    agents = load_specialists()
    if name not in agents:
        raise NotFound("unknown_agent", f"there is no agent {name!r}", hint=did_you_mean(name, agents))
    return agents[name]


def agent_for(tool: Tool) -> str:
    """Return the specialist whose own domain a tool belongs to: the first that names it, else the analyst."""
    return next((a.name for a in load_specialists().values() if tool.domain in a.domains), "analyst")


async def run_agent_task(context: RunContext, scope: TaskScope, task: Task, setting: Any) -> TaskResult:
    """Run an agent's task the way its model can: rankings in code, free tool calls, or one constrained call."""
    agent = specialist(task.agent or "")
    if "rank" in task.arguments or "flags" in task.arguments:
        from benchmate.agents.analyst import run_analyst

        return run_analyst(context, task, setting.results, setting.names())
    check_accepted(context.settings, attachments_in(fill(task.arguments.get("attach", []), setting.names())))
    if context.settings.model.plans:
        from benchmate.agents.free_calls import run_free

        return await run_free(context, scope, task, agent, setting)
    from benchmate.agents.constrained_calls import run_constrained

    return await run_constrained(context, scope, task, agent, setting)
