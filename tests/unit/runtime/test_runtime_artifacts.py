"""Artifacts: stored once under their hash, given back unchanged or not at all."""

import errno
import hashlib
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmate.runtime.artifacts import ArtifactStore
from benchmate.runtime.errors import InvalidInput, NotFound, StorageError


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path / "artifacts")


@given(content=st.binary(max_size=2000))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_what_is_put_is_got(store, content):
    artifact = store.put(content, name="plot.png", media_type="image/png")
    assert artifact.sha == hashlib.sha256(content).hexdigest()
    assert artifact.size == len(content)
    assert store.get(artifact.sha) == content
    assert store.put(content, name="plot.png", media_type="image/png") == artifact
    assert store.path(artifact.sha).name == artifact.sha


def test_nothing_but_artifacts_is_left_in_the_folder(store):
    for _ in range(2):
        store.put(b"x", name="x", media_type="text/plain")
    assert len(list(store.folder.iterdir())) == 1


def test_json_is_stored_in_canonical_form(store):
    sha = store.put_json({"b": 0.1 + 0.2, "a": [1]})
    assert sha == store.put_json({"a": [1.0], "b": 0.3})
    assert store.get_json(sha) == {"a": [1], "b": 0.3}
    with pytest.raises(InvalidInput):
        store.put_json({"x": float("nan")})
    text = store.put(b"no json", name="x", media_type="text/plain")
    with pytest.raises(StorageError) as caught:
        store.get_json(text.sha)
    assert caught.value.code == "artifact_not_json"


@pytest.mark.parametrize("sha", ["0" * 64, "../secret", "", "ABC", "/etc/passwd"])
def test_what_is_not_there_is_not_found(store, sha):
    for ask in (store.get, store.path):
        with pytest.raises(NotFound) as caught:
            ask(sha)
        assert caught.value.code == "no_such_artifact"


def test_a_damaged_artifact_is_told_and_can_be_put_again(store):
    artifact = store.put(b"content", name="x", media_type="text/plain")
    store.path(artifact.sha).write_bytes(b"contenu")
    with pytest.raises(StorageError) as caught:
        store.get(artifact.sha)
    assert caught.value.code == "artifact_damaged"
    store.put(b"content", name="x", media_type="text/plain")
    assert store.get(artifact.sha) == b"content"


def test_copying_from_another_run(store, tmp_path):
    other = ArtifactStore(tmp_path / "other")
    sha = other.put_json([1, 2])
    store.copy_from(other, sha)
    assert store.get_json(sha) == [1, 2]
    with pytest.raises(NotFound):
        store.copy_from(other, "0" * 64)


def test_a_folder_that_cannot_be_made_is_a_typed_error(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StorageError) as caught:
        ArtifactStore(tmp_path / "file" / "artifacts").put(b"x", name="x", media_type="text/plain")
    assert caught.value.code == "storage_denied"


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, "storage_full"), (errno.EACCES, "storage_denied"), (errno.EIO, "storage_failed")],
)
def test_a_failed_write_is_typed_and_leaves_no_part(store, monkeypatch, number, code):
    def fail(handle):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageError) as caught:
        store.put(b"x", name="x", media_type="text/plain")
    assert caught.value.code == code
    assert list(store.folder.iterdir()) == []
