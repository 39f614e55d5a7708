"""Cutting documents: nothing lost, nothing altered, every passage located to the character and the line."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmate.tools.library.passages import OVERLAP, WORDS, cut

DOCUMENT = """Preface without a heading.

# Methods

All samples were dried.

## Synthesis ##

The film was spun at 3000 rpm. It was annealed at 100 °C.

```
# not a heading
```

## Empty

Results
=======

The efficiency was 21 %.
- a list
---
After a rule.
"""


def sentences(count: int, words: int = 10) -> str:
    return " ".join(f"Sentence {i} " + "word " * (words - 3) + "end." for i in range(count))


def test_headings_make_paths_and_sections() -> None:
    found = [(piece.heading, piece.first_line, piece.last_line) for piece in cut(DOCUMENT, markdown=True)]
    assert found == [
        ((), 1, 1),
        (("Methods",), 3, 5),
        (("Methods", "Synthesis"), 7, 13),
        (("Results",), 17, 23),
    ]


def test_plain_text_has_no_headings() -> None:
    assert [piece.heading for piece in cut(DOCUMENT, markdown=False)] == [()]


def test_long_sections_become_overlapping_passages_of_whole_sentences() -> None:
    document = "# Long\n" + sentences(60)
    pieces = cut(document, markdown=True)
    assert len(pieces) > 3
    for before, after in itertools.pairwise(pieces):
        overlap = document[after.start : before.end]
        assert 0 < len(overlap.split()) <= OVERLAP
        assert after.text.startswith("Sentence") and before.text.endswith("end.")


def test_passages_rather_end_with_a_paragraph() -> None:
    document = "\n\n".join(sentences(7) for _ in range(6))  # paragraphs of 70 words
    assert all(piece.text.count("\n\n") == 1 for piece in cut(document, markdown=False)[:1])
    assert all(piece.text.endswith("end.") for piece in cut(document, markdown=False))


def test_a_sentence_without_end_is_cut() -> None:
    pieces = cut("word " * 1000 + "x" * 20_000, markdown=False)
    assert max(len(piece.text.split()) for piece in pieces) <= WORDS
    assert max(len(piece.text) for piece in pieces) <= 5 * 4000


def test_a_document_of_headings_alone_is_kept() -> None:
    (piece,) = cut("# One\n\n## Two\n", markdown=True)
    assert piece.text == "# One\n\n## Two"


@pytest.mark.parametrize("nothing", ["", " \n\t\n", "\r\n"])
def test_nothing_makes_no_passages(nothing: str) -> None:
    assert cut(nothing, markdown=True) == []


LINES = st.sampled_from(
    ["# A", "## B b ##", "Title", "====", "---", "", " ", "```", "~~~", "- item", "A word. Another one.", "x" * 300]
) | st.text("ab .!?#\té", max_size=40) | st.integers(1, 40).map(sentences)  # fmt: skip
DOCUMENTS = st.tuples(st.lists(LINES, max_size=25), st.sampled_from(["\n", "\r\n", "\r"])).map(
    lambda d: d[1].join(d[0])
)


@given(DOCUMENTS, st.booleans())
def test_spans_and_lines_give_the_text_exactly(document: str, markdown: bool) -> None:
    rows = document.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for piece in cut(document, markdown=markdown):
        assert document[piece.start : piece.end] == piece.text == piece.text.strip()
        inside = "\n".join(rows[piece.first_line - 1 : piece.last_line])
        assert piece.text.replace("\r\n", "\n").replace("\r", "\n") in inside
        assert len(piece.text.split()) <= WORDS


@given(DOCUMENTS)
def test_no_word_of_a_plain_text_is_lost(document: str) -> None:
    covered = [False] * len(document)
    for piece in cut(document, markdown=False):
        covered[piece.start : piece.end] = [True] * (piece.end - piece.start)
    assert all(seen or letter.isspace() for seen, letter in zip(covered, document, strict=True))
