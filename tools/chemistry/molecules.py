"""The Compound that chemistry tools get: a structure with its identity, parent, salt form and open stereo."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from benchmate.runtime.evidence import Entity, Source
from benchmate.tools.chemistry.names import fold
from benchmate.tools.chemistry.parsing import inchikey, quiet_rdkit

if TYPE_CHECKING:
    from rdkit.Chem import Mol


class Compound(BaseModel):
    """A resolved compound. `parent_*` is its largest organic fragment, neutralized (often the compound itself)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    given: str = Field(description="What the caller wrote.")
    name: str | None = Field(None, description="The name it was given by, if any.")
    known_as: str | None = Field(None, description="The common name in the table that resolved the name.")
    smiles: str = Field(description="Canonical isomeric SMILES; atom indices elsewhere refer to it.")
    inchikey: str = Field(description="Standard InChIKey; empty where InChI cannot describe the structure.")
    formula: str
    charge: int
    parent_smiles: str
    parent_inchikey: str
    components: tuple[str, ...] = Field(description="Canonical SMILES of each fragment, largest first.")
    is_salt: bool = Field(
        description="Several fragments of which one is an ion, an acid or a base that makes a salt."
    )
    registry_id: str | None = None
    unspecified_stereo: int = Field(description="Stereo centres and double bonds left open.")
    resolved_by: str = Field(
        description="'SMILES', 'InChI', 'chemicals 1.5.2', 'PubChem', or a record's source."
    )
    warnings: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The compound as a reader would call it."""
        return self.name or self.given

    def mol(self) -> Mol:
        """Return a new RDKit molecule, atoms in the order of `smiles`."""
        from rdkit.Chem import MolFromSmiles

        return MolFromSmiles(self.smiles)

    def parent_mol(self) -> Mol:
        """Return a new RDKit molecule of the parent."""
        from rdkit.Chem import MolFromSmiles

        return MolFromSmiles(self.parent_smiles)

    def entity(self, argument: str) -> Entity:
        """Return the echo of this compound for the argument it was given as."""
        names = ("smiles", "formula", "charge", "parent_inchikey", "is_salt", "registry_id", "resolved_by",
                 "unspecified_stereo", "known_as", "warnings")  # fmt: skip
        return Entity(
            kind="compound",
            given=self.given,
            key=self.inchikey or f"SMILES={self.smiles}",
            label=self.label,
            argument=argument,
            details={name: getattr(self, name) for name in names},
        )


def build_compound(
    mol: Mol,
    *,
    given: str,
    resolved_by: str,
    name: str | None = None,
    known_as: str | None = None,
    registry_id: str | None = None,
    warnings: tuple[str, ...] = (),
) -> Compound:
    """Return the Compound of an RDKit molecule, with canonical SMILES, InChIKey, parent and components."""
    from rdkit import Chem
    from rdkit.Chem.rdMolDescriptors import CalcMolFormula

    smiles = Chem.MolToSmiles(mol)
    key = inchikey(mol)
    components = tuple(sorted(smiles.split("."), key=lambda s: (-len(s), s)))
    parent, parent_key = smiles, key
    if len(components) > 1 or "+" in smiles or "-" in smiles:  # a charge, or only a bond sign
        parent_mol = _parent(mol)
        parent = Chem.MolToSmiles(parent_mol)
        parent_key = key if parent == smiles else inchikey(parent_mol)
    if not key:
        warnings += ("InChI cannot describe this structure; the canonical SMILES identifies it",)
    return Compound(
        given=given,
        name=name,
        known_as=known_as if known_as and name and fold(known_as) != fold(name) else None,
        smiles=smiles,
        inchikey=key,
        formula=CalcMolFormula(mol),
        charge=Chem.GetFormalCharge(mol),
        parent_smiles=parent,
        parent_inchikey=parent_key,
        components=components,
        is_salt=len(components) > 1 and _is_salt(components),
        registry_id=registry_id,
        unspecified_stereo=count_open_stereo(mol),
        resolved_by=resolved_by,
        warnings=warnings,
    )


def rdkit_source(reference: str | None = None) -> Source:
    """Return the source of what RDKit computes; `reference` names the paper behind the method."""
    import rdkit

    return Source(kind="computed", name=f"RDKit {rdkit.__version__}", reference=reference)


def count_open_stereo(mol: Mol) -> int:
    """Return how many stereo centres and stereo double bonds have no configuration given."""
    from rdkit import Chem

    return sum(info.specified == Chem.StereoSpecified.Unspecified for info in Chem.FindPotentialStereo(mol))


def _is_salt(components: tuple[str, ...]) -> bool:
    from rdkit import Chem

    acids = {
        "Cl",
        "Br",
        "I",
        "F",
        "O=S(=O)(O)O",
        "O=[N+]([O-])O",
        "O=P(O)(O)O",
        "CS(=O)(=O)O",
        "O=C(O)C(F)(F)F",
    }
    return any(c in acids or Chem.GetFormalCharge(Chem.MolFromSmiles(c)) for c in components)


@functools.cache
def _standardizers() -> tuple[Any, Any]:
    from rdkit.Chem.MolStandardize import rdMolStandardize

    return rdMolStandardize.LargestFragmentChooser(preferOrganic=True), rdMolStandardize.Uncharger()


def _parent(mol: Mol) -> Mol:
    """Return the largest organic fragment, neutralized; an inorganic salt is its own parent.

    A fragment that does not survive neutralization (some organometallic ligands) stays as it is.
    """
    from rdkit import Chem

    if len(Chem.GetMolFrags(mol)) > 1 and not any(atom.GetAtomicNum() == 6 for atom in mol.GetAtoms()):
        return mol
    chooser, uncharger = _standardizers()
    with quiet_rdkit():
        fragment = chooser.choose(mol)
        neutral = Chem.Mol(fragment)
        Chem.Kekulize(neutral, clearAromaticFlags=True)
        neutral = uncharger.uncharge(neutral)
        failed = Chem.SanitizeMol(neutral, catchErrors=True)
        sound = not failed and Chem.MolFromSmiles(Chem.MolToSmiles(neutral)) is not None
        return neutral if sound else fragment
