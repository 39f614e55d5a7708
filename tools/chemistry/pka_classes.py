"""Acidic and basic groups with the pKa that compounds of the class have in water at 25 °C."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from rdkit.Chem import Mol

SOURCE = (
    "class ranges spanned by values of the CRC Handbook of Chemistry and Physics, Dissociation Constants of Organic Acids "
    "and Bases; Serjeant and Dempsey 1979 (IUPAC); Perrin 1965 (IUPAC)"
)


class PkaClass(NamedTuple):
    """A class of groups: its pattern (the first atom is the site), the range of its pKa, and compounds that span it."""

    name: str
    smarts: str
    kind: Literal["acid", "base"]
    low: float
    high: float
    spanned_by: str


_ALKYL_AMINE = "!$(N[#6]=[O,N,S]);!$(N[S,P,N,O]);!$(N-a);!$(NC#N)"

# The first class that matches a site is its class: the special ones come first.
CLASSES = (
    PkaClass("sulfonic acid", "[OX2H1,OX1-][SX4](=O)(=O)[#6]", "acid", -3, 1, "methanesulfonic -1.9, benzenesulfonic 0.7"),
    PkaClass("phosphate monoester, first", "[OX2H1,OX1-][PX4](=O)([OX2H1,OX1-])[OX2][#6]", "acid", 0.9, 2, "glucose 1-phosphate 1.1, glycerol 2-phosphate 1.3"),
    PkaClass("phosphate diester", "[OX2H1,OX1-][PX4](=O)([OX2][#6])[OX2][#6]", "acid", 0.7, 2, "dimethyl phosphate 1.3, diethyl phosphate 1.4"),
    PkaClass("phosphonic acid, first", "[OX2H1,OX1-][PX4](=O)([OX2H1,OX1-])[#6]", "acid", 1.3, 2.5, "methylphosphonic 2.4, phenylphosphonic 1.8"),
    PkaClass("perhalogenated alpha carbon acid", "[OX2H1,OX1-]C(=O)C([F,Cl])([F,Cl])", "acid", 0.2, 1.4, "trifluoroacetic 0.5, trichloroacetic 0.7, dichloroacetic 1.4"),
    PkaClass("alpha-halogenated carboxylic acid", "[OX2H1,OX1-]C(=O)[CX4][F,Cl,Br,I]", "acid", 2.5, 3.2, "fluoroacetic 2.6, chloroacetic 2.9, iodoacetic 3.2"),
    PkaClass("carboxyl of an alpha-amino acid", "[OX2H1,OX1-]C(=O)[CX4][NX3;!$(NC=O),NX4+]", "acid", 1.8, 2.6, "histidine 1.8, glycine 2.35, asparagine 2.1"),
    PkaClass("aromatic carboxylic acid", "[OX2H1,OX1-]C(=O)c", "acid", 2.2, 4.9, "2-nitrobenzoic 2.2, salicylic 3.0, benzoic 4.2, 4-aminobenzoic 4.9"),
    PkaClass("carboxylic acid", "[OX2H1,OX1-][CX3](=O)[#6,#1]", "acid", 3.0, 5.1, "citric 3.1, formic 3.75, acetic 4.76, pivalic 5.0"),
    PkaClass("carboxylic acid", "[OX2H1,OX1-][CX3H1]=O", "acid", 3.0, 5.1, "citric 3.1, formic 3.75, acetic 4.76, pivalic 5.0"),
    PkaClass("tetrazole NH", "[nH]1nnnc1", "acid", 4.3, 5.6, "5-phenyltetrazole 4.4, tetrazole 4.9, 5-methyltetrazole 5.6"),
    PkaClass("tetrazole NH", "[nH]1nncn1", "acid", 4.3, 5.6, "5-phenyltetrazole 4.4, tetrazole 4.9, 5-methyltetrazole 5.6"),
    PkaClass("nitrophenol", "[OX2H1,OX1-]c1aaaaa1[N+](=O)[O-]", "acid", 0.4, 7.3, "picric 0.4, 2,4-dinitrophenol 4.1, 2-nitrophenol 7.2"),
    PkaClass("nitrophenol", "[OX2H1,OX1-]c1aac([N+](=O)[O-])aa1", "acid", 0.4, 7.3, "picric 0.4, 2,4-dinitrophenol 4.1, 4-nitrophenol 7.15"),
    PkaClass("phenol", "[OX2H1,OX1-]c", "acid", 8.0, 10.6, "3-nitrophenol 8.4, 4-chlorophenol 9.4, phenol 9.99, 4-cresol 10.3; more halogens lower it"),
    PkaClass("thiophenol", "[SX2H1,SX1-]c", "acid", 5.5, 7.0, "4-chlorothiophenol 6.1, thiophenol 6.6"),
    PkaClass("alkyl thiol", "[SX2H1,SX1-][CX4]", "acid", 8.0, 11.0, "cysteine 8.2, 2-mercaptoethanol 9.7, ethanethiol 10.6"),
    PkaClass("hydroxamic acid", "[OX2H1,OX1-][NX3][CX3]=O", "acid", 8.5, 9.5, "benzohydroxamic 8.8, acetohydroxamic 9.4"),
    PkaClass("imide NH", "[NX3H1,NX2-]([CX3]=O)[CX3]=O", "acid", 7.4, 9.8, "barbital 7.4, phthalimide 8.3, succinimide 9.6"),
    PkaClass("sulfonamide NH", "[NX3H2,NX3H1,NX2-][SX4](=O)(=O)[#6]", "acid", 5.0, 11.0, "sulfathiazole 7.1, sulfadiazine 6.5, benzenesulfonamide 10.1"),
    PkaClass("boronic acid", "[BX3]([OX2H1])([OX2H1])[#6]", "acid", 7.0, 10.4, "3-nitrophenylboronic 7.1, phenylboronic 8.8, butylboronic 10.4"),
    PkaClass("oxime", "[OX2H1,OX1-][NX2]=[CX3]", "acid", 10.5, 12.5, "benzaldoxime 10.7, acetone oxime 12.4"),
    PkaClass("CH between two carbonyls", "[CX4;H1,H2]([CX3](=O)[#6])[CX3](=O)[#6]", "acid", 8.5, 11.0, "acetylacetone 9.0, ethyl acetoacetate 10.7"),
    PkaClass("alcohol", "[OX2H1][CX4]", "acid", 12.3, 18.0, "trifluoroethanol 12.4, methanol 15.5, tert-butanol 17 to 18"),
    PkaClass("guanidine", "[NX2,NX3+]=[CX3]([NX3])[NX3]", "base", 12.0, 13.7, "arginine 12.5, guanidine 13.6; acyl and aryl groups lower it"),
    PkaClass("amidine", "[NX2,NX3+]=[CX3]([NX3])[#6,#1]", "base", 11.0, 12.7, "benzamidine 11.6, acetamidine 12.4"),
    PkaClass("4-aminopyridine", "[nX2,nH+]1ccc([NX3;!$(NC=O)])cc1", "base", 9.0, 9.8, "4-aminopyridine 9.1, 4-dimethylaminopyridine 9.7"),
    PkaClass("imidazole", "[nX2,$([nH+])]1c[nX3]cc1", "base", 5.5, 8.0, "benzimidazole 5.5, imidazole 7.0, 2-methylimidazole 7.9"),
    PkaClass("pyrazole", "[nX2]1[nX3]ccc1", "base", 2.0, 3.6, "pyrazole 2.5, 3-methylpyrazole 3.6"),
    PkaClass("diazine", "[nX2]1ccncc1", "base", -0.5, 2.5, "pyrazine 0.7, quinoxaline 0.6"),
    PkaClass("diazine", "[nX2]1cnccc1", "base", 0.5, 6.0, "pyrimidine 1.2, 4-aminopyrimidine 5.7"),
    PkaClass("diazine", "[nX2]1ncccc1", "base", 2.0, 3.5, "pyridazine 2.3, phthalazine 3.5"),
    PkaClass("pyridine or quinoline", "[nX2,$([nH+])]1ccccc1", "base", 0.5, 7.5, "2-chloropyridine 0.5, quinoline 4.9, pyridine 5.2, 2,4,6-collidine 7.4"),
    PkaClass("aniline", "[NX3;!$(N[#6]=[O,N,S]);!$(N[S,P,N,O]),$([NX4+])]-a", "base", 0.5, 5.5, "4-nitroaniline 1.0, aniline 4.9, N,N-dimethylaniline 5.1, 4-toluidine 5.1"),
    PkaClass("hydrazine", "[NX3;!$(N[#6]=[O,N,S]);!$(N[S,P])]-[NX3;!$(N[#6]=[O,N,S])]", "base", 5.0, 8.2, "phenylhydrazine 5.2, methylhydrazine 7.9"),
    PkaClass("amine of an alpha-amino acid", "[NX3;!$(NC=O),NX4+][CX4]C(=O)[OX2H1,OX1-]", "base", 8.7, 10.7, "asparagine 8.7, glycine 9.8, proline 10.6"),
    PkaClass("primary aliphatic amine", f"[NX3H2;{_ALKYL_AMINE}][CX4]", "base", 7.0, 10.9, "ethylenediamine 6.9 and 9.9, benzylamine 9.3, ethylamine 10.7"),
    PkaClass("primary aliphatic ammonium", "[NX4H3+][CX4]", "base", 7.0, 10.9, "benzylamine 9.3, ethylamine 10.7"),
    PkaClass("secondary aliphatic amine", f"[NX3H1;{_ALKYL_AMINE}]([CX4])[CX4]", "base", 8.3, 11.3, "morpholine 8.5, dimethylamine 10.7, piperidine 11.1"),
    PkaClass("tertiary aliphatic amine", f"[NX3H0;{_ALKYL_AMINE}]([CX4])([CX4])[CX4]", "base", 7.3, 11.0, "N-methylmorpholine 7.4, trimethylamine 9.8, triethylamine 10.75"),
)  # fmt: skip


class Site(NamedTuple):
    """An ionizable group of a molecule."""

    atom: int
    group: PkaClass


def find_sites(mol: Mol) -> list[Site]:
    """Return the ionizable groups of a molecule, each with the first class that fits it, in the order of atoms."""
    found: dict[int, PkaClass] = {}
    for group, pattern in zip(CLASSES, _patterns(), strict=True):
        for match in mol.GetSubstructMatches(pattern, maxMatches=1000):
            found.setdefault(match[0], group)
    return [Site(atom, group) for atom, group in sorted(found.items())]


@functools.cache
def _patterns() -> tuple[Any, ...]:
    from rdkit import Chem

    return tuple(Chem.MolFromSmarts(group.smarts) for group in CLASSES)
