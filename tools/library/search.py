"""Searching the user's library: passages by meaning, with where they stand."""

from __future__ import annotations

from typing import Annotated

from benchmate.runtime.errors import InvalidInput, NotFound
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Unit
from benchmate.tools.base import Source, ToolContext, ToolResult, tool

MAX_COUNT = 50
FLOOR = 0.25  # cosine similarity; passages on other subjects stay below it


@tool(
    domain="library",
    effects={"read"},
    labels={"untrusted"},
    properties={"cosine_similarity": "similarity of the passage with the query, search score"},
    examples=(
        "What do my notes say about the stability of compound 7?",
        "Search my library for kinase selectivity assays",
        "Find passages on solid-state electrolytes in my papers",
        "Which of my documents mention the glovebox procedure?",
    ),
    example={"query": "conformers of butane"},
)
def search_library(
    query: str,
    context: ToolContext,
    count: Annotated[
        int, Unit("", "results, passages, best passages, count, top, hits, paragraphs, quotes")
    ] = 5,
) -> ToolResult:
    """Find passages in the user's own library of papers and notes by meaning.

    Gives the exact text of each passage and where it stands. Passages that hardly relate to the query are left out.

    Args:
        query: What to look for, in words.
        count: At most so many passages, 1 to 50.
    """
    from benchmate.tools.library.embedding import MODEL_ID
    from benchmate.tools.library.store import Library

    if not query.strip():
        raise InvalidInput("bad_arguments", "the query is empty", hint="say what to look for")
    if not 1 <= count <= MAX_COUNT:
        raise InvalidInput("bad_arguments", f"count is {count}", hint=f"give 1 to {MAX_COUNT}")
    warnings: list[str] = []
    try:
        with Library(context.library_folder, context.library_server, context.library_collection) as library:
            found = library.search(query, count)
    except NotFound as error:
        if error.code != "empty_library":
            raise
        found, warnings = [], ["the library is empty: nothing was searched"]
    passages = [passage for passage in found if passage.score >= FLOOR]
    if found and not passages:
        warnings.append(
            f"nothing in the library relates to the query: the nearest passage scores {found[0].score:.2f}, "
            f"below {FLOOR}"
        )
    method = f"cosine similarity of {MODEL_ID} embeddings"
    return ToolResult(
        data={"passages": [passage.model_dump(mode="json") for passage in passages]},
        quantities={
            f"score_{i}": Quantity(value=passage.score, property="cosine_similarity", method=method)
            for i, passage in enumerate(passages)
        },
        source=Source(kind="library", name=f"library {context.library_collection!r}", reference=method),
        warnings=tuple(warnings),
    )
