"""Finding names in free text, and the table behind it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmate.tools.chemistry.names import everyday_words, find_names, fold, name_table


def found(text: str) -> list[str]:
    return [name for _, _, name in find_names(text)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("What is the logP of aspirin, and ibuprofen's?", ["aspirin", "ibuprofen"]),
        ("Compare caffeine/theophylline (both alkaloids)", ["caffeine", "theophylline"]),
        ("TPSA of N,N-dimethylformamide?", ["N,N-dimethylformamide"]),
        ("draw 1,3,7-trimethylpurine-2,6-dione", ["1,3,7-trimethylpurine-2,6-dione"]),
        ("copper sulfate pentahydrate in water", ["copper sulfate pentahydrate", "water"]),
        ("lidocaine hydrochloride, not lidocaine", ["lidocaine hydrochloride", "lidocaine"]),
        ("is α-pinene like (S)-naproxen?", ["α-pinene", "(S)-naproxen"]),
        ("CAS 50-78-2, please", ["50-78-2"]),
        ("isomers of xylenol and butanol", ["xylenol", "butanol"]),
        ("the mass of DDT and TNT", ["DDT", "TNT"]),
        ("MOLECULAR WEIGHT OF ASPIRIN AND ETHANOL", ["ASPIRIN", "ETHANOL"]),
        ("vitamin C and baking soda", ["vitamin C", "baking soda"]),
    ],
)
def test_names_are_found_longest_first_without_punctuation(text: str, names: list[str]) -> None:
    assert found(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "Does this lead to a good base for the air, or is it a moment of choice?",
        "Balance H2O + CO2 -> C6H12O6 + O2",
        "The GC content of the DNA sequence ATGC",
        "Check the result and select the best option for the target",
        "Count the hydrogen bond donors and carbon atoms",
        "How many rotatable bonds and rings does it have? Predict the score.",
    ],
)
def test_everyday_words_formulas_and_sequences_are_no_names(text: str) -> None:
    assert found(text) == []


def test_the_words_left_out_are_names_in_the_table_or_would_be() -> None:
    table = name_table()
    assert table.by_name("good")[0].name == "phencyclidine"
    assert {"good", "lead", "and", "moment"} <= everyday_words()
    assert not {"aspirin", "water", "ethanol", "iron", "gold"} & everyday_words()


def test_a_name_finds_every_compound_that_carries_it() -> None:
    names = {known.name for known in name_table().by_name("alanine")}
    assert names == {"l-alanine", "d-alanine", "dl-alanine"}


def test_elements_are_single_atoms() -> None:
    assert [known.smiles for known in name_table().by_name("mercury")] == ["[Hg]"]  # the table has Hg3


def test_hits_carry_the_name_among_their_names() -> None:
    for name in ("aspirin", "caffeine", "acetaminophen", "d-glucose"):
        assert all(fold(name) in map(fold, known.names) for known in name_table().by_name(name))


@given(st.text(max_size=120))
def test_spans_are_in_the_text_in_order_and_apart(text: str) -> None:
    end = 0
    for start, stop, name in find_names(text):
        assert end <= start < stop
        assert text[start:stop] == name
        end = stop


@given(st.text(max_size=30))
def test_folding_twice_changes_nothing_more(name: str) -> None:
    assert fold(fold(name)) == fold(name)
