"""Motifs with a name: patterns of PROSITE and consensus sequences of nucleic acids, each with its source and its limit."""

from __future__ import annotations

from typing import Literal, NamedTuple

from benchmate.tools.biology.motif_patterns import Kind

ProteinMotif = Literal[
    "n_glycosylation", "camp_phosphorylation", "pkc_phosphorylation", "ck2_phosphorylation", "n_myristoylation", "amidation", "asx_hydroxylation",
    "er_retention", "rgd", "p_loop", "ef_hand", "zinc_finger_c2h2", "leucine_zipper", "peroxisome_target",
]  # fmt: skip
NucleotideMotif = Literal[
    "tata_box", "initiator", "gc_box", "ccaat_box", "e_box", "ap1_site", "creb_site", "kozak", "kozak_core", "polya_signal",
    "splice_donor", "minus_10_box", "minus_35_box", "sigma70_promoter", "shine_dalgarno", "chi_site", "dam_site", "dcm_site",
    "telomere_repeat", "t7_promoter",
]  # fmt: skip
MotifName = Literal[ProteinMotif, NucleotideMotif]


class Motif(NamedTuple):
    """A motif: its pattern, where that is from, and what a match does not say."""

    title: str
    kind: Kind
    pattern: str
    source: str
    limit: str = ""


def _prosite(title: str, accession: str, pattern: str, limit: str = "") -> Motif:
    return Motif(title, "protein", pattern, f"PROSITE {accession}", limit)


def _consensus(title: str, pattern: str, source: str, limit: str = "") -> Motif:
    return Motif(title, "nucleotide", pattern, source, limit)


_KINASE = "PROSITE itself calls the pattern frequent by chance; which kinase sees the site depends on the fold and the cell"
_POSITION = (
    "the consensus is rarely met in full, and counts at its place before the start of transcription alone"
)

MOTIFS: dict[str, Motif] = {
    "n_glycosylation": _prosite("N-glycosylation site", "PS00001", "N-{P}-[ST]-{P}", "only on the lumenal or outer side of secreted and membrane proteins, and not every sequon is used"),
    "camp_phosphorylation": _prosite("cAMP- and cGMP-dependent protein kinase phosphorylation site", "PS00004", "[RK](2)-x-[ST]", _KINASE),
    "pkc_phosphorylation": _prosite("protein kinase C phosphorylation site", "PS00005", "[ST]-x-[RK]", _KINASE),
    "ck2_phosphorylation": _prosite("casein kinase II phosphorylation site", "PS00006", "[ST]-x(2)-[DE]", _KINASE),
    "n_myristoylation": _prosite("N-myristoylation site", "PS00008", "G-{EDRKHPFYW}-x(2)-[STAGCN]-{P}", "only at the N-terminus, after Met or a cleavage: hits inside the chain mean nothing"),
    "amidation": _prosite("amidation site", "PS00009", "x-G-[RK]-[RK]", "only in precursors of peptides that are cut there"),
    "asx_hydroxylation": _prosite("aspartic acid and asparagine hydroxylation site", "PS00010", "C-x-[DN]-x(4)-[FY]-x-C-x-C"),
    "er_retention": _prosite("endoplasmic reticulum targeting sequence", "PS00014", "[KRHQSA]-[DENQ]-E-L>"),
    "rgd": _prosite("cell attachment sequence", "PS00016", "R-G-D", "many proteins with RGD bind no integrin"),
    "p_loop": _prosite("ATP/GTP-binding site motif A (P-loop, Walker A)", "PS00017", "[AG]-x(4)-G-K-[ST]"),
    "ef_hand": _prosite("EF-hand calcium-binding domain", "PS00018", "D-{W}-[DNS]-{ILVFYW}-[DENSTG]-[DNQGHRK]-{GP}-[LIVMC]-[DENQSTAGC]-x(2)-[DE]-[LIVMFYW]"),
    "zinc_finger_c2h2": _prosite("zinc finger C2H2 type domain", "PS00028", "C-x(2,4)-C-x(3)-[LIVMFYWC]-x(8)-H-x(3,5)-H"),
    "leucine_zipper": _prosite("leucine zipper pattern", "PS00029", "L-x(6)-L-x(6)-L-x(6)-L", "frequent by chance: a coiled coil has to be likely there, too"),
    "peroxisome_target": _prosite("microbodies C-terminal targeting signal", "PS00342", "[STAGCN]-[RKH]-[LIVMAFY]>", "three residues: frequent by chance"),
    "tata_box": _consensus("TATA box", "TATAWAAR", "Smale and Kadonaga 2003, Annu. Rev. Biochem. 72:449", _POSITION),
    "initiator": _consensus("initiator of mammals", "YYANWYY", "Smale and Kadonaga 2003, Annu. Rev. Biochem. 72:449", _POSITION),
    "gc_box": _consensus("GC box (Sp1)", "GGGCGG", "Kadonaga et al. 1986, Trends Biochem. Sci. 11:20"),
    "ccaat_box": _consensus("CCAAT box", "CCAAT", "Mantovani 1999, Gene 239:15", _POSITION),
    "e_box": _consensus("E-box", "CANNTG", "Murre et al. 1989, Cell 56:777"),
    "ap1_site": _consensus("AP-1 site (TRE)", "TGASTCA", "Angel et al. 1987, Cell 49:729"),
    "creb_site": _consensus("cAMP response element", "TGACGTCA", "Montminy et al. 1986, PNAS 83:6682"),
    "kozak": _consensus("Kozak sequence, in full", "GCCRCCATGG", "Kozak 1987, Nucleic Acids Res. 15:8125", "few starts have the whole consensus; see kozak_core"),
    "kozak_core": _consensus("Kozak sequence, -3 and +4", "RNNATGG", "Kozak 1987, Nucleic Acids Res. 15:8125"),
    "polya_signal": _consensus("polyadenylation signal", "AWTAAA", "Proudfoot and Brownlee 1976, Nature 263:211; Beaudoing et al. 2000, Genome Res. 10:1001", "AATAAA and ATTAAA; 10 to 30 bases before the cleavage"),
    "splice_donor": _consensus("5' splice site", "MAGGTRAGT", "Mount 1982, Nucleic Acids Res. 10:459", "only the full consensus; most sites differ from it in a base or two"),
    "minus_10_box": _consensus("-10 box (Pribnow)", "TATAAT", "Hawley and McClure 1983, Nucleic Acids Res. 11:2237", _POSITION),
    "minus_35_box": _consensus("-35 box", "TTGACA", "Hawley and McClure 1983, Nucleic Acids Res. 11:2237", _POSITION),
    "sigma70_promoter": _consensus("sigma70 promoter, both boxes in full", "TTGACA-x(16,18)-TATAAT", "Hawley and McClure 1983, Nucleic Acids Res. 11:2237", "natural promoters hardly ever have both boxes in full"),
    "shine_dalgarno": _consensus("Shine-Dalgarno sequence", "AGGAGG", "Shine and Dalgarno 1974, PNAS 71:1342", "4 to 14 bases before a start codon; shorter pieces such as GGAG serve as well"),
    "chi_site": _consensus("chi site of E. coli", "GCTGGTGG", "Smith et al. 1981, Cell 24:429"),
    "dam_site": _consensus("Dam methylation site", "GATC", "Geier and Modrich 1979, J. Biol. Chem. 254:1408"),
    "dcm_site": _consensus("Dcm methylation site", "CCWGG", "Marinus and Morris 1973, J. Bacteriol. 114:1143"),
    "telomere_repeat": _consensus("telomere repeat of vertebrates", "TTAGGG", "Moyzis et al. 1988, PNAS 85:6622"),
    "t7_promoter": _consensus("promoter of T7 RNA polymerase", "TAATACGACTCACTATAG", "Dunn and Studier 1983, J. Mol. Biol. 166:477"),
}  # fmt: skip
