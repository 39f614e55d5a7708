"""Structures for tests: entries of the Protein Data Bank, a model of AlphaFold, and small files made here."""

from __future__ import annotations

import gzip
import lzma
from pathlib import Path
from typing import Any

from benchmate.tools.base import Tool, ToolContext, ToolResult

DATA = Path(__file__).parents[3] / "data" / "structures"
HEMOGLOBIN = Path(__file__).parents[4] / "tools" / "biology" / "4hhb.pdb.gz"


def stored(name: str) -> bytes:
    """The content of a stored structure."""
    if name == "4hhb.pdb":
        return gzip.decompress(HEMOGLOBIN.read_bytes())
    return lzma.decompress((DATA / f"{name}.xz").read_bytes())


def context(folder: Path) -> ToolContext:
    return ToolContext(cache_dir=folder / "c", artifact_dir=folder / "a", library_folder=folder / "l")


def write(folder: Path, content: str | bytes, name: str = "x.pdb") -> str:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def call(tool: Tool, folder: Path, file: str, **arguments: Any) -> ToolResult:
    """Run a tool on a stored structure, a sample, or a path."""
    if not file.startswith(("sample:", "/")):
        file = write(folder, stored(file), file)
    return tool.run(tool.validate({"file": file, **arguments}), context(folder))


def atom(
    name: str, residue: str, chain: str, number: int, xyz: tuple[float, float, float], *, serial: int = 1, element: str | None = None,
    altloc: str = " ", insertion: str = " ", occupancy: float = 1.0, b: float = 10.0, record: str = "ATOM",
) -> str:  # fmt: skip
    """A line of a PDB file (format 3.3)."""
    element = element or name[0]
    shown = f" {name:<3}" if len(element) == 1 and len(name) < 4 else f"{name:<4}"
    x, y, z = xyz
    return (
        f"{record:<6}{serial:>5} {shown}{altloc}{residue:>3} {chain}{number:>4}{insertion}   {x:8.3f}{y:8.3f}{z:8.3f}"
        f"{occupancy:6.2f}{b:6.2f}          {element:>2}\n"
    )
