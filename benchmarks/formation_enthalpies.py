"""How far homodesmotic reactions by GFN2-xTB are from tabulated heats of formation: python benchmarks/formation_enthalpies.py [COUNT]

Every compound of 3 to 10 heavy atoms whose heat as a gas is in the Active Thermochemical Tables or the CRC Handbook, which agree within
4 kJ/mol, is estimated as if it were not there. Prints the deviations by the number of atoms other than C and H, and the worst.
"""

from __future__ import annotations

import math
import statistics
import sys
from collections import defaultdict

from rdkit.Chem import MolFromSmiles, MolToSmiles

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.chemistry.compounds import resolve_compound
from benchmate.tools.chemistry.formation_enthalpies import tabulated_values
from benchmate.tools.chemistry.homodesmotic import REFERENCE_TABLES, estimate
from benchmate.tools.chemistry.names import name_table
from benchmate.tools.chemistry.parsing import quiet_rdkit

SEED = 61453
AGREE = 4.0  # kJ/mol


def tabulated() -> dict[str, float]:
    """Return heats of formation in kJ/mol by flat SMILES, each compound once."""
    import chemicals.heat_capacity as tables
    from chemicals import reaction

    reaction.Hfg("64-17-5")  # loads the tables
    rows = tables.CRC_standard_data
    numbers = {*reaction.Hfg_ATcT_data.index, *rows.index[rows["Hfg"].notna()]}
    found: dict[str, float] = {}
    for cas in sorted(numbers):
        for row in name_table().by_cas(cas):
            mol = MolFromSmiles(row.smiles) if row.smiles and "." not in row.smiles else None
            values = tabulated_values(cas, "g")
            mine = [values[table] for table in REFERENCE_TABLES if table in values]
            if mol is None or not 3 <= mol.GetNumHeavyAtoms() <= 10 or max(mine) - min(mine) > AGREE:
                continue
            found.setdefault(MolToSmiles(mol), mine[0])
    return found


def main() -> None:
    limit = int(sys.argv[1]) if len(sys.argv) > 1 else None
    kept: dict[int, list[tuple[float, str]]] = defaultdict(list)
    doubted: list[tuple[float, str]] = []
    none = 0
    for smiles, heat in list(tabulated().items())[:limit]:
        try:
            with quiet_rdkit():
                made = estimate(resolve_compound(smiles), SEED)
        except BenchmateError:
            none += 1
            continue
        others = sum(atom.GetSymbol() not in "CH" for atom in MolFromSmiles(smiles).GetAtoms())
        (doubted if made.doubts else kept[others]).append((made.value - heat, smiles))
    for label, rows in (*((str(n), kept[n]) for n in sorted(kept)), ("doubted", doubted)):
        if rows:
            sizes = sorted(abs(d) for d, _ in rows)
            rms = math.sqrt(statistics.mean(d * d for d in sizes))
            print(
                f"{label}: {len(sizes)} compounds, mean {statistics.mean(sizes):.1f}, RMS {rms:.1f}, largest {sizes[-1]:.0f} kJ/mol"
            )
    worst = sorted((row for rows in kept.values() for row in rows), key=lambda row: -abs(row[0]))[:15]
    print(f"without a reaction: {none}; worst: " + ", ".join(f"{s} {d:+.0f}" for d, s in worst))


if __name__ == "__main__":
    main()
