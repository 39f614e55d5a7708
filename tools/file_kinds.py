"""Kinds of files, by the ends of their names: which a tool reads, and which tool looks into a file."""

from __future__ import annotations

from pathlib import Path

TABLES = frozenset(".csv .tsv .txt .dat .xlsx .xls .parquet".split())
COMPOUNDS = frozenset(".sdf .mol .smi .smiles .csv .tsv .txt .xlsx .xls".split())
SEQUENCES = frozenset(".fasta .fa .fna .faa .ffn .fastq .fq .gb .gbk .genbank .txt".split())
STRUCTURES = frozenset(".pdb .ent .cif .mmcif".split())
CRYSTALS = frozenset(".cif .poscar .contcar .vasp .xyz".split())
WAVEFORMS = frozenset(".mseed .miniseed .sac .gse2 .segy .sgy .xml".split())
CATALOGUES = frozenset(".xml .quakeml .qml .csv .tsv .txt".split())
LIGHT_CURVES = frozenset(".fits .fit .csv .tsv .txt .dat".split())
STRAIN = frozenset(".h5 .hdf5 .hdf .txt .csv .dat".split())
SPECTRA = frozenset(".jdx .dx .jcamp .csv .tsv .txt .dat".split())
PICTURES = frozenset(".png .jpg .jpeg .tif .tiff .bmp .gif".split())


def suffix_of(name: str) -> str:
    """Return the end of a file's name that tells its kind, in lower case: a `.gz` aside, `.poscar` of 'POSCAR'; a sample's is its file's."""
    if name.startswith("sample:"):
        from benchmate.tools.samples import SAMPLES

        known = SAMPLES.get(name.removeprefix("sample:"))
        name = known.name if known else name
    path = Path(name.lower().removesuffix(".gz"))
    return path.suffix or f".{path.name}"
