"""What a batch of calls costs over the bare library: many molecules by RDKit, many proteins by Biopython.

Run: `python benchmarks/throughput.py [--molecules 10000] [--proteins 1000]`. Two forms are timed in an open run: the table
(`call_table`: one record for a thousand rows) and the batch (`call_batch`: every call and result in the journal, evidence for each).
In both, arguments are checked and compounds and sequences resolved. The bare side is a plain loop that computes the same values, with
the identity of each compound (canonical SMILES, InChIKey, formula, scaffold). All are timed in one process, in turns; wall-clock
seconds are what a user waits for (workers run beside each other, the loop does not), CPU seconds are what the machine spends.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from batch import Cost, Watch, molecules

from benchmate.app.open_run import open_run
from benchmate.runtime.context import TaskScope
from benchmate.runtime.errors import ErrorInfo
from benchmate.tools.calls import call_batch, call_table

AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"


def rdkit_rows(smiles: list[str]) -> list[dict[str, Any]]:
    """Return what compute_descriptors gives, by RDKit's own functions alone."""
    from rdkit import Chem
    from rdkit.Chem import QED, Descriptors, rdMolDescriptors
    from rdkit.Chem import rdMolDescriptors as rd
    from rdkit.Chem.Scaffolds.MurckoScaffold import GetScaffoldForMol

    from benchmate.tools.chemistry.descriptors import _sa_scorer

    rows = []
    for text in smiles:
        mol = Chem.MolFromSmiles(text)
        logp, refractivity = rd.CalcCrippenDescriptors(mol)
        rows.append(
            {
                "smiles": Chem.MolToSmiles(mol), "inchikey": Chem.MolToInchiKey(mol),
                "formula": rdMolDescriptors.CalcMolFormula(mol), "scaffold": Chem.MolToSmiles(GetScaffoldForMol(mol)),
                "molecular_weight": Descriptors.MolWt(mol), "exact_mass": rd.CalcExactMolWt(mol), "logp": logp,
                "molar_refractivity": refractivity, "tpsa": rd.CalcTPSA(mol), "hbd": rd.CalcNumHBD(mol),
                "hba": rd.CalcNumHBA(mol), "lipinski_hbd": rd.CalcNumLipinskiHBD(mol),
                "lipinski_hba": rd.CalcNumLipinskiHBA(mol), "rotatable_bonds": rd.CalcNumRotatableBonds(mol),
                "ring_count": rd.CalcNumRings(mol), "aromatic_ring_count": rd.CalcNumAromaticRings(mol),
                "fsp3": rd.CalcFractionCSP3(mol), "qed": QED.qed(mol), "sa_score": _sa_scorer().calculateScore(mol),
                "heavy_atom_count": mol.GetNumHeavyAtoms(), "formal_charge": Chem.GetFormalCharge(mol),
            }
        )  # fmt: skip
    return rows


def proteins(count: int) -> list[str]:
    """Return random proteins of 100 to 600 residues."""
    rng = random.Random(1)
    return ["M" + "".join(rng.choices(AMINO_ACIDS, k=rng.randint(99, 599))) for _ in range(count)]


def biopython_rows(sequences: list[str]) -> list[dict[str, Any]]:
    """Return what compute_protein_properties gives, by Biopython's ProtParam alone."""
    from Bio.SeqUtils import molecular_weight
    from Bio.SeqUtils.ProtParam import ProteinAnalysis

    rows = []
    for sequence in sequences:
        protein = ProteinAnalysis(sequence)
        rows.append(
            {
                "mass": protein.molecular_weight(), "monoisotopic_mass": molecular_weight(sequence, "protein", monoisotopic=True), "pi": protein.isoelectric_point(), "gravy": protein.gravy(),
                "extinction": protein.molar_extinction_coefficient(), "instability": protein.instability_index(),
                "charge": protein.charge_at_pH(7.0), "aromaticity": protein.aromaticity(),
                "composition": protein.amino_acids_percent,
            }
        )  # fmt: skip
    return rows


async def form_of(form: Callable[..., Any], tool: str, argument: str, items: list[str]) -> Cost:
    """Return what one form of many calls of a tool costs, the workers already started."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_run(Path(folder)) as run:
            await call_batch(run.context, TaskScope("warm"), tool, [{argument: item} for item in items[:64]])
            with Watch() as watch:
                outcomes = await form(run.context, TaskScope("timed"), tool, [{argument: i} for i in items])
            failed = [o for o in outcomes if isinstance(o, ErrorInfo)]
            if failed:
                raise SystemExit(f"{len(failed)} of {len(items)} calls failed, the first: {failed[0]}")
            return watch.cost()


def loop_of(bare: Callable[[list[str]], Any], items: list[str]) -> Cost:
    """Return what the plain loop costs, the library already loaded."""
    bare(items[:64])
    with Watch() as watch:
        bare(items)
    return watch.cost()


def compare(name: str, tool: str, argument: str, items: list[str], bare: Callable[[list[str]], Any]) -> None:
    """Time all twice in turns and print the better of each, per item and as ratios."""
    costs: dict[str, list[Cost]] = {"loop": [], "table": [], "batch": []}
    for _ in range(2):
        costs["loop"].append(loop_of(bare, items))
        costs["table"].append(asyncio.run(form_of(call_table, tool, argument, items)))
        costs["batch"].append(asyncio.run(form_of(call_batch, tool, argument, items)))
    print(f"{name}: {len(items)} items")
    for form, measured in costs.items():
        wall, cpu = min(c.seconds for c in measured), min(c.cpu for c in measured)
        plain = min(c.seconds for c in costs["loop"]), min(c.cpu for c in costs["loop"])
        each = 1000 / len(items)
        print(
            f"  {form:6} wall-clock {wall * each:7.3f} ms (ratio {wall / plain[0]:5.2f})   "
            f"CPU {cpu * each:7.3f} ms (ratio {cpu / plain[1]:5.2f})"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--molecules", type=int, default=10_000)
    parser.add_argument("--proteins", type=int, default=1_000)
    args = parser.parse_args()
    compare("descriptors, RDKit", "compute_descriptors", "compound", molecules(args.molecules), rdkit_rows)
    compare(
        "protein properties, Biopython", "compute_protein_properties", "sequence", proteins(args.proteins), biopython_rows
    )  # fmt: skip


if __name__ == "__main__":
    main()
