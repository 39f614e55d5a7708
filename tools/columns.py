"""The columns of a table that a question speaks of: those of a file that is there, or those it calls columns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.files import SAMPLE, keep_file
from benchmate.tools.mentions import Found

_TABLES = (".csv", ".tsv", ".txt", ".dat", ".xlsx", ".parquet", ".json")
MOST_BYTES = 20_000_000  # a larger table is not opened only to read a question
_NAME = r"[\"'“]?([A-Za-z][\w.%-]*(?: \([^)\s]{1,12}\))?)[\"'”]?"
_CALLED = re.compile(
    rf"\b(?:the |a |with |has |have )?columns?\s*(?:called|named|are|is|:|=)?\s*(?!of\b|in\b|for\b|and\b|with\b|from\b|as\b|by\b)"
    rf"(?P<after>{_NAME}(?:\s*(?:,|,?\s+and|&|/)\s+{_NAME})*)"
    rf"|(?<![\w-])(?P<before>[\"'“]?[A-Za-z]\w*[_\d]\w*[\"'”]?|[\"'“][^\"'”\n]{{1,40}}[\"'”]|[A-Z][A-Z_\d]{{2,}})\s+(?:column|field)s?\b",
    re.I,
)
_COMMON = frozenset("a i in of the is an as at on or to and by for it".split())


def named_columns(text: str) -> Iterator[Found]:
    """Yield the words that a text calls columns: 'the SAP_FLUX column', 'columns temp, eq, yield'."""
    for match in _CALLED.finditer(text):
        group = "after" if match["after"] else "before"
        if group == "before" and match["before"][0] in "\"'“":
            yield Found(match.start(group) + 1, match.end(group) - 1, match["before"][1:-1], "column")
            continue
        if group == "before" and match["before"].islower() and not re.search(r"[_\d]", match["before"]):
            continue
        for word in re.finditer(_NAME, match[group]):
            if word[1].lower() not in _COMMON:
                start = match.start(group) + word.start(1)
                yield Found(start, start + len(word[1]), word[1], "column")


def headers_of(name: str, folder: Path) -> list[str]:
    """Return the column names of a table file that a question names; none where it is no table, or cannot be read here."""
    from benchmate.tools.statistics.table_files import read_rows

    if not name.startswith(SAMPLE) and Path(name).suffix.lower() not in _TABLES:
        return []  # not even read
    try:
        file = keep_file(name, folder).open(folder)
        if file.suffix not in _TABLES or file.size > MOST_BYTES:
            return []
        return read_rows(file)[0]
    except (BenchmateError, ImportError):
        return []  # the tool that takes the file says what is wrong with it


def columns_in(text: str, headers: Sequence[str]) -> Iterator[tuple[Found, str]]:
    """Yield where a text names a column, and that column's header; the longest names first, none overlapping another.

    A name is said in full, without its unit in brackets, or with spaces for underscores, in any case; one of a single
    letter is said in its own case. One word of a longer name counts where no other column has that word.
    """
    from benchmate.tools.statistics.tables import read_header

    names = {header: read_header(header)[0] for header in headers}
    words = {h: {w.casefold() for w in re.findall(r"[^\W_]{4,}", name)} for h, name in names.items()}
    owned = Counter(word for own in words.values() for word in own)
    said: list[tuple[str, str]] = []
    for header in headers:
        forms = [header, names[header], *sorted(w for w in words[header] if owned[w] == 1)]
        said += [(form, header) for form in dict.fromkeys(forms) if form]
    taken: list[tuple[int, int]] = []
    for form, header in sorted(said, key=lambda s: -len(s[0])):
        if form.lower() in _COMMON:
            continue
        pattern = re.sub(r"(?:\\ |_|\\-)+", r"[\\s_-]", re.escape(form))
        flags = re.NOFLAG if len(form) == 1 else re.I
        for match in re.finditer(rf"(?<![\w.]){pattern}(?:s|es)?(?!\w)", text, flags):
            if all(match.end() <= start or end <= match.start() for start, end in taken):
                taken.append(match.span())
                yield Found(*match.span(), match[0], "column"), header
