"""Plug-ins: what installed packages bring by naming it in an entry-point group."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Any

from benchmate.runtime.errors import InvalidInput


def load_plugins(group: str, what: str) -> Iterator[tuple[str, Any]]:
    """Yield each plug-in of a group: where it stands ("package.module:name"), and the object.

    `what` is its kind in words, for errors. Raises InvalidInput (`bad_plugin`) naming the one that cannot be loaded.
    """
    for point in entry_points(group=group):
        try:
            loaded = point.load()
        except (ImportError, AttributeError, TypeError, ValueError) as error:
            raise InvalidInput(
                "bad_plugin", f"the {what} plug-in {point.value!r} cannot be loaded: {error}"
            ) from error
        yield point.value, loaded
