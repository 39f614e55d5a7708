"""AiZynthFinder as the engine of a retrosynthesis: its command `aizynthcli` in its own environment, and the routes it writes.

Its pins do not go with those of this program, so that it is never imported. Command and output are those of its documentation,
https://molecularai.github.io/aizynthfinder/cli.html: for one SMILES, a JSON file with a list of trees in which molecules and
reactions alternate.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmate.runtime.errors import Crashed, InvalidInput, Unavailable
from benchmate.tools.chemistry.parsing import parse_smiles
from benchmate.tools.synthesis.stock import common_name, flat

if TYPE_CHECKING:
    from benchmate.runtime.settings import AizynthfinderProfile

SECONDS = 280
METHOD = "AiZynthFinder: tree search guided by a neural network over reaction templates"
REFERENCE = "Genheden et al. 2020, doi:10.1186/s13321-020-00472-1"
SETUP = (
    "python3.12 -m venv aizynth && aizynth/bin/pip install aizynthfinder && mkdir aizynth/data && aizynth/bin/download_public_data aizynth/data; "
    "then in benchmate.toml: [aizynthfinder] cli = '/…/aizynth/bin/aizynthcli', config = '/…/aizynth/data/config.yml'"
)
_DEEPEST = 60  # nodes above one another


class Tree(NamedTuple):
    """A route as AiZynthFinder gives it: its steps in the order of the synthesis, and what it starts from."""

    steps: list[dict[str, Any]]
    leaves: dict[str, bool]  # SMILES, whether in its stock
    scores: dict[str, float]

    @property
    def solved(self) -> bool:
        """Whether there are steps, and all they start from is in stock."""
        return bool(self.steps) and all(self.leaves.values())


def find_trees(smiles: str, profile: AizynthfinderProfile | None) -> list[Tree]:
    """Return the routes to a target, best first, those that are not solved among them.

    Raises Unavailable: `aizynthfinder_not_set`, `aizynthfinder_missing`. Raises Crashed: `aizynthfinder_failed`,
    `aizynthfinder_output`.
    """
    cli, config = _paths(profile)
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    with (
        tempfile.TemporaryDirectory() as folder
    ):  # an empty one: a SMILES that is a file's name would be read as a file
        output = Path(folder) / "trees.json"
        command = [str(cli), "--smiles", smiles, "--config", str(config), "--output", str(output)]
        try:
            done = subprocess.run(
                command, cwd=folder, env=environment, capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Crashed(
                "aizynthfinder_failed", f"AiZynthFinder gave no answer within {SECONDS} s",
                hint=f"lower time_limit under search in {config}",
            ) from None  # fmt: skip
        except OSError as error:
            raise Unavailable(
                "aizynthfinder_missing", f"{cli} cannot be run: {error.strerror}", hint=SETUP
            ) from None
        if done.returncode != 0:
            raise Crashed(
                "aizynthfinder_failed", f"AiZynthFinder stopped with exit status {done.returncode}: {_last_line(done.stderr)}",
                hint=f"{cli} --smiles {smiles!r} --config {config} shows it", details={"log": done.stderr[-2000:]},
            )  # fmt: skip
        if not output.is_file():
            raise _unreadable("it wrote no file of routes")
        text = output.read_text("utf-8", errors="replace")
    return read_trees(text, smiles)


def read_trees(text: str, smiles: str) -> list[Tree]:
    """Return the routes of an output file. Raises Crashed (`aizynthfinder_output`) where it is none, or of another target."""
    try:
        trees = json.loads(text)
    except ValueError:
        raise _unreadable("the file of routes is no JSON") from None
    if not isinstance(trees, list):
        raise _unreadable("the file of routes is no list")
    return [_tree(tree, smiles) for tree in trees]


def _paths(profile: AizynthfinderProfile | None) -> tuple[Path, Path]:
    if profile is None or profile.cli is None or profile.config is None:
        raise Unavailable(
            "aizynthfinder_not_set", "the settings do not say where AiZynthFinder is (aizynthfinder.cli and aizynthfinder.config)",
            hint=SETUP,
        )  # fmt: skip
    found = profile.cli.expanduser().absolute(), profile.config.expanduser().absolute()
    for path in found:
        if not path.is_file():
            raise Unavailable(
                "aizynthfinder_missing", f"the settings name {path}, which is not there", hint=SETUP
            )
    return found


def _tree(tree: Any, smiles: str) -> Tree:
    try:
        root = _canonical(tree["smiles"])
        if flat(root) != flat(smiles):
            raise _unreadable(f"a route makes {root}")
        steps, leaves = list[dict[str, Any]](), dict[str, bool]()
        for kind, value in _walk(tree, 0):
            if kind == "leaf":
                leaves[_canonical(value["smiles"])] = bool(value["in_stock"])
            else:
                steps.append(value)
        scores = {str(k): float(v) for k, v in (tree.get("scores") or {}).items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _unreadable("a tree of its routes is not as documented") from None
    for number, step in enumerate(steps, 1):
        step["step"] = number
    return Tree(steps, leaves, scores)


def _walk(molecule: dict[str, Any], depth: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the steps below a molecule, first those that are made first, and what is not made."""
    if depth > _DEEPEST:
        raise _unreadable("a route is endless")
    made_by = molecule.get("children") or []
    if not made_by:
        if depth:
            yield "leaf", molecule
        return
    (reaction,) = made_by
    for reactant in reaction["children"]:
        yield from _walk(reactant, depth + 1)
    yield "step", _step(molecule, reaction)


def _step(molecule: dict[str, Any], reaction: dict[str, Any]) -> dict[str, Any]:
    product = _canonical(molecule["smiles"])
    reactants = sorted(_canonical(child["smiles"]) for child in reaction["children"])
    metadata = reaction.get("metadata") or {}
    return {
        "product": product, "product_name": common_name(product), "reactants": reactants,
        "reactant_names": [common_name(s) for s in reactants], "reaction": f"{'.'.join(reactants)}>>{product}",
        "template": metadata.get("template"), "class": metadata.get("classification"),
        "policy": metadata.get("policy_name"), "policy_probability": metadata.get("policy_probability"),
        "template_occurrence": metadata.get("library_occurence"),
    }  # fmt: skip


def _canonical(smiles: str) -> str:
    from rdkit.Chem import MolToSmiles

    try:
        return str(MolToSmiles(parse_smiles(smiles)))
    except InvalidInput as error:
        raise _unreadable(f"a SMILES in its routes is none: {error.info.message}") from None


def _unreadable(why: str) -> Crashed:
    return Crashed(
        "aizynthfinder_output", f"AiZynthFinder's output cannot be read: {why}",
        hint="version 4 is read as its documentation has it; engine='own' plans without it",
    )  # fmt: skip


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1][:300] if lines else "it said nothing"
