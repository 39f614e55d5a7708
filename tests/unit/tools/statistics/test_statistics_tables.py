"""Reading tables: separators, decimal commas, units, missing codes, Excel, Parquet, JSON, and what is refused."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.files import DataFile, keep_file
from benchmate.tools.statistics.tables import Table, distinct_slugs, read_header, read_table

Write = Callable[[str, str | bytes], str]


@pytest.fixture
def table(saved: Write, tmp_path: Path) -> Callable[..., Table]:
    def read(name: str, content: str | bytes, sheet: str | None = None) -> Table:
        return read_table(opened(saved(name, content), tmp_path), sheet)

    return read


def opened(path: str, folder: Path) -> DataFile:
    return keep_file(path, folder / "kept").open(folder / "kept")


def numbers(table: Table, name: str) -> list[float]:
    column = table.number_column(name)
    assert column.numbers is not None
    return [float(v) for v in column.numbers]


@pytest.mark.parametrize(
    "text",
    ["a,b\n1,2.5\n3,4\n", "a;b\n1;2.5\n3;4\n", "a\tb\n1\t2.5\n3\t4\n", "a|b\n1|2.5\n3|4\n", "a  b\n1  2.5\n3   4\n", "a,b,\n1,2.5,\n3,4,\n"],
)  # fmt: skip
def test_the_separator_is_found(table: Callable[..., Table], text: str) -> None:
    read = table("t.csv", text)
    assert numbers(read, "a") == [1.0, 3.0]
    assert numbers(read, "b") == [2.5, 4.0]


def test_a_decimal_comma_is_read_and_said(table: Callable[..., Table]) -> None:
    read = table("t.csv", "x;y\n1,5;2\n2,25;3\n")
    assert numbers(read, "x") == [1.5, 2.25]
    assert "decimal comma" in read.warnings[0]


def test_a_comma_that_may_be_either_is_refused(table: Callable[..., Table]) -> None:
    with pytest.raises(BenchmateError, match="1,500") as caught:
        table("t.csv", "x;y\n1,500;2\n2,250;3\n")
    assert caught.value.code == "ambiguous_number"


def test_thousands_are_read_where_points_settle_it(table: Callable[..., Table]) -> None:
    assert numbers(table("t.csv", "x;y\n1,500;2.5\n12,250;3.5\n"), "x") == [1500.0, 12250.0]


@pytest.mark.parametrize(
    ("header", "name", "unit"),
    [
        ("time (s)", "time", "s"), ("mass [mg]", "mass", "mg"), ("t / min", "t", "min"), ("c (µM)", "c", "μM"),
        ("yield (crude)", "yield (crude)", ""), ("signal (a.u.)", "signal (a.u.)", ""), ("OD", "OD", ""),
        ("temperature (°C)", "temperature", "degC"), ("share (%)", "share", "%"),
    ],
)  # fmt: skip
def test_units_are_read_off_headers(header: str, name: str, unit: str) -> None:
    assert read_header(header) == (name, unit)


def test_missing_words_are_missing(table: Callable[..., Table]) -> None:
    column = table("t.csv", "x,g\n1,a\nNA,b\n,c\nn/a,d\n4,e\n").number_column("x")
    assert column.missing.tolist() == [False, True, True, True, False]


def test_a_missing_code_is_left_out_and_said(table: Callable[..., Table]) -> None:
    read = table("t.csv", "x\n1\n-999\n3\n")
    assert read.number_column("x").missing.tolist() == [False, True, False]
    assert "-999" in read.warnings[0] and "missing" in read.warnings[0]


def test_a_number_like_a_missing_code_is_kept_among_its_likes(table: Callable[..., Table]) -> None:
    read = table("t.csv", "x\n-998\n-999\n-1003\n")
    assert not read.number_column("x").missing.any()
    assert "kept" in read.warnings[0]


def test_an_unknown_column_names_the_nearest(table: Callable[..., Table]) -> None:
    with pytest.raises(BenchmateError, match="petal length") as caught:
        table("t.csv", "petal length (cm),b\n1,2\n").column("petal lenght")
    assert caught.value.code == "unknown_column"


def test_words_where_numbers_are_needed(table: Callable[..., Table]) -> None:
    with pytest.raises(BenchmateError, match="'high'") as caught:
        table("t.csv", "a,b\n1,high\n2,3\n").number_column("b")
    assert caught.value.code == "not_numeric"


def test_a_file_without_header(table: Callable[..., Table]) -> None:
    read = table("t.csv", "1,2\n3,4\n")
    assert numbers(read, "column 2") == [2.0, 4.0]
    assert "no header" in read.warnings[0]


def test_two_columns_of_one_name(table: Callable[..., Table]) -> None:
    read = table("t.csv", "a,a\n1,2\n")
    assert [c.header for c in read.columns] == ["a", "a #2"]


def test_comments_are_skipped_and_said(table: Callable[..., Table]) -> None:
    read = table("t.csv", "# made by a machine\na,b\n1,2\n")
    assert numbers(read, "a") == [1.0] and "#" in read.warnings[0]


def test_excel_with_a_named_sheet(table: Callable[..., Table]) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["other"])
    second = book.create_sheet("runs")
    for row in (["time (min)", "state"], [1, "on"], [2.5, None]):
        second.append(row)
    content = io.BytesIO()
    book.save(content)
    read = table("t.xlsx", content.getvalue(), "runs")
    assert numbers(read, "time") == [1.0, 2.5]
    assert read.column("state").labels() == ["on", None]
    with pytest.raises(BenchmateError, match="did you mean 'runs'"):
        table("t.xlsx", content.getvalue(), "run")


def test_parquet_and_json_hold_the_same_table(table: Callable[..., Table]) -> None:
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    columns = {"a": [1.0, None, 3.0], "g": ["x", "y", "z"]}
    content = io.BytesIO()
    parquet.write_table(arrow.table(columns), content)
    records = [{"a": a, "g": g} for a, g in zip(columns["a"], columns["g"], strict=True)]
    for read in (
        table("t.parquet", content.getvalue()),
        table("t.json", json.dumps(records)),
        table("t.json", json.dumps(columns)),
    ):
        assert read.number_column("a").missing.tolist() == [False, True, False]
        assert read.column("g").labels() == ["x", "y", "z"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.csv", "", "is empty"), ("t.csv", "a,b\n", "no row"), ("t.csv", "a,b\n1,2\n3,4,5\n", "row 3"),
        ("t.csv", b"PK\x00\x01", "no table"), ("t.csv", b"\xff\xfe", "UTF-8"), ("t.xlsx", b"no zip", "Excel"),
        ("t.xls", b"old", "old Excel"), ("t.parquet", b"none", "Parquet"), ("t.json", "{", "JSON"), ("t.json", "3", "no table"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused(
    table: Callable[..., Table], name: str, content: str | bytes, words: str
) -> None:
    with pytest.raises(BenchmateError, match=words) as caught:
        table(name, content)
    assert caught.value.code == "bad_file"


def test_a_sheet_of_a_csv_is_refused(table: Callable[..., Table]) -> None:
    with pytest.raises(BenchmateError, match="no sheets"):
        table("t.csv", "a\n1\n", "first")


@given(st.lists(st.tuples(st.floats(-1e9, 1e9), st.integers(-(10**6), 10**6)), min_size=1, max_size=20))
def test_numbers_survive_the_way_through_csv(rows: list[tuple[float, int]]) -> None:
    from benchmate.tools.statistics.table_files import _text

    class Written(DataFile):
        def text(self) -> str:
            return "a,b\n" + "".join(f"{a!r},{b}\n" for a, b in rows)

    headers, cells, _ = _text(Written(name="t.csv", sha256="0" * 64, size=1, path=Path("nowhere")))
    assert headers == ["a", "b"]
    assert [(float(a), int(b)) for a, b in cells] == rows


def test_keys_that_would_be_one_are_told_apart() -> None:
    assert distinct_slugs(["a b", "a-b", "c"]) == {"a b": "a_b", "a-b": "a_b_2", "c": "c"}
