"""Files that are given to the chat: what each is, by its name, and the plan that looks into it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmate.agents.contracts import Plan, Task
from benchmate.runtime.errors import BenchmateError, InvalidInput, NotFound, did_you_mean
from benchmate.runtime.settings import Settings
from benchmate.tools.file_kinds import suffix_of

# which tool looks into a file, by the end of its name (a final .gz aside)
READERS: dict[str, tuple[str, ...]] = {
    "read_compounds": (".sdf", ".mol", ".smi", ".smiles"),
    "read_sequences": (".fasta", ".fa", ".fna", ".faa", ".ffn", ".fastq", ".fq", ".gb", ".gbk", ".genbank"),
    "describe_table": (".csv", ".tsv", ".xlsx", ".xls", ".parquet"),
    "parse_structure": (".pdb", ".ent", ".mmcif"),
    "analyze_crystal": (".cif", ".vasp", ".poscar"),
    "read_waveform": (".mseed", ".miniseed", ".sac", ".gse2", ".segy", ".sgy"),
    "load_lightcurve": (".fits", ".fit"),
    "read_image": (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif"),
    "analyze_catalog": (".xml", ".quakeml", ".qml"),
}
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp")


def reader_of(name: str) -> str:
    """Return the tool that looks into a file of this name. Raises InvalidInput (`unknown_kind`)."""
    suffix = suffix_of(name)
    for tool, suffixes in READERS.items():
        if suffix in suffixes:
            return tool
    known = sorted(s for suffixes in READERS.values() for s in suffixes)
    raise InvalidInput(
        "unknown_kind", f"no tool looks into files like {Path(name).name!r}",
        hint=f"{did_you_mean(suffix, known)}; documents go into the library with `benchmate ingest`",
    )  # fmt: skip


def looking_into(files: Sequence[str]) -> Plan:
    """Return the plan that looks into files, each with the tool for its kind.

    Raises NotFound (`no_such_file`), InvalidInput (`unknown_kind`), before anything begins.
    """
    tasks = []
    for number, given in enumerate(files, 1):
        tool = reader_of(given)
        place = given if given.startswith("sample:") else str(Path(given).expanduser())
        if not given.startswith("sample:") and not Path(place).is_file():
            near = [p.name for p in Path(place).parent.glob("*")] if Path(place).parent.is_dir() else []
            raise NotFound(
                "no_such_file", f"there is no file {given}", hint=did_you_mean(Path(given).name, near[:200])
            )
        name = Path(given).name
        tasks.append(
            Task(
                id=f"look-{number}",
                kind="tool",
                tool=tool,
                title=f"look into {name}",
                arguments={"file": place},
            )
        )
    names = ", ".join(Path(given).name for given in files)
    return Plan(title=f"What is in {names}", tasks=tuple(tasks), made_by="person").check()


def is_native(given: str, settings: Settings) -> bool:
    """Return whether the model in force takes this file as it is: a picture, where its profile says so."""
    from benchmate.agents.attachments import check_accepted, read_attachment

    if not given.lower().endswith(PICTURES):
        return False
    try:
        check_accepted(settings, [read_attachment(given)])
    except BenchmateError:
        return False
    return True
