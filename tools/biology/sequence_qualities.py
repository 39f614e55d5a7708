"""Qualities of reads: Phred scores of a FASTQ file in sum, with the mean taken over error probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.biology.sequence_records import Entry

if TYPE_CHECKING:
    from numpy.typing import NDArray

Encoding = Literal["phred33", "phred64"]
_OFFSETS: dict[Encoding, int] = {"phred33": 33, "phred64": 64}
_USUAL_TOP = ord("J")  # Q41 in phred33: Illumina instruments give no more
_CHUNK = 10_000  # reads whose qualities are counted at once


def summarize_qualities(entries: list[Entry], encoding: Encoding) -> tuple[dict[str, Quantity], list[str]]:
    """Return the qualities of reads in sum, and what has to be said of their encoding.

    A Phred score Q means an error probability of 10^(-Q/10) (Ewing and Green 1998, Genome Res. 8:186); the mean quality is that of the
    mean error probability over all bases, which an average of scores would overrate. Encodings after Cock et al. 2010, Nucleic Acids
    Res. 38:1767.

    Raises InvalidInput (`bad_encoding`) where a character lies below the encoding's zero.
    """
    import numpy as np

    offset = _OFFSETS[encoding]
    counts = _counts(entries)
    seen = np.flatnonzero(counts)
    if not len(seen):
        return {}, ["no read has a quality"]
    lowest, highest = int(seen[0]), int(seen[-1])
    if lowest < offset:
        raise InvalidInput(
            "bad_encoding",
            f"the quality {chr(lowest)!r} lies below zero of {encoding}",
            hint="read the file as phred33; Solexa's own scores, before 2008, are not read",
        )
    notes = []
    if encoding == "phred33" and lowest >= _OFFSETS["phred64"] and highest > _USUAL_TOP:
        notes.append(
            f"all qualities lie from {chr(lowest)!r} to {chr(highest)!r}: the file may be phred64 (Illumina 1.3 to 1.7); it is read as phred33"
        )
    scores = np.arange(len(counts)) - offset
    bases = int(counts.sum())
    errors = float((counts * 10.0 ** (-scores / 10)).sum())
    conditions = {"encoding": encoding, "bases": str(bases)}
    result = {
        "mean_quality": Quantity(
            value=-10 * float(np.log10(errors / bases)), property="mean_quality", decimals=2,
            method="Phred score of the mean error probability over all bases", conditions=conditions,
        ),
        "expected_errors": Quantity(
            value=errors / len(entries), property="expected_errors", method="sum of error probabilities, mean over the reads", conditions=conditions,
        ),
    }  # fmt: skip
    for least in (20, 30):
        share = 100 * float(counts[least + offset :].sum()) / bases
        result[f"q{least}_percentage"] = Quantity(
            value=share, unit="percent", property=f"q{least}_percentage", method=f"bases with a Phred score of {least} or more", conditions=conditions,
        )  # fmt: skip
    return result, notes


def _counts(entries: list[Entry]) -> NDArray[Any]:
    """Return how often each character code, 0 to 127, is a quality."""
    import numpy as np

    counts = np.zeros(128, dtype=np.int64)
    for begin in range(0, len(entries), _CHUNK):
        text = "".join(entry.qualities or "" for entry in entries[begin : begin + _CHUNK])
        counts += np.bincount(np.frombuffer(text.encode("ascii"), dtype=np.uint8), minlength=128)
    return counts
