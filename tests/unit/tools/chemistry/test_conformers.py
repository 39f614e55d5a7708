"""Conformers: energies known from experiment, seeds, and typed failures."""

from pathlib import Path
from typing import Any

import pytest
from rdkit import Chem
from rdkit.Chem.rdMolTransforms import GetDihedralDeg

from benchmate.runtime.artifacts import ArtifactStore
from benchmate.runtime.errors import InvalidInput
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.chemistry.conformers import generate_conformers


@pytest.fixture
def context(tmp_path: Path) -> ToolContext:
    return ToolContext(tmp_path, tmp_path, tmp_path)


def run(context: ToolContext, **arguments: Any) -> ToolResult:
    return generate_conformers.run(generate_conformers.validate(arguments), context)


def molecules(context: ToolContext, result: ToolResult) -> list[Chem.Mol]:
    supplier = Chem.SDMolSupplier()
    supplier.SetData(
        ArtifactStore(context.artifact_dir).get(result.artifacts[0].sha).decode(), removeHs=False
    )
    return list(supplier)


def test_gauche_butane_lies_above_anti(context: ToolContext) -> None:
    """0.6 to 0.9 kcal/mol: NIST CCCBDB, Murphy et al. 1991 (0.67 in the gas)."""
    result = run(context, compound="butane", count=20)
    assert result.quantities["conformer_count"].value == 3  # anti and two mirror-image gauche
    assert 0.6 < result.quantities["relative_energy_1"].value < 0.9
    assert result.quantities["energy_span"].value == result.quantities["relative_energy_2"].value
    anti = molecules(context, result)[0]
    angle = abs(GetDihedralDeg(anti.GetConformer(), 0, 1, 2, 3))
    assert angle == pytest.approx(180, abs=1)


def test_chair_cyclohexane_lies_below_the_twist_boat(context: ToolContext) -> None:
    """About 5.5 kcal/mol: Squillacote et al. 1975, J Am Chem Soc 97, 3244."""
    result = run(context, compound="cyclohexane", count=60)
    assert 4.5 < result.quantities["energy_span"].value < 7
    chair = molecules(context, result)[0].GetConformer()
    angles = [abs(GetDihedralDeg(chair, *(i % 6 for i in range(k, k + 4)))) for k in range(6)]
    assert angles == pytest.approx([55.0] * 6, abs=3)  # electron diffraction: 54.9 degrees


def test_the_same_seed_gives_the_same_bytes(context: ToolContext) -> None:
    first, again, other = (run(context, compound="ibuprofen", count=4, seed=s) for s in (7, 7, 8))
    assert first == again
    assert first.artifacts[0].sha != other.artifacts[0].sha
    assert first.quantities["lowest_energy"].conditions is not None
    assert first.quantities["lowest_energy"].conditions["seed"] == "7"


def test_the_file_holds_every_conformer_with_hydrogens_and_energy(context: ToolContext) -> None:
    result = run(context, compound="ethanol", count=10)
    found = molecules(context, result)
    assert len(found) == result.quantities["conformer_count"].value
    assert found[0].GetNumAtoms() == 9
    assert float(found[0].GetProp("relative_energy_kcal_mol")) == 0


def test_mmff_lacks_boron_and_uff_does_not(context: ToolContext) -> None:
    with pytest.raises(InvalidInput) as caught:
        run(context, compound="phenylboronic acid")
    assert caught.value.code == "no_parameters"
    assert "UFF" in (caught.value.hint or "")
    assert run(context, compound="phenylboronic acid", force_field="UFF", count=2).quantities


def test_an_impossible_geometry_is_a_typed_failure(context: ToolContext) -> None:
    with pytest.raises(InvalidInput) as caught:  # norbornane bridged across opposite faces
        run(context, compound="C1C[C@H]2CC[C@H]1C2", count=2)
    assert caught.value.code == "embedding_failed"


def test_a_salt_gives_the_conformers_of_its_parent(context: ToolContext) -> None:
    result = run(context, compound="CC(=O)[O-].[Na+]", count=2)
    assert result.data["smiles"] == "CC(=O)O"
    assert "parent" in result.warnings[-1]


def test_large_molecules_are_refused(context: ToolContext) -> None:
    with pytest.raises(InvalidInput, match="151 heavy atoms"):
        run(context, compound="C" * 151)
