"""What a text is made of: tagged and detected SMILES and FASTA spans, tags, and plain text between them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from benchmate.model.tokenizer.detection import proteins_in, smiles_in

Kind = Literal["text", "tag", "SMILES", "FASTA"]

TAGS = tuple(
    tag
    for name in ("SMILES", "FASTA", "MOLFORMULA", "SELFIES", "IUPAC", "DNA", "RNA")
    for tag in (f"<{name}>", f"</{name}>")
)
_TAG = re.compile("|".join(TAGS))
_CONTENT = re.compile("[^<]*")
_CODE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
# Without its closing tag, as in a prompt that a model goes on with, a span ends where its notation does.
_UNCLOSED = {"SMILES": re.compile(r"[^\s<]*"), "FASTA": re.compile(r"(?:>[^\n<]*\n)?[A-Z*\n-]*")}
_ASCII_OR_NOT = re.compile(r"[\x00-\x7f]+|[^\x00-\x7f]+")
_HEADER_OR_NOT = re.compile(r"(?:^|(?<=\n))>[^\n]*|(?:(?!\n>)[\x00-\x7f])+\n?|\n|[^\x00-\x7f]+")


class Span(NamedTuple):
    """A SMILES or FASTA span: its text is `text[start:stop]`, and it was `tagged` or found by the detector."""

    kind: Literal["SMILES", "FASTA"]
    start: int
    stop: int
    tagged: bool


class Part(NamedTuple):
    """A piece of a text and how it is encoded; the parts of a text, joined, are the text."""

    kind: Kind
    text: str


def spans_of(text: str, detect: bool = True) -> Iterator[Span]:
    """Yield the spans in order. What is tagged as something else, or stands in a code fence, is never detected."""
    at = 0
    for tag in _TAG.finditer(text) if "<" in text else ():
        if detect:
            yield from _detected(text, at, tag.start())
        at = tag.end()
        name = tag[0].strip("</>")
        if tag[0][1] == "/":
            continue
        found = _CONTENT.match(text, at)
        closed = found is not None and text.startswith(f"</{name}>", found.end())
        if not closed:
            found = _UNCLOSED[name].match(text, at) if name in _UNCLOSED else None
        if found is not None:
            if found.end() > at and name in _UNCLOSED:
                yield Span("SMILES" if name == "SMILES" else "FASTA", at, found.end(), True)
            at = found.end()
    if detect:
        yield from _detected(text, at, len(text))


def parts_of(text: str, detect: bool = True) -> list[Part]:
    """Return the parts of a text in order, no two of plain text side by side."""
    parts: list[Part] = []
    for part in _parts(text, detect):
        if part.kind == "text" and parts and parts[-1].kind == "text":
            part = Part("text", parts.pop().text + part.text)
        parts.append(part)
    return parts


def _parts(text: str, detect: bool) -> Iterator[Part]:
    at = 0
    for span in spans_of(text, detect):
        if span.start > at:
            yield from _tags_in(text[at : span.start])
        yield from contents_of(span.kind, text[span.start : span.stop])
        at = span.stop
    if at < len(text):
        yield from _tags_in(text[at:])


def contents_of(kind: Literal["SMILES", "FASTA"], content: str) -> Iterator[Part]:
    """Yield the parts of a span: ASCII is encoded as SMILES or FASTA, the rest is text, as are FASTA's header lines."""
    if content.isascii() and (kind == "SMILES" or ">" not in content):
        if content:
            yield Part(kind, content)
        return
    pattern = _HEADER_OR_NOT if kind == "FASTA" else _ASCII_OR_NOT
    for piece in pattern.findall(content):
        is_text = not piece.isascii() or (kind == "FASTA" and piece[0] == ">")
        yield Part("text" if is_text else kind, piece)


def _tags_in(text: str) -> Iterator[Part]:
    at = 0
    for tag in _TAG.finditer(text) if "<" in text else ():
        if tag.start() > at:
            yield Part("text", text[at : tag.start()])
        yield Part("tag", tag[0])
        at = tag.end()
    if at < len(text):
        yield Part("text", text[at:])


def _detected(text: str, start: int, stop: int) -> Iterator[Span]:
    if start >= stop:
        return
    plain = text[start:stop]
    fenced = [f.span() for f in _CODE.finditer(plain)] if "```" in plain else []
    found = [("SMILES", *s) for s in smiles_in(plain)] + [("FASTA", *s) for s in proteins_in(plain)]
    end = 0
    for kind, first, last in sorted(found, key=lambda f: f[1:]):
        if first >= end and not any(a < last and first < b for a, b in fenced):
            yield Span("SMILES" if kind == "SMILES" else "FASTA", start + first, start + last, False)
            end = last
