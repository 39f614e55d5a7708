"""Names of structures: from the table, by machine, and never one that means another compound."""

from pathlib import Path
from typing import Any

import pytest

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.chemistry import naming
from benchmate.tools.chemistry.naming import name_structure

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
UNKNOWN = "OC[C@@](C)(Cl)CCCBr"  # in no table


@pytest.fixture(autouse=True)
def without_opsin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(naming, "find_spec", lambda name: None)


def name(compound: str, **more: Any) -> ToolResult:
    nowhere = Path("unused")
    return name_structure.run(
        name_structure.validate({"compound": compound, **more}), ToolContext(nowhere, nowhere, nowhere)
    )


@pytest.mark.parametrize(
    ("smiles", "expected"),  # PubChem, computed names
    [
        ("CC(=O)Oc1ccccc1C(=O)O", "2-acetyloxybenzoic acid"),
        ("CC(C)(C)OC(=O)Nc1ccccc1", "tert-butyl N-phenylcarbamate"),
        ("Cn1c(=O)c2c(ncn2C)n(C)c1=O", "1,3,7-trimethylpurine-2,6-dione"),
        ("C/C=C/C(=O)O", "(E)-but-2-enoic acid"),
        (
            "CN1CC[C@]23c4c5ccc(O)c4O[C@H]2[C@@H](O)C=C[C@H]3[C@H]1C5",
            "(4R,4aR,7S,7aR,12bS)-3-methyl-2,4,4a,7,7a,13-hexahydro-1H-4,12-methanobenzofuro[3,2-e]isoquinoline-7,9-diol",
        ),
    ],
)
def test_known_structures_have_the_name_of_the_table(smiles: str, expected: str) -> None:
    data = name(smiles).data
    assert data["name"] == expected and "table" in data["name_kind"] and "machine_name" not in data


def test_the_common_name_stands_beside() -> None:
    assert name("CC(=O)Oc1ccccc1C(=O)O").data["common_name"] == "aspirin"


def test_enantiomers_do_not_share_a_name() -> None:
    assert "(2S)" in name("C[C@H](N)C(=O)O").data["name"]
    assert "(2R)" in name("C[C@@H](N)C(=O)O").data["name"]


def test_a_tautomer_with_the_same_key_is_named_and_said() -> None:
    result = name("Oc1ccccn1")  # the table draws and names 2-pyridone
    assert any("same InChIKey (a tautomer)" in warning for warning in result.warnings)


def test_an_unknown_structure_gets_a_name_that_is_labelled() -> None:
    result = name(UNKNOWN)
    assert result.data["name"] == "(2S)-5-bromo-2-chloro-2-methylpentanol"
    assert "not an IUPAC preferred name" in result.data["name_kind"]
    assert result.data["round_trip"] == "not checked"
    assert any("was not read back" in warning for warning in result.warnings)


def test_a_name_that_reads_back_alike_is_said_to_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    opsin(monkeypatch, UNKNOWN)
    assert name(UNKNOWN).data["round_trip"] == "agrees"


@pytest.mark.parametrize("answer", ["", "OC[C@](C)(Cl)CCCBr"])
def test_a_name_that_reads_back_as_another_structure_is_refused(
    monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    opsin(monkeypatch, answer)
    with pytest.raises(InvalidInput) as refusal:
        name(UNKNOWN)
    assert refusal.value.code == "no_sound_name"
    known = name("aspirin", generate="always")
    assert known.data["round_trip"] == "differs" and known.data["name"] == "2-acetyloxybenzoic acid"


def test_a_name_without_the_configuration_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import nispo

    monkeypatch.setattr(nispo, "smiles_to_iupac", lambda smiles: "5-bromo-2-chloro-2-methylpentanol")
    with pytest.raises(InvalidInput) as refusal:
        name(UNKNOWN)
    assert refusal.value.code == "stereo_dropped"


@pytest.mark.parametrize(
    ("smiles", "code"), [("[CH2]C(Cl)CBr", "no_sound_name"), ("C" * 10 + "C(Br)(CCO)" * 60, "too_large")]
)
def test_refusals(smiles: str, code: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        name(smiles)
    assert refusal.value.code == code


def opsin(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr(naming, "find_spec", lambda name: object())
    monkeypatch.setattr(naming.shutil, "which", lambda name: "/usr/bin/java")
    monkeypatch.setattr(naming, "read_name", lambda name: answer)
