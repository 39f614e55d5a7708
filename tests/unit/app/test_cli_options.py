"""How the values of options are read."""

from pathlib import Path

import pytest

from benchmate.app.cli_options import read_budget, read_mapping, read_pairs, read_value, settings_of
from benchmate.runtime.budget import BudgetLimits
from benchmate.runtime.errors import InvalidInput, NotFound


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("42", 42),
        ("0.5", 0.5),
        ("true", True),
        ("null", None),
        ('"42"', "42"),
        ('["aspirin", "ibuprofen"]', ["aspirin", "ibuprofen"]),
        ('{"name": "x"}', {"name": "x"}),
        ("aspirin", "aspirin"),
        ("[Na+].[Cl-]", "[Na+].[Cl-]"),
        ("C1=CC=CC=C1", "C1=CC=CC=C1"),
        ("", ""),
        ("NaN", "NaN"),
        ("-Infinity", "-Infinity"),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_a_value_is_json_or_else_text(text: str, value: object) -> None:
    assert read_value(text) == value


def test_a_pair_is_split_at_the_first_sign() -> None:
    assert read_pairs("--input", ["compound=C=C", "n=3"]) == {"compound": "C=C", "n": 3}
    assert read_pairs("--input", None) == {}


@pytest.mark.parametrize(
    ("pairs", "code"), [(["aspirin"], "not_a_pair"), (["=3"], "not_a_pair"), (["a=1", "a=2"], "given_twice")]
)
def test_a_pair_that_is_none_is_named(pairs: list[str], code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_pairs("--input", pairs)
    assert caught.value.code == code and "--input" in caught.value.info.message


@pytest.mark.parametrize(
    ("name", "text"),
    [("in.json", '{"compound": "aspirin", "n": 2}'), ("in.yaml", "compound: aspirin\nn: 2\n")],
)
def test_inputs_are_read_from_json_and_yaml(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert read_mapping(tmp_path / name) == {"compound": "aspirin", "n": 2}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("in.json", b"{", "is not JSON"),
        ("in.yaml", b"a: 1\nb: [", "in.yaml:"),
        ("in.yaml", b"- a\n", "does not map names to values"),
        ("in.json", b"[1]", "does not map names to values"),
        ("in.yaml", b"\xff\xfe\x00", "UTF-8"),
    ],
)
def test_an_inputs_file_that_cannot_be_read_is_named(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        read_mapping(tmp_path / name)
    assert name in caught.value.info.message and said in caught.value.info.message


def test_a_missing_inputs_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"there is no file .*nothing\.yaml"):
        read_mapping(tmp_path / "nothing.yaml")


def test_limits_are_read_and_checked() -> None:
    assert read_budget(None) is None
    assert read_budget(["calls=20", "usd=0.5"]) == BudgetLimits(calls=20, usd=0.5)
    with pytest.raises(InvalidInput, match="did you mean 'tokens'"):
        read_budget(["token=5"])
    for wrong in ("calls=-1", "calls=many"):
        with pytest.raises(InvalidInput, match="--budget calls"):
            read_budget([wrong])


def test_options_win_over_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BENCHMATE_MODE", "live")
    assert settings_of().mode == "live"
    assert settings_of(mode="recorded").mode == "recorded"
    assert settings_of(out=tmp_path).runs_dir == tmp_path


def test_a_misspelt_profile_names_the_nearest() -> None:
    with pytest.raises(InvalidInput, match="did you mean 'lmdeploy'"):
        settings_of(profile="lmdeply")
