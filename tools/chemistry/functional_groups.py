"""Functional groups by name: a SMARTS for each class of compounds, and how many of each a molecule has."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from rdkit.Chem import Mol

SOURCE = "classes as in the IUPAC glossary of class names of organic compounds, doi:10.1351/pac199567081307"


class FunctionalGroup(NamedTuple):
    """A functional group: its pattern and the words for it. Groups of one row are told apart by the pattern."""

    smarts: str
    words: str


# A carbonyl carbon with carbon or hydrogen beside it, as in acids, esters and amides, not in ureas or carbonates.
_ACYL = "[#6X3;$([#6X3][#6]),$([#6X3H1])](=[OX1])"
# An amine nitrogen: not part of an amide, amidine, sulfonamide, hydrazine or hydroxylamine.
_AMINE = "!$(N[#6]=[O,N,S]);!$(N[S,P,N,O]);!$(NC#N)"
_NOT_ACYL = "[#6;!$([#6X3]=[OX1,NX2,SX1])]"

GROUPS: dict[str, FunctionalGroup] = {
    "carboxylic_acid": FunctionalGroup(_ACYL + "[OX2H1]", "carboxylic acids, carboxyl groups, COOH"),
    "carboxylate": FunctionalGroup(_ACYL + "[OX1-]", "carboxylates, carboxylate groups"),
    "ester": FunctionalGroup(_ACYL + f"[#8X2H0]{_NOT_ACYL}", "esters, ester groups, ester bonds"),
    "lactone": FunctionalGroup("[#6X3;$([#6X3]=[OX1]);!$([#6]([#7,#8])[#7,#8])]@[#8X2H0;!$([#8]([#6]=[OX1])[#6]=[OX1])]", "lactones"),
    "amide": FunctionalGroup(
        _ACYL + "[#7X3;!$([#7]([#6]=[OX1])[#6]=[OX1])]", "amides, amide groups, carboxamides, peptide bonds"
    ),
    "lactam": FunctionalGroup("[#6X3;$([#6X3]=[OX1]);!$([#6]([#7])[#7,#8])]@[#7X3;!$([#7]([#6]=[OX1])[#6]=[OX1])]", "lactams"),
    "imide": FunctionalGroup("[#6X3](=[OX1])[#7X3][#6X3]=[OX1]", "imides"),
    "urea": FunctionalGroup("[#7X3][#6X3](=[OX1])[#7X3]", "ureas, urea groups"),
    "carbamate": FunctionalGroup("[#7X3][#6X3](=[OX1])[#8X2H0]", "carbamates, urethanes"),
    "carbonate": FunctionalGroup("[#6][#8X2H0][#6X3](=[OX1])[#8X2H0][#6]", "carbonates, carbonate esters"),
    "anhydride": FunctionalGroup("[#6X3](=[OX1])[#8X2H0][#6X3]=[OX1]", "anhydrides"),
    "acyl_halide": FunctionalGroup("[CX3](=[OX1])[F,Cl,Br,I]", "acyl halides, acid chlorides"),
    "aldehyde": FunctionalGroup("[CX3;$([CH1][#6]),$([CH2])]=[OX1]", "aldehydes, aldehyde groups"),
    "ketone": FunctionalGroup("[#6][#6X3](=[OX1])[#6]", "ketones, keto groups"),
    "alcohol": FunctionalGroup("[CX4][OX2H1]", "alcohols, alcohol groups, aliphatic hydroxyl groups"),
    "phenol": FunctionalGroup("c[OX2H1]", "phenols, phenol groups, phenolic hydroxyl groups"),
    "enol": FunctionalGroup("[CX3](=[CX3])[OX2H1]", "enols"),
    "ether": FunctionalGroup(f"[OX2H0;!r3;$(O({_NOT_ACYL}){_NOT_ACYL})]", "ethers, ether groups, ether bonds"),
    "acetal": FunctionalGroup("[CX4]([OX2H0][#6])[OX2H0][#6]", "acetals, ketals"),
    "hemiacetal": FunctionalGroup("[CX4]([OX2H1])[OX2H0][#6]", "hemiacetals, hemiketals"),
    "epoxide": FunctionalGroup("[OX2r3]1[#6r3][#6r3]1", "epoxides, oxiranes"),
    "peroxide": FunctionalGroup("[OX2][OX2]", "peroxides, peroxy groups"),
    "primary_amine": FunctionalGroup(f"[NX3H2;{_AMINE}][#6]", "primary amines, primary amino groups"),
    "secondary_amine": FunctionalGroup(f"[NX3H1;{_AMINE}]([#6])[#6]", "secondary amines"),
    "tertiary_amine": FunctionalGroup(f"[NX3H0;{_AMINE}]([#6])([#6])[#6]", "tertiary amines"),
    "ammonium": FunctionalGroup("[NX4+;!$([NX4+][O-])]", "ammonium groups, ammonium ions"),
    "nitrile": FunctionalGroup("[#6][CX2]#[NX1]", "nitriles, cyano groups"),
    "isocyanate": FunctionalGroup("[#6]N=C=O", "isocyanates"),
    "isothiocyanate": FunctionalGroup("[#6]N=C=S", "isothiocyanates"),
    "azide": FunctionalGroup("[#6][NX2]=[NX2+]=[NX1-]", "azides"),
    "azo": FunctionalGroup("[#6][NX2]=[NX2][#6]", "azo groups, azo compounds"),
    "hydrazine": FunctionalGroup("[NX3;!$(N=*)][NX3;!$(N=*)]", "hydrazines, hydrazides"),
    "imine": FunctionalGroup("[CX3;!$(C[N,O,S])]=[NX2;!$(N[N,O])]", "imines, Schiff bases"),
    "oxime": FunctionalGroup("[CX3]=[NX2][OX2H1]", "oximes"),
    "hydrazone": FunctionalGroup("[CX3]=[NX2][NX3]", "hydrazones"),
    "amidine": FunctionalGroup("[NX3][CX3;$(C[#6]),$([CH1])]=[NX2]", "amidines"),
    "guanidine": FunctionalGroup("[#7X3][#6X3](=[#7X2,#7X3+])[#7X3]", "guanidines"),
    "nitro": FunctionalGroup("[NX3+](=[OX1])[OX1-]", "nitro groups"),
    "nitroso": FunctionalGroup("[#6,#7][NX2]=[OX1]", "nitroso groups, nitrosamines"),
    "n_oxide": FunctionalGroup("[#7+;!$([#7+]=O)][OX1-]", "N-oxides"),
    "thiol": FunctionalGroup("[#6;!$([#6]=[O,S])][SX2H1]", "thiols, thiol groups, mercaptans, sulfhydryl groups"),
    "thioether": FunctionalGroup(f"{_NOT_ACYL}[SX2H0]{_NOT_ACYL}", "thioethers, sulfides"),
    "thioester": FunctionalGroup("[#6X3](=[OX1])[SX2H0][#6]", "thioesters"),
    "disulfide": FunctionalGroup("[SX2H0][SX2H0]", "disulfides, disulfide bonds"),
    "sulfoxide": FunctionalGroup("[#6][$([SX3]=[OX1]),$([SX3+][OX1-])][#6]", "sulfoxides"),
    "sulfone": FunctionalGroup("[#6][SX4](=[OX1])(=[OX1])[#6]", "sulfones"),
    "sulfonamide": FunctionalGroup("[#6][SX4](=[OX1])(=[OX1])[#7X3]", "sulfonamides"),
    "sulfonic_acid": FunctionalGroup("[#6][SX4](=[OX1])(=[OX1])[OX2H1]", "sulfonic acids"),
    "sulfonate_ester": FunctionalGroup("[#6][SX4](=[OX1])(=[OX1])[OX2H0][#6]", "sulfonate esters, tosylates, mesylates"),
    "sulfonyl_halide": FunctionalGroup("[#6][SX4](=[OX1])(=[OX1])[F,Cl,Br,I]", "sulfonyl halides, sulfonyl chlorides"),
    "phosphate": FunctionalGroup("[PX4](=[OX1])([OX2,OX1-])([OX2,OX1-])[OX2,OX1-]", "phosphates, phosphate esters"),
    "phosphonate": FunctionalGroup("[#6][PX4](=[OX1])([OX2,OX1-])[OX2,OX1-]", "phosphonates"),
    "boronic_acid": FunctionalGroup("[#6][BX3]([OX2H1])[OX2H1]", "boronic acids"),
    "alkyl_halide": FunctionalGroup("[CX4][F,Cl,Br,I]", "carbon-halogen bonds at sp3 carbon, alkyl halides"),
    "aryl_halide": FunctionalGroup("c[F,Cl,Br,I]", "aryl halides, aromatic halogens"),
    "vinyl_halide": FunctionalGroup("[CX3;$(C=C)][F,Cl,Br,I]", "vinyl halides"),
    "trifluoromethyl": FunctionalGroup("[CX4](F)(F)F", "trifluoromethyl groups, CF3"),
    "alkene": FunctionalGroup("[CX3,CX2]=[CX3,CX2]", "carbon-carbon double bonds outside aromatic rings, alkenes, olefins, C=C bonds"),
    "alkyne": FunctionalGroup("[CX2]#[CX2]", "carbon-carbon triple bonds, alkynes, C#C bonds"),
}  # fmt: skip

# Groups that are counted also where there are none, since people ask for them.
ASKED_FOR = (
    "carboxylic_acid", "ester", "amide", "aldehyde", "ketone", "alcohol", "phenol", "ether", "primary_amine",
    "secondary_amine", "tertiary_amine", "nitrile", "nitro", "alkene",
)  # fmt: skip


def find_groups(mol: Mol) -> dict[str, list[list[int]]]:
    """Return the atoms of every functional group that `mol` has, by the group's name, each set of atoms once."""
    found = {}
    for name, pattern in _patterns().items():
        if matches := mol.GetSubstructMatches(pattern, maxMatches=10_000):
            found[name] = [list(match) for match in matches]
    return found


@functools.cache
def _patterns() -> dict[str, Any]:
    from rdkit import Chem

    return {name: Chem.MolFromSmarts(group.smarts) for name, group in GROUPS.items()}
