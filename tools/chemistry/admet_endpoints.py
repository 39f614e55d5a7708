"""What ADMET-AI predicts: each endpoint with what its number says and how a reader asks for it."""

from __future__ import annotations

import functools
from typing import Any, Literal, NamedTuple

Name = Literal[
    "human_intestinal_absorption", "oral_bioavailability", "aqueous_solubility", "log_d", "hydration_free_energy", "caco2_permeability",
    "pampa_permeability", "pgp_inhibition", "bbb_penetration", "plasma_protein_binding", "volume_of_distribution", "half_life",
    "hepatocyte_clearance", "microsome_clearance", "cyp1a2_inhibition", "cyp2c19_inhibition", "cyp2c9_inhibition", "cyp2d6_inhibition",
    "cyp3a4_inhibition", "cyp2c9_substrate", "cyp2d6_substrate", "cyp3a4_substrate", "herg_blocking", "clinical_toxicity",
    "ames_mutagenicity", "liver_injury", "carcinogenicity", "ld50", "skin_reaction", "androgen_receptor", "androgen_receptor_lbd",
    "aryl_hydrocarbon_receptor", "aromatase", "estrogen_receptor", "estrogen_receptor_lbd", "ppar_gamma", "antioxidant_response",
    "atad5", "heat_shock_response", "mitochondrial_potential", "p53",
]  # fmt: skip


class Endpoint(NamedTuple):
    """An endpoint: ADMET-AI's name, what the number is (for a class: the class whose probability it is), its unit and words."""

    key: str
    says: str
    words: str
    unit: str = ""
    regression: bool = False


def _tox21(key: str, says: str, words: str) -> Endpoint:
    return Endpoint(key, f"{says} in the Tox21 assay", words)


ENDPOINTS: dict[Name, Endpoint] = {
    "human_intestinal_absorption": Endpoint("HIA_Hou", "absorbed from the human intestine (at least 30 %)", "human intestinal absorption, HIA, intestinal absorption"),
    "oral_bioavailability": Endpoint("Bioavailability_Ma", "human oral bioavailability of at least 20 %", "predicted oral bioavailability, bioavailability"),
    "aqueous_solubility": Endpoint("Solubility_AqSolDB", "log10 of the solubility in water in mol/L", "ADMET solubility, AqSolDB solubility", "", True),
    "log_d": Endpoint("Lipophilicity_AstraZeneca", "log10 D, octanol and water at pH 7.4 (no logP)", "logD, logD7.4, log D at pH 7.4", "", True),
    "hydration_free_energy": Endpoint("HydrationFreeEnergy_FreeSolv", "free energy of hydration", "hydration free energy, solvation free energy", "kcal/mol", True),
    "caco2_permeability": Endpoint("Caco2_Wang", "log10 of the apparent permeability of Caco-2 cells in cm/s", "Caco-2 permeability, Caco2, Caco-2, Papp", "", True),
    "pampa_permeability": Endpoint("PAMPA_NCATS", "permeable in PAMPA", "PAMPA permeability, PAMPA"),
    "pgp_inhibition": Endpoint("Pgp_Broccatelli", "inhibits P-glycoprotein", "P-glycoprotein inhibition, Pgp inhibitor, P-gp"),
    "bbb_penetration": Endpoint("BBB_Martins", "crosses the blood-brain barrier", "blood-brain barrier penetration, BBB, blood-brain barrier, brain penetration"),
    "plasma_protein_binding": Endpoint("PPBR_AZ", "share bound to human plasma protein", "plasma protein binding, PPB, PPBR", "%", True),
    "volume_of_distribution": Endpoint("VDss_Lombardo", "volume of distribution at steady state", "volume of distribution, VDss", "L/kg", True),
    "half_life": Endpoint("Half_Life_Obach", "half-life in humans", "plasma half-life, elimination half-life, drug half-life", "hour", True),
    "hepatocyte_clearance": Endpoint("Clearance_Hepatocyte_AZ", "clearance by hepatocytes, in uL/min per million cells", "hepatocyte clearance, hepatic clearance", "uL/min", True),
    "microsome_clearance": Endpoint("Clearance_Microsome_AZ", "clearance by liver microsomes, in uL/min per mg of protein", "microsomal clearance, microsome clearance", "uL/min/mg", True),
    "cyp1a2_inhibition": Endpoint("CYP1A2_Veith", "inhibits CYP1A2", "CYP1A2 inhibition, CYP1A2 inhibitor, CYP1A2"),
    "cyp2c19_inhibition": Endpoint("CYP2C19_Veith", "inhibits CYP2C19", "CYP2C19 inhibition, CYP2C19 inhibitor, CYP2C19"),
    "cyp2c9_inhibition": Endpoint("CYP2C9_Veith", "inhibits CYP2C9", "CYP2C9 inhibition, CYP2C9 inhibitor, CYP2C9"),
    "cyp2d6_inhibition": Endpoint("CYP2D6_Veith", "inhibits CYP2D6", "CYP2D6 inhibition, CYP2D6 inhibitor, CYP2D6"),
    "cyp3a4_inhibition": Endpoint("CYP3A4_Veith", "inhibits CYP3A4", "CYP3A4 inhibition, CYP3A4 inhibitor, CYP3A4"),
    "cyp2c9_substrate": Endpoint("CYP2C9_Substrate_CarbonMangels", "is a substrate of CYP2C9", "CYP2C9 substrate"),
    "cyp2d6_substrate": Endpoint("CYP2D6_Substrate_CarbonMangels", "is a substrate of CYP2D6", "CYP2D6 substrate"),
    "cyp3a4_substrate": Endpoint("CYP3A4_Substrate_CarbonMangels", "is a substrate of CYP3A4", "CYP3A4 substrate"),
    "herg_blocking": Endpoint("hERG", "blocks hERG", "hERG blocking, hERG, hERG liability, hERG inhibition, cardiotoxicity"),
    "clinical_toxicity": Endpoint("ClinTox", "failed in clinical trials for toxicity", "clinical toxicity, ClinTox"),
    "ames_mutagenicity": Endpoint("AMES", "mutagenic in the Ames test", "Ames mutagenicity, AMES, mutagenicity, mutagenic"),
    "liver_injury": Endpoint("DILI", "injures the liver", "drug-induced liver injury, DILI, hepatotoxicity, liver injury"),
    "carcinogenicity": Endpoint("Carcinogens_Lagunin", "carcinogenic in rodents", "carcinogenicity, carcinogenic"),
    "ld50": Endpoint("LD50_Zhu", "-log10 of the oral LD50 in rats in mol/kg", "rat LD50, LD50, acute toxicity", "", True),
    "skin_reaction": Endpoint("Skin_Reaction", "sensitizes skin (LLNA in mice)", "skin reaction, skin sensitization"),
    "androgen_receptor": _tox21("NR-AR", "acts on the androgen receptor", "androgen receptor activity, NR-AR"),
    "androgen_receptor_lbd": _tox21("NR-AR-LBD", "acts on the ligand-binding domain of the androgen receptor", "androgen receptor ligand-binding domain, NR-AR-LBD"),
    "aryl_hydrocarbon_receptor": _tox21("NR-AhR", "acts on the aryl hydrocarbon receptor", "aryl hydrocarbon receptor activity, AhR"),
    "aromatase": _tox21("NR-Aromatase", "inhibits aromatase", "aromatase inhibition, aromatase"),
    "estrogen_receptor": _tox21("NR-ER", "acts on the estrogen receptor", "estrogen receptor activity, NR-ER"),
    "estrogen_receptor_lbd": _tox21("NR-ER-LBD", "acts on the ligand-binding domain of the estrogen receptor", "estrogen receptor ligand-binding domain, NR-ER-LBD"),
    "ppar_gamma": _tox21("NR-PPAR-gamma", "acts on PPAR gamma", "PPAR gamma activity, PPARγ"),
    "antioxidant_response": _tox21("SR-ARE", "sets off the antioxidant response", "antioxidant response element, SR-ARE, oxidative stress"),
    "atad5": _tox21("SR-ATAD5", "sets off ATAD5 (genotoxic stress)", "ATAD5 activity, genotoxicity"),
    "heat_shock_response": _tox21("SR-HSE", "sets off the heat shock response", "heat shock response, SR-HSE"),
    "mitochondrial_potential": _tox21("SR-MMP", "lowers the mitochondrial membrane potential", "mitochondrial membrane potential, mitochondrial toxicity, SR-MMP"),
    "p53": _tox21("SR-p53", "sets off p53", "p53 response, SR-p53"),
}  # fmt: skip

_ALSO = {"solubility": "aqueous_solubility", "logs": "aqueous_solubility", "t1/2": "half_life",
         "protein binding": "plasma_protein_binding", "half-life": "half_life", "logd7.4": "log_d"}  # fmt: skip


def endpoint_name(given: Any) -> Any:
    """Return the name of an endpoint for how chemists write it ('hERG', 'CYP3A4', 'Caco-2', 'HIA_Hou'); anything else as it is."""
    return _names().get(_folded(given), given) if isinstance(given, str) else given


@functools.cache
def _names() -> dict[str, str]:
    known: dict[str, str] = {}
    for name, endpoint in ENDPOINTS.items():
        for words in (name, endpoint.key, *endpoint.words.split(",")):
            known.setdefault(_folded(words), name)
    return known | {_folded(words): name for words, name in _ALSO.items()}


def _folded(words: str) -> str:
    return "".join(c for c in words.lower() if c.isalnum())
