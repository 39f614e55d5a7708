"""Phrases that may stand in prose: the index finds whatever a search through all of them finds."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmate.agents.phrases import Phrases, without

PIECES = st.sampled_from(
    ["C1", "c1", "CC(=O)", "2-", "12", "1.5", ".5", " ", "  ", "İ1", "k9", "K", "ſ", "s", "é2", "²", "a"]
)
TEXTS = st.lists(PIECES, max_size=8).map("".join)


def by_search(text: str, phrase: str) -> str:
    return re.sub(rf"(?<![0-9.]){re.escape(phrase)}(?![0-9])", " ", text, flags=re.IGNORECASE)


@given(TEXTS, st.lists(TEXTS, max_size=6), st.lists(TEXTS, max_size=6))
def test_no_phrase_that_stands_in_a_text_is_missed(text, phrases, more):
    possible = Phrases(more, base=Phrases(phrases)).possible_in(text)
    for phrase in {*phrases, *more}:
        if any(map(str.isdigit, phrase)) and re.search(re.escape(phrase), text, re.IGNORECASE):
            assert phrase in possible


@given(TEXTS, TEXTS.filter(bool))
def test_a_phrase_is_taken_out_as_a_regular_expression_would(text, phrase):
    assert without(text, phrase, whole_numbers=True) == by_search(text, phrase)
    assert without(text, phrase) == re.sub(re.escape(phrase), " ", text, flags=re.IGNORECASE)


@pytest.mark.parametrize("phrase", ["12", "1.5"])
def test_a_number_is_not_cut_in_two(phrase):
    assert without("112 12.0 0.12 1.50 1.5", phrase, whole_numbers=True) == by_search(
        "112 12.0 0.12 1.50 1.5", phrase
    )


def test_few_phrases_are_looked_at():
    phrases = Phrases(f"C{'c' * n}1CC{'O' * n}1" for n in range(1, 500))
    assert phrases.possible_in("The logP of Ccc1CCOO1 is 2.1.") == ["Ccc1CCOO1"]


def test_what_has_no_digit_excuses_nothing():
    assert Phrases(["aspirin", ""]).possible_in("aspirin") == []
