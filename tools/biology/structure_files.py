"""Structure files of macromolecules: PDB and mmCIF read by gemmi, one conformer of a model, and atoms by author numbering."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from benchmate.runtime.errors import InvalidInput, NotFound, did_you_mean
from benchmate.tools.base import Source
from benchmate.tools.files import MAX_BYTES, DataFile

if TYPE_CHECKING:
    import gemmi

Kind = Literal["polymer", "ligand", "sugar", "water"]
MOST_ATOMS = 2_000_000
NAMELESS = "_"  # what a chain without a name is called
_ATOM = re.compile(
    r"(?P<chain>[^/:\s()]+)[/:](?P<number>-?\d+)(?P<insertion>[A-Za-z]?)(?:\((?P<name>\w{1,5})\))?"
    r"[/:](?P<atom>[\w'*\"]{1,6})(?::(?P<altloc>\w))?"
)
ATOM_WORD = r"(?<![\w/:])[A-Za-z0-9]{1,4}/-?\d+[A-Za-z]?(?:\(\w{1,5}\))?/[A-Z][\w'*]{0,5}(?::\w)?(?![\w/])"
NUMBERING = "author chain and residue number, with the insertion code"


@dataclass(frozen=True)
class StructureFile:
    """A structure as read: gemmi's object, the mmCIF block where there is one, and the text of a PDB file."""

    name: str
    format: Literal["PDB", "mmCIF"]
    structure: gemmi.Structure
    block: gemmi.cif.Block | None
    text: str

    def number(self, model: int | None) -> int:
        """Return the number of a model, of the first where none is asked for."""
        return self.structure[0].num if model is None else model

    def model(self, number: int | None) -> gemmi.Model:
        """Return the model of that number, by default the first. Raises NotFound (`unknown_model`)."""
        number = self.number(number)
        for model in self.structure:
            if model.num == number:
                return model
        numbers = [model.num for model in self.structure]
        raise NotFound(
            "unknown_model",
            f"{self.name} has no model {number}",
            hint=f"it has {numbers[0]} to {numbers[-1]}",
        )


class Residue(NamedTuple):
    """A residue in one conformer. Its number is the author's; `label_*` are those of mmCIF."""

    chain: str
    number: int
    insertion: str
    name: str
    kind: Kind
    label_chain: str
    label_number: int | None
    altloc: str
    altlocs: tuple[str, ...]
    atoms: dict[str, gemmi.Atom]

    @property
    def where(self) -> str:
        """Return 'A/52A', the author's chain, number and insertion code."""
        return f"{self.chain}/{self.number}{self.insertion}"

    @property
    def heavy(self) -> dict[str, gemmi.Atom]:
        """Return the atoms that are neither hydrogen nor deuterium."""
        return {name: atom for name, atom in self.atoms.items() if not atom.is_hydrogen()}


def read_structure_file(file: DataFile) -> StructureFile:
    """Read a PDB or mmCIF file, told by its content; gzip is opened.

    Raises InvalidInput: `bad_file`, `empty_file`, `too_large`, `no_atoms`.
    """
    import gemmi

    content = _opened(file)
    if not content.strip():
        raise InvalidInput("empty_file", f"{file.name} is empty", details={"file": file.name})
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise file.bad(
            "is no text: PDB and mmCIF are read, BinaryCIF and MMTF are not", "give the .cif or the .pdb file"
        ) from None
    block = None
    try:
        if re.search(r"^data_", text, re.MULTILINE) and "_atom_site" in text:
            document = gemmi.cif.read_string(text)
            blocks = [b for b in document if b.find_values("_atom_site.Cartn_x")]
            if not blocks:
                raise file.bad(*_not_macromolecular(text))
            if len(blocks) > 1:
                raise file.bad(
                    f"holds {len(blocks)} structures, in data blocks of their own", "give one of them"
                )
            block = blocks[0]
            structure = gemmi.make_structure_from_block(block)
        elif re.search(r"^(?:ATOM  |HETATM)", text, re.MULTILINE):
            structure = gemmi.read_pdb_string(text)
        else:
            raise file.bad(*_not_macromolecular(text))
    except (RuntimeError, ValueError, IndexError) as error:  # what gemmi raises for a malformed file
        raise file.bad(f"cannot be read: {' '.join(str(error).split())[:200]}") from None
    for model in structure:
        for chain in model:
            chain.name = chain.name or NAMELESS
    structure.setup_entities()
    if block is None:
        structure.assign_label_seq_id()
    count = sum(model.count_atom_sites() for model in structure)
    if not count:
        raise InvalidInput("no_atoms", f"{file.name} holds no atoms", details={"file": file.name})
    if count > MOST_ATOMS:
        raise InvalidInput("too_large", f"{file.name} holds {count} atoms, more than {MOST_ATOMS}")
    return StructureFile(file.name, "PDB" if block is None else "mmCIF", structure, block, text)


def _opened(file: DataFile) -> bytes:
    content = file.content()
    if content[:2] != b"\x1f\x8b":
        return content
    try:
        with gzip.open(file.path) as opened:
            content = opened.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error):
        raise file.bad("is damaged gzip", "fetch it again") from None
    if len(content) > MAX_BYTES:
        raise InvalidInput(
            "too_large", f"{file.name} unpacks to more than {MAX_BYTES // 1_000_000} MB", hint="give a part"
        )
    return content


def _not_macromolecular(text: str) -> tuple[str, str]:
    if "_atom_site_fract_x" in text or "_atom_site.fract_x" in text:
        return "is the CIF of a small-molecule or inorganic crystal", "`analyze_crystal` reads those"
    if "_chem_comp_atom." in text:
        return "describes a chemical component, not a structure", "give the entry that holds it"
    if "_refln" in text:
        return "holds reflections, not atoms", "give the coordinates"
    return "is neither a PDB nor an mmCIF file with atoms", "give the .pdb, .ent or .cif file of an entry"


def conformer(read: StructureFile, model: int | None = None, altloc: str | None = None) -> list[Residue]:
    """Return the residues of a model, each in one conformer.

    The conformer is `altloc` where a residue has it, else the one of the highest mean occupancy, the first letter among
    equals. Of residues that share a place (microheterogeneity) the one of the chosen conformer is kept.

    Raises NotFound (`unknown_model`), InvalidInput (`bad_coordinates`).
    """
    found = []
    for chain in read.model(model):
        for group in _places(chain):
            chosen = _chosen(group, altloc)
            letters = tuple(sorted({a.altloc for r in group for a in r if a.altloc != "\0"}))
            for residue in group:
                atoms: dict[str, Any] = {}
                for atom in residue:
                    if atom.altloc in ("\0", chosen):
                        atoms.setdefault(atom.name, atom)
                        _finite(atom, chain.name, residue)
                if atoms:
                    found.append(
                        Residue(
                            chain.name, residue.seqid.num or 0, residue.seqid.icode.strip(), residue.name, _kind(residue),
                            residue.subchain, residue.label_seq, chosen.strip("\0"), letters, atoms,
                        )
                    )  # fmt: skip
                    if len(group) > 1 and letters:
                        break
    return found


def _places(chain: gemmi.Chain) -> Iterator[list[gemmi.Residue]]:
    """Yield the residues of a chain, those with one number, insertion code and subchain together."""
    group: list[Any] = []
    for residue in chain:
        if group and (residue.seqid, residue.subchain) != (group[0].seqid, group[0].subchain):
            yield group
            group = []
        group.append(residue)
    if group:
        yield group


def _chosen(group: list[gemmi.Residue], altloc: str | None) -> str:
    weights: dict[str, list[float]] = {}
    for residue in group:
        for atom in residue:
            if atom.altloc != "\0":
                weights.setdefault(atom.altloc, []).append(atom.occ)
    if not weights:
        return "\0"
    if altloc in weights:
        return str(altloc)
    return min(weights, key=lambda letter: (-sum(weights[letter]) / len(weights[letter]), letter))


def _finite(atom: gemmi.Atom, chain: str, residue: gemmi.Residue) -> None:
    if not atom.pos.length() < 1e6:
        raise InvalidInput(
            "bad_coordinates", f"atom {chain}/{residue.seqid}/{atom.name} has no finite coordinates"
        )


def _kind(residue: gemmi.Residue) -> Kind:
    name = residue.entity_type.name
    if residue.is_water() or name == "Water":
        return "water"
    return "polymer" if name == "Polymer" else "sugar" if name == "Branched" else "ligand"


def find_atom(residues: list[Residue], written: str, read: StructureFile, model: int | None) -> FoundAtom:
    """Return the atom that `CHAIN/NUMBER/ATOM` names, with an insertion code, a residue name or an altloc where given.

    Raises InvalidInput: `bad_atom` (the spelling), `ambiguous_atom`; NotFound: `unknown_chain`, `unknown_residue`,
    `unknown_atom`, each with the nearest right name.
    """
    match = _ATOM.fullmatch(written.strip())
    if match is None:
        raise InvalidInput(
            "bad_atom", f"{written!r} names no atom", hint="write CHAIN/NUMBER/ATOM as in A/45/CA, A/52A/CA or A/45/CA:B",
        )  # fmt: skip
    chain, number, insertion = match["chain"], int(match["number"]), match["insertion"].upper()
    if match["altloc"]:
        residues = conformer(read, model, match["altloc"])
    here = in_chain(residues, chain)
    places = [r for r in here if (r.number, r.insertion) == (number, insertion)]
    if match["name"]:
        places = [r for r in places if r.name == match["name"].upper()]
    if not places:
        raise NotFound(
            "unknown_residue", f"there is no residue {written.rpartition('/')[0]}", hint=_near(here, number)
        )
    found = [r for r in places if match["atom"] in r.atoms]
    if not found:
        names = [name for r in places for name in r.atoms]
        raise NotFound(
            "unknown_atom", f"{places[0].name} {places[0].where} has no atom {match['atom']!r}",
            hint=f"it has {', '.join(names)}" if len(names) <= 14 else did_you_mean(match["atom"], names),
        )  # fmt: skip
    if len(found) > 1:
        raise InvalidInput(
            "ambiguous_atom", f"{written} stands for {' and '.join(r.name for r in found)}",
            hint=f"write {chain}/{number}{insertion}({found[0].name})/{match['atom']}",
        )  # fmt: skip
    residue = found[0]
    atom = residue.atoms[match["atom"]]
    if match["altloc"] and atom.altloc != match["altloc"]:
        letters = ", ".join(residue.altlocs) or "none"
        raise NotFound(
            "unknown_atom",
            f"{written}: there is no such alternate location",
            hint=f"the residue has {letters}",
        )
    return FoundAtom(residue, atom)


class FoundAtom(NamedTuple):
    """An atom with its residue."""

    residue: Residue
    atom: gemmi.Atom

    def row(self) -> dict[str, Any]:
        """Return what a reader needs to see which atom it is."""
        residue, atom = self
        return {
            "atom": f"{residue.where}/{atom.name}", "residue": residue.name, "element": atom.element.name,
            "altloc": atom.altloc.strip("\0") or None, "occupancy": atom.occ, "label_chain": residue.label_chain,
            "label_number": residue.label_number, "position": [round(x, 3) for x in atom.pos.tolist()],
        }  # fmt: skip


def in_chain(residues: list[Residue], chain: str) -> list[Residue]:
    """Return the residues of a chain by its author's name. Raises NotFound (`unknown_chain`)."""
    here = [r for r in residues if r.chain == chain]
    if not here:
        names = list(dict.fromkeys(r.chain for r in residues))
        shown = ", ".join(names[:20])
        label = next((r.chain for r in residues if r.label_chain == chain), None)
        hint = f"label_asym_id {chain} is in the author's chain {label}" if label else f"there are {shown}"
        raise NotFound("unknown_chain", f"there is no chain {chain!r}", hint=hint)
    return here


def polymers(residues: list[Residue], chain: str | None, what: str) -> list[Residue]:
    """Return the polymer residues, of one chain or of all. Raises NotFound (`unknown_chain`, `no_polymer`)."""
    chosen = residues if chain is None else in_chain(residues, chain)
    found = [r for r in chosen if r.kind == "polymer"]
    if not found:
        raise NotFound("no_polymer", f"there is no {what} in {f'chain {chain}' if chain else 'this file'}")
    return found


def _near(here: list[Residue], number: int) -> str:
    nearest = min(here, key=lambda r: abs(r.number - number))
    same = [f"{r.where} {r.name}" for r in here if r.number == number]
    first, last = (
        here[0],
        max((r for r in here if r.kind == "polymer"), default=here[-1], key=lambda r: r.number),
    )
    if same:
        return f"there is {', '.join(same[:8])}"
    return (
        f"the nearest is {nearest.where} {nearest.name}; the chain runs from {first.number} to {last.number}"
    )


def conformer_notes(residues: list[Residue], altloc: str | None) -> list[str]:
    """Return the notes on alternate locations among residues."""
    several = [r for r in residues if r.altlocs]
    if not several:
        return []
    shown = ", ".join(f"{r.where} {'/'.join(r.altlocs)}" for r in several[:5])
    rule = f"{altloc} where there is one, else " if altloc else ""
    return [
        f"residues with alternate locations: {len(several)} ({shown}{', …' if len(several) > 5 else ''}); taken is {rule}the one of the "
        "highest mean occupancy"
    ]


def source() -> Source:
    """Return where results come from."""
    return Source(
        kind="computed",
        name=f"gemmi {version('gemmi')}",
        reference="Wojdyr 2022, Journal of Open Source Software 7:4200",
    )
