"""The embedding model: unit vectors that depend on the text alone and put paraphrases together."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmate.tools.library.embedding import DIMENSIONS, embed, embedding_function

PAIRS = [
    ("Aspirin inhibits cyclooxygenase irreversibly.", "Acetylsalicylic acid blocks the COX enzyme for good."),
    ("The perovskite film degrades in humid air.", "Moisture decomposes the halide perovskite layer."),
    ("The earthquake had a magnitude of 6.1.", "Seismologists rated the tremor at 6.1."),
    ("A transiting planet dims its star by one percent.", "The exoplanet's passage lowers the stellar flux by 0.01."),
    ("The enzyme loses its activity above 60 °C.", "Heating beyond sixty degrees inactivates the protein."),
]  # fmt: skip


def test_paraphrases_are_nearest() -> None:
    here, there = embed([a for a, _ in PAIRS]), embed([b for _, b in PAIRS])
    assert list((here @ there.T).argmax(axis=1)) == list(range(len(PAIRS)))


def test_no_texts_no_vectors() -> None:
    assert embed([]).shape == (0, DIMENSIONS)


@settings(max_examples=25)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=5))
def test_a_text_has_one_unit_vector_whatever_is_beside_it(texts: list[str]) -> None:
    together = embed(texts)
    assert together.shape == (len(texts), DIMENSIONS) and together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for row, text in enumerate(texts):
        np.testing.assert_allclose(embed([text])[0], together[row], atol=1e-5)


def test_texts_are_cut_and_not_refused() -> None:
    long = "glovebox " * 2000
    np.testing.assert_array_equal(embed([long]), embed([long + "and more"]))


def test_chroma_gets_it_back_from_its_stored_configuration() -> None:
    from chromadb.utils.embedding_functions import known_embedding_functions

    function = embedding_function()
    again = known_embedding_functions[function.name()].build_from_config(function.get_config())
    np.testing.assert_array_equal(np.array(again(["a thin film"])), embed(["a thin film"]))
    assert function.default_space() == "cosine"
