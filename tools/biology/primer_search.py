"""The search for primer pairs on a template: candidates, what rules them out, and how pairs are ranked."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from benchmate.tools.biology.dna import reverse_complement

SEED = 12  # bases at the 3' end whose second match on the template counts as an off-target site
MOST_PAIRED_END = 4  # bases of a 3' end that may pair with a primer
MOST_PAIRED = 8  # bases in a row that may pair between two primers, as in Primer3's default
LOWEST_HAIRPIN = -3.0  # kcal/mol at 37 °C
OPTIMAL_LENGTH = 20
_BEST_FORWARD = 400
_BEST_PARTNERS = 20
_PAIRS_FOLDED = 150
_APART = 4  # bases: pairs whose both primers start closer together are one choice


@dataclass(frozen=True)
class Limits:
    """What is asked of primers and products. Lengths in bases, temperatures in °C, GC in percent, concentrations in mM and nM."""

    target: tuple[int, int] | None  # 0-based, half-open
    shortest: int
    longest: int
    tm: tuple[float, float]
    gc: tuple[float, float]
    product: tuple[int, int]
    tm_difference: float
    sodium: float
    magnesium: float
    dntps: float
    oligo: float


@dataclass(frozen=True)
class Primer:
    """A primer with its place on the template's top strand: 0-based, half-open."""

    sequence: str
    start: int
    end: int
    tm: float
    gc: float
    off_targets: int
    hairpin: float | None = None  # kcal/mol

    def penalty(self, middle: float) -> float:
        """Return |Tm - middle of its range| + |length - 20| + 10 for each off-target site."""
        return abs(self.tm - middle) + abs(len(self.sequence) - OPTIMAL_LENGTH) + 10 * self.off_targets


@dataclass(frozen=True)
class Pair:
    """A forward and a reverse primer with the penalty that ranks them."""

    forward: Primer
    reverse: Primer
    penalty: float

    @property
    def product(self) -> int:
        return self.reverse.end - self.forward.start


def melting_temperature(letters: str, limits: Limits) -> float:
    """Return the Tm in °C by Allawi and SantaLucia 1997, salt by SantaLucia 1998, a quarter of the oligo counting, as in Primer3."""
    from Bio.SeqUtils import MeltingTemp as melting

    own = reverse_complement(letters) == letters
    half = limits.oligo / 2
    return float(
        melting.Tm_NN(
            letters, nn_table=melting.DNA_NN3, dnac1=half, dnac2=half, selfcomp=own, saltcorr=5,
            Na=limits.sodium, Mg=limits.magnesium, dNTPs=limits.dntps,
        )
    )  # fmt: skip


def paired_end(primer: str, other: str) -> int:
    """Return how many bases of the 3' end of `primer` pair in a row with `other`."""
    length = 0
    while length < len(primer) and reverse_complement(primer[-length - 1 :]) in other:
        length += 1
    return length


def paired_run(first: str, second: str) -> int:
    """Return the longest run of bases of `first` that pairs with `second`."""
    best = 0
    for start in range(len(first)):
        while start + best < len(first) and reverse_complement(first[start : start + best + 1]) in second:
            best += 1
    return best


def seeds(template: str) -> Counter[str]:
    """Return how often each 3' end of 12 bases would anneal on either strand of the template."""
    counts: Counter[str] = Counter()
    for strand in (template, reverse_complement(template)):
        counts.update(strand[i : i + SEED] for i in range(len(strand) - SEED + 1))
    return counts


def search(template: str, limits: Limits) -> tuple[list[Pair], Counter[str]]:
    """Return the five best pairs, best first, and how many candidates each rule ruled out."""
    from seqfold import dg

    rejected: Counter[str] = Counter()
    known = seeds(template)
    middle = sum(limits.tm) / 2
    forward = _candidates(template, limits, known, rejected, reverse=False)
    reverse = _candidates(template, limits, known, rejected, reverse=True)
    for side in (forward, reverse):
        side.sort(key=lambda p: (p.penalty(middle), p.start, p.end))
    pairs = _pairs(forward, reverse, limits, middle, rejected)[: _PAIRS_FOLDED * 20]
    energies: dict[str, float] = {}

    def folded(primer: Primer) -> Primer:
        if primer.sequence not in energies:
            energies[primer.sequence] = min(float(dg(primer.sequence, temp=37.0)), 0.0)
        return Primer(**(vars(primer) | {"hairpin": energies[primer.sequence]}))

    chosen: list[Pair] = []
    tried = 0
    for pair in pairs:
        if any(_alike(pair, other) for other in chosen):
            continue
        tried += 1
        whole = Pair(folded(pair.forward), folded(pair.reverse), pair.penalty)
        if min(whole.forward.hairpin or 0.0, whole.reverse.hairpin or 0.0) < LOWEST_HAIRPIN:
            rejected["hairpin"] += 1
        else:
            chosen.append(whole)
        if len(chosen) == 5 or tried == _PAIRS_FOLDED:
            break
    return chosen, rejected


def _candidates(
    template: str, limits: Limits, known: Counter[str], rejected: Counter[str], *, reverse: bool
) -> list[Primer]:
    low, high = 0, len(template)
    if limits.target is not None:
        start, end = limits.target
        reach = limits.product[1]
        low, high = (end, min(high, start + reach)) if reverse else (max(0, end - reach), start)
    found = []
    for start in range(low, high - limits.shortest + 1):
        for end in range(start + limits.shortest, min(start + limits.longest, high) + 1):
            letters = reverse_complement(template[start:end]) if reverse else template[start:end]
            reason = _unfit(letters, limits)
            if reason is None:
                tm = melting_temperature(letters, limits)
                reason = None if limits.tm[0] <= tm <= limits.tm[1] else "melting temperature"
            if reason is not None:
                rejected[reason] += 1
                continue
            found.append(Primer(letters, start, end, tm, _gc(letters), known[letters[-SEED:]] - 1))
    return found


def _unfit(letters: str, limits: Limits) -> str | None:
    if set(letters) - set("ACGT"):
        return "undetermined bases"
    if letters[-1] not in "GC" or sum(c in "GC" for c in letters[-5:]) > 3:
        return "GC clamp"
    if not limits.gc[0] <= _gc(letters) <= limits.gc[1]:
        return "GC content"
    if re.search(r"(.)\1{4}", letters):
        return "run of one base"
    if paired_end(letters, letters) > MOST_PAIRED_END:
        return "3' end pairs with itself"
    return None


def _pairs(
    forward: list[Primer], reverse: list[Primer], limits: Limits, middle: float, rejected: Counter[str]
) -> list[Pair]:
    pairs = []
    for left in forward[:_BEST_FORWARD]:
        taken = 0
        for right in reverse:
            if left.end > right.start or not limits.product[0] <= right.end - left.start <= limits.product[1]:
                continue
            difference = abs(left.tm - right.tm)
            if difference > limits.tm_difference:
                rejected["Tm difference"] += 1
                continue
            ends = max(paired_end(left.sequence, right.sequence), paired_end(right.sequence, left.sequence))
            if ends > MOST_PAIRED_END or paired_run(left.sequence, right.sequence) > MOST_PAIRED:
                rejected["primer dimer"] += 1
                continue
            pairs.append(Pair(left, right, left.penalty(middle) + right.penalty(middle) + difference))
            taken += 1
            if taken == _BEST_PARTNERS:
                break
    return sorted(pairs, key=lambda p: (p.penalty, p.forward.start, p.reverse.start))


def _alike(pair: Pair, other: Pair) -> bool:
    return (
        abs(pair.forward.start - other.forward.start) < _APART
        and abs(pair.reverse.end - other.reverse.end) < _APART
    )


def _gc(letters: str) -> float:
    return 100 * sum(c in "GC" for c in letters) / len(letters)
