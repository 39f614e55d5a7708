"""Reading a question: every subject it names, nothing it does not, and in time that grows with its length alone."""

from __future__ import annotations

import time

import pytest

from benchmate.tools.intake import LONGEST_QUESTION, find_candidates


def held(text: str, *kinds: str) -> list[str]:
    return [c["text"] for c in find_candidates(text) if not kinds or c["kind"] in kinds]


def kinds(text: str) -> dict[str, str]:
    return {c["text"]: c["kind"] for c in find_candidates(text)}


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    find_candidates("5 mg of aspirin and foozlamine")  # tables are read once in a process


@pytest.mark.parametrize(
    "piece",
    ["A + ", "A^", "5 mg ", "m/", "1,", "A->", "H2+", "(A", "2 ", "CC=O ", "aspirin, ", "foozlamine and ", "my notes ", "K-", "A=", "[1, ", "a/b.",
     "solve x^2+", "C>", "2000-01-01 ", "(OH)2", "f(x)", "NaCl.", "JD 245", "5 mg foo-bar "],
)  # fmt: skip
def test_the_time_grows_with_the_length_alone(piece: str) -> None:
    def seconds(length: int) -> float:
        text = (piece * length)[:length]
        began = time.process_time()
        find_candidates(text)
        return time.process_time() - began

    part = min(seconds(LONGEST_QUESTION // 10) for _ in range(3))
    # ten times the text; 30 leaves room for a busy machine, and quadratic reading would take 100 times as long
    assert seconds(LONGEST_QUESTION) < 30 * part + 0.5


@pytest.mark.parametrize("text", ["C1=CC=CC=C1C(C)(C)(C)(C)C", "CC(=O)Nc1ccc(O)cc", "C=CC(C)(C)(C)(C)C"])
def test_a_broken_structure_is_no_equation(text: str) -> None:
    assert kinds(f"is {text} valid?")[text] == "structure"


@pytest.mark.parametrize(
    "text", ["N2O4=2NO2", "H2+O2=H2O", "NH4+ + OH- -> NH3 + H2O", "C3H8 + 5O2-->3CO2 + 4H2O"]
)
def test_an_equation_is_one_however_it_is_spaced(text: str) -> None:
    assert kinds(f"balance {text}") == {text: "equation"}


def test_what_only_looks_like_an_equation_is_none() -> None:
    assert held("convert 300 K -> C", "equation") == []
    assert held("route A -> B", "equation") == []
    assert held("balance Xx + O2 -> XxO", "equation") == ["Xx + O2 -> XxO"]  # the tool says what is wrong


ALANINE = "InChI=1S/C3H7NO2/c1-2(4)3(5)6/h2H,4H2,1H3,(H,5,6)"


@pytest.mark.parametrize(
    "form", ["{}", "({})", "is ({}) right?", "what is {}?", "what is {}.", "'{}'", "[{}]", "see ({})."]
)
def test_an_inchi_keeps_its_brackets_and_no_others(form: str) -> None:
    assert held(form.format(ALANINE)) == [ALANINE]


LISTS = [
    ("Which is heavier, R-ibuprofen or caffeine?", ["R-ibuprofen", "caffeine"]),
    ("logP of warfarin vs. apixaban vs. rivaroxaban please, ranked", ["warfarin", "apixaban", "rivaroxaban"]),
    ("(R)-ibuprofen vs (S)-ibuprofen", ["(R)-ibuprofen", "(S)-ibuprofen"]),
    ("Compare the logP of warfarin, apixaban and lidocaine", ["warfarin", "apixaban", "lidocaine"]),
    ("TPSA: apixaban, rivaroxaban, or warfarin", ["apixaban", "rivaroxaban", "warfarin"]),
    ("is apixaban heavier than warfarin?", ["apixaban", "warfarin"]),
    ("aspirin vs AZD9291", ["aspirin", "AZD9291"]),
    ("How similar are morphine and codeine?", ["morphine", "codeine"]),
]  # fmt: skip


@pytest.mark.parametrize(("question", "compounds"), LISTS)
def test_no_member_of_a_list_is_lost(question: str, compounds: list[str]) -> None:
    assert held(question, "compound", "unknown") == compounds


@pytest.mark.parametrize(
    "question",
    ["logP of aspirin, please", "logP of aspirin and TPSA", "aspirin, ranked", "Draw aspirin and rotate it",
     "In aspirin, which atoms are chiral?", "aspirin and its lipophilicity", "is aspirin soluble, and how stable?",
     "aspirin versus placebo", "aspirin, 25 mg", "For screening, aspirin", "Hello, aspirin weighs what?"],
)  # fmt: skip
def test_words_beside_a_compound_are_no_compounds(question: str) -> None:
    assert held(question, "compound", "unknown") == ["aspirin"]


@pytest.mark.parametrize(
    ("question", "mention"),
    [
        ("search my docs for annealing", "my docs"),
        ("In my library, what is said about freezing?", "my library"),
        ("according to my notes, what buffer is used", "my notes"),
        ("what do the papers I uploaded say", "the papers I uploaded"),
        ("I uploaded a thesis, what does it say on yields", "I uploaded"),
        ("which of our protocols covers lysis", "which of our protocols"),
    ],
)
def test_ones_own_documents_are_a_subject(question: str, mention: str) -> None:
    assert held(question, "document") == [mention]


@pytest.mark.parametrize(
    "question",
    ["for my notes: logP of aspirin", "I need the logP of aspirin for my report", "put the mass of CCO into our notebook",
     "the paper gives 5 nm but I think in cm", "a library of compounds"],
)  # fmt: skip
def test_documents_that_the_answer_is_for_are_none(question: str) -> None:
    assert held(question, "document") == []


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("count the coins in sample:coins", "file", ["sample:coins"]),
        ("see (data.csv) and '../my runs/x.mseed'", "file", ["data.csv", "../my runs/x.mseed"]),
        ("the mean of [1.5, 2, -3e2] and 4, 5, 6 and 7", "numbers", ["[1.5, 2, -3e2]", "4, 5, 6 and 7"]),
        ("GPS time of 2015-09-14 09:50:45.4 UTC", "time", ["2015-09-14 09:50:45.4 UTC"]),
        ("classify CCO.CC(=O)O>>CC(=O)OCC", "reaction", ["CCO.CC(=O)O>>CC(=O)OCC"]),
        (r"electrons in \ce{S2O3^{2-}}", "formula", [r"\ce{S2O3^{2-}}"]),
        ("capacity of LiFePO4", "formula", ["LiFePO4"]),
        ("solve x^2 - 5*x + 6 = 0", "expression", ["x^2 - 5*x + 6 = 0"]),
    ],
)
def test_what_a_text_says_outright_is_found(text: str, kind: str, expected: list[str]) -> None:
    assert held(text, kind) == expected


@pytest.mark.parametrize(
    "text", ["the IC50 of HeLa cells in DMEM", "a 3D plot, e.g. of Nature.Paper", "2 to 3 mL"]
)
def test_ordinary_words_are_none_of_these(text: str) -> None:
    assert held(text, "file", "numbers", "time", "reaction", "formula", "expression") == []
