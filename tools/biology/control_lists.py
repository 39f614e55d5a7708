"""Control lists of pathogens and toxins: which agents a text names, on which list, and where the name stands in a record."""

from __future__ import annotations

import difflib
import functools
import re
import unicodedata
from collections.abc import Iterator
from importlib import resources
from typing import Any, NamedTuple

from benchmate.tools.biology.sequence_features import location_text
from benchmate.tools.biology.sequence_records import Entry

_LATIN = re.compile(r"([A-Z])[a-z]+ ([a-z]{4,})")
# What of a feature names it: notes are read, too, since records without a gene name say it there.
_TELLING = (
    "organism",
    "gene",
    "gene_synonym",
    "product",
    "label",
    "standard_name",
    "function",
    "note",
    "plasmid",
)


class Listing(NamedTuple):
    """An agent's entry on one list."""

    list_name: str
    list_id: str
    source: str
    as_of: str
    section: str
    tier_1: bool


class Agent(NamedTuple):
    """An agent: its names as they are looked for, names that only stand alone, phrases that mean something else, its entries."""

    name: str
    phrases: tuple[str, ...]
    asked: frozenset[str]
    but_not: tuple[str, ...]
    note: str
    listings: tuple[Listing, ...]


class Named(NamedTuple):
    """An agent that a text names, by which of its names."""

    agent: Agent
    phrase: str


class Place(NamedTuple):
    """A text of a record, and where it stands there."""

    where: str
    text: str


def asked_agents(name: str) -> list[Named]:
    """Return the listed agents that a name means, also an everyday one: ebola, Lassa for Lassa virus."""
    found = {one.agent.name: one for one in named_agents(name)}
    plain = _plain(name)
    for agent in _agents():
        if plain and (plain in agent.asked or f"{plain} virus" in agent.phrases):
            found.setdefault(agent.name, Named(agent, plain))
    return list(found.values())


def named_agents(text: str) -> list[Named]:
    """Return the listed agents that a text names, each once, in the order of the lists."""
    plain = f" {_plain(text)} "
    if len(plain) < 4:
        return []
    found = []
    for agent in _agents():
        rest = plain
        for phrase in agent.but_not:
            rest = rest.replace(f" {phrase} ", " ~ ")
        if named := next((p for p in agent.phrases if f" {p} " in rest), None):
            found.append(Named(agent, named))
    return found


def agents_in(question: str) -> list[Any]:
    """Return the listed agents that a question names, in its words; more than one is a list that no name is."""
    found = [named.phrase for named in named_agents(question)]
    return found[:1] if len(found) == 1 else []


def nearby_agents(name: str) -> list[str]:
    """Return listed agents near a name that is none: those of a genus, or the one spelled most like it."""
    plain = _plain(name)
    if " " not in plain and (
        kin := [agent.name for agent in _agents() if plain and _plain(agent.name).startswith(f"{plain} ")]
    ):
        return kin
    names = {phrase: agent.name for agent in _agents() for phrase in agent.phrases if len(phrase) > 4}
    close = difflib.get_close_matches(plain[:200], names, n=1, cutoff=0.84)
    return [names[close[0]]] if close else []


def texts_of(entry: Entry) -> Iterator[Place]:
    """Yield what a record says of itself: its name, description, organism, lineage and the names of its features."""
    yield Place("description", f"{entry.id} {entry.description}")
    said = entry.annotations
    for key, where in (("organism", "organism"), ("source", "organism"), ("locus", "locus name")):
        if said.get(key):
            yield Place(where, str(said[key]))
    if said.get("taxonomy"):
        yield Place("lineage", "; ".join(str(one) for one in said["taxonomy"]))
    if said.get("keywords"):
        yield Place("keywords", "; ".join(str(one) for one in said["keywords"]))
    for feature in entry.record.features if entry.record is not None else ():
        at = location_text(feature.location, entry.length) if feature.location is not None else "?"
        for key in _TELLING:
            for value in feature.qualifiers.get(key, ()):
                yield Place(f"{key} of {feature.type} {at}", str(value))


def lists_told() -> list[dict[str, str]]:
    """Return which lists there are, from where, as of when, and their limits."""
    return [{key: one[key] for key in ("name", "source", "as_of", "limits")} for one in _table()["lists"]]


def list_told() -> list[dict[str, str]]:
    """Return which lists there are with their ids, and what a match means to the hazard gate."""
    return [
        {**{key: one[key] for key in ("id", "name", "source", "as_of", "limits", "level")}}
        for one in _table()["lists"]
    ]


def _plain(text: str) -> str:
    """Return letters and digits in lower case without accents, with single spaces between words."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(re.findall(r"[a-z0-9]+", bare.casefold()))


@functools.cache
def _table() -> dict[str, Any]:
    from ruamel.yaml import YAML

    text = (resources.files(__package__) / "biosecurity_lists.yaml").read_text("utf-8")
    table: dict[str, Any] = YAML(typ="safe").load(text)
    return table


@functools.cache
def _agents() -> tuple[Agent, ...]:
    table = _table()
    listings: dict[str, list[Listing]] = {}
    for one in table["lists"]:
        for section, names in one["entries"].items():
            for name in names:
                listings.setdefault(name, []).append(
                    Listing(
                        one["name"],
                        one["id"],
                        one["source"],
                        one["as_of"],
                        section,
                        name in one.get("tier_1", ()),
                    )
                )
    return tuple(
        Agent(
            name,
            _phrases([name, *table["names"].get(name, ())], found),
            frozenset(_plain(phrase) for phrase in table["asked"].get(name, ())),
            tuple(_plain(phrase) for phrase in table["but_not"].get(name, ())),
            table["notes"].get(name, ""),
            tuple(found),
        )
        for name, found in listings.items()
    )


def _phrases(names: list[str], listings: list[Listing]) -> tuple[str, ...]:
    """Return the names in plain letters, and B. anthracis for Bacillus anthracis where the agent is a cell."""
    cellular = not any("virus" in one.section or "toxin" in one.section for one in listings)
    short = [f"{m[1]} {m[2]}" for name in names if cellular and (m := _LATIN.fullmatch(name))]
    return tuple(dict.fromkeys(_plain(name) for name in (*names, *short)))
