"""Names that chemists use for several compounds: isomer mixtures, sugars without ring form, family names.

The table of names picks one member for many of them (its 'butanol' is 1-butanol, its 'xylene' is o-xylene).
Here such a name stands for the list of what it may mean, as (name, SMILES).
"""

from __future__ import annotations

from types import MappingProxyType

Candidates = tuple[tuple[str, str], ...]


def _benzene(name: str, a: str, b: str) -> Candidates:
    """Return the three isomers of a benzene with substituents `a` (SMILES, bound by its end) and `b` (by its start)."""
    return (
        (f"o-{name}", f"{a}c1ccccc1{b}"),
        (f"m-{name}", f"{a}c1cccc({b})c1"),
        (f"p-{name}", f"{a}c1ccc({b})cc1"),
    )


_SUGARS: dict[str, Candidates] = {
    "glucose": (
        ("alpha-D-glucopyranose", "OC[C@H]1O[C@H](O)[C@H](O)[C@@H](O)[C@@H]1O"),
        ("beta-D-glucopyranose", "OC[C@H]1O[C@@H](O)[C@H](O)[C@@H](O)[C@@H]1O"),
        ("aldehydo-D-glucose", "OC[C@@H](O)[C@@H](O)[C@H](O)[C@@H](O)C=O"),
        ("aldehydo-L-glucose", "OC[C@H](O)[C@H](O)[C@@H](O)[C@H](O)C=O"),
    ),
    "galactose": (
        ("alpha-D-galactopyranose", "OC[C@H]1O[C@H](O)[C@H](O)[C@@H](O)[C@H]1O"),
        ("beta-D-galactopyranose", "OC[C@H]1O[C@@H](O)[C@H](O)[C@@H](O)[C@H]1O"),
        ("aldehydo-D-galactose", "OC[C@@H](O)[C@H](O)[C@H](O)[C@@H](O)C=O"),
    ),
    "mannose": (
        ("alpha-D-mannopyranose", "OC[C@H]1O[C@H](O)[C@@H](O)[C@@H](O)[C@@H]1O"),
        ("beta-D-mannopyranose", "OC[C@H]1O[C@@H](O)[C@@H](O)[C@@H](O)[C@@H]1O"),
        ("aldehydo-D-mannose", "OC[C@@H](O)[C@@H](O)[C@H](O)[C@H](O)C=O"),
    ),
    "fructose": (
        ("beta-D-fructopyranose", "OC[C@@]1(O)OC[C@@H](O)[C@@H](O)[C@@H]1O"),
        ("beta-D-fructofuranose", "OC[C@H]1O[C@](O)(CO)[C@@H](O)[C@@H]1O"),
        ("keto-D-fructose", "OC[C@@H](O)[C@@H](O)[C@H](O)C(=O)CO"),
    ),
}

_ALKYL: dict[str, Candidates] = {
    "propanol": (("1-propanol", "CCCO"), ("2-propanol", "CC(C)O")),
    "propyl alcohol": (("1-propanol", "CCCO"), ("2-propanol", "CC(C)O")),
    "butanol": (
        ("1-butanol", "CCCCO"),
        ("2-butanol", "CCC(C)O"),
        ("isobutanol", "CC(C)CO"),
        ("tert-butanol", "CC(C)(C)O"),
    ),
    "pentanol": (("1-pentanol", "CCCCCO"), ("2-pentanol", "CCCC(C)O"), ("3-pentanol", "CCC(O)CC")),
    "hexanol": (("1-hexanol", "CCCCCCO"), ("2-hexanol", "CCCCC(C)O"), ("3-hexanol", "CCCC(O)CC")),
    "octanol": (("1-octanol", "CCCCCCCCO"), ("2-octanol", "CCCCCCC(C)O"), ("3-octanol", "CCCCCC(O)CC")),
    "butene": (
        ("1-butene", "C=CCC"),
        ("cis-2-butene", "C/C=C\\C"),
        ("trans-2-butene", "C/C=C/C"),
        ("isobutene", "C=C(C)C"),
    ),
    "pentene": (("1-pentene", "C=CCCC"), ("cis-2-pentene", "C/C=C\\CC"), ("trans-2-pentene", "C/C=C/CC")),
    "butyne": (("1-butyne", "C#CCC"), ("2-butyne", "CC#CC")),
    "pentanone": (("2-pentanone", "CCCC(C)=O"), ("3-pentanone", "CCC(=O)CC")),
    "hexanone": (("2-hexanone", "CCCCC(C)=O"), ("3-hexanone", "CCCC(=O)CC")),
    "chloropropane": (("1-chloropropane", "CCCCl"), ("2-chloropropane", "CC(C)Cl")),
    "bromopropane": (("1-bromopropane", "CCCBr"), ("2-bromopropane", "CC(C)Br")),
    "bromobutane": (("1-bromobutane", "CCCCBr"), ("2-bromobutane", "CCC(C)Br")),
    "dichloroethane": (("1,1-dichloroethane", "CC(Cl)Cl"), ("1,2-dichloroethane", "ClCCCl")),
    "dibromoethane": (("1,1-dibromoethane", "CC(Br)Br"), ("1,2-dibromoethane", "BrCCBr")),
    "trichloroethane": (("1,1,1-trichloroethane", "CC(Cl)(Cl)Cl"), ("1,1,2-trichloroethane", "ClCC(Cl)Cl")),
    "tetrachloroethane": (
        ("1,1,1,2-tetrachloroethane", "ClCC(Cl)(Cl)Cl"),
        ("1,1,2,2-tetrachloroethane", "ClC(Cl)C(Cl)Cl"),
    ),
    "dichloroethylene": (
        ("1,1-dichloroethylene", "C=C(Cl)Cl"),
        ("cis-1,2-dichloroethylene", "Cl/C=C\\Cl"),
        ("trans-1,2-dichloroethylene", "Cl/C=C/Cl"),
    ),
    "propanediol": (("1,2-propanediol", "CC(O)CO"), ("1,3-propanediol", "OCCCO")),
    "butanediol": (
        ("1,3-butanediol", "CC(O)CCO"),
        ("1,4-butanediol", "OCCCCO"),
        ("2,3-butanediol", "CC(O)C(C)O"),
    ),
}

_AROMATIC: dict[str, Candidates] = {
    "xylene": _benzene("xylene", "C", "C"),
    "cresol": _benzene("cresol", "C", "O"),
    "toluidine": _benzene("toluidine", "C", "N"),
    "anisidine": _benzene("anisidine", "CO", "N"),
    "phenylenediamine": _benzene("phenylenediamine", "N", "N"),
    "aminophenol": _benzene("aminophenol", "O", "N"),
    "nitrophenol": _benzene("nitrophenol", "O", "[N+](=O)[O-]"),
    "chlorophenol": _benzene("chlorophenol", "O", "Cl"),
    "nitroaniline": _benzene("nitroaniline", "N", "[N+](=O)[O-]"),
    "chloroaniline": _benzene("chloroaniline", "N", "Cl"),
    "nitrotoluene": _benzene("nitrotoluene", "C", "[N+](=O)[O-]"),
    "chlorotoluene": _benzene("chlorotoluene", "C", "Cl"),
    "dichlorobenzene": _benzene("dichlorobenzene", "Cl", "Cl"),
    "dinitrobenzene": _benzene("dinitrobenzene", "[O-][N+](=O)", "[N+](=O)[O-]"),
    "divinylbenzene": _benzene("divinylbenzene", "C=C", "C=C"),
    "terphenyl": (
        ("o-terphenyl", "c1ccc(cc1)-c1ccccc1-c1ccccc1"),
        ("m-terphenyl", "c1ccc(cc1)-c1cccc(c1)-c1ccccc1"),
        ("p-terphenyl", "c1ccc(cc1)-c1ccc(cc1)-c1ccccc1"),
    ),
    "xylenol": tuple(
        (f"{where}-xylenol", smiles)
        for where, smiles in (
            ("2,3", "Cc1cccc(O)c1C"),
            ("2,4", "Cc1ccc(O)c(C)c1"),
            ("2,5", "Cc1ccc(C)c(O)c1"),
            ("2,6", "Cc1cccc(C)c1O"),
            ("3,4", "Cc1ccc(O)cc1C"),
            ("3,5", "Cc1cc(C)cc(O)c1"),
        )
    ),
    "trichlorobenzene": (
        ("1,2,3-trichlorobenzene", "Clc1cccc(Cl)c1Cl"),
        ("1,2,4-trichlorobenzene", "Clc1ccc(Cl)c(Cl)c1"),
        ("1,3,5-trichlorobenzene", "Clc1cc(Cl)cc(Cl)c1"),
    ),
    "naphthol": (("1-naphthol", "Oc1cccc2ccccc12"), ("2-naphthol", "Oc1ccc2ccccc2c1")),
    "naphthylamine": (("1-naphthylamine", "Nc1cccc2ccccc12"), ("2-naphthylamine", "Nc1ccc2ccccc2c1")),
    "picoline": (("2-picoline", "Cc1ccccn1"), ("3-picoline", "Cc1cccnc1"), ("4-picoline", "Cc1ccncc1")),
    "lutidine": (
        ("2,4-lutidine", "Cc1ccnc(C)c1"),
        ("2,6-lutidine", "Cc1cccc(C)n1"),
        ("3,5-lutidine", "Cc1cncc(C)c1"),
    ),
    "pinene": (("alpha-pinene", "CC1=CCC2CC1C2(C)C"), ("beta-pinene", "C=C1CCC2CC1C2(C)C")),
    "terpineol": (("alpha-terpineol", "CC1=CCC(CC1)C(C)(C)O"), ("gamma-terpineol", "CC(C)=C1CCC(C)(O)CC1")),
}

_SYNONYMS = {
    "xylenes": "xylene",
    "dimethylbenzene": "xylene",
    "dimethylphenol": "xylenol",
    "methylphenol": "cresol",
    "butyl alcohol": "butanol",
    "butylene": "butene",
    "diaminobenzene": "phenylenediamine",
    "hydroxyaniline": "aminophenol",
    "methylaniline": "toluidine",
    "methylpyridine": "picoline",
    "dimethylpyridine": "lutidine",
    "dextrose": "glucose",
    "d-glucose": "glucose",
}

_ALL = _SUGARS | _ALKYL | _AROMATIC
AMBIGUOUS_NAMES = MappingProxyType(_ALL | {name: _ALL[of] for name, of in _SYNONYMS.items()})
"""Folded name -> the compounds it may mean."""
