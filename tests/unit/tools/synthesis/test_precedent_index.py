"""Precedents: the index of real rows, single steps back, and what happens without the data set."""

import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest
from rdkit.Chem import MolFromSmiles

from benchmate.runtime.errors import NotFound, StorageError, Unavailable
from benchmate.runtime.settings import Settings
from benchmate.tools import datasets
from benchmate.tools.synthesis import condition_records
from benchmate.tools.synthesis import precedents as corpus
from benchmate.tools.synthesis.single_step import by_precedent, by_rule

FULL = Settings().cache_dir  # the real one: tests have a cache of their own
PARACETAMOL = "CC(=O)Nc1ccc(O)cc1"


def index_of(cache: Path) -> corpus.Precedents:
    found = corpus.load(cache)
    assert found is not None
    return found


def test_every_row_is_indexed_with_its_patent(cache: Path) -> None:
    index = index_of(cache)
    assert len(index) == 12
    ids = {index[row].id for row in range(len(index))}
    assert "US07737302B2;;21944" in ids
    for row in range(len(index)):
        assert ":" not in index[row].product and MolFromSmiles(index[row].reactants) is not None


def test_a_product_of_the_set_is_its_own_nearest(cache: Path) -> None:
    index = index_of(cache)
    for row in range(len(index)):
        nearest = index.nearest(corpus.fingerprint(MolFromSmiles(index[row].product)), 1)
        assert nearest[0][1] == 1.0 and index[nearest[0][0]].product == index[row].product


def test_the_similarity_is_that_of_rdkit(cache: Path) -> None:
    from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator
    from rdkit.DataStructs import TanimotoSimilarity

    index = index_of(cache)
    plain = GetMorganGenerator(radius=2, fpSize=2048).GetFingerprint
    target = MolFromSmiles(PARACETAMOL)
    for row, similarity in index.nearest(corpus.fingerprint(target), 12):
        other = MolFromSmiles(index[row].product)
        assert similarity == pytest.approx(TanimotoSimilarity(plain(target), plain(other)))


def test_a_known_reaction_is_found_again_with_score_one(cache: Path) -> None:
    (best, *_) = by_precedent("CC(NC(C)(C)C)C(=O)c1cccc(Cl)c1", index_of(cache))
    assert best.score == pytest.approx(1.0) and best.precedent is not None
    assert best.precursors == ("CC(Br)C(=O)c1cccc(Cl)c1", "CC(C)(C)N")
    assert best.precedent.id == "US07737302B2;;21944"


def test_paracetamol_comes_from_aminophenol_and_acetic_anhydride(cache: Path) -> None:
    found = by_precedent(PARACETAMOL, index_of(cache))
    assert (
        found[0].key == "CC(=O)OC(C)=O.Nc1ccc(O)cc1"
    )  # the industrial route; RetroSim on the whole set agrees, at 0.43
    assert found[0].score == pytest.approx(0.4267, abs=1e-4)
    assert [d.score for d in found] == sorted((d.score for d in found), reverse=True)


def test_rules_give_the_textbook_route_to_aspirin() -> None:
    found = by_rule("CC(=O)Oc1ccccc1C(=O)O")
    assert ("CC(=O)OC(C)=O", "O=C(O)c1ccccc1O") in [d.precursors for d in found]
    assert all(d.rule is not None and d.score is None for d in found)


def test_no_friedel_crafts_acylation_meta_to_chlorine() -> None:
    acylations = [
        d for d in by_rule("CC(=O)c1cccc(Cl)c1") if d.rule and d.rule.name == "Friedel-Crafts acylation"
    ]
    assert acylations == []
    assert any(d.rule and d.rule.name == "Friedel-Crafts acylation" for d in by_rule("CC(=O)c1ccc(Cl)cc1"))


def test_without_the_data_set_there_is_no_index(tmp_path: Path) -> None:
    assert corpus.load(tmp_path) is None and condition_records.load(tmp_path) is None
    with pytest.raises(Unavailable) as caught:
        datasets.require("uspto50k", tmp_path, "the test")
    assert (caught.value.code, caught.value.hint) == ("dataset_not_fetched", "benchmate tool fetch uspto50k")


def test_a_file_of_another_form_is_named(cache: Path) -> None:
    (datasets.folder("uspto50k", cache) / "train.tsv").write_text("a\tb\n1\t2\n" + " " * 7181)
    assert datasets.state("uspto50k", cache) == "here"
    with pytest.raises(StorageError, match="lacks its columns"):
        corpus.load(cache)


def _index(place: str, done: "multiprocessing.Queue[int]") -> None:
    corpus.prepare(Path(place))
    done.put(os.getpid())


def test_two_processes_index_once(cache: Path) -> None:
    context = multiprocessing.get_context("spawn")
    done = context.Queue()
    place = datasets.folder("uspto50k", cache)
    both = [context.Process(target=_index, args=(str(place), done)) for _ in range(2)]
    for process in both:
        process.start()
    assert len({done.get(timeout=60) for _ in both}) == 2
    for process in both:
        process.join()
    assert [p.name for p in place.glob("index-*") if p.is_dir()] == [p.name for p in place.glob("index-2-*")]
    assert len(list(place.glob("index-2-*"))) == 1 and not list(place.glob(".index-*"))
    assert len(index_of(cache)) == 12


def test_unknown_data_sets_get_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="uspto50k"):
        datasets.fetch("uspto", tmp_path)


def test_the_test_split_is_not_in_the_index() -> None:
    if datasets.state("uspto50k", FULL) != "here":
        pytest.skip("the full data set is not fetched: benchmate tool fetch uspto50k")
    index = index_of(FULL)
    assert len(index) == 40_008
    held_out = {row["id"] for row in corpus.rows(datasets.folder("uspto50k", FULL) / "test.tsv")}
    assert held_out.isdisjoint(index[row].id for row in range(len(index)))
    best = by_precedent(PARACETAMOL, index)[0]
    assert best.key == "CC(=O)OC(C)=O.Nc1ccc(O)cc1" and best.score == pytest.approx(0.43, abs=0.01)


def test_fingerprints_are_packed_without_loss() -> None:
    words = corpus.fingerprint(MolFromSmiles(PARACETAMOL))
    assert words.shape == (32,) and int(np.bitwise_count(words).sum()) > 15
    assert corpus.tanimoto(words, words) == 1.0
