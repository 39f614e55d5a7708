"""What a run rests on as BibTeX: the software, the methods, the data and the documents that its evidence names."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from benchmate.runtime.evidence import Evidence

WORKS = Path(__file__).parent / "works.json"
FIELDS = (
    "author",
    "title",
    "journal",
    "booktitle",
    "year",
    "volume",
    "pages",
    "doi",
    "eprint",
    "url",
    "note",
)
_DOI = re.compile(r"(?:doi:\s*|https?://(?:dx\.)?doi\.org/)?(10\.\d{4,9}/[^\s,;]*[^\s,;.])", re.IGNORECASE)
_ARXIV = re.compile(r"arXiv:\s*([\w.-]+/\d{7}|\d{4}\.\d{4,5})")
_YEAR = re.compile(r"\b(1[89]|20)\d\d\b")

Entry = dict[str, str]


def bibliography(evidence: Sequence[Evidence], versions: Mapping[str, str]) -> str:
    """Return BibTeX with an entry for this program and for each work that the evidence names, once, in the order of their keys.

    A work that `works.json` knows, by its DOI or its name, has all its fields; another has the words that the tool says it by,
    with its DOI or arXiv number where it gives one.
    """
    title = f"benchmate {versions.get('benchmate', '')}".strip()
    entries: dict[str, Entry] = {"benchmate": {"kind": "misc", "title": title}}
    for key, entry in (found for one in evidence for found in _entries(one)):
        same = {k: v for k, v in entries.items() if k == key or re.fullmatch(rf"{re.escape(key)}[a-z]", k)}
        if not any(e.get("title") == entry["title"] for e in same.values()):
            entries[key + (chr(ord("a") + len(same) - 1) if same else "")] = entry
    return "\n".join(_bibtex(key, entries[key]) for key in sorted(entries))


@functools.cache
def _works() -> list[dict[str, Any]]:
    works: list[dict[str, Any]] = json.loads(WORKS.read_text(encoding="utf-8"))
    return works


def _entries(evidence: Evidence) -> Iterator[tuple[str, Entry]]:
    source = evidence.result.source
    methods = dict.fromkeys(q.method for q in evidence.result.quantities.values() if q.method)
    yield from _named(source.name)
    if source.kind == "library":
        for passage in evidence.result.data.get("passages", ()):
            name = PurePath(passage["source"]).name
            yield _key(name), {"kind": "misc", "title": name, "note": "A document of the library"}
    elif not any(_named(source.name)) and not source.name.startswith("benchmate"):
        note = (
            f"{source.kind} by {evidence.tool}"
            if source.kind == "computed"
            else f"{source.kind} read by {evidence.tool}"
        )
        yield _key(source.name), {"kind": "misc", "title": source.name, "note": note}
    if source.reference and source.kind != "library":
        for part in source.reference.split("; "):
            yield from _referred(part)
    for method in methods:
        known = list(_named(method))
        yield from known
        if not known and _YEAR.search(method):
            yield from _referred(method)


def _named(text: str) -> Iterator[tuple[str, Entry]]:
    """Yield the known works whose names stand in a text, software with the version that follows its name."""
    for work in _works():
        for name in work["names"]:
            found = re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])(?: (\d[\w.]*))?", text)
            if found:
                yield work["key"], _entry(work) | ({"note": f"version {found[1]}"} if found[1] else {})
                break


def _referred(text: str) -> Iterator[tuple[str, Entry]]:
    """Yield the works of one reference: known ones by DOI or name, else what it says."""
    dois = [_balanced(doi) for doi in _DOI.findall(text)]
    known = [work for work in _works() if work.get("doi") in dois]
    if known:
        yield from ((work["key"], _entry(work)) for work in known)
        return
    if named := list(_named(text)):
        yield from named
        return
    words = _ARXIV.sub("", _DOI.sub("", text)).strip(" ,:()")
    entry = {"kind": "misc", "title": words or text}
    if dois:
        entry["doi"] = dois[0]
    if arxiv := _ARXIV.search(text):
        entry |= {"eprint": arxiv[1]}
    if year := _YEAR.search(words):
        entry["year"] = year[0]
    yield _key(words or text), entry


def _balanced(doi: str) -> str:
    """Return a DOI without the bracket that closes the text around it."""
    return doi[:-1] if doi.endswith(")") and doi.count(")") > doi.count("(") else doi


def _entry(work: Mapping[str, Any]) -> Entry:
    return {key: value for key, value in work.items() if key not in ("key", "names")}


def _key(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "", text)[:40] or "source"


def _bibtex(key: str, entry: Entry) -> str:
    told = [(name, entry[name]) for name in FIELDS if name in entry]
    body = "".join(f"  {name} = {{{_tex(name, value)}}},\n" for name, value in told)
    return f"@{entry['kind']}{{{key},\n{body}}}\n"


def _tex(name: str, text: str) -> str:
    """Return a field's value. BibTeX counts braces whatever stands before them, so only names of persons, which are ours, keep them."""
    plain = " ".join(text.split())
    if name != "author":
        plain = plain.replace("\\", " ").translate(str.maketrans("{}", "()"))
    if name in ("doi", "url", "eprint"):
        return plain
    return plain.replace("-", "--") if name == "pages" else re.sub(r"([&%$#_])", r"\\\1", plain)
