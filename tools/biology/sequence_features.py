"""Features of annotated records: where they lie (1-based), which one is asked for, its sequence and its translation."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any, NamedTuple

from benchmate.runtime.errors import InvalidInput, NotFound, did_you_mean
from benchmate.tools.biology.dna import codon_table
from benchmate.tools.biology.sequence_records import Entry

# Qualifiers by which a feature is known, in this order.
_NAMING = ("gene", "locus_tag", "label", "standard_name", "protein_id", "product", "gene_synonym", "old_locus_tag", "name")  # fmt: skip
_SHOWN_NAME = ("gene", "label", "standard_name", "locus_tag", "product", "name", "note")
# Where several features carry a name, as a gene and its CDS do, the first of these kinds that occurs is meant.
_PREFERRED = ("CDS", "mRNA", "tRNA", "rRNA", "ncRNA", "gene")


class Extracted(NamedTuple):
    """A feature's sequence, and for a CDS its protein; `agrees` says whether the record's own translation is the same."""

    row: dict[str, Any]
    letters: str
    protein: str | None
    genetic_code: int | None
    agrees: bool | None
    notes: tuple[str, ...]


def feature_rows(entry: Entry) -> list[dict[str, Any]]:
    """Return the features of a record as plain data, in the order of the file. Positions are 1-based, both ends included."""
    if entry.record is None:
        return []
    return [_row(entry, feature) for feature in entry.record.features if feature.location is not None]


def unplaced(entry: Entry) -> int:
    """Return how many features have a location that cannot be read."""
    return (
        sum(feature.location is None for feature in entry.record.features) if entry.record is not None else 0
    )


def _row(entry: Entry, feature: Any) -> dict[str, Any]:
    parts = _reading_order(feature.location)
    spans_origin = _crosses(entry, parts)
    local = [part for part in parts if part.ref is None] or parts
    if spans_origin:
        first, last = local[0].start, local[-1].end
    else:
        first, last = min(part.start for part in local), max(part.end for part in local)
    if first == last:  # between two letters: 12^13
        first, last = int(first) - 1, int(first) + 1
    said = feature.qualifiers
    row: dict[str, Any] = {
        "type": feature.type,
        "name": _first(said, _SHOWN_NAME),
        "location": location_text(feature.location, entry.length),
        "start": int(first) + 1,
        "end": int(last),
        "strand": {1: "+", -1: "-"}.get(feature.location.strand),
        "length": sum(len(part) for part in parts),
        "parts": len(parts),
    }
    for key in ("gene", "locus_tag", "product", "protein_id"):
        if key in said:
            row[key] = " ".join(str(said[key][0]).split())
    if spans_origin:
        row["spans_origin"] = True
    if any(part.ref for part in parts):
        row["other_records"] = sorted({part.ref for part in parts if part.ref})
    return row


def location_text(location: Any, size: int | None = None) -> str:
    """Return a location as GenBank writes it: join(104..160,320..>390), complement(5..80), 12^13. `size` is that of the record."""
    parts = list(location.parts)
    backward = all(part.strand == -1 for part in parts)
    ordered = parts[::-1] if backward else parts
    texts = [
        _span(part, size) if backward or part.strand != -1 else f"complement({_span(part, size)})"
        for part in ordered
    ]
    operator = getattr(location, "operator", "join")
    text = texts[0] if len(texts) == 1 else f"{operator}({','.join(texts)})"
    return f"complement({text})" if backward else text


def _span(part: Any, size: int | None) -> str:
    start, end = part.start, part.end
    before = f"{part.ref}:" if part.ref else ""
    if int(start) == int(end) and _mark(start) == _mark(end) == "":
        return f"{before}{int(start)}^{1 if int(start) == size else int(start) + 1}"
    left, right = f"{_mark(start)}{int(start) + 1}", f"{_mark(end)}{int(end)}"
    return before + (left if left == right else f"{left}..{right}")


def _mark(position: Any) -> str:
    return {"BeforePosition": "<", "AfterPosition": ">"}.get(type(position).__name__, "")


def _reading_order(location: Any) -> list[Any]:
    """Return the parts along the given strand: those of a feature on the other strand are kept in the order of reading."""
    parts = list(location.parts)
    return parts[::-1] if all(part.strand == -1 for part in parts) else parts


def _crosses(entry: Entry, parts: list[Any]) -> bool:
    return entry.circular and any(
        int(a.end) == entry.length and int(b.start) == 0 and a.ref is None and b.ref is None
        for a, b in itertools.pairwise(parts)
    )


def _first(said: dict[str, list[Any]], keys: Iterable[str]) -> str | None:
    return next((" ".join(str(said[key][0]).split())[:80] for key in keys if said.get(key)), None)


def find_feature(entries: list[Entry], name: str, kind: str | None) -> tuple[Entry, Any]:
    """Return the record and the feature that is called `name` (gene, locus tag, label, product, protein id), of a kind where one is given.

    Raises NotFound (`unknown_feature`) with the nearest name, InvalidInput (`several_features`) with their places.
    """
    every = [
        (entry, feature)
        for entry in entries
        if entry.record is not None
        for feature in entry.record.features
        if feature.location is not None
    ]
    if kind is not None:
        kinds = sorted({feature.type for _, feature in every})
        every = [(entry, feature) for entry, feature in every if feature.type.lower() == kind.lower()]
        if not every:
            raise NotFound(
                "unknown_feature", f"there is no feature of the type {kind}", hint=did_you_mean(kind, kinds)
            )
    wanted = name.strip()
    found = [(e, f) for e, f in every if wanted in _names(f)]
    if not found:
        found = [(e, f) for e, f in every if wanted.lower() in {n.lower() for n in _names(f)}]
    if not found:
        names = {n for _, f in every for n in _names(f) if len(n) <= 60}
        raise NotFound("unknown_feature", f"no feature is called {wanted!r}", hint=did_you_mean(wanted, _few(names, wanted)))  # fmt: skip
    if kind is None:
        for preferred in _PREFERRED:
            if of_kind := [(e, f) for e, f in found if f.type == preferred]:
                found = of_kind
                break
    if len(found) > 1:
        places = [f"{f.type} {location_text(f.location)} of {e.id}" for e, f in found]
        raise InvalidInput(
            "several_features",
            f"{len(found)} features are called {wanted!r}: {'; '.join(places[:5])}",
            hint="give the record, the type, or a locus tag or protein id that only one has",
            details={"places": places[:50]},
        )
    return found[0]


def _few(names: set[str], wanted: str) -> list[str]:
    """Return names near the wanted one, or the first of all: a genome has thousands."""
    from difflib import get_close_matches

    return get_close_matches(wanted, sorted(names), n=1, cutoff=0.5) or sorted(names)[:10]


def _names(feature: Any) -> set[str]:
    return {" ".join(str(n).split()) for key in _NAMING for n in feature.qualifiers.get(key, ())}


def extract(entry: Entry, feature: Any, genetic_code: int | None) -> Extracted:
    """Return the sequence of a feature, 5' to 3' on its own strand with its parts joined, and the protein of a CDS.

    Raises InvalidInput: `no_sequence`, `remote_location`, `outside_record`, `unknown_genetic_code`.
    """
    row = _row(entry, feature)
    where = f"{row['type']} {row['location']} of {entry.id}"
    if entry.letters is None:
        raise InvalidInput("no_sequence", f"{entry.id} holds no sequence", hint="fetch the record with it")
    if "other_records" in row:
        raise InvalidInput(
            "remote_location",
            f"{where} runs into other records: {', '.join(row['other_records'])}",
            hint="give the record that holds all of it",
        )
    if any(int(part.start) < 0 or int(part.end) > entry.length for part in feature.location.parts):
        raise InvalidInput("outside_record", f"{where} lies outside its {entry.length} letters")
    letters = str(feature.extract(entry.record.seq)).upper()
    loose = (
        ("the parts are given by order(), which does not say that they are joined",)
        if "order(" in row["location"]
        else ()
    )
    if feature.type != "CDS" or not entry.nucleic:
        return Extracted(row, letters, None, None, None, loose)
    found = _translated(row, feature, letters, genetic_code)
    return found._replace(notes=(*loose, *found.notes))


def _translated(row: dict[str, Any], feature: Any, letters: str, genetic_code: int | None) -> Extracted:
    said = feature.qualifiers
    number = genetic_code or int(_number(said, "transl_table", 1))
    notes = []
    if genetic_code is None and "transl_table" not in said:
        notes.append("the record names no genetic code: the standard one is used")
    code = codon_table(number)
    begin = _number(said, "codon_start", 1) - 1
    read = letters[begin:]
    if begin:
        notes.append(f"reading begins at base {begin + 1} of the feature (codon_start)")
    protein = code.translate(read)
    if (
        not _open_start(feature)
        and not begin
        and protein
        and read[:3] != "ATG"
        and read[:3] in _starts(number)
    ):
        protein = "M" + protein[1:]
        notes.append(f"the start codon {read[:3]} is read as Met")
    if len(read) % 3:
        notes.append(f"the last {len(read) % 3} of {len(read)} bases make no whole codon")
    if protein.endswith("*"):
        protein = protein[:-1]
    elif row["location"].count(">") == 0 and row["location"].count("<") == 0:
        notes.append("no stop codon at the end")
    if "*" in protein:
        notes.append(f"{protein.count('*')} stops stand inside the reading frame")
    agrees = None
    if written := "".join(str(said.get("translation", [""])[0]).split()):
        agrees = written.rstrip("*") == protein
        if not agrees:
            why = ", ".join(
                k for k in ("transl_except", "exception", "ribosomal_slippage", "pseudo") if k in said
            )
            notes.append(
                "the translation that the record gives is another"
                + (f" (it says {why})" if why else "")
                + ": compare `translation_of_the_record`"
            )
    if "pseudo" in said or "pseudogene" in said:
        notes.append("the record calls it a pseudogene")
    return Extracted(row, letters, protein, number, agrees, tuple(notes))


def _open_start(feature: Any) -> bool:
    """Whether the 5' end lies beyond what is known, on either strand."""
    first = feature.location.parts[0]
    return type(first.end if first.strand == -1 else first.start).__name__ != "ExactPosition"


def _number(said: dict[str, list[Any]], key: str, default: int) -> int:
    """Return a whole number that a qualifier gives. Raises InvalidInput (`bad_qualifier`)."""
    text = str(said.get(key, [default])[0]).strip()
    if not text.isdecimal():
        raise InvalidInput("bad_qualifier", f"/{key} is {text!r}, which is no number")
    return int(text)


def _starts(number: int) -> list[str]:
    from Bio.Data.CodonTable import unambiguous_dna_by_id

    return list(unambiguous_dna_by_id[number].start_codons)
