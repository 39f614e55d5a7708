"""Polymer chains of a structure: the sequence that was in the sample, what of it is modelled, and both numberings."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmate.tools.biology.structure_files import Residue, StructureFile

if TYPE_CHECKING:
    import gemmi

_TYPES = {
    "PeptideL": "protein", "PeptideD": "protein of D-amino acids", "Dna": "DNA", "Rna": "RNA", "DnaRnaHybrid": "DNA/RNA hybrid",
    "SaccharideD": "polysaccharide", "SaccharideL": "polysaccharide", "Pna": "PNA", "CyclicPseudoPeptide": "cyclic pseudo-peptide",
}  # fmt: skip
SHOWN_MISSING = 300
SHOWN_LETTERS = 5000


@dataclass(frozen=True)
class PolymerChain:
    """A polymer chain: its residues as modelled, its whole sequence where the file gives one, and what is missing of it."""

    name: str
    polymer: str
    entity: str
    label_chains: list[str]
    residues: list[Residue]
    sequence: list[str] | None
    missing: list[dict[str, Any]] | None
    notes: list[str] = field(default_factory=list)

    @property
    def shifted(self) -> bool:
        """Whether author and label numbers differ anywhere in the chain."""
        return any(
            r.label_number is not None and (r.label_number != r.number or r.insertion) for r in self.residues
        )

    def row(self) -> dict[str, Any]:
        """Return the chain as plain data."""
        first, last = self.residues[0], self.residues[-1]
        whole = self.sequence
        modelled = [r.name for r in self.residues]
        letters = one_letter(whole if whole is not None else modelled)
        unusual = [
            {"name": name, "position": place}
            for place, name in enumerate(whole if whole is not None else modelled, 1)
            if not _standard(name)
        ]
        labels = [r.label_number for r in self.residues if r.label_number is not None]
        return {
            "chain": self.name, "entity": self.entity, "type": self.polymer, "label_chains": self.label_chains,
            "sequence": letters[:SHOWN_LETTERS], "sequence_is": "of the polymer" if whole is not None else "of what is modelled",
            "sequence_length": len(letters), "modelled_residues": len(self.residues),
            "author_numbers": f"{first.number}{first.insertion} to {last.number}{last.insertion}",
            "label_numbers": f"{labels[0]} to {labels[-1]}" if labels else None,
            "unusual_residues": unusual[:SHOWN_MISSING],
            "missing": None if self.missing is None else self.missing[:SHOWN_MISSING],
        }  # fmt: skip


def polymer_chains(read: StructureFile, residues: list[Residue]) -> list[PolymerChain]:
    """Return the polymer chains of a model in the order of the file, one for each author's name and entity."""
    entities = {label: entity for entity in read.structure.entities for label in entity.subchains}
    groups: dict[tuple[str, str], list[Residue]] = {}
    for residue in residues:
        if residue.kind == "polymer":
            entity = entities.get(residue.label_chain)
            groups.setdefault((residue.chain, entity.name if entity else ""), []).append(residue)
    numbers = _author_numbers(read)
    return [
        _chain(read, name, entities.get(group[0].label_chain), group, numbers)
        for (name, _), group in groups.items()
    ]


def _chain(
    read: StructureFile,
    name: str,
    entity: gemmi.Entity | None,
    group: list[Residue],
    numbers: dict[tuple[str, int], str],
) -> PolymerChain:
    kind = _TYPES.get(entity.polymer_type.name, "polymer") if entity else "polymer"
    labels = list(dict.fromkeys(r.label_chain for r in group))
    whole = [entity.first_mon(m) for m in entity.full_sequence] if entity and entity.full_sequence else None
    notes: list[str] = []
    missing = None
    if whole is not None:
        modelled = {r.label_number for r in group}
        missing = []
        said = _remark_465(read.text, name) if read.block is None else []
        for place, monomer in enumerate(whole, 1):
            if place not in modelled:
                missing.append(
                    {"residue": monomer, "label_number": place, "author": numbers.get((labels[0], place))}
                )
        if (
            said
            and len(said) == len(missing)
            and all(s[0] == m["residue"] for s, m in zip(said, missing, strict=True))
        ):
            for (_, number), row in zip(said, missing, strict=True):
                row["author"] = number
        elif read.block is None and len(said) != len(missing) and (said or "REMARK 465" in read.text):
            notes.append(
                f"chain {name}: {len(missing)} residues of SEQRES are not modelled, but REMARK 465 lists {len(said)}"
            )
        if other := sum(r.label_number is not None and whole[r.label_number - 1] != r.name for r in group if (r.label_number or 0) <= len(whole)):  # fmt: skip
            notes.append(f"chain {name}: {other} modelled residues differ from the sequence of the polymer")
    return PolymerChain(name, kind, entity.name if entity else "", labels, group, whole, missing, notes)


def _author_numbers(read: StructureFile) -> dict[tuple[str, int], str]:
    """Return the author's number of each place of each label chain, modelled or not, as mmCIF's pdbx_poly_seq_scheme has it."""
    if read.block is None:
        return {}
    table = read.block.find("_pdbx_poly_seq_scheme.", ["asym_id", "seq_id", "pdb_seq_num", "?pdb_ins_code"])
    found = {}
    for row in table:
        insertion = row[3].strip(".?") if row.has(3) else ""
        if row[1].isdecimal() and row[2] not in "?.":
            found[row[0], int(row[1])] = f"{row[2]}{insertion}"
    return found


def _remark_465(text: str, chain: str) -> list[tuple[str, str]]:
    """Return (residue, author number) of the residues of a chain that REMARK 465 calls missing, in its first model."""
    found = re.findall(
        r"^REMARK 465 (?:  1|   ) {1,3}([A-Z0-9]{1,3}) (\S)\s+(-?\d+[A-Z]?)\s*$", text, re.MULTILINE
    )
    return [(name, number) for name, of, number in found if of == chain]


def one_letter(names: list[str]) -> str:
    """Return one-letter codes; a modified residue has the letter of its parent, an unknown one X."""
    import gemmi

    letters = []
    for name in names:
        letter = gemmi.find_tabulated_residue(name).one_letter_code.strip().upper()
        letters.append(letter or "X")
    return "".join(letters)


def _standard(name: str) -> bool:
    import gemmi

    return gemmi.find_tabulated_residue(name).is_standard()
