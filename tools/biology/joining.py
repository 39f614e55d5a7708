"""How fragments join by their ends: which end fits which, and the one order that follows, or why there is none."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Literal, NamedTuple

from benchmate.runtime.errors import InvalidInput

Side = Literal["left", "right"]
_SIDES: tuple[Side, Side] = ("left", "right")


class End(NamedTuple):
    """An end of a fragment as it was given: the fragment's number, from 0, and its side."""

    fragment: int
    side: Side

    @property
    def other(self) -> End:
        return End(self.fragment, "left" if self.side == "right" else "right")


class Placed(NamedTuple):
    """A fragment in its place: its number, from 0, and whether it is turned round."""

    fragment: int
    strand: Literal["+", "-"]


def arrange(names: list[str], fits: Callable[[End, End], bool], circular: bool, what: str) -> list[Placed]:
    """Return the order and the orientations in which all fragments join; the first keeps its own, and a circle begins with it.

    `fits` says whether two ends join; `what` names what they join by, for errors.

    Raises InvalidInput: `ambiguous_assembly` where an end fits several, `incompatible_ends` where one fits none, `left_out` where
    fragments form a circle without the others.
    """
    ends = [End(i, side) for i in range(len(names)) for side in _SIDES]
    partners: dict[End, list[End]] = {end: [] for end in ends}
    for i, one in enumerate(ends):
        for other in ends[i:]:
            if fits(one, other):
                partners[one].append(other)
                if other != one:
                    partners[other].append(one)
    for end, found in partners.items():
        if end in found:
            raise _ambiguous(f"the {_called(end, names)} fits itself", what, [end], names)
        if len(found) > 1:
            raise _ambiguous(f"the {_called(end, names)} fits {' and '.join(_called(e, names) for e in found)}", what, [end, *found], names)  # fmt: skip
    free = [end for end, found in partners.items() if not found]
    if circular and free:
        raise InvalidInput(
            "incompatible_ends", f"nothing fits the {' nor the '.join(_called(end, names) for end in free)}: they share no {what}",
            hint="every end must fit exactly one other", details={"free_ends": [_called(end, names) for end in free]},
        )  # fmt: skip
    if not circular and len(free) != 2:
        raise InvalidInput(
            "incompatible_ends" if free else "closes_to_circle",
            f"a linear product has two free ends; here {len(free)} are free"
            + (f": {', '.join(_called(end, names) for end in free)}" if free else ", and a circle forms"),
            hint="each inner end must fit exactly one other" if free else "ask for a circular product",
        )  # fmt: skip
    order = _walk(End(0, "left") if circular else free[0], partners)
    if Placed(0, "-") in order:
        order = _walk(free[1], partners)
    if left := [name for i, name in enumerate(names) if i not in {placed.fragment for placed in order}]:
        raise InvalidInput("left_out", f"a product forms without {', '.join(left)}", hint="check the ends of these", details={"left_out": left})  # fmt: skip
    return order


def _walk(start: End, partners: dict[End, list[End]]) -> list[Placed]:
    """Return the fragments in order from an end, each entered by one end and left by the other, to a free end or to the start."""
    order: list[Placed] = []
    at = start
    while True:
        order.append(Placed(at.fragment, "+" if at.side == "left" else "-"))
        following = partners[at.other]
        if not following or following[0] == start:
            return order
        at = following[0]


def neighbours(order: list[Placed], *, circular: bool) -> list[tuple[Placed, Placed]]:
    """Return each pair of fragments that meet, in order; in a circle the last meets the first."""
    return list(itertools.pairwise([*order, order[0]] if circular else order))


def _called(end: End, names: list[str]) -> str:
    return f"{end.side} end of {names[end.fragment]}"


def _ambiguous(why: str, what: str, ends: list[End], names: list[str]) -> InvalidInput:
    return InvalidInput(
        "ambiguous_assembly", f"{why} (by their {what}): more than one product would form",
        hint="give each junction ends of its own", details={"ends": [_called(end, names) for end in ends]},
    )  # fmt: skip
