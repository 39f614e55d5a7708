"""Names of structures: from the table where the structure is known, else made by machine and labelled as such."""

from __future__ import annotations

import re
import shutil
import tempfile
import warnings as python_warnings
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Said
from benchmate.tools.base import Source, ToolResult, tool
from benchmate.tools.chemistry.compounds import Compound
from benchmate.tools.chemistry.names import KnownCompound, name_table, table_release
from benchmate.tools.chemistry.parsing import inchikey, parse_smiles, quiet_rdkit

if TYPE_CHECKING:
    from rdkit.Chem import Mol

_MOST_ATOMS = 120  # heavy atoms: naming takes seconds for large ring systems
_SYNONYMS = 10
_MACHINE = "machine-generated, readable by OPSIN, not an IUPAC preferred name"


@tool(
    domain="chemistry",
    cost="slow",
    timeout=120,
    extra="chem",
    properties={
        "name": "name, IUPAC name, systematic name, chemical name",
        "common_name": "common name, trivial name",
        "machine_name": "machine-generated name, generated name",
        "synonym_count": "number of known names, synonyms, other names",
    },
    examples=(
        "What is the IUPAC name of CC(=O)Oc1ccccc1C(=O)O?",
        "Name this compound: CC(C)(C)OC(=O)Nc1ccccc1",
        "What is CN1C=NC2=C1C(=O)N(C)C(=O)N2C called?",
        "systematic name for C[C@H](N)C(=O)O",
        "Give a name for the structure CC1CCCCC1O",
        "Trivial name of c1ccc2ncccc2c1",
    ),
    example={"compound": "CC(=O)Oc1ccccc1C(=O)O"},
)
def name_structure(
    compound: Compound,
    generate: Annotated[
        Literal["if_unknown", "always"], Said({"always": "generate a name, generated name, machine name"})
    ] = "if_unknown",
) -> ToolResult:
    """Name a structure: by the table where its InChIKey is known, else by machine.

    A table name is PubChem's computed IUPAC name, with the common name beside it. A generated name is readable by
    OPSIN and mostly not the name that IUPAC prefers; it is checked by reading it back with OPSIN where Java and the package
    `py2opsin` are installed. A name that would leave out a configuration is refused.

    Args:
        compound: The compound.
        generate: When to generate a name: only where the table has none, or always.
    """
    from rdkit.Chem import MolToSmiles

    mol = compound.mol()
    known = _known(compound)
    data: dict[str, Any] = {"smiles": compound.smiles, "inchikey": compound.inchikey}
    warnings = list(compound.warnings)
    if known:
        data |= {
            "name": _with_capitals(known.names[0], mol),
            "name_kind": "computed IUPAC name of PubChem, from the table, which has lower case only",
            "common_name": known.name,
            "synonyms": list(dict.fromkeys(known.names[1 : _SYNONYMS + 1])),
        }
        drawn = parse_smiles(known.smiles) if known.smiles else mol
        if (drawn_smiles := MolToSmiles(drawn)) != compound.smiles:
            warnings.append(f"the name is that of {drawn_smiles}, which has the same InChIKey (a tautomer)")
    if not known or generate == "always":
        made = _generate(mol, compound)
        checked, note = _round_trip(made, compound)
        data |= {"machine_name": made, "machine_name_kind": _MACHINE, "round_trip": checked}
        if checked == "differs":
            warnings.append(
                f"the generated name {made!r} reads back as another structure{note}: do not use it"
            )
        elif checked == "not checked":
            warnings.append(f"the generated name was not read back: {note}")
        if not known and checked != "differs":
            data |= {"name": made, "name_kind": _MACHINE}
            warnings.append(f"the name is {_MACHINE}")
        elif not known:
            raise InvalidInput(
                "no_sound_name", f"the name generated for {compound.smiles} reads back as another structure{note}",
                hint="identify the compound by SMILES and InChIKey", details={"name": made},
            )  # fmt: skip
    sources = [table_release()] if known else []
    if "machine_name" in data:
        from importlib.metadata import version

        sources.append(f"nispo {version('nispo')}")
    return ToolResult(
        quantities={
            "synonym_count": Quantity(
                value=len(set(known.names)) if known else 0, property="synonym_count", method="offline table"
            )
        },
        data=data,
        source=Source(kind="table" if known else "computed", name=", ".join(sources)),
        warnings=tuple(warnings),
    )


def _known(compound: Compound) -> KnownCompound | None:
    """Return the table's row of exactly this structure, stereo and charge included, that has a systematic name."""
    rows = name_table().by_inchikey(compound.inchikey) if compound.inchikey else []
    return next((row for row in rows if row.names and row.names[0] and "$" not in row.names[0]), None)


def _with_capitals(name: str, mol: Mol) -> str:
    """Return a table name with the capitals of stereo descriptors, N- and O- locants and indicated hydrogen.

    Descriptors stay as they are where the structure has not as many, or has pseudo-asymmetric centres (r, s).
    """
    labels = _cip_labels(mol)
    if not {"r", "s"} & set(labels):
        restored = re.sub(
            r"\((?:(?:\d+[a-z]*)?[rsez],?)+\)",
            lambda m: re.sub(r"[rsez](?=[,)])", lambda c: c[0].upper(), m[0]),
            name,
        )
        name = restored if _descriptors_in(restored) == len(labels) else name
    name = re.sub(r"(?<![a-z])(?:n|o|s)(?=[-,'])", lambda m: m[0].upper(), name)
    return re.sub(r"(?<=\d)h(?=[-,])", "H", name)


def _generate(mol: Mol, compound: Compound) -> str:
    import nispo

    if mol.GetNumHeavyAtoms() > _MOST_ATOMS:
        raise InvalidInput(
            "too_large", f"{compound.label!r} has {mol.GetNumHeavyAtoms()} heavy atoms; names are made up to {_MOST_ATOMS}",
            hint="identify it by SMILES and InChIKey",
        )  # fmt: skip
    if sum(atom.GetNumRadicalElectrons() for atom in mol.GetAtoms()):
        raise InvalidInput(
            "no_sound_name", f"{compound.label!r} has unpaired electrons, which generated names leave out",
            hint="is a hydrogen or a charge missing?",
        )  # fmt: skip
    with quiet_rdkit():
        try:
            name = nispo.smiles_to_iupac(compound.smiles)
        except (ValueError, KeyError, IndexError, RuntimeError, NotImplementedError) as error:
            raise _no_name(compound, str(error)) from None
    if not name:
        raise _no_name(compound, "it has no rule for this structure")
    wanted, written = len(_cip_labels(mol)), _descriptors_in(name)
    if written < wanted:
        raise InvalidInput(
            "stereo_dropped",
            f"the generated name {name!r} has {written} of {wanted} stereo descriptors: it would name another compound",
            hint="identify the compound by SMILES and InChIKey", details={"name": name},
        )  # fmt: skip
    return str(name)


def _no_name(compound: Compound, why: str) -> InvalidInput:
    return InvalidInput(
        "no_sound_name", f"nispo cannot name {compound.smiles}: {why}",
        hint="identify the compound by SMILES and InChIKey",
    )  # fmt: skip


def _cip_labels(mol: Mol) -> list[str]:
    """Return the CIP descriptors of the structure, of atoms and bonds."""
    from rdkit.Chem import rdCIPLabeler

    rdCIPLabeler.AssignCIPLabels(mol)
    parts: list[Any] = [*mol.GetAtoms(), *mol.GetBonds()]
    return [part.GetProp("_CIPCode") for part in parts if part.HasProp("_CIPCode")]


def _descriptors_in(name: str) -> int:
    """Return how many stereo descriptors a name has: '(2S,3E)', '(S)-', 'cis'."""
    groups: list[str] = re.findall(r"\(((?:\d*[a-z]?'*[RSrsEZ],?)+)\)", name)
    return sum(len(re.findall(r"[RSrsEZ](?=,|$)", group)) for group in groups)


def _round_trip(name: str, compound: Compound) -> tuple[str, str]:
    """Return 'agrees', 'differs' or 'not checked', and the reason."""
    if find_spec("py2opsin") is None or shutil.which("java") is None:
        return "not checked", "OPSIN needs Java and the package py2opsin"
    smiles = read_name(name)
    if not smiles:
        return "differs", " (OPSIN cannot read it)"
    back = inchikey(parse_smiles(smiles))
    return ("agrees", "") if back == compound.inchikey else ("differs", f" ({smiles})")


def read_name(name: str) -> str:
    """Return the SMILES that OPSIN reads from a name, or '' where it cannot. Needs Java and `py2opsin`."""
    from py2opsin import py2opsin  # type: ignore[import-not-found]

    with tempfile.TemporaryDirectory() as folder, python_warnings.catch_warnings():
        python_warnings.simplefilter("ignore")  # OPSIN's reason; the empty answer says enough
        answer = py2opsin(name, tmp_fpath=str(Path(folder) / "name.txt"))
    return answer if isinstance(answer, str) else ""
