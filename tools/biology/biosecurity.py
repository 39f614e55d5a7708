"""Biosecurity screen: names of listed pathogens and toxins in a record, and exact words shared with proteins that a user gives."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import ReadBy, Unit
from benchmate.tools.base import Source, ToolResult, tool
from benchmate.tools.biology.control_lists import (
    Agent,
    Named,
    agents_in,
    asked_agents,
    lists_told,
    named_agents,
    nearby_agents,
    texts_of,
)
from benchmate.tools.biology.sequence_records import Entry, read_sequence_file
from benchmate.tools.biology.sequences import Sequence
from benchmate.tools.biology.shared_words import Index, Shared, frames_of, place_in
from benchmate.tools.file_kinds import SEQUENCES
from benchmate.tools.files import DataFile

MOST_LETTERS = 3_000_000
MOST_REFERENCE_RESIDUES = 3_000_000
MOST_RECORDS = 20_000
MOST_STRETCHES = 5_000
SHOWN_STRETCHES = 200
SHOWN_PLACES = 5
_CLEARANCE = "nothing found is no clearance: renamed, split, changed or unknown sequences pass a screen of names and exact words"
_ELSEWHERE = (
    "before an order or a transfer use a homology screen and your institution's biosafety officer: IBBIS Common Mechanism "
    "(ibbis.bio), SecureDNA (securedna.org), NCBI BLAST"
)


@tool(
    domain="biology",
    files=SEQUENCES,
    properties={
        "agent_count": "number of listed agents matched, listed agents, select agents, list matches, controlled agents",
        "reference_count": "number of references matched, references matched, reference matches",
        "longest_shared_stretch": "longest stretch shared with a reference, longest shared stretch, longest exact match",
    },
    examples=(
        "Is Yersinia pestis a select agent?",
        "Biosecurity screen of construct.gb",
        "Is ricin on the Australia Group list?",
        "Screen order.fasta against the select agent list",
        "Compare order.fasta with our list of concern in references.faa",
        "Is Bacillus subtilis a controlled pathogen?",
    ),
    example={"name": "Yersinia pestis"},
    timeout=180,
)
def screen_biosecurity(
    name: Annotated[str | None, ReadBy(agents_in)] = None,
    file: DataFile | None = None,
    sequence: Sequence | None = None,
    references: DataFile | None = None,
    window: Annotated[int, Unit("aa", "window, word length"), Field(ge=8, le=100)] = 16,
) -> ToolResult:
    """Screen names and sequences against public lists of pathogens and toxins, and against proteins that you give.

    Two screens, both offline. By name: what a record says of itself (name, description, organism, lineage, genes, products, notes)
    against the HHS and USDA Select Agents and Toxins and the Australia Group lists. By sequence: words of `window` residues that stand in
    a protein, or in one of the six frames of DNA or RNA, exactly as in a protein of `references`; 16 residues are 48 bases. No
    sequences of listed agents ship with this program, so that without references only names are screened. Nothing found is no clearance:
    a sequence without a telling name, a homologue with changes, or a gene in pieces passes. Lists say which version they follow; a match
    is a reason to look, and no finding under law.

    Raises InvalidInput: `nothing_to_screen`, `no_sequence`, `not_protein`, `too_large`, `bad_file`, `empty_file`, `invalid_sequence`.

    Args:
        name: An organism, a toxin, a gene or a product by name.
        file: Sequences to screen: GenBank, EMBL, FASTA, FASTQ or SnapGene.
        sequence: One sequence to screen.
        references: Proteins of concern to compare with, FASTA.
        window: How many residues in a row have to be the same.
    """
    entries, notes = _entries(file, sequence)
    if not entries and not (name or "").strip():
        raise InvalidInput("nothing_to_screen", "no name, file or sequence is given", hint="give one of them")
    if references is not None and not entries:
        raise InvalidInput(
            "no_sequence", "references are given, and no sequence to compare", hint="give file or sequence"
        )
    rows = _named(name, entries)
    agents = list(dict.fromkeys(row["agent"] for row in rows))
    records = len(entries)
    quantities = {
        "agent_count": Quantity(
            value=len(agents), property="agent_count", method="names on the lists, as words", conditions={"records": str(records)} if records else None,
        )
    }  # fmt: skip
    data: dict[str, Any] = {
        "outcome": "flagged" if rows else "nothing matched", "agents": rows, "records": records,
        "sequence_compared": references is not None, "lists": lists_told(), "limits": [_CLEARANCE, _ELSEWHERE],
    }  # fmt: skip
    warnings = [_told(row) for row in rows[:20]]
    if name is not None and not rows and (near := nearby_agents(name)):
        warnings.append(
            f"{name.strip()!r} is on no list as it is spelled; near it are listed: {', '.join(near)}"
        )
    if references is not None:
        stretches, told = _compared(entries, references, window)
        notes += told
        matched = {row["reference"] for row in stretches}
        how = f"words of {window} residues, exactly the same; six frames of nucleic acids, standard code"
        quantities["reference_count"] = Quantity(
            value=len(matched), property="reference_count", method=how, conditions={"references": references.name},
        )  # fmt: skip
        if stretches:
            data["outcome"] = "flagged"
            quantities["longest_shared_stretch"] = Quantity(
                value=stretches[0]["residues"], unit="aa", property="longest_shared_stretch", method=how, conditions={"reference": stretches[0]["reference"]},
            )  # fmt: skip
            warnings.append(
                f"{stretches[0]['record']} shares {stretches[0]['residues']} residues with the reference {stretches[0]['reference']}"
            )
        data["stretches"] = stretches[:SHOWN_STRETCHES]
        if len(stretches) > SHOWN_STRETCHES:
            notes.append(f"the {SHOWN_STRETCHES} longest of {len(stretches)} shared stretches are listed")
    elif entries:
        notes.append(
            "the sequences themselves were not compared: no references were given; names alone were screened"
        )
    return ToolResult(
        data=data,
        quantities=quantities,
        source=Source(
            kind="table", name="names on public control lists" + (" and exact words" if references is not None else ""),
            reference="; ".join(f"{one['source']} (as of {one['as_of']})" for one in lists_told()),
        ),
        warnings=tuple([*warnings, *notes, _CLEARANCE, _ELSEWHERE]),
    )  # fmt: skip


def _entries(file: DataFile | None, sequence: Sequence | None) -> tuple[list[Entry], list[str]]:
    """Return the records to screen. Raises InvalidInput (`too_large`)."""
    entries: list[Entry] = []
    notes: list[str] = []
    if file is not None:
        read = read_sequence_file(file)
        entries += read.entries
        notes += read.notes
    if sequence is not None:
        kind = "undecided" if sequence.alphabet == "ambiguous" else sequence.alphabet
        entries.append(
            Entry(
                id=sequence.name or "the sequence", description=_header(sequence), letters=sequence.sequence, length=len(sequence), molecule=kind,
                circular=sequence.topology == "circular",
            )
        )  # fmt: skip
        notes += sequence.warnings
    if len(entries) > MOST_RECORDS:
        raise InvalidInput("too_large", f"more than {MOST_RECORDS} records", hint="screen the file in parts")
    return entries, notes


def _header(sequence: Sequence) -> str:
    """Return what stands around the letters of FASTA or GenBank text that was given as a sequence."""
    text = sequence.given.strip()
    if text.startswith(">"):
        return text.splitlines()[0][1:]
    return text.partition("\nORIGIN")[0] if text.startswith("LOCUS") else ""


def _named(name: str | None, entries: list[Entry]) -> list[dict[str, Any]]:
    """Return a row for each agent that a record, or the name given, names: those of tier 1 first."""
    found: dict[tuple[str, str], dict[str, Any]] = {}

    def note(record: str, where: str, text: str, named: list[Named]) -> None:
        for agent, phrase in named:
            row = found.setdefault((record, agent.name), _row(record, agent))
            row["place_count"] += 1
            if len(row["places"]) < SHOWN_PLACES:
                row["places"].append({"where": where, "text": " ".join(text.split())[:160], "name": phrase})

    if name is not None:
        note("(the name given)", "name", name, asked_agents(name))
    for entry in entries:
        for where, text in texts_of(entry):
            note(entry.id, where, text, named_agents(text))
    return sorted(found.values(), key=lambda row: not row["tier_1"])


def _row(record: str, agent: Agent) -> dict[str, Any]:
    row: dict[str, Any] = {
        "record": record,
        "agent": agent.name,
        "tier_1": any(one.tier_1 for one in agent.listings),
        "lists": [
            {"list": one.list_name, "section": one.section, "as_of": one.as_of, "tier_1": one.tier_1}
            for one in agent.listings
        ],
        "places": [],
        "place_count": 0,
    }
    return row | ({"note": agent.note} if agent.note else {})


def _told(row: dict[str, Any]) -> str:
    lists = " and ".join(
        f"{one['list']} ({one['section']}{', tier 1' if one['tier_1'] else ''})" for one in row["lists"]
    )
    place = row["places"][0]
    note = f"; {row['note']}" if "note" in row else ""
    if row["record"].startswith("("):
        return f"{row['agent']}: {lists}{note}"
    only = ", and nowhere else: a note may only compare" if _weak(row) else ""
    return f"{row['record']} names {row['agent']} in its {place['where']}{only}: {lists}{note}"


def _weak(row: dict[str, Any]) -> bool:
    return row["place_count"] <= SHOWN_PLACES and all(p["where"].startswith("note of") for p in row["places"])


def _compared(entries: list[Entry], file: DataFile, window: int) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the stretches that records share with the references, the longest first. Raises InvalidInput."""
    if sum(len(entry.letters or "") for entry in entries) > MOST_LETTERS:
        raise InvalidInput(
            "too_large", f"more than {MOST_LETTERS} letters to compare", hint="screen the file in parts"
        )
    read = read_sequence_file(file)
    wrong = next((entry for entry in read.entries if entry.nucleic), None)
    if wrong is not None:
        raise InvalidInput(
            "not_protein", f"the reference {wrong.id} is {wrong.molecule}", hint="give proteins: translate_sequence makes them of genes"
        )  # fmt: skip
    if sum(len(entry.letters or "") for entry in read.entries) > MOST_REFERENCE_RESIDUES:
        raise InvalidInput("too_large", f"the references have more than {MOST_REFERENCE_RESIDUES} residues")
    notes = []
    if short := [entry.id for entry in read.entries if entry.length < window]:
        notes.append(f"references shorter than the window cannot match: {', '.join(short[:5])}")
    if small := [entry.id for entry in entries if entry.length < (3 * window if entry.nucleic else window)]:
        notes.append(
            f"{len(small)} records are shorter than the window and cannot match: {', '.join(small[:5])}"
        )
    if silent := [entry.id for entry in entries if entry.letters is None]:
        notes.append(f"{len(silent)} records hold no sequence and were not compared: {', '.join(silent[:5])}")
    index = Index([entry.letters or "" for entry in read.entries], window)
    rows: list[dict[str, Any]] = []
    for entry in entries:
        readings = [entry] if entry.molecule != "undecided" else [_as(entry, "protein"), _as(entry, "dna")]
        for reading in readings:
            for shared in index.search(frames_of(reading, window), MOST_STRETCHES - len(rows)):
                rows.append(_stretch(reading, shared, read.entries[shared.reference]))
            if len(rows) >= MOST_STRETCHES:
                notes.append(f"the search stopped at {MOST_STRETCHES} shared stretches: there may be more")
                return _sorted(rows), notes
    return _sorted(rows), notes


def _as(entry: Entry, molecule: Any) -> Entry:
    return replace(entry, molecule=molecule)


def _sorted(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: -row["residues"])


def _stretch(entry: Entry, shared: Shared, reference: Entry) -> dict[str, Any]:
    start, end = place_in(entry, shared)
    size = shared.end - shared.start
    row: dict[str, Any] = {"record": entry.id, "start": start, "end": end}
    if shared.frame.frame:
        row |= {"strand": "+" if shared.frame.frame > 0 else "-", "frame": abs(shared.frame.frame)}
    return row | {
        "reference": reference.id, "reference_start": shared.reference_start + 1, "reference_end": shared.reference_start + size,
        "residues": size, "share_of_reference": round(size / max(reference.length, 1), 4),
    }  # fmt: skip
