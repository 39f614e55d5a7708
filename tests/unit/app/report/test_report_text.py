"""Prose: blocks, ids, and the numbers in it that nothing backs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmate.app.report.text import Run, blocks_of, plain_text, runs_of, shortened


@pytest.mark.parametrize(
    ("text", "numbers", "marked"),
    [
        ("about 12 hours", ["12"], ["12"]),
        ("vitamin B12 after 12 hours", ["12"], ["12"]),
        ("1.2 and 12 and 1.25 and 2", ["1.2", "2"], ["1.2", "2"]),
        ("a 5% rise, 15 of 5", ["5%", "5"], ["5%", "5"]),
        ("1,000 of 1,000,000", ["1,000"], ["1,000"]),
        ("in C57BL mice", ["57"], ["57"]),
        ("nothing here", ["3"], []),
        ("ends with 42.", ["42"], ["42"]),
    ],
)
def test_unbacked_numbers_are_found_as_numbers(text: str, numbers: list[str], marked: list[str]) -> None:
    assert [r.text for r in runs_of(text, {}, numbers) if r.kind == "unbacked"] == marked


def test_digits_of_an_id_are_not_numbers() -> None:
    runs = runs_of("see C-12121212 and E-12abcdef1234", {"C-12121212": "C-12121212"}, ["12"])
    assert [(r.text, r.kind) for r in runs if r.kind != "plain"] == [
        ("C-12121212", "link"),
        ("E-12abcdef1234", "dangling"),
    ]


@given(st.text(max_size=60), st.lists(st.text(max_size=4), max_size=3))
def test_cutting_prose_loses_nothing(text: str, numbers: list[str]) -> None:
    assert "".join(r.text for r in runs_of(text, {}, numbers)) == " ".join(plain_text(text).split())


def test_paragraphs_and_bullets_are_told_apart() -> None:
    blocks = blocks_of("One\nline.\n\n- first\n  more\n* second\n\nEnd −3 - 4", {}, [])
    assert [(b.bullets, [i[0] for i in b.items]) for b in blocks] == [
        (False, [Run("One line.")]),
        (True, [Run("first more"), Run("second")]),
        (False, [Run("End −3 - 4")]),
    ]
    assert blocks_of(" \n\n ", {}, []) == ()


@given(st.text())
def test_plain_text_commands_no_screen(text: str) -> None:
    assert not set(plain_text(text)) & {
        *map(chr, range(9)),
        *map(chr, range(11, 32)),
        "\x7f",
        "\x9b",
        "\u202e",
    }


def test_what_is_left_out_is_counted() -> None:
    assert shortened("abcdef", 4) == "abcd… (2 more characters)"
    assert shortened("abcd", 4) == "abcd"
