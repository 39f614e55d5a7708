"""ADMET of a compound by ADMET-AI: absorption, distribution, metabolism, excretion, toxicity, learned from public data."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator

from benchmate.runtime.errors import Crashed, InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.base import Source, ToolResult, tool
from benchmate.tools.chemistry.admet_endpoints import ENDPOINTS, Name, endpoint_name
from benchmate.tools.chemistry.compounds import Compound

if TYPE_CHECKING:
    from rdkit.Chem import Mol

SECONDS = 280
HEAVIEST = 1000.0  # g/mol
SMALLEST = 7  # heavy atoms
_ELEMENTS = {"H", "B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "Se", "Br", "I"}
_PEPTIDE = "[NX3][CX4]C(=O)[NX3][CX4]C(=O)[NX3][CX4]C(=O)"
_PERCENTILE = "drugbank_approved_percentile"
_LOWEST = {"hour", "L/kg", "uL/min", "uL/min/mg", "%"}  # units of what cannot be negative
PAPER = "Swanson et al. 2024, doi:10.1093/bioinformatics/btae416"
NO_FACTS = (
    "a probability is the model's belief that a class holds for structures like this one: it is no measurement, and no "
    "dose, exposure or severity is in it"
)


@tool(
    domain="chemistry",
    extra="admet",
    cost="slow",
    timeout=300,
    properties={name: endpoint.words for name, endpoint in ENDPOINTS.items()},
    examples=(
        "Predict the ADMET profile of aspirin",
        "Is terfenadine likely to block hERG?",
        "Does caffeine cross the blood-brain barrier?",
        "CYP3A4 inhibition by ketoconazole",
        "Caco-2 permeability and intestinal absorption of CC(=O)Oc1ccccc1C(=O)O",
        "Would ibuprofen be mutagenic in the Ames test?",
        "rat LD50 of nicotine",
        "hepatotoxicity of paracetamol",
    ),
    example={"compound": "aspirin", "endpoints": ["herg_blocking", "human_intestinal_absorption"]},
)
def predict_admet(
    compound: Compound, endpoints: list[Annotated[Name, BeforeValidator(endpoint_name)]] | None = None
) -> ToolResult:
    """Predict absorption, distribution, metabolism, excretion and toxicity by ADMET-AI, an ensemble of neural networks on the structure.

    Each endpoint is either the probability of a class or a number, with the percentile among approved drugs of DrugBank (of their
    predictions) and how the library's authors found it to do on compounds left out. Endpoints that do worse there than the mean
    of their data (half-life and volume of distribution, R² below 0), and numbers below zero of what cannot be, stand in
    `data` only. Lipophilicity is logD at pH 7.4, not logP. Salts are taken by their neutral parent. The same compound gives
    the same numbers. Takes half a minute, whatever the number of endpoints.

    Raises InvalidInput: `outside_domain` (no carbon, or an element that the training data lack). Raises Crashed: `admet_failed`.

    Args:
        compound: The compound.
        endpoints: Which endpoints to give, also as `hERG`, `CYP3A4`, `BBB`, `Caco-2`; all where none is named.
    """
    mol = compound.parent_mol()
    _refuse(mol, compound)
    answer = _ask(compound.parent_smiles)
    flags = _flags(mol, compound)
    rows = [_row(name, answer) for name in dict.fromkeys(endpoints or ENDPOINTS)]
    method = (
        f"ADMET-AI {answer['versions']['admet-ai']} (Chemprop {answer['versions']['chemprop']}, TDC data)"
    )
    warnings = [*compound.warnings]
    if any(row["kind"] == "probability" for row in rows):
        warnings.append(NO_FACTS)
    if any(row["endpoint"] == "log_d" for row in rows):
        warnings.append("log_d is the distribution coefficient at pH 7.4; of what ionizes it is not logP")
    warnings += [
        f"no {row['endpoint'].replace('_', ' ')} is given: {row['withheld']}; the number stands in data/endpoints"
        for row in rows
        if row["withheld"]
    ]
    warnings += flags
    if compound.parent_smiles != compound.smiles:
        warnings.append(f"the neutral parent {compound.parent_smiles} was taken")
    return ToolResult(
        quantities={row["endpoint"]: _quantity(row, method, flags) for row in rows if not row["withheld"]},
        data={"structure": compound.parent_smiles, "in_domain": not flags, "flags": flags, "endpoints": rows, "versions": answer["versions"]},
        source=Source(kind="computed", name=method, reference=PAPER),
        warnings=tuple(warnings),
    )  # fmt: skip


def _refuse(mol: Mol, compound: Compound) -> None:
    strange = sorted({atom.GetSymbol() for atom in mol.GetAtoms()} - _ELEMENTS)
    if strange or not any(atom.GetSymbol() == "C" for atom in mol.GetAtoms()):
        why = f"it has {', '.join(strange)}" if strange else "it has no carbon"
        raise InvalidInput(
            "outside_domain", f"ADMET-AI learned nothing of compounds like {compound.label!r}: {why}",
            hint="it was trained on organic molecules", details={"elements": strange},
        )  # fmt: skip


def _flags(mol: Mol, compound: Compound) -> list[str]:
    """Return what puts the compound outside of most of what the models were trained on."""
    from rdkit.Chem import Descriptors, GetFormalCharge, MolFromSmarts

    flags = []
    weight = float(Descriptors.MolWt(mol))  # type: ignore[attr-defined]
    if weight > HEAVIEST:
        flags.append(f"outside the domain: at {weight:.0f} g/mol it is heavier than nearly all training data")
    if mol.GetNumHeavyAtoms() < SMALLEST:
        flags.append(
            "outside the domain: it is smaller than drugs, and solvents and gases are rare in the data"
        )
    if mol.HasSubstructMatch(MolFromSmarts(_PEPTIDE)):
        flags.append("outside the domain: a peptide, and the training data are small molecules")
    if GetFormalCharge(mol):
        flags.append("outside the domain: an ion even as its parent")
    if compound.is_salt:
        flags.append("a salt: the numbers are for its parent, and counter-ions change the solubility")
    return flags


def _ask(smiles: str) -> dict[str, Any]:
    try:
        done = subprocess.run(
            [sys.executable, "-m", "benchmate.tools.chemistry.admet_process"], capture_output=True, text=True, timeout=SECONDS,
            input=json.dumps({"smiles": smiles}), check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Crashed("admet_failed", f"ADMET-AI gave no answer within {SECONDS} s") from None
    if done.returncode != 0:
        raise Crashed("admet_failed", "ADMET-AI stopped with an error", details={"log": done.stderr[-1000:]})
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _row(name: Name, answer: dict[str, Any]) -> dict[str, Any]:
    endpoint = ENDPOINTS[name]
    value, tested = answer["predicted"][endpoint.key], answer["tested"][endpoint.key]
    measures = ("R^2", "MAE") if endpoint.regression else ("AUROC", "AUPRC")
    held_out = {measure: float(tested[measure]) for measure in measures}
    withheld = None
    if held_out.get("R^2", 1.0) < 0:
        withheld = f"on compounds left out R² is {held_out['R^2']:.1f}, worse than their mean"
    elif endpoint.unit in _LOWEST and not 0 <= value <= (100 if endpoint.unit == "%" else float("inf")):
        withheld = f"the model says {value:.3g} {endpoint.unit}, which cannot be"
    return {
        "endpoint": name, "library_name": endpoint.key, "category": tested["category"].lower(),
        "kind": "regression" if endpoint.regression else "probability", "says": endpoint.says, "value": value, "unit": endpoint.unit,
        "percentile_of_approved_drugs": answer["predicted"][f"{endpoint.key}_{_PERCENTILE}"],
        "held_out": held_out, "training_compounds": int(tested["size"]), "species": tested.get("species", ""), "withheld": withheld,
    }  # fmt: skip


def _quantity(row: dict[str, Any], method: str, flags: list[str]) -> Quantity:
    said = row["says"] if row["kind"] == "regression" else f"probability that it {_verb(row['says'])}"
    conditions = {
        "meaning": said,
        "percentile among approved drugs": f"{row['percentile_of_approved_drugs']:.0f} %",
        "on compounds left out": ", ".join(f"{k} {v:.2f}" for k, v in row["held_out"].items()),
    }
    if flags:
        conditions["domain"] = "see the warnings"
    return Quantity(
        value=row["value"], unit=row["unit"], property=row["endpoint"], method=method, conditions=conditions, relation="~", decimals=3,
    )  # fmt: skip


def _verb(says: str) -> str:
    """Return what a class says with its verb: 'absorbed …' is 'is absorbed …'."""
    first = says.split()[0]
    if first in {"absorbed", "permeable", "mutagenic", "carcinogenic"}:
        return f"is {says}"
    return f"has {says}" if first == "human" else says
