"""Molecular descriptors, rules of thumb for drug-likeness, and structural alerts."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Said
from benchmate.tools.base import ToolResult, tool
from benchmate.tools.chemistry.compounds import Compound
from benchmate.tools.chemistry.molecules import rdkit_source

if TYPE_CHECKING:
    from rdkit.Chem import Mol
    from rdkit.Chem.FilterCatalog import FilterCatalog

CRIPPEN = "Wildman-Crippen, RDKit"
TPSA = "Ertl TPSA of N and O, RDKit"


class Descriptor(NamedTuple):
    """How a descriptor is computed and what a reader calls it."""

    unit: str
    method: str
    words: str


DESCRIPTORS: dict[str, Descriptor] = {
    "molecular_weight": Descriptor(
        "g/mol",
        "average atomic masses",
        "molecular weight, molar mass, MW, molecular mass, formula weight, average mass, mol weight, mol wt, "
        "mass, weight, weigh, heavy, heavier, heaviest, lighter, lightest",
    ),
    "exact_mass": Descriptor(
        "Da",
        "most abundant isotopes",
        "exact mass, monoisotopic mass, monoisotopic weight, monoisotopic, accurate mass, HRMS",
    ),
    "logp": Descriptor(
        "",
        CRIPPEN,
        "logP, octanol-water partition coefficient, lipophilicity, log P, clogP, partition coefficient, partition, "
        "lipophilic, hydrophobicity, hydrophobic, hydrophilic, greasy, greasier, greasiest, cross membranes",
    ),
    "molar_refractivity": Descriptor("cm**3/mol", CRIPPEN, "molar refractivity, MR, molar refraction"),
    "tpsa": Descriptor(
        "angstrom**2",
        TPSA,
        "topological polar surface area, TPSA, PSA, polar surface area, polar surface, polarity, polar, "
        "cross membranes, blood-brain barrier",
    ),
    "hbd": Descriptor(
        "", "N-H and O-H groups, RDKit CalcNumHBD", "hydrogen-bond donors, HBD, H-bond donors, donors"
    ),
    "hba": Descriptor(
        "", "acceptor patterns, RDKit CalcNumHBA", "hydrogen-bond acceptors, HBA, H-bond acceptors, acceptors"
    ),
    "lipinski_hbd": Descriptor(
        "", "count of N-H and O-H bonds (Lipinski)", "Lipinski donors, NH and OH count"
    ),
    "lipinski_hba": Descriptor("", "count of N and O atoms (Lipinski)", "Lipinski acceptors, N and O count"),
    "rotatable_bonds": Descriptor(
        "", "strict definition, RDKit", "rotatable bonds, flexibility, rotors, flexible, floppy"
    ),
    "ring_count": Descriptor("", "smallest set of rings", "number of rings, rings, ring count"),
    "aromatic_ring_count": Descriptor(
        "", "RDKit aromaticity", "number of aromatic rings, aromatic rings, aromatic ring count, aromatic"
    ),
    "fsp3": Descriptor(
        "",
        "fraction of sp3 carbons",
        "Fsp3, fraction of sp3 carbon, sp3 fraction, fraction sp3, sp3 carbons, flat, flatness",
    ),
    "qed": Descriptor(
        "", "Bickerton 2012, mean weights", "QED, quantitative estimate of drug-likeness, drug-likeness"
    ),
    "sa_score": Descriptor(
        "",
        "Ertl and Schuffenhauer 2009",
        "synthetic accessibility, SA score, synthesizability, hard to make, easy to make, difficult to make, "
        "hard to synthesize, easy to synthesize, hard to synthesise, easy to synthesise",
    ),
    "heavy_atom_count": Descriptor(
        "",
        "atoms other than hydrogen",
        "heavy atoms, number of non-hydrogen atoms, heavy atom count, non-hydrogen atoms",
    ),
    "formal_charge": Descriptor("", "sum of formal charges", "net charge, formal charge, charge, charged"),
}

RULE_SETS = {
    "lipinski": "Lipinski et al. 1997, doi:10.1016/S0169-409X(96)00423-1",
    "veber": "Veber et al. 2002, doi:10.1021/jm020017n",
    "ghose": "Ghose et al. 1999, doi:10.1021/cc9800071",
    "lead_like": "ZINC lead-like subset, doi:10.1021/ci3001277",
}
CATALOGS = ("PAINS", "BRENK", "NIH")


def descriptor_values(mol: Mol) -> dict[str, float]:
    """Return the value of every entry of DESCRIPTORS for a molecule, in its unit."""
    from rdkit.Chem import Descriptors, GetFormalCharge
    from rdkit.Chem import rdMolDescriptors as rd

    logp, refractivity = rd.CalcCrippenDescriptors(mol)
    weight, tpsa, donors = Descriptors.MolWt(mol), rd.CalcTPSA(mol), rd.CalcNumHBD(mol)  # type: ignore[attr-defined]
    return {
        "molecular_weight": weight,
        "exact_mass": rd.CalcExactMolWt(mol),
        "logp": logp,
        "molar_refractivity": refractivity,
        "tpsa": tpsa,
        "hbd": donors,
        "hba": rd.CalcNumHBA(mol),
        "lipinski_hbd": rd.CalcNumLipinskiHBD(mol),
        "lipinski_hba": rd.CalcNumLipinskiHBA(mol),
        "rotatable_bonds": rd.CalcNumRotatableBonds(mol),
        "ring_count": rd.CalcNumRings(mol),
        "aromatic_ring_count": rd.CalcNumAromaticRings(mol),
        "fsp3": rd.CalcFractionCSP3(mol),
        "qed": _qed(mol, weight=weight, logp=logp, tpsa=tpsa, donors=donors),
        "sa_score": _sa_scorer().calculateScore(mol),
        "heavy_atom_count": mol.GetNumHeavyAtoms(),
        "formal_charge": GetFormalCharge(mol),
    }


def _qed(mol: Mol, *, weight: float, logp: float, tpsa: float, donors: int) -> float:
    """Return RDKit's QED (Bickerton 2012) with what is known already; a third faster than to let it compute all again."""
    from rdkit import Chem
    from rdkit.Chem import QED
    from rdkit.Chem import rdMolDescriptors as rd

    if any(atom.GetAtomicNum() == 1 for atom in mol.GetAtoms()):  # QED takes explicit hydrogens away first
        return float(QED.qed(mol))
    rings = Chem.GetSSSR(Chem.DeleteSubstructs(Chem.Mol(mol), QED.AliphaticRings))
    known = QED.QEDproperties(
        MW=weight,
        ALOGP=logp,
        HBA=sum(len(mol.GetSubstructMatches(acceptor)) for acceptor in QED.Acceptors),
        HBD=donors,
        PSA=tpsa,
        ROTB=rd.CalcNumRotatableBonds(mol, rd.NumRotatableBondsOptions.Strict),
        AROM=len(rings),
        ALERTS=sum(mol.HasSubstructMatch(alert) for alert in QED.StructuralAlerts),
    )
    return float(QED.qed(mol, qedProperties=known))


@tool(
    domain="chemistry",
    properties={
        **{name: descriptor.words for name, descriptor in DESCRIPTORS.items()},
        "formula": "molecular formula, empirical formula, sum formula, formula",
        "scaffold": "Murcko scaffold, Bemis-Murcko framework, scaffold, framework",
    },
    examples=(
        "What is the molecular weight of aspirin?",
        "What are logP and TPSA of caffeine?",
        "How many hydrogen-bond donors does paracetamol have?",
        "Give me the synthetic accessibility of CC(C)Cc1ccc(cc1)C(C)C(=O)O",
        "Is the exact mass of ibuprofen above 206 Da?",
    ),
    example={"compound": "aspirin"},
)
def compute_descriptors(
    compound: Compound,
    form: Annotated[
        Literal["as_given", "parent"],
        Said(
            {
                "parent": "free base, free acid, neutral form, without the salt, without the counterion, without salt"
            }
        ),
    ] = "as_given",
) -> ToolResult:
    """Compute molecular descriptors of a compound: mass, logP, TPSA, donors, acceptors, rings, QED, SA score.

    Args:
        compound: The compound.
        form: `as_given` keeps counter-ions and charges, `parent` takes the neutral parent structure.
    """
    from rdkit.Chem.rdMolDescriptors import CalcMolFormula

    mol = compound.mol() if form == "as_given" else compound.parent_mol()
    warnings = list(compound.warnings)
    if form == "as_given" and len(compound.components) > 1:
        warnings.append(
            f"values are for all {len(compound.components)} components together; form='parent' is without"
        )
    if form == "parent" and compound.parent_smiles != compound.smiles:
        warnings.append(f"values are for the neutral parent {compound.parent_smiles}, without counter-ions")
    conditions = {"form": form}
    return ToolResult(
        data={
            "formula": CalcMolFormula(mol),
            "smiles": compound.smiles if form == "as_given" else compound.parent_smiles,
            "scaffold": _scaffold(mol),
        },
        quantities={
            name: Quantity(
                value=value,
                unit=DESCRIPTORS[name].unit,
                property=name,
                method=DESCRIPTORS[name].method,
                conditions=conditions,
            )
            for name, value in descriptor_values(mol).items()
        },
        source=rdkit_source(),
        warnings=tuple(warnings),
    )


@tool(
    domain="chemistry",
    properties={
        "lipinski_violations": "Lipinski violations, rule of five, rule of 5, Ro5, Lipinski",
        "veber_violations": "Veber violations, oral bioavailability rules, Veber, orally bioavailable, oral bioavailability, "
        "orally available",
        "ghose_violations": "Ghose filter violations, Ghose filter, Ghose",
        "leadlike_violations": "lead-likeness violations, lead-likeness, lead-like, leadlike",
        "alert_count": "structural alerts, PAINS, BRENK and NIH matches, alerts, BRENK, NIH, frequent hitter, assay interference, "
        "nuisance, reactive groups, toxicophores",
    },
    examples=(
        "Does atorvastatin break Lipinski's rule of five?",
        "Is caffeine drug-like?",
        "Does 5-benzylidenerhodanine have PAINS alerts?",
        "Check the lead-likeness of CCOC(=O)c1ccc(N)cc1",
    ),
    example={"compound": "O=C1NC(=S)SC1=Cc1ccccc1"},
)
def check_druglikeness(compound: Compound) -> ToolResult:
    """Check a compound against the Lipinski, Veber, Ghose and lead-like rules and the PAINS, BRENK and NIH alerts.

    The neutral parent structure is checked. Rules and alerts are warnings to look at, not verdicts on a compound.

    Args:
        compound: The compound.
    """
    mol = compound.parent_mol()
    rules = {name: _apply(checks) for name, checks in _checks(mol).items()}
    alerts = find_alerts(mol)
    broken = {name: sum(not rule["passed"] for rule in checks) for name, checks in rules.items()}
    violations = {f"{name.replace('_', '')}_violations": (name, count) for name, count in broken.items()}
    conditions = {"form": "parent"}
    warnings = [*compound.warnings]
    if compound.parent_smiles != compound.smiles:
        warnings.append(f"the parent structure {compound.parent_smiles} was checked")
    if alerts:
        warnings.append("an alert asks for a closer look, it is not a verdict: many drugs carry one")
    quantities = {
        key: Quantity(value=count, property=key, method=RULE_SETS[name], conditions=conditions)
        for key, (name, count) in violations.items()
    }
    quantities["alert_count"] = Quantity(
        value=len(alerts),
        property="alert_count",
        method="PAINS, BRENK and NIH catalogs, RDKit",
        conditions=conditions,
    )
    return ToolResult(
        data={
            "smiles": compound.parent_smiles,
            "rules": {
                n: {"passed": not broken[n], "checks": rules[n], "source": RULE_SETS[n]} for n in rules
            },
            "alerts": alerts,
        },
        quantities=quantities,
        source=rdkit_source(),
        warnings=tuple(warnings),
    )


def find_alerts(mol: Mol) -> list[dict[str, Any]]:
    """Return the structural alerts a molecule matches: catalog, name, atoms (indices in its SMILES), reference."""
    return [
        {
            "catalog": catalog,
            "name": entry.GetDescription(),
            "atoms": sorted(atom for _, atom in match.atomPairs),
            "reference": entry.GetProp("Reference") if "Reference" in entry.GetPropList() else None,
        }
        for catalog in CATALOGS
        for entry in _catalog(catalog).GetMatches(mol)
        for match in entry.GetFilterMatches(mol)
    ]


Check = tuple[str, float, float | None, float | None]  # property, value, lowest, highest allowed


def _checks(mol: Mol) -> dict[str, list[Check]]:
    from rdkit.Chem import Descriptors
    from rdkit.Chem import rdMolDescriptors as rd

    weight = Descriptors.MolWt(mol)  # type: ignore[attr-defined]
    logp, refractivity = rd.CalcCrippenDescriptors(mol)
    rotatable = rd.CalcNumRotatableBonds(mol)
    atoms = mol.GetNumAtoms() + sum(atom.GetTotalNumHs() for atom in mol.GetAtoms())
    return {
        "lipinski": [
            ("molecular_weight", weight, None, 500),
            ("logp", logp, None, 5),
            ("lipinski_hbd", rd.CalcNumLipinskiHBD(mol), None, 5),
            ("lipinski_hba", rd.CalcNumLipinskiHBA(mol), None, 10),
        ],
        "veber": [("rotatable_bonds", rotatable, None, 10), ("tpsa", rd.CalcTPSA(mol), None, 140)],
        "ghose": [
            ("molecular_weight", weight, 160, 480),
            ("logp", logp, -0.4, 5.6),
            ("molar_refractivity", refractivity, 40, 130),
            ("atom_count", atoms, 20, 70),
        ],
        "lead_like": [
            ("molecular_weight", weight, 250, 350),
            ("logp", logp, None, 3.5),
            ("rotatable_bonds", rotatable, None, 7),
        ],
    }


def _apply(checks: list[Check]) -> list[dict[str, Any]]:
    return [
        {
            "rule": name,
            "value": round(value, 3),
            "limit": f"at most {high:g}" if low is None else f"{low:g} to {high:g}",
            "passed": (low is None or value >= low) and (high is None or value <= high),
        }
        for name, value, low, high in checks
    ]


def _scaffold(mol: Mol) -> str | None:
    """Return the Bemis-Murcko scaffold's SMILES, or None for a molecule without rings."""
    from rdkit.Chem import MolToSmiles
    from rdkit.Chem.Scaffolds.MurckoScaffold import GetScaffoldForMol

    return MolToSmiles(GetScaffoldForMol(mol)) or None if mol.GetRingInfo().NumRings() else None


@functools.cache
def _sa_scorer() -> Any:
    from rdkit.Contrib.SA_Score import sascorer

    return sascorer


@functools.cache
def _catalog(name: str) -> FilterCatalog:
    from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams

    return FilterCatalog(FilterCatalogParams(getattr(FilterCatalogParams.FilterCatalogs, name)))
