"""Files of compounds: every row comes out, forms stay apart, and workbooks are read as other tables are."""

import datetime
import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rdkit import Chem

from benchmate.runtime.errors import InvalidInput, Unavailable
from benchmate.tools import extras
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.chemistry.compound_files import read_compound_rows
from benchmate.tools.chemistry.compound_tables import read_compounds

FORMS = ["CC(=O)O", "[Na+].CC(=O)[O-]", "CC(=O)[O-]", "C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O", "CC(N)C(=O)O"]


def table(folder: Path, name: str, content: str | bytes, **more: Any) -> ToolResult:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    context = ToolContext(folder, folder, folder)
    return read_compounds.run(read_compounds.validate({"file": str(path), **more}), context)


def workbook(*sheets: list[tuple[Any, ...]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for number, rows in enumerate(sheets, start=1):
        sheet = book.create_sheet(f"S{number}")
        for row in rows:
            sheet.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def counts(result: ToolResult) -> dict[str, float]:
    return {name: quantity.value for name, quantity in result.quantities.items()}


def test_rows_ids_problems_and_duplicates(tmp_path: Path) -> None:
    text = "id,name,smiles\nA1,aspirin,CC(=O)Oc1ccccc1C(=O)O\nA2,,OC(=O)c1ccccc1OC(C)=O\nA3,bad,C1CC(\nA4,xylenol,\nA5,,CCO\n"
    result = table(tmp_path, "hits.csv", text)
    assert counts(result) == {
        "row_count": 5, "compound_count": 3, "problem_count": 2, "distinct_count": 2, "duplicate_count": 1,
        "distinct_parent_count": 2,
    }  # fmt: skip
    assert [row["registry_id"] for row in result.data["rows"]] == ["A1", "A2", "A3", "A4", "A5"]
    assert result.data["duplicates"] == [
        {"inchikey": "BSYNRYMUTXBXSQ-UHFFFAOYSA-N", "rows": [1, 2], "registry_ids": ["A1", "A2"]}
    ]
    problems = {p["registry_id"]: p["problem"] for p in result.data["problems"]}
    assert "hits.csv line 4" in problems["A3"] and "several compounds" in problems["A4"]


def test_salt_parent_ion_and_stereo_forms_stay_apart(tmp_path: Path) -> None:
    result = table(tmp_path, "forms.smi", "\n".join(FORMS))
    assert counts(result)["distinct_count"] == len(FORMS) and counts(result)["duplicate_count"] == 0
    (acetic,) = result.data["forms_of_one_parent"]
    assert acetic["rows"] == [1, 2, 3]
    assert [row["is_salt"] for row in result.data["rows"][:3]] == [False, True, False]


def test_tautomers_share_a_key_and_keep_their_structures(tmp_path: Path) -> None:
    result = table(tmp_path, "t.smi", "Oc1ccccn1 a\nO=c1cccc[nH]1 b\n")
    assert [row["smiles"] for row in result.data["rows"]] == ["Oc1ccccn1", "O=c1cccc[nH]1"]
    assert counts(result)["duplicate_count"] == 1


def test_a_workbook_is_read_as_other_tables_are(tmp_path: Path) -> None:
    rows = [
        ("ID", "Compound", "SMILES", "IC50"),
        (7.0, "aspirin", "CC(=O)Oc1ccccc1C(=O)O", 3.2),
        ("B-2", None, "CCO", None),
    ]
    result = table(tmp_path, "plate.xlsx", workbook(rows))
    assert [(r["registry_id"], r["name"], r["formula"]) for r in result.data["rows"]] == [
        ("7", "aspirin", "C9H8O4"), ("B-2", None, "C2H6O"),
    ]  # fmt: skip


def test_an_id_that_excel_made_a_date_is_no_id(tmp_path: Path) -> None:
    rows = [("cas", "smiles"), (datetime.datetime(1978, 2, 7), "CCO"), ("64-17-5", "CCO")]
    result = table(tmp_path, "a.xlsx", workbook(rows))
    assert counts(result)["problem_count"] == 1
    assert "its id is a date in Excel" in result.data["problems"][0]["problem"]


def test_places_in_a_workbook_are_its_rows(tmp_path: Path) -> None:
    rows = [(None, None), ("name", "smiles"), ("a", "C"), (None, None), ("bad", "C1CC("), ("long", "C", "x")]
    records = read_compound_rows("a.xlsx", workbook(rows), {})
    assert [r["source"] for r in records] == ["a.xlsx row 3", "a.xlsx row 5", "a.xlsx row 6"]
    assert "the header 2" in records[2]["problem"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no workbook", "is not an Excel workbook"),
        (workbook([("smiles",), ("C",)], [("smiles",), ("CC",)]), "2 sheets with cells: S1, S2"),
        (workbook([("Batch", "IC50"), ("1", 2)]), "its columns: Batch, IC50"),
        (workbook([("smiles",)]), "holds no compounds"),
        (workbook([]), "holds no compounds"),
    ],
)
def test_workbooks_that_are_bad_as_a_whole(content: bytes, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as refusal:
        read_compound_rows("a.xlsx", content, {})
    assert refusal.value.code == "bad_file"


def test_a_workbook_without_the_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "_installed", lambda module: module != "openpyxl")
    with pytest.raises(Unavailable) as refusal:
        read_compound_rows("a.xlsx", workbook([("smiles",), ("C",)]), {})
    assert refusal.value.code == "missing_extra" and "benchmate[data]" in str(refusal.value)


@pytest.mark.parametrize("write", [Chem.MolToMolBlock, Chem.MolToV3KMolBlock])
def test_molfiles_of_both_versions(tmp_path: Path, write: Any) -> None:
    block = write(Chem.MolFromSmiles("C[C@H](N)C(=O)O.Cl"))
    (row,) = table(tmp_path, "a.mol", block).data["rows"]
    assert (row["smiles"], row["parent_inchikey"]) == ("C[C@H](N)C(=O)O.Cl", "QNAYBMKLOCPYGJ-REOHCLBHSA-N")


def test_a_racemate_of_an_sdf_is_not_read_as_one_enantiomer(tmp_path: Path) -> None:
    block = Chem.MolToV3KMolBlock(Chem.MolFromSmiles("CC[C@H](C)O |&1:2|"))
    absolute = Chem.MolToV3KMolBlock(Chem.MolFromSmiles("CC[C@H](C)O |a:2|"))
    result = table(tmp_path, "a.sdf", f"{block}$$$$\n{absolute}$$$$\n")
    assert "stereo groups" in result.data["problems"][0]["problem"]
    assert result.data["rows"][1]["smiles"] == "CC[C@H](C)O"


def test_columns_may_be_told(tmp_path: Path) -> None:
    text = "structure,Old structure,Key\nCCO,C,1\n"
    result = table(tmp_path, "a.csv", text, smiles_column="Old structure", id_column="Key")
    assert [(r["smiles"], r["registry_id"]) for r in result.data["rows"]] == [("C", "1")]


def test_the_table_is_an_artifact_with_all_rows(tmp_path: Path) -> None:
    (artifact,) = table(tmp_path, "a.smi", "C a\nCC b\n").artifacts
    assert artifact.name == "compounds.csv"


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([*FORMS, "C1CC(", "CCO"]), min_size=1, max_size=8))
def test_a_workbook_and_a_csv_of_the_same_rows_agree(tmp_path: Path, smiles: list[str]) -> None:
    rows = [("smiles", "id"), *((s, f"X{i}") for i, s in enumerate(smiles))]
    text = "\n".join(",".join(row) for row in rows)
    one, two = table(tmp_path, "a.csv", text), table(tmp_path, "b.xlsx", workbook(rows))
    assert counts(one) == counts(two)
    assert counts(one)["compound_count"] + counts(one)["problem_count"] == len(smiles)
    drop = ("problem",)
    assert [{k: v for k, v in r.items() if k not in drop} for r in one.data["rows"]] == [
        {k: v for k, v in r.items() if k not in drop} for r in two.data["rows"]
    ]
