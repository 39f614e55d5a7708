"""Characteristic ranges of spectra: where groups absorb, scatter or resonate, for the assignment of peaks."""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["ir", "raman", "uvvis", "nmr_1h", "nmr_13c", "ms"]

SOURCES = {
    "ir": "ranges as in Silverstein, Webster, Kiemle and Bryce, Spectrometric Identification of Organic Compounds, 8th ed., ch. 2",
    "raman": "ranges as in Socrates, Infrared and Raman Characteristic Group Frequencies, 3rd ed.",
    "uvvis": "ranges as in Pretsch, Buhlmann and Badertscher, Structure Determination of Organic Compounds, 4th ed.",
    "nmr_1h": "ranges as in Silverstein et al., 8th ed., ch. 3; solvents: Fulmer et al. 2010, doi:10.1021/om100106e",
    "nmr_13c": "ranges as in Silverstein et al., 8th ed., ch. 4; solvents: Fulmer et al. 2010, doi:10.1021/om100106e",
    "ms": "no table: fragments are not assigned",
}


class Range(NamedTuple):
    """Where a group is found, in the unit of its kind of spectrum."""

    low: float
    high: float
    group: str


TABLES: dict[str, tuple[Range, ...]] = {
    "ir": (  # cm^-1
        Range(3580, 3650, "O-H stretch, free"), Range(3200, 3550, "O-H stretch, hydrogen bonded"),
        Range(2500, 3300, "O-H stretch of a carboxylic acid, very broad"), Range(3300, 3500, "N-H stretch"),
        Range(3260, 3330, "C-H stretch of a terminal alkyne"), Range(3000, 3100, "C-H stretch, aromatic or vinylic"),
        Range(2840, 3000, "C-H stretch, sp3"), Range(2695, 2830, "C-H stretch of an aldehyde (Fermi pair)"),
        Range(2550, 2600, "S-H stretch"), Range(2330, 2365, "CO2 of the air"), Range(2250, 2275, "N=C=O stretch"),
        Range(2210, 2260, "C#N stretch"), Range(2100, 2260, "C#C stretch"), Range(1800, 1850, "C=O of an anhydride, first of two"),
        Range(1740, 1790, "C=O of an anhydride, second of two"), Range(1770, 1815, "C=O of an acid chloride"),
        Range(1735, 1750, "C=O of an ester"), Range(1720, 1740, "C=O of an aldehyde"), Range(1705, 1725, "C=O of a ketone"),
        Range(1700, 1725, "C=O of a carboxylic acid"), Range(1665, 1705, "C=O, conjugated"), Range(1630, 1690, "C=O of an amide (amide I)"),
        Range(1620, 1680, "C=C stretch of an alkene"), Range(1580, 1610, "aromatic ring stretch"), Range(1450, 1520, "aromatic ring stretch"),
        Range(1510, 1640, "N-H bend (amide II)"), Range(1500, 1570, "NO2 asymmetric stretch"), Range(1300, 1370, "NO2 symmetric stretch"),
        Range(1440, 1475, "CH2 and CH3 bend"), Range(1365, 1390, "CH3 symmetric bend"), Range(1000, 1400, "C-F stretch"),
        Range(1000, 1300, "C-O stretch"), Range(1020, 1350, "C-N stretch"), Range(1300, 1350, "SO2 asymmetric stretch"),
        Range(1120, 1160, "SO2 symmetric stretch"), Range(1030, 1070, "S=O stretch of a sulfoxide"),
        Range(960, 980, "C-H out of plane, trans alkene"), Range(800, 850, "C-H out of plane, para benzene"),
        Range(735, 770, "C-H out of plane, ortho or mono benzene"), Range(690, 710, "ring bend, mono or meta benzene"),
        Range(600, 800, "C-Cl stretch"), Range(500, 600, "C-Br stretch"),
    ),
    "raman": (  # cm^-1
        Range(3000, 3100, "C-H stretch, aromatic or vinylic"), Range(2800, 3000, "C-H stretch, sp3"), Range(2210, 2260, "C#N stretch"),
        Range(2100, 2260, "C#C stretch"), Range(2550, 2600, "S-H stretch"), Range(1620, 1680, "C=C stretch"),
        Range(1680, 1820, "C=O stretch"), Range(1580, 1620, "aromatic ring stretch"), Range(1420, 1470, "CH2 and CH3 bend"),
        Range(1330, 1380, "NO2 symmetric stretch; D band of carbon"), Range(985, 1010, "ring breathing of a benzene"),
        Range(500, 550, "S-S stretch"), Range(600, 750, "C-S stretch"), Range(515, 525, "silicon, 520.5"),
    ),
    "uvvis": (  # nm
        Range(170, 200, "isolated C=C, pi to pi*"), Range(215, 250, "conjugated diene or enone, pi to pi*"),
        Range(200, 210, "benzene ring, second band"), Range(250, 280, "benzene ring, B band"),
        Range(270, 300, "C=O, n to pi*"), Range(300, 350, "conjugated C=O, n to pi*"), Range(310, 330, "naphthalene"),
        Range(380, 420, "Soret band of a porphyrin"), Range(255, 265, "nucleic acid bases"), Range(275, 285, "tryptophan and tyrosine"),
    ),
    "nmr_1h": (  # ppm
        Range(-0.05, 0.05, "TMS"), Range(0.7, 1.8, "alkyl C-H"), Range(1.6, 2.7, "C-H beside C=C, C=O or an aromatic ring"),
        Range(1.7, 3.1, "alkyne C-H"), Range(2.2, 3.0, "C-H beside nitrogen or sulfur"), Range(2.7, 4.5, "C-H beside halogen"),
        Range(3.2, 4.5, "C-H beside oxygen"), Range(4.5, 6.5, "vinylic C-H"), Range(6.5, 8.5, "aromatic C-H"),
        Range(9.0, 10.2, "aldehyde C-H"), Range(10.0, 13.0, "carboxylic acid O-H"), Range(0.5, 5.5, "alcohol O-H or amine N-H, wide and exchangeable"),
        Range(5.0, 9.0, "amide N-H"), Range(4.0, 8.0, "phenol O-H"), Range(7.24, 7.28, "CHCl3 in CDCl3, 7.26"),
        Range(2.49, 2.51, "DMSO-d5, 2.50"), Range(1.54, 1.58, "water in CDCl3, 1.56"), Range(3.31, 3.35, "water in DMSO-d6, 3.33"),
    ),
    "nmr_13c": (  # ppm
        Range(-0.5, 0.5, "TMS"), Range(5, 50, "alkyl carbon"), Range(30, 65, "carbon beside nitrogen"), Range(50, 90, "carbon beside oxygen"),
        Range(65, 90, "alkyne carbon"), Range(100, 150, "alkene carbon"), Range(110, 165, "aromatic carbon"), Range(115, 125, "nitrile carbon"),
        Range(150, 185, "carboxyl carbon of an acid, ester or amide"), Range(185, 220, "carbonyl carbon of an aldehyde or ketone"),
        Range(76.8, 77.5, "CDCl3, 77.16"), Range(39.3, 39.8, "DMSO-d6, 39.52"), Range(48.8, 49.2, "CD3OD, 49.00"),
    ),
    "ms": (),
}  # fmt: skip


def candidates(kind: Kind, position: float) -> list[str]:
    """Return the groups whose range holds a position, the narrowest range first."""
    hits = [row for row in TABLES[kind] if row.low <= position <= row.high]
    return [
        f"{row.group} ({row.low:g} to {row.high:g})" for row in sorted(hits, key=lambda r: r.high - r.low)
    ]
