"""Labels that travel with values.

`untrusted` came from a paper, a page or another server; `private` is a person's unpublished work.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import PlainSerializer

Label = Literal["untrusted", "private"]
# Sorted where it is recorded: the order in a set differs between processes, and an evidence id must not.
Labels = Annotated[frozenset[Label], PlainSerializer(sorted, return_type=list[Label], when_used="json")]
NO_LABELS: Labels = frozenset()


def merge_labels(*sets: Iterable[Label]) -> Labels:
    """Return the union: what is made from labelled values carries all their labels."""
    return frozenset().union(*sets)
