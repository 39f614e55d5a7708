"""The columns of a table that a question speaks of: those of a file that is there, or those it calls columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.files import keep_file
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
        if group == "before" and match["before"].islower() and not re.search(r"[_\d]", match["before"]):
            continue
        for word in re.finditer(_NAME, match[group]):
            if word[1].lower() not in _COMMON:
                start = match.start(group) + word.start(1)
                yield Found(start, start + len(word[1]), word[1], "column")


def headers_of(name: str, folder: Path) -> list[str]:
    """Return the column names of a table file that a question names; none where it is no table, or cannot be read here."""
    from benchmate.tools.statistics.table_files import read_rows

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
    said: list[tuple[str, str]] = []
    for header in headers:
        plain = re.sub(r"\s*[(\[][^)\]]*[)\]]\s*$", "", header).strip()
        said += [(form, header) for form in dict.fromkeys((header, plain)) if form]
        words = re.findall(r"[^\W_]{4,}", plain)
        for word in words if len(words) > 1 else ():
            if (
                sum(
                    re.search(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])", h, re.I) is not None
                    for h in headers
                )
                == 1
            ):
                said.append((word, header))
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
