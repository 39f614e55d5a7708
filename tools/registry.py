"""Which tools there are: those built in, those of packages (entry-point group `benchmate.tools`), and those a program adds itself."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator, Mapping
from types import ModuleType

from benchmate.runtime.canonical import digest
from benchmate.runtime.errors import InvalidInput, NotFound, did_you_mean
from benchmate.runtime.plugins import load_plugins
from benchmate.tools.base import Tool

ENTRY_POINT_GROUP = "benchmate.tools"
BUILTIN_MODULES = (
    "benchmate.tools.intake",
    "benchmate.tools.chemistry.structures",
    "benchmate.tools.chemistry.descriptors",
    "benchmate.tools.chemistry.forms",
    "benchmate.tools.chemistry.stereo",
    "benchmate.tools.chemistry.substructure",
    "benchmate.tools.chemistry.structure_analysis",
    "benchmate.tools.chemistry.formula_analysis",
    "benchmate.tools.chemistry.conversion",
    "benchmate.tools.chemistry.naming",
    "benchmate.tools.chemistry.isotopes",
    "benchmate.tools.chemistry.protonation",
    "benchmate.tools.chemistry.solubility",
    "benchmate.tools.chemistry.admet",
    "benchmate.tools.chemistry.spectra",
    "benchmate.tools.chemistry.compound_tables",
    "benchmate.tools.chemistry.similarity",
    "benchmate.tools.chemistry.conformers",
    "benchmate.tools.chemistry.reactions",
    "benchmate.tools.chemistry.stoichiometry",
    "benchmate.tools.chemistry.solutions",
    "benchmate.tools.chemistry.acid_base",
    "benchmate.tools.chemistry.xtb",
    "benchmate.tools.chemistry.enthalpy",
    "benchmate.tools.chemistry.formation",
    "benchmate.tools.chemistry.physical_properties",
    "benchmate.tools.synthesis.apply",
    "benchmate.tools.synthesis.classify",
    "benchmate.tools.synthesis.plan",
    "benchmate.tools.synthesis.conditions",
    "benchmate.tools.synthesis.safety",
    "benchmate.tools.biology.dna",
    "benchmate.tools.biology.protein",
    "benchmate.tools.biology.translation",
    "benchmate.tools.biology.restriction",
    "benchmate.tools.biology.melting",
    "benchmate.tools.biology.primers",
    "benchmate.tools.biology.codons",
    "benchmate.tools.biology.pcr",
    "benchmate.tools.biology.restriction_cloning",
    "benchmate.tools.biology.gibson",
    "benchmate.tools.biology.golden_gate",
    "benchmate.tools.biology.alignment",
    "benchmate.tools.biology.digestion",
    "benchmate.tools.biology.folding",
    "benchmate.tools.biology.sequence_files",
    "benchmate.tools.biology.motifs",
    "benchmate.tools.biology.structures",
    "benchmate.tools.biology.structure_geometry",
    "benchmate.tools.biology.structure_superposition",
    "benchmate.tools.biology.structure_contacts",
    "benchmate.tools.biology.structure_size",
    "benchmate.tools.biology.biosecurity",
    "benchmate.tools.astronomy.times",
    "benchmate.tools.astronomy.coordinates",
    "benchmate.tools.astronomy.cosmology",
    "benchmate.tools.astronomy.orbits",
    "benchmate.tools.astronomy.stars_and_planets",
    "benchmate.tools.astronomy.light_curves",
    "benchmate.tools.astronomy.periods",
    "benchmate.tools.astronomy.transits",
    "benchmate.tools.gravitational_waves.binaries",
    "benchmate.tools.gravitational_waves.strain",
    "benchmate.tools.gravitational_waves.matched_filter",
    "benchmate.tools.materials.crystals",
    "benchmate.tools.materials.diffraction",
    "benchmate.tools.materials.oxidation",
    "benchmate.tools.materials.batteries",
    "benchmate.tools.materials.equation_of_state",
    "benchmate.tools.materials.relaxation",
    "benchmate.tools.earth.waveforms",
    "benchmate.tools.earth.picking",
    "benchmate.tools.earth.travel_times",
    "benchmate.tools.earth.magnitudes",
    "benchmate.tools.earth.catalogs",
    "benchmate.tools.earth.distances",
    "benchmate.tools.earth.spectra",
    "benchmate.tools.mathematics.symbolic",
    "benchmate.tools.mathematics.calculation",
    "benchmate.tools.units",
    "benchmate.tools.library.search",
    "benchmate.tools.figures",
    "benchmate.tools.tabulate",
    "benchmate.tools.statistics.describe",
    "benchmate.tools.statistics.groups",
    "benchmate.tools.statistics.regression",
    "benchmate.tools.statistics.dose_response",
    "benchmate.tools.statistics.kinetics",
    "benchmate.tools.statistics.calibration",
    "benchmate.tools.statistics.curves",
    "benchmate.tools.statistics.power",
    "benchmate.tools.statistics.designs",
    "benchmate.tools.statistics.optimization",
    "benchmate.tools.statistics.association",
    "benchmate.tools.statistics.table_plots",
    "benchmate.tools.images.reading",
    "benchmate.tools.images.measuring",
    "benchmate.tools.images.digitizing",
    "benchmate.tools.images.gels",
)


class Registry(Mapping[str, Tool]):
    """Tools by name."""

    def __init__(self, tools: Mapping[str, Tool], added: frozenset[str] = frozenset()) -> None:
        self._tools = dict(sorted(tools.items()))
        self.added = added  # tools that only this process has, so that it has to run them itself

    def __getitem__(self, name: str) -> Tool:
        """Return the tool. Raises NotFound (`unknown_tool`) with the nearest name."""
        if name not in self._tools:
            raise NotFound("unknown_tool", f"there is no tool {name!r}", hint=did_you_mean(name, self._tools))
        return self._tools[name]

    def __contains__(self, name: object) -> bool:
        return name in self._tools

    def __iter__(self) -> Iterator[str]:
        return iter(self._tools)

    def __len__(self) -> int:
        return len(self._tools)

    __hash__ = object.__hash__  # a registry is itself, so that what is derived from it can be cached
    __eq__ = object.__eq__

    @property
    def offered(self) -> dict[str, Tool]:
        """The tools a model may choose from: all but those the graph itself calls."""
        return {name: tool for name, tool in self._tools.items() if tool.domain != "internal"}

    @functools.cached_property
    def fingerprint(self) -> str:
        """A digest of every offered tool's name, version, schema and wording: what the router is trained for."""
        return digest(
            "tools",
            [
                [t.name, t.version, t.summary, t.told_schema, dict(t.properties), list(t.examples)]
                for t in self.offered.values()
            ],
            length=16,
        )


@functools.cache
def load_registry() -> Registry:
    """Return every installed tool.

    Raises InvalidInput (`bad_plugin`, `tool_name_taken`) naming the package at fault.
    """
    tools: dict[str, Tool] = {}
    for path in BUILTIN_MODULES:
        _add(tools, importlib.import_module(path), path)
    for origin, loaded in load_plugins(ENTRY_POINT_GROUP, "tool"):
        _add(tools, loaded, origin)
    return Registry(tools | _added, frozenset(_added))


_added: dict[str, Tool] = {}


def add_tools(*tools: Tool) -> None:
    """Add tools to this program; one that was added before under the same name is replaced.

    They run in this process, in a thread: only tools of installed packages run in a worker, which may crash or be stopped without harm.
    Raises InvalidInput (`not_a_tool`, `tool_name_taken`).
    """
    known = load_registry()
    for tool in tools:
        if not isinstance(tool, Tool):
            raise InvalidInput(
                "not_a_tool", f"{tool!r} is not a tool", hint="benchmate.tool makes one of a typed function"
            )
        if tool.name in known and tool.name not in known.added:
            raise InvalidInput("tool_name_taken", f"there is a tool named {tool.name!r} already")
    _added.update({tool.name: tool for tool in tools})
    load_registry.cache_clear()


def _add(tools: dict[str, Tool], loaded: ModuleType | Tool, origin: str) -> None:
    found = (
        [loaded] if isinstance(loaded, Tool) else [v for v in vars(loaded).values() if isinstance(v, Tool)]
    )
    for tool in found:
        if tools.get(tool.name, tool) is not tool:
            raise InvalidInput("tool_name_taken", f"{origin} brings a second tool named {tool.name!r}")
        tools[tool.name] = tool
