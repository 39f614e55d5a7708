"""Settings: arguments, then variables, then the file; and a wrong one is named with the right one."""

import pytest

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.settings import PROFILES, Mode, Settings, load_settings


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def write(folder):
    return lambda text: (folder / "benchmate.toml").write_text(text)


def refused(**overrides) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        load_settings(**overrides)
    assert caught.value.code == "bad_settings"
    return caught.value


def test_without_anything_the_defaults_need_no_network():
    settings = load_settings()
    assert settings.mode is Mode.OFFLINE and not settings.mode.network
    assert settings.model == PROFILES["embedded"]


def test_arguments_win_over_variables_over_the_file(write, monkeypatch):
    write('mode = "recorded"\n[workers]\nprocesses = 5\nseconds = 3\n')
    assert load_settings().mode is Mode.RECORDED
    monkeypatch.setenv("BENCHMATE_MODE", "live")
    monkeypatch.setenv("BENCHMATE_WORKERS__PROCESSES", "3")
    settings = load_settings()
    assert settings.mode is Mode.LIVE
    assert (settings.workers.processes, settings.workers.seconds) == (3, 3.0)
    assert load_settings(mode="replay", runs_dir=None).mode is Mode.REPLAY


@pytest.mark.parametrize(
    ("text", "where", "hint"),
    [
        ('moed = "live"', "'moed'", "'mode'"),
        ("[workers]\nproceses = 1", "'workers.proceses'", "'processes'"),
        ("[profiles.mine]\nmodle = 'x'", "'profiles.mine.modle'", "'model'"),
        ('mode = "liv"', "'mode' is 'liv'", None),
        ("[workers]\nprocesses = 0", "'workers.processes' is 0", None),
        ("mode =", "not TOML", None),
    ],
)
def test_a_wrong_file_is_named(write, text, where, hint):
    write(text)
    error = refused()
    assert where in error.info.message
    if hint:
        assert hint in (error.hint or "")


def test_a_file_that_is_no_text_is_named(folder):
    (folder / "benchmate.toml").write_bytes(b"\xff\xfe")
    assert "not TOML" in refused().info.message


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("BENCHMATE_MOED", "live", "BENCHMATE_MODE"),
        ("BENCHMATE_WORKER__PROCESSES", "2", "BENCHMATE_WORKERS"),
        ("BENCHMATE_WORKERS__PROCESES", "2", "processes"),
        ("BENCHMATE_WORKERS", "two", "BENCHMATE_WORKERS__PROCESSES"),
        ("BENCHMATE_MODE", "liv", "'liv'"),
    ],
)
def test_a_wrong_variable_is_named(monkeypatch, variable, value, said):
    monkeypatch.setenv(variable, value)
    assert said in str(refused())


def test_an_unrelated_variable_is_left_alone(monkeypatch):
    monkeypatch.setenv("BENCHMATE_SOMETHING_OF_MINE", "1")
    assert load_settings() == Settings()


def test_an_unknown_profile_names_the_nearest():
    with pytest.raises(InvalidInput) as caught:
        _ = load_settings(profile="lmdeplo").model
    assert (caught.value.code, caught.value.hint) == ("unknown_profile", "did you mean 'lmdeploy'?")


def test_an_own_profile_of_a_shipped_name_changes_only_what_it_says(write):
    write(
        'profile = "lmdeploy"\n[profiles.lmdeploy]\nbase_url = "http://host:1/v1"\n[profiles.mine]\nmodel = "m"\n'
    )
    settings = load_settings()
    assert settings.model == PROFILES["lmdeploy"].model_copy(update={"base_url": "http://host:1/v1"})
    assert load_settings(profile="mine").model.model == "m"


def test_the_library_lies_in_the_data_folder_unless_told(tmp_path):
    assert load_settings(data_dir=tmp_path).library_folder == tmp_path / "library"
    assert load_settings(library={"folder": tmp_path / "own"}).library_folder == tmp_path / "own"
