"""Digests of DNA into pieces with their ends, as cloning needs them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.biology.restriction import enzyme_named

EndKind = Literal["5'", "3'", "blunt"]


@dataclass(frozen=True)
class StickyEnd:
    """An end of a piece: which strand overhangs, its bases as on the source's top strand, and the enzyme; none for an end as given."""

    kind: EndKind
    overhang: str
    enzyme: str | None

    def __str__(self) -> str:
        form = f"{self.kind} {self.overhang}" if self.overhang else "blunt"
        return f"{form} ({self.enzyme})" if self.enzyme else form


@dataclass(frozen=True)
class Piece:
    """A piece of a digest. Spans are the first and last base of each strand on the source, 1-based; across an origin the first is larger."""

    double_strand: Any  # pydna's Dseq
    left: StickyEnd
    right: StickyEnd
    top_span: tuple[int, int]
    bottom_span: tuple[int, int]

    @property
    def top(self) -> str:
        """The bases of the top strand, 5' to 3'."""
        return str(self.double_strand.watson)

    @property
    def bottom(self) -> str:
        """The bases of the bottom strand, 5' to 3'."""
        return str(self.double_strand.crick)

    def as_data(self) -> dict[str, Any]:
        return {
            "start": self.top_span[0], "end": self.top_span[1], "length": len(self.top), "left_end": str(self.left), "right_end": str(self.right)
        }  # fmt: skip


def cutter_named(name: str) -> Any:
    """Return Biopython's enzyme. Raises InvalidInput: `unknown_enzyme`, `unsupported_enzyme` where its ends are unknown or it cuts twice."""
    enzyme = enzyme_named(name)
    if enzyme.is_unknown() or enzyme.cut_twice():
        raise InvalidInput("unsupported_enzyme", f"{enzyme} {'cuts on both sides of its site' if enzyme.cut_twice() else 'cuts at a place that is not known'}", hint="take another enzyme")  # fmt: skip
    return enzyme


def cuts_of(letters: str, circular: bool, enzymes: list[Any]) -> dict[str, list[int]]:
    """Return, for each enzyme, after which bases of the top strand it cuts, 1-based."""
    from pydna.dseq import Dseq

    molecule = Dseq(letters, circular=circular)
    return {
        str(e): sorted((cut[0] - 1) % len(letters) + 1 for cut, _ in molecule.get_cutsites(e))
        for e in enzymes
    }


def digest(letters: str, circular: bool, enzymes: list[Any], name: str) -> list[Piece]:
    """Return the pieces of a complete digest in order of the top strand; a circle that nothing cuts gives none.

    Raises InvalidInput (`sites_overlap`) where two cuts lie so close that both cannot happen.
    """
    from pydna.dseq import Dseq

    molecule = Dseq(letters, circular=circular)
    size = len(letters)
    cuts = molecule.get_cutsites(*enzymes)
    if not cuts and circular:
        return []
    pairs: list[tuple[Any, Any]] = molecule.get_cutsite_pairs(cuts) if cuts else [(None, None)]
    pieces = []
    for left, right in pairs:
        try:
            part = molecule.apply_cut(left, right) if cuts else molecule
        except ValueError:
            enzyme_names = " and ".join(str(cut[1]) for cut in (left, right) if cut)
            raise InvalidInput(
                "sites_overlap", f"two cuts of {name} by {enzyme_names} run into each other near base {(left or right)[0][0] + 1}",
                hint="take another enzyme",
            ) from None  # fmt: skip
        pieces.append(
            Piece(
                part, _end(left, letters), _end(right, letters),
                _span(left[0][0] if left else 0, right[0][0] if right else size, size),
                _span(_below(left) if left else 0, _below(right) if right else size, size),
            )
        )  # fmt: skip
    return pieces


def _below(cut: Any) -> int:
    """Return where the bottom strand is cut, counted on the top strand; Biopython's overhang is negative for 5'."""
    return int(cut[0][0] - cut[0][1])


def _span(begin: int, end: int, size: int) -> tuple[int, int]:
    return begin % size + 1, (end - 1) % size + 1


def _end(cut: Any, letters: str) -> StickyEnd:
    if cut is None:
        return StickyEnd("blunt", "", None)
    (top, overhang), enzyme = cut
    if overhang == 0:
        return StickyEnd("blunt", "", str(enzyme))
    first = min(top, _below(cut)) % len(letters)
    return StickyEnd(
        "5'" if overhang < 0 else "3'", (letters + letters)[first : first + abs(overhang)], str(enzyme)
    )
