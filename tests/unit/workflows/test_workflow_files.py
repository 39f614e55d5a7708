"""Compound and sequence files: nothing is lost, and what cannot be read says so when it is resolved."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rdkit import Chem

from benchmate.runtime.errors import BenchmateError, InvalidInput, NotFound
from benchmate.tools.chemistry.compounds import resolve_compound
from benchmate.workflows.files import read_compounds, read_sequence
from benchmate.workflows.inputs import complete_inputs
from benchmate.workflows.schema import Columns, Workflow

ASPIRIN, CAFFEINE = "CC(=O)Oc1ccccc1C(=O)O", "Cn1c(=O)c2c(ncn2C)n(C)c1=O"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def without_source(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in record.items() if key != "source"} for record in records]


def failure(record: dict[str, Any]) -> str:
    with pytest.raises(BenchmateError) as caught:
        resolve_compound(record)
    return caught.value.info.message


def sdf(*entries: tuple[str, str, dict[str, str]]) -> str:
    text = ""
    for title, block, fields in entries:
        text += title + block[block.index("\n") :]
        text += "".join(f"> <{key}>\n{value}\n\n" for key, value in fields.items()) + "$$$$\n"
    return text


def block(smiles: str, sanitize: bool = True) -> str:
    return Chem.MolToMolBlock(Chem.MolFromSmiles(smiles, sanitize=sanitize), kekulize=sanitize)


# --- tables


def test_columns_are_found_by_name(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "hits.csv",
        f"ID,Compound Name,Canonical SMILES,IC50\nA-1,aspirin,{ASPIRIN},3\nA-2,,{CAFFEINE},\n",
    )
    assert read_compounds(path) == [
        {"name": "aspirin", "smiles": ASPIRIN, "registry_id": "A-1", "source": "hits.csv line 2"},
        {"smiles": CAFFEINE, "registry_id": "A-2", "source": "hits.csv line 3"},
    ]


def test_registry_ids_come_out_again(tmp_path: Path) -> None:
    path = write(tmp_path, "hits.csv", f"smiles,registry_id\n{ASPIRIN},007\n{CAFFEINE},NO\n")
    entities = [resolve_compound(record).entity("compound") for record in read_compounds(path)]
    assert [entity.details["registry_id"] for entity in entities] == ["007", "NO"]


@pytest.mark.parametrize(
    ("name", "comma"), [("a.csv", ","), ("a.csv", ";"), ("a.csv", "\t"), ("a.tsv", "\t"), ("A.CSV", ",")]
)
def test_separators(tmp_path: Path, name: str, comma: str) -> None:
    path = write(tmp_path, name, f"name{comma}smiles\nx{comma}C\n")
    assert without_source(read_compounds(path)) == [{"name": "x", "smiles": "C"}]


def test_what_spreadsheets_write(tmp_path: Path) -> None:
    text = (
        '\ufeffName,SMILES\r\n"2,2-dimethylpropane",CC(C)(C)C\r\n,,\r\n"two\nlines",C\r\n\r\nmethanol,CO\r\n'
    )
    records = read_compounds(write(tmp_path, "a.csv", text))
    assert [(r["name"], r["source"]) for r in records] == [
        ("2,2-dimethylpropane", "a.csv line 2"),
        ("two\nlines", "a.csv line 5"),
        ("methanol", "a.csv line 7"),
    ]


@pytest.mark.parametrize("title", ["Batch", "batch_id", "Lot", "sample", "Sample ID"])
def test_batches_lots_and_samples_are_ids(tmp_path: Path, title: str) -> None:
    path = write(tmp_path, "a.csv", f"smiles,{title}\nC,B-7\n")
    assert without_source(read_compounds(path)) == [{"smiles": "C", "registry_id": "B-7"}]
    path = write(tmp_path, "b.csv", f"smiles,{title},Compound ID\nC,B-7,X-1\n")
    assert without_source(read_compounds(path)) == [{"smiles": "C", "registry_id": "X-1"}]


def test_columns_that_are_told_win(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "smiles,Structure,Batch,Label\nC,CC,B1,x\n")
    told = Columns(smiles="Structure", id="Batch", name="Label")
    assert without_source(read_compounds(path, told)) == [{"name": "x", "smiles": "CC", "registry_id": "B1"}]


def test_a_column_that_is_not_there_hints_at_the_nearest(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "Structures,Batch\nC,B1\n")
    with pytest.raises(InvalidInput, match="no column 'Structure'") as caught:
        read_compounds(path, Columns(smiles="Structure"))
    assert (caught.value.code, caught.value.hint) == ("bad_file", "did you mean 'Structures'?")


def test_names_alone_are_enough(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "drug,cas\naspirin,50-78-2\n")
    assert without_source(read_compounds(path)) == [{"name": "aspirin", "registry_id": "50-78-2"}]


def test_a_bad_row_fails_alone_with_its_line(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "hits.csv",
        f"id,name,smiles\nA-1,aspirin,{ASPIRIN}\nA-2,broken,C1CC(\nA-3,,\nA-4,long,C,C,C\n,nameless,c1ccc\n",
    )
    records = read_compounds(path)
    assert len(records) == 5
    assert resolve_compound(records[0]).label == "aspirin"
    assert [record.get("registry_id") for record in records[1:]] == ["A-2", "A-3", "A-4", None]
    assert "hits.csv line 3" in failure(records[1]) and "C1CC(" in failure(records[1])
    assert "hits.csv line 4: no smiles and no name" in failure(records[2])
    assert "hits.csv line 5: it has 5 cells, the header 3" in failure(records[3])
    assert "hits.csv line 6" in failure(records[4])


BAD_FILES = {
    "no column": ("a.csv", "Batch,IC50\n1,2\n", "its columns: Batch, IC50"),
    "two columns": ("a.csv", "SMILES,smiles\nC,C\n", "several columns"),
    "header only": ("a.csv", "smiles,name\n", "holds no compounds"),
    "empty": ("a.csv", "", "holds no compounds"),
    "empty SDF": ("a.sdf", "\n", "holds no compounds"),
    "empty SMILES file": ("a.smi", "# nothing\n", "holds no compounds"),
    "an open quote": ("a.csv", 'smiles,name\nC,"x\n', "is not a table"),
    "another format": ("a.docx", "x", "not a compound file"),
}


@pytest.mark.parametrize(("name", "text", "said"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_a_file_that_is_bad_as_a_whole(tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_compounds(write(tmp_path, name, text))
    assert caught.value.code == "bad_file" and said in caught.value.info.message


def test_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("name,smiles\nβ-carotene,C\n".encode("utf-16"))
    with pytest.raises(InvalidInput, match="UTF-8"):
        read_compounds(tmp_path / "a.csv")


def test_a_file_that_is_not_there_hints_at_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, "hits.sdf", "x")
    with pytest.raises(NotFound) as caught:
        read_compounds(tmp_path / "hit.sdf")
    assert (caught.value.code, caught.value.hint) == ("no_such_file", "did you mean 'hits.sdf'?")


CELLS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12
).filter(str.strip)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8))
def test_every_row_of_a_table_comes_out_in_order(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    import csv

    with (tmp_path / "a.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("name", "id"), *rows])
    found = read_compounds(tmp_path / "a.csv")
    assert [(r["name"], r["registry_id"]) for r in found] == [(n.strip(), i.strip()) for n, i in rows]


# --- SDF


def test_an_sdf_gives_structures_names_and_ids(tmp_path: Path) -> None:
    text = sdf(
        ("aspirin", block(ASPIRIN), {"ID": "A-1", "IC50": "3"}),
        ("", block("C[C@H](N)C(=O)O"), {"Name": "L-alanine"}),
    )
    first, second = read_compounds(write(tmp_path, "a.sdf", text))
    assert first == {"name": "aspirin", "smiles": ASPIRIN, "registry_id": "A-1", "source": "a.sdf record 1"}
    assert second["name"] == "L-alanine" and "registry_id" not in second
    key = resolve_compound(second).inchikey
    assert key == "QNAYBMKLOCPYGJ-REOHCLBHSA-N"  # L-alanine, PubChem CID 5950: the wedge survives


def test_bad_records_of_an_sdf_fail_alone(tmp_path: Path) -> None:
    text = sdf(
        ("good", block(ASPIRIN), {"ID": "A-1"}),
        ("cut", "cut\n\n\n  2  1  0  0  0  0  0  0  0  0999 V2000\n    0.0  0.0 0.0 O 0\n", {"ID": "A-2"}),
        ("texas", block("CN(C)(C)(C)C", sanitize=False), {"ID": "A-3"}),
        ("none", block(""), {}),
        ("last", block(CAFFEINE), {"ID": "A-5"}),
    )
    records = read_compounds(write(tmp_path, "hits.sdf", text))
    assert [r.get("registry_id") for r in records] == ["A-1", "A-2", "A-3", None, "A-5"]
    assert [r["name"] for r in records] == ["good", "cut", "texas", "none", "last"]
    assert resolve_compound(records[4]).label == "last"
    assert failure(records[1]) == "hits.sdf record 2: not a readable molfile"
    assert "smiles" not in records[1], "an error is no structure"
    assert "hits.sdf record 3: Explicit valence" in failure(records[2])
    assert "hits.sdf record 4: it has no atoms" in failure(records[3])


def test_fields_of_an_sdf_may_be_told_and_may_be_missing_in_some(tmp_path: Path) -> None:
    text = sdf(("a", block("C"), {"Plate": "P1"}), ("b", block("CC"), {}))
    records = read_compounds(write(tmp_path, "a.sdf", text), Columns(id="Plate"))
    assert [r.get("registry_id") for r in records] == ["P1", None]


def test_line_ends_of_windows_and_a_single_molfile(tmp_path: Path) -> None:
    (tmp_path / "a.mol").write_bytes(block(ASPIRIN).replace("\n", "\r\n").encode())
    assert [r["smiles"] for r in read_compounds(tmp_path / "a.mol")] == [ASPIRIN]


# --- SMILES files


def test_a_smiles_file(tmp_path: Path) -> None:
    text = f"SMILES Name\n{ASPIRIN} ZINC53\n# a remark\n\nCCO\tethyl alcohol\nC1CC( bad\nCC[C@H](C)O |&1:2| racemate\nC\n"
    records = read_compounds(write(tmp_path, "a.smi", text))
    assert without_source(records[:2]) == [
        {"name": "ZINC53", "smiles": ASPIRIN, "registry_id": "ZINC53"},
        {"name": "ethyl alcohol", "smiles": "CCO", "registry_id": "ethyl alcohol"},
    ]
    assert "a.smi line 6" in failure(records[2])
    assert "extension" in failure(records[3])
    assert records[4] == {"smiles": "C", "source": "a.smi line 8"}


# --- as inputs


def flow(default: Any = None, **extra: Any) -> Workflow:
    spec = {"type": "compounds", **({"default": default} if default else {}), **extra}
    return Workflow.model_validate(
        {"schema": "benchmate.workflow/v1", "name": "w", "plan": "Why?", "inputs": {"x": spec}}
    )


def test_a_compounds_input_takes_a_file(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "Structure,Batch\nC,B1\nCC,B2\n")
    assert [r["smiles"] for r in complete_inputs(flow(), {"x": str(path)})["x"]] == ["C", "CC"]
    given = {"file": str(path), "columns": {"id": "Batch"}}
    assert [r["registry_id"] for r in complete_inputs(flow(), {"x": given})["x"]] == ["B1", "B2"]
    declared = complete_inputs(flow(columns={"id": "Batch"}), {"x": str(path)})["x"]
    assert [r["registry_id"] for r in declared] == ["B1", "B2"]


def test_the_length_of_a_file_is_checked_too(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "smiles\nC\nCC\n")
    with pytest.raises(InvalidInput, match="more than 1"):
        complete_inputs(flow(maxItems=1), {"x": str(path)})


def test_a_wrong_option_for_columns_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "smiles\nC\n")
    with pytest.raises(InvalidInput, match="input 'x'"):
        complete_inputs(flow(), {"x": {"file": str(path), "columns": {"smile": "smiles"}}})


def test_a_default_file_is_read_from_the_workflows_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchmate.workflows.loader import load_workflow, to_plan

    write(tmp_path, "a.csv", "smiles\nC\n")
    text = (
        "schema: benchmate.workflow/v1\nname: w\ninputs: {x: {type: compounds, default: a.csv}}\nplan: Why?\n"
    )
    loaded = load_workflow(write(tmp_path, "w.yaml", text), tools={}, agents=())
    monkeypatch.chdir("/")
    assert to_plan(loaded, {}, tools={}, agents=()).inputs["x"] == [{"smiles": "C", "source": "a.csv line 2"}]


# --- sequences


def test_a_fasta_and_a_genbank_file(tmp_path: Path) -> None:
    fasta = write(tmp_path, "a.fasta", ">pX topology=circular\nATGGCC\nATTGTATAA\n")
    assert read_sequence(fasta) == {"sequence": "ATGGCCATTGTATAA", "name": "pX", "topology": "circular"}
    genbank = "LOCUS       pY    15 bp    DNA     circular SYN 01-JAN-2026\nORIGIN\n        1 atggccattg tataa\n//\n"
    assert read_sequence(write(tmp_path, "b.gb", genbank)) == {
        "sequence": "ATGGCCATTGTATAA",
        "name": "pY",
        "topology": "circular",
    }


def test_several_sequences_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_sequence(write(tmp_path, "a.fa", ">a\nATGGCCATTGTATAA\n>b\nATGGCCATTGTATAA\n"))
    assert caught.value.code == "several_sequences"
