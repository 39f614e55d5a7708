"""ADMET-AI in a process of its own: a JSON request on stdin, a JSON answer on stdout.

Importing torch and Lightning takes half a minute, changes warning filters and log handlers and prints; the program starts this
module with `python -m` and never imports it.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from importlib.metadata import version
from importlib.resources import files
from typing import Any

os.environ.update(CUDA_VISIBLE_DEVICES="", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Return predictions, percentiles among approved drugs, and how the library's own test of each endpoint went."""
    import torch
    from admet_ai import ADMETModel

    torch.set_num_threads(1)
    predicted = ADMETModel(include_physchem=False, num_workers=0).predict(request["smiles"])
    with files("admet_ai").joinpath("resources/data/admet.csv").open("r", encoding="utf-8") as file:
        tested = {row["id"]: {k: v for k, v in row.items() if v} for row in csv.DictReader(file)}
    return {
        "versions": {name: version(name) for name in ("admet-ai", "chemprop", "torch")},
        "predicted": {name: float(value) for name, value in predicted.items()},
        "tested": tested,
    }


if __name__ == "__main__":
    answer_to, sys.stdout = sys.stdout, sys.stderr  # progress bars and tips go elsewhere
    json.dump(answer(json.load(sys.stdin)), answer_to)
