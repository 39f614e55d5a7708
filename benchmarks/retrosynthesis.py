"""How good the retrosynthesis is: `python benchmarks/retrosynthesis.py [--reactions N] [--seed S] [--routes]`.

The single step: of random reactions of the USPTO-50k test split, which rank has the recorded set of reactants? The index holds
the training split alone, and the script stops if a test reaction is found in it. The routes: 20 drugs, with the seconds and whether
a route to the commodity list was found. Needs `benchmate tool fetch uspto50k`.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from pathlib import Path

from rdkit import Chem, RDLogger

from benchmate.runtime.settings import Settings
from benchmate.tools import datasets
from benchmate.tools.base import ToolContext
from benchmate.tools.synthesis import precedents as corpus
from benchmate.tools.synthesis.plan import plan_retrosynthesis
from benchmate.tools.synthesis.precedents import Precedents, plain_sides, rows
from benchmate.tools.synthesis.single_step import by_precedent

RANKS = (1, 3, 5, 10)
PAPER = {1: 37.3, 3: 54.7, 5: 63.3, 10: 74.1}  # Coley et al. 2017, whole test split, reaction class unknown
DRUGS = {
    "aspirin": "CC(=O)Oc1ccccc1C(=O)O",
    "paracetamol": "CC(=O)Nc1ccc(O)cc1",
    "ibuprofen": "CC(C)Cc1ccc(C(C)C(=O)O)cc1",
    "benzocaine": "CCOC(=O)c1ccc(N)cc1",
    "lidocaine": "CCN(CC)CC(=O)Nc1c(C)cccc1C",
    "procainamide": "CCN(CC)CCNC(=O)c1ccc(N)cc1",
    "tolbutamide": "CCCCNC(=O)NS(=O)(=O)c1ccc(C)cc1",
    "moclobemide": "O=C(NCCN1CCOCC1)c1ccc(Cl)cc1",
    "sulfamethoxazole": "Cc1cc(NS(=O)(=O)c2ccc(N)cc2)no1",
    "phenytoin": "O=C1NC(=O)C(c2ccccc2)(c2ccccc2)N1",
    "diphenhydramine": "CN(C)CCOC(c1ccccc1)c1ccccc1",
    "fluoxetine": "CNCCC(Oc1ccc(C(F)(F)F)cc1)c1ccccc1",
    "propranolol": "CC(C)NCC(O)COc1cccc2ccccc12",
    "bupropion": "CC(NC(C)(C)C)C(=O)c1cccc(Cl)c1",
    "imatinib": "CN1CCN(Cc2ccc(cc2)C(=O)Nc2ccc(C)c(Nc3nccc(n3)-c3cccnc3)c2)CC1",
    "celecoxib": "Cc1ccc(-c2cc(C(F)(F)F)nn2-c2ccc(S(N)(=O)=O)cc2)cc1",
    "warfarin": "CC(=O)CC(c1ccccc1)c1c(O)c2ccccc2oc1=O",
    "metoprolol": "COCCc1ccc(OCC(O)CNC(C)C)cc1",
    "naproxen": "COc1ccc2cc([C@H](C)C(=O)O)ccc2c1",
    "sertraline": "CN[C@H]1CC[C@@H](c2ccc(Cl)c(Cl)c2)c2ccccc21",
}


def main() -> None:
    """Print the figures."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--reactions", type=int, default=150)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--routes", action="store_true", help="only the routes of 20 drugs")
    given = options.parse_args()
    RDLogger.DisableLog("rdApp.*")
    cache_dir = Settings().cache_dir
    place = datasets.require(corpus.DATASET, cache_dir, "the benchmark")
    begun = time.perf_counter()
    index = corpus.load(cache_dir)
    assert index is not None
    print(f"{len(index)} precedents, loaded in {time.perf_counter() - begun:.2f} s")
    if not given.routes:
        single_step(index, place, given.reactions, given.seed)
    routes(cache_dir)


def single_step(index: Precedents, place: Path, count: int, seed: int) -> None:
    """Print how often the recorded reactants are among the first answers."""
    trained = {(index[i].reactants, index[i].product) for i in range(len(index))}
    test = [sides for row in rows(place / "test.tsv") if (sides := plain_sides(row["RxnSmilesClean"]))]
    leaked = sum(sides in trained for sides in test)
    ids = {row["id"] for row in rows(place / "test.tsv")} & {index[i].id for i in range(len(index))}
    if ids:
        raise SystemExit(f"{len(ids)} rows of the test split are in the index")
    chosen = random.Random(seed).sample(test, count)
    hits, begun = dict.fromkeys(RANKS, 0), time.process_time()
    wall = time.perf_counter()
    for reactants, product in chosen:
        found = [d.key for d in by_precedent(product, index)]
        wanted = Chem.CanonSmiles(reactants)
        rank = next((i for i, key in enumerate(found, 1) if Chem.CanonSmiles(key) == wanted), None)
        for limit in RANKS:
            hits[limit] += rank is not None and rank <= limit
    print(
        f"{count} of {len(test)} test reactions, seed {seed}; {leaked} of the split are the same reaction as one of the training split"
    )
    for limit in RANKS:
        print(f"  top-{limit:<3}{100 * hits[limit] / count:6.1f} %   paper {PAPER[limit]} %")
    print(
        f"  {(time.perf_counter() - wall) / count:.2f} s a molecule, {(time.process_time() - begun) / count:.2f} CPU s"
    )


def routes(cache_dir: Path) -> None:
    """Print what the search finds for known drugs, with the tool's own limits."""
    solved = 0
    print(f"{'drug':<18}{'solved':>8}{'routes':>8}{'steps':>7}{'seconds':>9}  the first route starts from")
    for name, smiles in DRUGS.items():
        with tempfile.TemporaryDirectory() as scratch:
            context = ToolContext(cache_dir, Path(scratch), Path(scratch))
            begun = time.perf_counter()
            result = plan_retrosynthesis.run(plan_retrosynthesis.validate({"target": smiles}), context)
        found = result.data["routes"]
        solved += bool(found)
        told = (
            [m["name"] or m["smiles"] for m in found[0]["starting_materials"]]
            if found
            else [result.data["search"]["stopped_by"]]
        )
        steps = found[0]["step_count"] if found else "-"
        print(
            f"{name:<18}{'yes' if found else 'no':>8}{len(found):>8}{steps:>7}{time.perf_counter() - begun:>9.1f}  {', '.join(told)}"
        )
    print(
        f"{solved} of {len(DRUGS)} solved; solved means that every leaf is on the commodity list, not that the route works"
    )


if __name__ == "__main__":
    main()
