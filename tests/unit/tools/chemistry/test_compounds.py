"""What a text stands for: literature identities, texts that could be read in two ways, and typed refusals."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from benchmate.runtime.errors import BenchmateError, InvalidInput, NotFound
from benchmate.tools.chemistry.ambiguous import AMBIGUOUS_NAMES
from benchmate.tools.chemistry.compounds import CompoundRecord, compound_by_name, resolve_compound
from benchmate.tools.chemistry.molecules import build_compound
from benchmate.tools.chemistry.names import name_table

MOLECULES = [
    "CC(=O)Oc1ccccc1C(=O)O",
    "Cn1cnc2c1c(=O)n(C)c(=O)n2C",
    "CC(C)Cc1ccc(cc1)[C@H](C)C(=O)O",
    "CN1CC[C@]23c4c5ccc(O)c4O[C@H]2[C@@H](O)C=C[C@H]3[C@H]1C5",
    "C/C=C\\C",
    "OC[C@H]1O[C@@H](O)[C@H](O)[C@@H](O)[C@@H]1O",
    "CCN(CC)CC(=O)Nc1c(C)cccc1C.Cl",
    "[O-][N+](=O)c1ccc(cc1)C#N",
]


def refusal(given: object) -> BenchmateError:
    with pytest.raises(BenchmateError) as caught:
        resolve_compound(given)  # type: ignore[arg-type]
    return caught.value


@pytest.mark.parametrize(
    ("name", "inchikey"),
    [  # PubChem CIDs 2244, 2519, 1983, 702, 5288826, 156391, 5904
        ("aspirin", "BSYNRYMUTXBXSQ-UHFFFAOYSA-N"),
        ("Acetylsalicylic Acid", "BSYNRYMUTXBXSQ-UHFFFAOYSA-N"),
        ("50-78-2", "BSYNRYMUTXBXSQ-UHFFFAOYSA-N"),
        ("1,3,7-trimethylpurine-2,6-dione", "RYYVLZVUVIJVGH-UHFFFAOYSA-N"),
        ("paracetamol", "RZVAJINKPMORJF-UHFFFAOYSA-N"),
        ("ethanol", "LFQSCWFLJHTTHZ-UHFFFAOYSA-N"),
        ("morphine", "BQJCRHHNABKAKU-KBQPJGBKSA-N"),
        ("naproxen", "CMWTZPSULFXXJA-VIFPVBQESA-N"),
        ("Penicillin G", "JGSARLDLIJGVTE-MBNYWOFBSA-N"),
    ],
)
def test_a_name_gives_the_structure_that_pubchem_gives_it(name: str, inchikey: str) -> None:
    assert resolve_compound(name).inchikey == inchikey


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("CO", "CH4O"),
        ("C", "CH4"),
        ("N", "H3N"),
        ("NO", "H3NO"),
        ("I", "HI"),
        ("CN", "CH5N"),
        ("CCC", "C3H8"),
    ],
)
def test_a_short_text_that_is_smiles_is_read_as_smiles_and_says_so(text: str, formula: str) -> None:
    compound = resolve_compound(text)
    assert (compound.formula, compound.resolved_by) == (formula, "SMILES")
    assert f"read as SMILES: {formula}" in compound.warnings[0]


@pytest.mark.parametrize("text", ["CCO", "c1ccccc1", "OCC", "Cn1cnc2c1c(=O)n(C)c(=O)n2C"])
def test_smiles_that_nothing_else_could_mean_is_read_without_a_warning(text: str) -> None:
    assert resolve_compound(text).warnings == ()


@pytest.mark.parametrize(
    ("text", "name"),
    [("NBS", "n-bromosuccinimide"), ("NIS", "n-iodosuccinimide"), ("NCS", "n-chlorosuccinimide")],
)
def test_an_abbreviation_of_a_known_compound_beats_an_unheard_of_smiles(text: str, name: str) -> None:
    compound = resolve_compound(text)
    assert compound.known_as == name
    assert "as SMILES it would be" in compound.warnings[-1]


@pytest.mark.parametrize(
    ("text", "smiles"),
    [
        ("benzene", "c1ccccc1"),
        ("water", "O"),
        ("mercury", "[Hg]"),
        ("sulphur", "[S]"),
        ("iodine", "II"),
        ("iron", "[Fe]"),
    ],
)
def test_plain_names_and_elements(text: str, smiles: str) -> None:
    assert resolve_compound(text).smiles == smiles


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("C9H8O4", "aspirin"),  # chemicals.search_chemical answers 1,4-benzodioxane-2-carboxylic acid
        ("c22h22o8", "podophyllotoxin"),  # in the table, this formula is a name
        ("H2O", "water"),
        ("NaCl", "sodium chloride"),
        ("nacl", "sodium chloride"),
        ("CO2", "carbon dioxide"),
        ("C60", "buckminsterfullerene"),
        ("SO4^2-", "sulfate"),
        ("Fe", "iron"),
    ],
)
def test_a_formula_never_resolves_but_lists_what_it_may_be(formula: str, expected: str) -> None:
    error = refusal(formula)
    assert error.code == "ambiguous_formula"
    assert expected in [candidate["name"] for candidate in error.info.details["candidates"]]
    by_name = refusal({"name": formula})
    assert by_name.code == "ambiguous_formula"


def test_carbon_monoxide_by_formula_is_refused_where_only_a_name_can_be_meant() -> None:
    error = refusal({"name": "CO"})
    assert error.code == "ambiguous_formula"
    assert error.info.details["candidates"][0]["name"] == "carbon monoxide"
    assert resolve_compound({"smiles": "CO"}).warnings == ()


def test_every_candidate_of_an_ambiguous_name_is_another_compound() -> None:
    for name, candidates in AMBIGUOUS_NAMES.items():
        keys = [resolve_compound({"smiles": smiles}).inchikey for _, smiles in candidates]
        assert len(set(keys)) == len(candidates) > 1, name
        formulas = {resolve_compound({"smiles": smiles}).formula for _, smiles in candidates}
        assert len(formulas) == 1, name


def test_candidates_agree_with_the_table_where_it_knows_them() -> None:
    agreed = 0
    for candidates in AMBIGUOUS_NAMES.values():
        for name, smiles in candidates:
            if not name_table().by_name(name):
                continue
            known = compound_by_name(name)
            ours = resolve_compound({"smiles": smiles})
            assert known.inchikey[:14] == ours.inchikey[:14], name
            agreed += 1
    assert agreed > 60


@pytest.mark.parametrize("name", ["xylenol", "Xylene", "butanol", "glucose", "D-glucose", "cresol"])
def test_an_ambiguous_name_gives_its_candidates(name: str) -> None:
    error = refusal(name)
    assert isinstance(error, InvalidInput)
    assert error.code == "ambiguous_name"
    assert len(error.info.details["candidates"]) >= 3


def test_a_name_that_leaves_stereo_open_gives_the_open_structure_and_says_so() -> None:
    open_form, l_form = resolve_compound("alanine"), resolve_compound("L-alanine")
    assert open_form.unspecified_stereo == 1
    assert "open" in open_form.warnings[0]
    assert l_form.inchikey == "QNAYBMKLOCPYGJ-REOHCLBHSA-N"  # PubChem 5950


def test_a_trade_name_far_down_the_list_is_marked() -> None:
    compound = resolve_compound("moment")
    assert compound.known_as == "ibuprofen"
    assert "lesser known name of ibuprofen" in compound.warnings[0]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("c1ccc(C(.", "syntax error (near position 9)"),
        ("C1CC1(C)(C)(C)", "explicit valence for atom # 2 C, 5, is greater than permitted"),
        ("c1cccc1", "can't kekulize mol"),
        ("C1CC", "unclosed ring"),
        ("CC>>CO", "it is a reaction"),
        ("*CC", "wildcard"),
    ],
)
def test_a_wrong_smiles_is_named_with_rdkits_reason(text: str, reason: str) -> None:
    error = refusal(text)
    assert error.code == "invalid_smiles"
    assert repr(text) in str(error)
    assert reason in str(error)


def test_rdkits_reason_does_not_reach_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    refusal("C1CC1(C)(C)(C)")
    refusal("c1ccc(C(.")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty_compound"),
        ("   ", "empty_compound"),
        ("C" * 2001, "too_large"),
        ("C" * 1500, "too_large"),
        ("50-78-3", "invalid_cas"),
        ("InChI=1S/nonsense", "invalid_inchi"),
        ("AAAAAAAAAAAAAA-UHFFFAOYSA-N", "unknown_compound"),
        ("CCO ethanol", "unknown_compound"),
        ("chlorine trifluoride", "no_structure"),
    ],
)
def test_other_refusals_are_typed(text: str, code: str) -> None:
    assert refusal(text).code == code


def test_an_unknown_name_says_who_was_asked_and_what_is_near() -> None:
    error = refusal("ibuprofenn")
    assert isinstance(error, NotFound)
    assert error.hint == "did you mean 'ibuprofen'?"
    assert "PubChem was not asked" in str(error)
    assert refusal("imatinib").code == "unknown_compound"


def test_parent_salt_and_components() -> None:
    salt = resolve_compound("lidocaine hydrochloride")
    base = resolve_compound("lidocaine")
    assert base.formula == "C14H22N2O"  # PubChem 3676
    assert salt.is_salt and salt.parent_inchikey == base.inchikey != salt.inchikey
    assert salt.components == (base.smiles, "Cl")
    assert resolve_compound("CC(=O)[O-].[Na+]").parent_smiles == "CC(=O)O"
    assert resolve_compound("[Na+].[Cl-]").parent_smiles == "[Cl-].[Na+]"
    assert resolve_compound("[NH3+]CC(=O)[O-]").parent_smiles == "NCC(=O)O"
    hydrate = resolve_compound("Cn1cnc2c1c(=O)n(C)c(=O)n2C.O")
    assert not hydrate.is_salt and hydrate.parent_inchikey == "RYYVLZVUVIJVGH-UHFFFAOYSA-N"


def test_neutralizing_a_ligand_leaves_a_structure_that_can_be_read() -> None:
    assert resolve_compound("ferrocene").parent_mol() is not None


def test_a_record_is_taken_at_its_word_and_checked() -> None:
    record = CompoundRecord(name="lead 7", smiles="CCO", registry_id="ABC-1", source="plate.sdf")
    compound = resolve_compound(record)
    assert (compound.label, compound.registry_id, compound.resolved_by) == ("lead 7", "ABC-1", "plate.sdf")
    wrong = {"smiles": "CCO", "inchikey": "BSYNRYMUTXBXSQ-UHFFFAOYSA-N"}
    assert refusal(wrong).code == "record_mismatch"
    assert refusal({"smiles": "CCO", "inchi": "InChI=1S/CH4/h1H4"}).code == "record_mismatch"
    stereo = resolve_compound({"smiles": "CC(N)C(=O)O", "inchikey": "QNAYBMKLOCPYGJ-REOHCLBHSA-N"})
    assert "another stereo" in stereo.warnings[0]
    for bad in ({}, {"source": "x"}, {"smile": "CCO"}, {"smiles": "CCO", "inchikey": "short"}):
        assert refusal(bad).code == "invalid_record"


def test_entity_carries_identity_and_form() -> None:
    entity = resolve_compound("aspirin").entity("targets[1]")
    assert (entity.kind, entity.argument, entity.label) == ("compound", "targets[1]", "aspirin")
    assert entity.key == "BSYNRYMUTXBXSQ-UHFFFAOYSA-N"
    assert entity.details["registry_id"] == "CAS 50-78-2"
    assert entity.details["formula"] == "C9H8O4"


@given(st.sampled_from(MOLECULES), st.randoms(use_true_random=False))
def test_identity_does_not_depend_on_the_order_of_atoms(smiles: str, random: object) -> None:
    mol = Chem.MolFromSmiles(smiles)
    order = list(range(mol.GetNumAtoms()))
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled = Chem.RenumberAtoms(mol, order)
    a = build_compound(mol, given="a", resolved_by="SMILES")
    b = build_compound(shuffled, given="a", resolved_by="SMILES")
    assert a == b
    again = resolve_compound({"smiles": a.smiles})
    assert (again.smiles, again.inchikey) == (a.smiles, a.inchikey)


@settings(max_examples=30)
@given(st.text(max_size=40))
def test_any_text_resolves_or_is_refused_with_a_type(text: str) -> None:
    try:
        resolved: object = resolve_compound(text).mol()
    except BenchmateError as error:
        resolved = error.info.kind
    assert isinstance(resolved, Chem.Mol) or resolved in ("invalid", "not_found")


@pytest.mark.parametrize("text", ["C\0C", "C[C@é]", "c1ccc\u2028(=O)", "[=\ud7ff"])
def test_characters_that_rdkit_cuts_or_chokes_on(text: str) -> None:
    """RDKit reads 'C\\0C' as 'C', and its log broke on half a UTF-8 character (found by hypothesis)."""
    assert refusal(text).info.kind in ("invalid", "not_found")
    assert refusal({"smiles": text}).code == "invalid_smiles"


def test_a_record_whose_name_is_another_structures_says_so() -> None:
    caffeine = "Cn1c(=O)c2c(ncn2C)n(C)c1=O"
    (warning,) = resolve_compound({"name": "aspirin", "smiles": caffeine}).warnings
    assert warning.startswith("'aspirin' is known as another structure, C9H8O4")
    for name in ("caffeine", "lead 7"):
        assert resolve_compound({"name": name, "smiles": caffeine}).warnings == ()
    salt = "CC(=O)Oc1ccccc1C(=O)[O-].[Na+]"
    assert resolve_compound({"name": "aspirin", "smiles": salt}).warnings == ()
