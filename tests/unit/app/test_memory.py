"""Memory: names of one's own, understood in questions, forgotten when asked, and nobody else's."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmate.app.memory import Memory
from benchmate.app.repl.chat import Chat
from benchmate.app.repl.entry import PipedLines
from benchmate.app.repl.screen import Screen
from benchmate.app.sessions import Sessions
from benchmate.runtime.database import Database
from benchmate.runtime.errors import BenchmateError, InvalidInput, NotFound
from benchmate.runtime.settings import load_settings


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    database = Database(tmp_path / "b.sqlite")
    yield Memory(database, "ada")
    database.close()


def test_a_name_is_understood_until_it_is_forgotten(memory: Memory) -> None:
    memory.set("BM-12", "CC(=O)Nc1ccc(O)cc1")
    memory.set("BM-1", "CCO")
    question, used = memory.understood("logP of bm-12, not of BM-123")
    assert question == "logP of CC(=O)Nc1ccc(O)cc1, not of BM-123"
    assert [one.name for one in used] == ["BM-12"]
    memory.set("bm-12", "aspirin")  # said anew: the old meaning is gone
    assert memory.understood("logP of BM-12")[0] == "logP of aspirin"
    memory.forget("BM-12")
    assert memory.understood("logP of BM-12") == ("logP of BM-12", [])
    assert [one.name for one in memory.all()] == ["BM-1"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("12", "CCO"),
        ("", "CCO"),
        ("x" * 80, "CCO"),
        ("BM-12", "not a compound 7"),
        ("BM-12", "C1CC"),
        ("ethanol", "ethanol"),
    ],
)
def test_what_means_nothing_is_not_remembered(memory: Memory, name: str, value: str) -> None:
    with pytest.raises(BenchmateError) as refused:
        memory.set(name, value)
    assert refused.value.info.kind in ("invalid", "not_found")
    assert memory.all() == []


def test_a_sequence_may_have_a_name(memory: Memory) -> None:
    memory.set("our insert", "ATGGCCATTGTAATGGGCCGC")
    assert memory.understood("GC content of our insert")[0] == "GC content of ATGGCCATTGTAATGGGCCGC"


def test_memory_is_a_persons_own(tmp_path: Path) -> None:
    database = Database(tmp_path / "b.sqlite")
    Memory(database, "ada").set("BM-12", "CCO")
    assert Memory(database, "bob").all() == []
    with pytest.raises(NotFound) as unknown:
        Memory(database, "bob").forget("BM-12")
    assert unknown.value.code == "not_remembered"
    database.close()


class NoModel:
    name = version = "none"

    async def aclose(self) -> None:
        pass


@pytest.mark.usefixtures("inline_tools")
async def test_the_chat_says_what_it_took_a_name_for(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path / "data", runs_dir=tmp_path / "runs", person="ada")
    stream = io.StringIO()
    with Sessions(settings) as sessions:
        chat = Chat(sessions, Screen(plain=True, stream=stream), engine=NoModel())
        chat.enter()
        lines = "/remember BM-12 = CC(=O)Nc1ccc(O)cc1\n/memory\nWhat is the molecular weight of BM-12?\n/forget BM-12\n/remember BM-12\n"
        await chat.run(PipedLines(io.StringIO(lines)))
        await chat.close()
    out = stream.getvalue()
    assert "BM-12 is CC(=O)Nc1ccc(O)cc1, as you said on " in out
    assert "151.16 g/mol" in out  # paracetamol, PubChem CID 1983: 151.16
    assert "BM-12 is forgotten" in out
    assert "/remember takes a name and what it means" in out


def test_a_bad_name_is_told_the_right_form(memory: Memory) -> None:
    with pytest.raises(InvalidInput) as refused:
        memory.set("a=b", "CCO")
    assert refused.value.code == "bad_name"


def test_a_backslash_in_a_structure_stays_one(memory: Memory) -> None:
    memory.set("cis-DCE", r"Cl/C=C\Cl")
    assert memory.understood("boiling point of cis-DCE")[0] == r"boiling point of Cl/C=C\Cl"
