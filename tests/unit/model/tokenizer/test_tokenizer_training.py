"""Learning the vocabularies, and what the files that ship hold."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from benchmate.model.tokenizer import training
from benchmate.model.tokenizer.corpus import MOLECULES, PROTEINS, Source, is_held_out, molecule_of, strings
from benchmate.model.tokenizer.training import atoms_of, learn
from benchmate.model.tokenizer.units import is_bracket_atom
from benchmate.model.tokenizer.vocabulary import ASCII, Segment, Vocabulary, parse, read, write
from benchmate.runtime.errors import Unavailable


def test_the_most_frequent_pairs_are_merged_first() -> None:
    """Counts by hand: in 'CCO' 6 times and 'CCN' 4 times, CC is 10; then CC+O 6, CC+N 4."""
    assert learn(["CCO"] * 6 + ["CCN"] * 4, [], 10) == [("C", "C"), ("CC", "O"), ("CC", "N")]


def test_atoms_are_learnt_as_one_symbol_and_rare_ones_are_not_crossed() -> None:
    texts = ["C[nH]Cl"] * 5 + ["N[99Tc]N"] * 4
    assert atoms_of(["C[nH]Cl"] * 3 + ["[99Tc]"] * 2 + ["[Xx]"] * 9 + ["C%12C%12"] * 2) == [
        "%12",
        "Cl",
        "[nH]",
    ]
    merges = learn(texts, ["[nH]", "Cl"], 10)
    assert {a + b for a, b in merges} <= {"C[nH]", "[nH]Cl", "C[nH]Cl"}
    assert len(merges) == 2


def test_atoms_are_built_from_the_left_before_anything_else() -> None:
    atoms = Vocabulary(["Cl", "[Cl-]", "[nH]"], [("C", "[Cl-]")])
    assert atoms.chains == [
        ("C", "l"),
        ("[", "n"),
        ("[n", "H"),
        ("[nH", "]"),
        ("[", "Cl"),
        ("[Cl", "-"),
        ("[Cl-", "]"),
    ]
    segment = Segment(atoms, 0)
    assert [
        [segment.pieces[n] for n in ids] for ids in segment.encode_batch(["C[Cl-][nH]", "[Cl-2]CCl"])
    ] == [
        ["C[Cl-]", "[nH]"],
        ["[Cl-", "2", "]", "C", "Cl"],
    ]


@pytest.mark.parametrize("name", ["smiles", "fasta"])
def test_the_files_that_ship(name: str) -> None:
    vocabulary = read(name)
    assert parse(write(vocabulary)) == vocabulary
    assert len(vocabulary.merges) == training.MERGES
    assert vocabulary.pieces[:128] == ASCII
    assert len(set(vocabulary.pieces)) == len(vocabulary.pieces)
    known = {*ASCII}
    for left, right in vocabulary.all_merges:  # each part is made before it is merged
        assert left in known and right in known
        known.add(left + right)
    for size in (0, 4096):
        assert vocabulary.first(size).pieces == vocabulary.pieces[: len(vocabulary.first(size).pieces)]
    assert all(is_bracket_atom(a) or a in ("Cl", "Br") or a[0] == "%" for a in vocabulary.atoms)


def test_the_files_that_ship_are_small() -> None:
    folder = Path(training.__file__).parent / "vocabularies"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 1_500_000


def test_salts_and_stereoisomers_are_held_out_together() -> None:
    forms = ["C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O", "CC(N)C(=O)O.Cl", "OC(=O)C(C)[15NH2]"]
    keys = {m.connectivity for m in map(molecule_of, forms) if m}
    assert keys == {"CC(N)C(=O)O"}
    assert molecule_of("C(C)(C)(C)(C)C") is None
    share = sum(is_held_out(f"C{'C' * n}O") for n in range(4000)) / 4000
    assert share == pytest.approx(1 / 16, abs=0.012)


def wheel(folder: Path, source: Source, rows: list[str]) -> None:
    name, _, version = source.requirement.partition("==")
    path = folder / f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    data = "\n".join(rows).encode()
    if source.member.endswith(".gz"):
        import gzip

        data = gzip.compress(data)
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(source.member, data)


def test_nothing_that_is_held_out_is_learnt_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alcohols = [f"{'C' * n}O" for n in range(1, 60)]
    for source in MOLECULES:
        rows = alcohols[:50] if source.trained else alcohols[:5]
        if isinstance(source.column, int):
            wheel(tmp_path, source, ["\t".join(["x"] * source.column + [row]) for row in rows])
        else:
            wheel(tmp_path, source, [source.column, *rows])
    for source in PROTEINS:
        wheel(
            tmp_path,
            source,
            ["entry\tsequence", *(f"{n}\tMKV{'A' * n}" for n in range(9 if source.trained else 2))],
        )
    monkeypatch.setattr(training.os, "cpu_count", lambda: 1)
    learnt = {m.connectivity for s in training.training_smiles(tmp_path) if (m := molecule_of(s))}
    expected = [s for s in alcohols[5:50] if not is_held_out(s)]
    assert learnt == set(expected)
    assert set(training.training_proteins(tmp_path)) == {
        s for n in range(2, 9) if not is_held_out(s := f"MKV{'A' * n}")
    }


def test_a_missing_wheel_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        strings(MOLECULES[0], tmp_path)
    assert "molsets==0.3.1" in str(caught.value)
