"""The retrieval store: documents of the user in Chroma, as passages that are found by meaning and quoted exactly."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from pydantic import BaseModel, ConfigDict, Field

from benchmate.runtime.canonical import digest
from benchmate.runtime.errors import (
    ErrorInfo,
    InvalidInput,
    NotFound,
    StorageError,
    Transient,
    did_you_mean,
)
from benchmate.tools.library.passages import Piece, cut

if TYPE_CHECKING:
    import httpx
    from chromadb.api.client import Client
    from chromadb.api.models.Collection import Collection

MARKDOWN = (".md", ".markdown")
SUFFIXES = (".txt", *MARKDOWN)
MAX_BYTES = 20_000_000
_CUTTING = "1"  # changes when documents are cut in another way, so that they are read again
_SERVER_SECONDS = 60  # for one answer of a Chroma server
_BATCH = 128  # passages that are embedded and written together
_OPENING = (
    threading.Lock()
)  # Chroma shares one database among its clients and counts them without care for threads
_TITLE_WORDS = 12  # of each heading, put before a passage when it is embedded


class Passage(BaseModel):
    """A passage found: `text` is exactly what stands in `source` at `span`, on `lines` (1-based, inclusive)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    text: str
    source: str
    heading: str = Field(description="The headings above it, from the outermost, joined by ' > '.")
    lines: tuple[int, int]
    span: tuple[int, int]
    score: float = Field(description="Cosine similarity with the query.")


class FileProblem(BaseModel):
    """A file that is not in the library, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    error: ErrorInfo


class IngestReport(BaseModel):
    """What an ingest did, by source."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    added: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    skipped: tuple[str, ...] = Field((), description="Files of other types in a folder.")
    missing: tuple[str, ...] = Field((), description="In the library, but no longer in the folder.")
    problems: tuple[FileProblem, ...] = ()
    passages: int = Field(0, description="Passages of these sources now in the library.")


class Library:
    """A collection of passages in a folder, or on a Chroma server given as host:port.

    A folder that is not there yet is an empty library; the first `ingest` makes it. `close` it, or use `with`.

    Raises StorageError (`library_unreadable`), Transient (`server_unreachable`), InvalidInput (`bad_server`).
    """

    def __init__(
        self, folder: Path | None = None, server: str | None = None, collection: str = "library"
    ) -> None:
        if folder is None and server is None:
            raise InvalidInput("bad_arguments", "a library is in a folder or on a server; neither is given")
        self.folder, self.server, self.collection = folder, server, collection
        self._client: Client | None = None
        if server is not None:
            self._client = _connect(server)
        elif folder is not None and (folder / "chroma.sqlite3").exists():
            self._client = _open(folder)

    def close(self) -> None:
        """Let go of the database or the connection. The library cannot be used afterwards."""
        if self._client is not None:
            sessions = _sessions(self._client)
            with _OPENING:
                self._client.close()
            for session in sessions:
                session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def place(self) -> str:
        return self.server or str(self.folder)

    def count(self) -> int:
        """Return the number of passages."""
        found = self._existing()
        if found is None:
            return 0
        with self._typed_failures():
            return found.count()

    def sources(self) -> list[str]:
        """Return the names of the documents, sorted."""
        return sorted({str(meta["source"]) for _, meta in self._metadata({})})

    def ingest(self, path: Path, *, progress: Callable[[str], None] | None = None) -> IngestReport:
        """Read a text or Markdown file, or all in a folder, into the library.

        A source is named by its path from the folder's parent ('notes/assays.md') and keeps its first name. An
        unchanged file is left as it is, a changed one replaces its old passages; a file that cannot be read becomes
        a problem in the report. Hidden files are left out. `progress` is called with each source before it is read.

        Raises NotFound (`no_such_file`), StorageError (`folder_not_writable`), InvalidInput (`embedding_mismatch`).
        """
        files, skipped = _files(path)
        target = self._created()
        names = {str(meta["path"]): str(meta["source"]) for _, meta in self._metadata({})}
        files = [(names.get(file.resolve().as_posix(), source), file) for source, file in files]
        done: dict[str, list[str]] = {"added": [], "replaced": [], "unchanged": []}
        problems: list[FileProblem] = []
        passages = 0
        for source, file in files:
            if progress:
                progress(source)
            try:
                outcome, size = self._ingest_file(target, source, file)
            except (InvalidInput, StorageError) as error:
                if error.code in ("library_failed", "embedding_mismatch"):
                    raise
                problems.append(FileProblem(source=source, error=error.info))
            else:
                done[outcome].append(source)
                passages += size
        here = {source for source, _ in files}
        root = f"{path.resolve().name}/"
        missing = [s for s in self.sources() if s.startswith(root) and s not in here] if path.is_dir() else []
        return IngestReport(
            added=tuple(done["added"]),
            replaced=tuple(done["replaced"]),
            unchanged=tuple(done["unchanged"]),
            skipped=tuple(skipped),
            missing=tuple(missing),
            problems=tuple(problems),
            passages=passages,
        )

    def search(self, query: str, k: int = 5) -> list[Passage]:
        """Return the `k` passages nearest in meaning, best first.

        Raises NotFound (`empty_library`), InvalidInput (`bad_arguments`, `embedding_mismatch`).
        """
        from benchmate.tools.library.embedding import cosine, embed

        if not query.strip() or k < 1:
            raise InvalidInput("bad_arguments", "a search needs a query and a count of 1 or more")
        found = self._existing()
        total = self.count()
        if found is None or total == 0:
            raise NotFound(
                "empty_library", f"the library {self.collection!r} at {self.place} is empty",
                hint="`benchmate ingest PATH` adds files to it",
            )  # fmt: skip
        vector = embed([query])[0]
        # Chroma's index is approximate: ask for more, and order by the exact similarity.
        with self._typed_failures():
            answer: Any = found.query(
                query_embeddings=[vector],
                n_results=min(total, max(4 * k, 32)),
                include=["documents", "metadatas", "embeddings"],
            )
        scores = cosine(vector, answer["embeddings"][0])
        rows = zip(answer["ids"][0], answer["documents"][0], answer["metadatas"][0], scores, strict=True)
        passages = [_passage(identity, text, meta, float(score)) for identity, text, meta, score in rows]
        return sorted(passages, key=lambda passage: (-passage.score, passage.id))[:k]

    def remove(self, source: str) -> int:
        """Remove a document and return how many passages it had. Raises NotFound (`no_such_source`)."""
        ids = [identity for identity, _ in self._metadata({"source": source})]
        found = self._existing()
        if found is None or not ids:
            raise NotFound(
                "no_such_source", f"the library has no {source!r}", hint=did_you_mean(source, self.sources())
            )
        self._delete(found, ids)
        return len(ids)

    def _ingest_file(self, target: Collection, source: str, file: Path) -> tuple[str, int]:
        """Return what was done ('added', 'replaced', 'unchanged') and the number of passages of the source."""
        content = _read(file)
        sha = hashlib.sha256(content).hexdigest() + ":" + _CUTTING
        place = file.resolve().as_posix()
        old = dict(self._metadata({"source": source}))
        elsewhere = {str(meta["path"]) for meta in old.values()} - {place}
        if any(Path(other).exists() for other in elsewhere):
            raise InvalidInput(
                "source_taken",
                f"{source!r} is in the library already, from {sorted(elsewhere)[0]}",
                hint="rename the file or its folder, or remove the other one first",
            )
        pieces = cut(_decode(content), markdown=file.suffix.lower() in MARKDOWN)
        if not pieces:
            hint = "its earlier passages are kept until it is removed from the library" if old else None
            raise InvalidInput("empty_file", f"{source} holds no text", hint=hint)
        same = all(meta["sha"] == sha and meta["path"] == place for meta in old.values())
        if old and same and len(old) == len(pieces):
            return "unchanged", len(pieces)
        new = {
            identity: (piece, _metadata_of(piece, source=source, path=place, sha=sha))
            for identity, piece in _identified(source, pieces)
        }
        kept = [identity for identity in new if identity in old]
        fresh = [identity for identity in new if identity not in old]
        for batch in _batches(fresh):
            self._write(target, batch, new)
        for batch in _batches(kept):
            with self._typed_failures():
                target.update(ids=batch, metadatas=[new[identity][1] for identity in batch])
        self._delete(target, [identity for identity in old if identity not in new])
        return "replaced" if old else "added", len(pieces)

    def _write(
        self, target: Collection, batch: list[str], new: dict[str, tuple[Piece, dict[str, Any]]]
    ) -> None:
        from benchmate.tools.library.embedding import embed

        vectors = embed([_embedded_text(new[identity][0]) for identity in batch])
        with self._typed_failures():
            target.upsert(
                ids=batch,
                documents=[new[identity][0].text for identity in batch],
                metadatas=[new[identity][1] for identity in batch],
                embeddings=vectors,
            )

    def _delete(self, target: Collection, ids: list[str]) -> None:
        for batch in _batches(ids):
            with self._typed_failures():
                target.delete(ids=batch)

    def _metadata(self, where: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        found = self._existing()
        if found is None:
            return []
        with self._typed_failures():
            answer: Any = found.get(where=where or None, include=["metadatas"])
        return list(zip(answer["ids"], answer["metadatas"], strict=True))

    def _existing(self) -> Collection | None:
        """Return the collection, or None where there is none yet. Raises InvalidInput (`embedding_mismatch`)."""
        from chromadb.errors import NotFoundError

        if self._client is None:
            return None
        try:
            with self._typed_failures():
                found = self._client.get_collection(self.collection, embedding_function=None)
        except NotFoundError:
            return None
        self._check_embedding(found)
        return found

    def _created(self) -> Collection:
        from benchmate.tools.library.embedding import MODEL_ID, embedding_function

        if self._client is None:
            assert self.folder is not None
            self._client = _made(self.folder)
        found = self._existing()
        if found is not None:
            return found
        with self._typed_failures():
            return self._client.create_collection(
                self.collection,
                embedding_function=embedding_function(),
                metadata={"embedding_model": MODEL_ID},
                configuration={"hnsw": {"space": "cosine", "ef_search": 200}},
                get_or_create=True,
            )

    def _check_embedding(self, found: Collection) -> None:
        from benchmate.tools.library.embedding import MODEL_ID

        model = (found.metadata or {}).get("embedding_model")
        if model != MODEL_ID:
            raise InvalidInput(
                "embedding_mismatch",
                f"the collection {self.collection!r} at {self.place} was embedded with {model or 'another model'}, "
                f"not with {MODEL_ID}",
                hint="choose another collection name, or ingest the documents into a new folder",
            )

    @contextmanager
    def _typed_failures(self) -> Iterator[None]:
        """Turn Chroma's failures into typed errors; that a collection does not exist passes through."""
        import chromadb.errors
        import httpx

        try:
            yield
        except httpx.TransportError as error:
            raise _unreachable(self.place, error) from None
        except chromadb.errors.NotFoundError:
            raise
        except (chromadb.errors.ChromaError, OSError) as error:
            raise StorageError("library_failed", f"the library at {self.place} failed: {error}") from error


def _connect(server: str) -> Client:
    import chromadb
    import httpx

    scheme, _, rest = server.rpartition("://")
    host, _, port = rest.rstrip("/").rpartition(":")
    if not host or not port.isdecimal() or scheme not in ("", "http", "https"):
        raise InvalidInput("bad_server", f"{server!r} is no server address", hint="write host:port")
    try:  # Chroma's own client would wait for ever
        httpx.get(f"{scheme or 'http'}://{host}:{port}/api/v2/heartbeat", timeout=10).raise_for_status()
        with _OPENING:
            client = cast(
                "Client", chromadb.HttpClient(host, int(port), ssl=scheme == "https", settings=_settings())
            )
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:  # Chroma makes a ValueError of some
        raise _unreachable(server, error) from None
    for session in _sessions(client):
        session.timeout = _SERVER_SECONDS
    return client


def _sessions(client: Client) -> list[httpx.Client]:
    """Return the HTTP sessions behind a client of a server, which Chroma neither limits nor closes."""
    servers: list[Any] = [client._server, getattr(client._admin_client, "_server", None)]
    return [server._session for server in servers if hasattr(server, "_session")]


def _open(folder: Path) -> Client:
    import chromadb
    import chromadb.errors

    try:
        with _OPENING:
            return cast("Client", chromadb.PersistentClient(folder, settings=_settings()))
    except (chromadb.errors.ChromaError, OSError, ValueError) as error:
        raise StorageError(
            "library_unreadable", f"the library in {folder} cannot be opened: {error}",
            hint="is it a Chroma folder of another version, or damaged?",
        ) from None  # fmt: skip


def _made(folder: Path) -> Client:
    import tempfile

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise StorageError(
            "folder_not_writable", f"the library folder {folder} cannot be written: {error.strerror}",
            hint="set library.folder in benchmate.toml to a folder of yours",
        ) from None  # fmt: skip
    return _open(folder)


def _settings() -> Any:
    from chromadb.config import Settings

    return Settings(anonymized_telemetry=False)


def _unreachable(place: str, error: Exception) -> Transient:
    return Transient(
        "server_unreachable", f"the Chroma server {place} does not answer: {error}",
        hint="start it with `chroma run`, or leave library.server out to use a folder",
    )  # fmt: skip


def _files(path: Path) -> tuple[list[tuple[str, Path]], list[str]]:
    """Return (source, file) of the documents at a path, and the sources of other types that are left out."""
    if path.is_file():
        if path.suffix.lower() not in SUFFIXES:
            raise InvalidInput(
                "unsupported_file", f"{path.name} is not a text or Markdown file",
                hint=f"the library reads {', '.join(SUFFIXES)}",
            )  # fmt: skip
        return [(path.name, path)], []
    if not path.is_dir():
        raise NotFound("no_such_file", f"there is no file or folder {path}")
    root = path.resolve()
    documents, others = [], []
    for file in sorted(root.rglob("*")):
        inside = file.relative_to(root)
        if any(part.startswith(".") for part in inside.parts) or not file.is_file():
            continue
        source = (Path(root.name) / inside).as_posix()
        if file.suffix.lower() in SUFFIXES:
            documents.append((source, file))
        else:
            others.append(source)
    return documents, others


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise InvalidInput(
                "too_large", f"{file.name} has more than {MAX_BYTES // 10**6} MB", hint="split the file"
            )
        return file.read_bytes()
    except OSError as error:
        raise StorageError("unreadable_file", f"{file.name} cannot be read: {error.strerror}") from None


def _decode(content: bytes) -> str:
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise InvalidInput(
            "not_text", f"byte {error.start} is not {encoding.removesuffix('-sig').upper()} text",
            hint="save the file as UTF-8",
        ) from None  # fmt: skip
    if "\0" in text:
        raise InvalidInput("not_text", "the file is binary", hint="save it as plain text")
    return text


def _identified(source: str, pieces: list[Piece]) -> Iterator[tuple[str, Piece]]:
    """Yield each piece with its id: of the source, the text, and which of several equal ones it is."""
    seen: Counter[str] = Counter()
    for piece in pieces:
        yield "P-" + digest("passage", source, piece.heading, piece.text, seen[piece.text], length=16), piece
        seen[piece.text] += 1


def _metadata_of(piece: Piece, *, source: str, path: str, sha: str) -> dict[str, Any]:
    return {
        "source": source,
        "path": path,
        "sha": sha,
        "heading": " > ".join(piece.heading),
        "first_line": piece.first_line,
        "last_line": piece.last_line,
        "start": piece.start,
        "end": piece.end,
    }


def _embedded_text(piece: Piece) -> str:
    """Return what is embedded: the headings above, shortened, and the text."""
    titles = (" ".join(title.split()[:_TITLE_WORDS]) for title in piece.heading)
    return "\n".join([*titles, piece.text])


def _passage(identity: str, text: str, meta: dict[str, Any], score: float) -> Passage:
    return Passage(
        id=identity,
        text=text,
        source=meta["source"],
        heading=meta["heading"],
        lines=(meta["first_line"], meta["last_line"]),
        span=(meta["start"], meta["end"]),
        score=score,
    )


def _batches(ids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), _BATCH):
        yield ids[start : start + _BATCH]
