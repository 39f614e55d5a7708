"""Labels that travel with values: `untrusted` (from a paper, a page, another server) and `private` (a person's unpublished work)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

Label = Literal["untrusted", "private"]
Labels = frozenset[Label]
NO_LABELS: Labels = frozenset()


def merge_labels(*sets: Iterable[Label]) -> Labels:
    """Return the union: what is made from labelled values carries all their labels."""
    return frozenset().union(*sets)
