"""Similarity of compounds by structural fingerprints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import Said, Unit
from benchmate.tools.base import ToolResult, tool
from benchmate.tools.chemistry.compounds import Compound
from benchmate.tools.chemistry.molecules import rdkit_source

if TYPE_CHECKING:
    from rdkit.Chem import Mol

Fingerprint = Literal["morgan", "maccs", "atom_pair", "rdkit"]
REFERENCES = {
    "morgan": "Rogers and Hahn 2010, doi:10.1021/ci100050t",
    "maccs": "Durant et al. 2002, doi:10.1021/ci010132r",
    "atom_pair": "Carhart et al. 1985, doi:10.1021/ci00046a002",
    "rdkit": "RDKit topological fingerprint, paths of 1 to 7 bonds",
}


@tool(
    domain="chemistry",
    properties={"similarity": "Tanimoto similarity, structural similarity, Tanimoto, similarity, similar"},
    examples=(
        "How similar are aspirin and salicylic acid?",
        "Which of ibuprofen, naproxen and caffeine is most similar to ketoprofen?",
        "Compare theophylline with caffeine by MACCS keys",
        "Rank paracetamol, phenacetin and aniline by similarity to acetanilide",
    ),
    example={"query": "aspirin", "targets": ["salicylic acid", "caffeine"]},
)
def compare_similarity(
    query: Compound,
    targets: list[Compound],
    fingerprint: Fingerprint = "morgan",
    radius: Annotated[
        int,
        Unit("", "radius"),
        Said({"1": "ECFP2, FCFP2", "2": "ECFP4, FCFP4", "3": "ECFP6, FCFP6"}),
        Field(ge=0, le=6),
    ] = 2,
    bits: Annotated[int, Unit("", "bits, bit"), Field(ge=64, le=65536)] = 2048,
    chirality: Annotated[
        bool, Said({"true": "with chirality, chirality, chiral, stereochemistry, stereo aware"})
    ] = False,
) -> ToolResult:
    """Compare a compound with others by the Tanimoto similarity of their structural fingerprints, 0 to 1.

    Salts and charged forms are compared by their neutral parents.

    Args:
        query: The compound to compare with.
        targets: The compounds to rank.
        fingerprint: The kind of fingerprint.
        radius: Radius of the Morgan fingerprint, in bonds.
        bits: Length of the fingerprint; MACCS keys always have 167.
        chirality: Whether stereo centres count; for Morgan and atom-pair fingerprints.
    """
    from rdkit.DataStructs import TanimotoSimilarity

    if not targets:
        raise InvalidInput("no_targets", "there is nothing to compare with", hint="give at least one target")
    if chirality and fingerprint in ("maccs", "rdkit"):
        raise InvalidInput(
            "no_chirality", f"the {fingerprint} fingerprint does not know stereochemistry",
            hint="use fingerprint='morgan' or 'atom_pair', or chirality=False",
        )  # fmt: skip
    generate = _generator(fingerprint, radius, bits, chirality)
    prints = [_fingerprint(generate, compound, fingerprint) for compound in (query, *targets)]
    values = [TanimotoSimilarity(prints[0], other) for other in prints[1:]]
    conditions = {
        "fingerprint": fingerprint,
        **({"radius": str(radius)} if fingerprint == "morgan" else {}),
        "bits": str(prints[0].GetNumBits()),
        "chirality": str(chirality).lower(),
        "metric": "Tanimoto",
        "form": "parent",
        "query": query.label,
    }
    ranking = sorted(range(len(targets)), key=lambda i: (-values[i], i))
    return ToolResult(
        data={
            "ranking": [
                {
                    "rank": rank,
                    "target": i,
                    "label": targets[i].label,
                    "smiles": targets[i].smiles,
                    "similarity": values[i],
                }
                for rank, i in enumerate(ranking, 1)
            ]
        },
        quantities={
            f"similarity_{i}": Quantity(
                value=value,
                property="similarity",
                method=REFERENCES[fingerprint],
                conditions={**conditions, "target": target.label},
            )
            for i, (target, value) in enumerate(zip(targets, values, strict=True))
        },
        source=rdkit_source(REFERENCES[fingerprint]),
        warnings=(*query.warnings, *_warnings(query, targets, values)),
    )


def _generator(kind: Fingerprint, radius: int, bits: int, chirality: bool) -> Any:
    """Return a function from a molecule to its bit vector."""
    from rdkit.Chem import rdFingerprintGenerator as generators
    from rdkit.Chem import rdMolDescriptors

    if kind == "maccs":
        return rdMolDescriptors.GetMACCSKeysFingerprint
    if kind == "morgan":
        made = generators.GetMorganGenerator(radius=radius, fpSize=bits, includeChirality=chirality)
    elif kind == "atom_pair":
        made = generators.GetAtomPairGenerator(fpSize=bits, includeChirality=chirality)
    else:
        made = generators.GetRDKitFPGenerator(fpSize=bits)
    return made.GetFingerprint


def _fingerprint(generate: Any, compound: Compound, kind: Fingerprint) -> Any:
    mol: Mol = compound.parent_mol()
    bits = generate(mol)
    if not bits.GetNumOnBits():
        raise InvalidInput(
            "empty_fingerprint", f"{compound.label!r} is too small for the {kind} fingerprint: no bit is set",
            hint="use fingerprint='morgan'",
        )  # fmt: skip
    return bits


def _warnings(query: Compound, targets: list[Compound], values: list[float]) -> list[str]:
    notes: list[str] = []
    for target, value in zip(targets, values, strict=True):
        notes += target.warnings
        if value == 1.0 and target.inchikey != query.inchikey:
            if target.parent_inchikey == query.parent_inchikey:
                what = "they are forms of one parent"
            elif target.parent_inchikey[:14] == query.parent_inchikey[:14]:
                what = "they differ in stereochemistry or isotopes"
            else:
                what = "the fingerprint does not tell them apart"
            notes.append(
                f"{query.label} and {target.label} are different compounds with equal fingerprints: {what}"
            )
    return notes
