"""Primer3 in a process of its own: a JSON request on stdin, a JSON answer on stdout.

Primer3 is under the GPL; the program starts this module with `python -m` and never imports it.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Return Primer3's pairs with 0-based starts, temperatures in °C and energies in cal/mol, as Primer3 gives them."""
    import primer3

    settings = request["settings"]
    sequence: dict[str, Any] = {"SEQUENCE_ID": "template", "SEQUENCE_TEMPLATE": request["template"]}
    if request["target"]:
        sequence["SEQUENCE_TARGET"] = request["target"]
    found = primer3.design_primers(sequence, settings)
    salts = {
        "mv_conc": settings["PRIMER_SALT_MONOVALENT"], "dv_conc": settings["PRIMER_SALT_DIVALENT"],
        "dntp_conc": settings["PRIMER_DNTP_CONC"], "dna_conc": settings["PRIMER_DNA_CONC"],
    }  # fmt: skip
    pairs = []
    for n in range(found["PRIMER_PAIR_NUM_RETURNED"]):
        pair: dict[str, Any] = {"penalty": found[f"PRIMER_PAIR_{n}_PENALTY"]}
        for side in ("LEFT", "RIGHT"):
            letters = found[f"PRIMER_{side}_{n}_SEQUENCE"]
            pair[side] = {
                "sequence": letters,
                "position": list(found[f"PRIMER_{side}_{n}"]),
                "tm": found[f"PRIMER_{side}_{n}_TM"],
                "hairpin": primer3.calc_hairpin(letters, **salts).dg,
            }
        pairs.append(pair)
    why = {side: found.get(f"PRIMER_{side}_EXPLAIN", "") for side in ("LEFT", "RIGHT", "PAIR")}
    return {"version": primer3.__version__, "pairs": pairs, "explain": why}


if __name__ == "__main__":
    json.dump(answer(json.load(sys.stdin)), sys.stdout)
