"""Attachments: pictures and signals that a person gives, kept in the run's folder and shown to models as native parts."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_args

from pydantic import Field, ValidationError

from benchmate.agents.contracts import Contract, Plan
from benchmate.model.engine import Part
from benchmate.model.parts import image_part, media_type_of, npy_of, npy_part
from benchmate.runtime.artifacts import ArtifactStore
from benchmate.runtime.errors import BenchmateError, InvalidInput, NotFound
from benchmate.runtime.evidence import Artifact
from benchmate.runtime.quantity import convert, format_number
from benchmate.runtime.settings import Medium, Settings

MAX_BYTES = 50_000_000
SIGNAL_SUFFIXES = (".npy", ".csv", ".tsv", ".txt")
INPUT = "attachments"  # the input of a planner's plan that holds what came with the question
_RATE = re.compile(r"@\s*(?P<value>[0-9][0-9.eE+-]*)\s*(?P<unit>[^\W\d_]*)$")

KINDS: tuple[Medium, ...] = get_args(Medium)
Source = str | Path | Mapping[str, Any]  # a path, 'PATH@RATE', or {"file": …, "sampling_rate": …}


class Attachment(Contract):
    """A file that came with a question. Its content is an artifact of the run: a picture as given, a signal as `.npy`."""

    kind: Medium
    artifact: Artifact
    shape: tuple[int, ...] = Field((), description="[time] or [time, channels] of a signal.")
    sampling_rate: float | None = Field(None, gt=0, description="Of a signal, in Hz.")

    @property
    def name(self) -> str:
        return self.artifact.name

    def __str__(self) -> str:
        if self.sampling_rate is None:
            return f"{self.name} (a picture)"
        channels = f" of {self.shape[1]} channels" if len(self.shape) > 1 else ""
        rate = format_number(self.sampling_rate)
        return f"{self.name} (a signal: {self.shape[0]} samples{channels} at {rate} Hz)"


def source_of(given: Source) -> tuple[Path, float | None]:
    """Return the path that a value names and the sampling rate it tells, in Hz.

    A text may end in the rate: 'trace.npy@100 Hz', 'trace.csv@2kHz', 'trace.npy@100'. Raises InvalidInput (`bad_attachment`).
    """
    if isinstance(given, Mapping):
        path, rate = given.get("file"), given.get("sampling_rate")
        if not isinstance(path, (str, Path)) or set(given) - {"file", "sampling_rate"}:
            raise _bad(f"{dict(given)!r} is none", "give a path, or {file: …, sampling_rate: …}")
        return Path(path).expanduser(), None if rate is None else _hertz(str(rate), str(path))
    path = Path(given).expanduser()
    found = _RATE.search(str(given))
    if found is None or path.is_file():
        return path, None
    return Path(str(given)[: found.start()]).expanduser(), _hertz(found.group()[1:], str(given))


def _hertz(text: str, given: str) -> float:
    found = _RATE.search(f"@{text.strip()}")
    try:
        if found is not None and (rate := convert(float(found["value"]), found["unit"] or "Hz", "Hz")) > 0:
            return rate
    except (ValueError, BenchmateError):
        pass
    raise _bad(f"{given}: {text!r} is no sampling rate", "write it as in '100 Hz'")


class Read(NamedTuple):
    """A file that was read and found good, not stored yet."""

    kind: Medium
    name: str
    media_type: str
    content: bytes
    shape: tuple[int, ...] = ()
    sampling_rate: float | None = None

    def keep(self, store: ArtifactStore) -> Attachment:
        """Store the content and return the attachment. Raises what `ArtifactStore.put` raises."""
        artifact = store.put(self.content, name=self.name, media_type=self.media_type)
        return Attachment(
            kind=self.kind, artifact=artifact, shape=self.shape, sampling_rate=self.sampling_rate
        )


def read_attachment(given: Source) -> Read:
    """Return what a file holds: a picture in PNG, JPEG, GIF or WebP, or a signal's numbers in `.npy`, `.csv` or text.

    Raises NotFound (`no_such_file`) and InvalidInput (`bad_attachment`).
    """
    path, rate = source_of(given)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _bad(f"{path} is larger than {MAX_BYTES // 1_000_000} MB", "give a smaller excerpt")
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound("no_such_file", f"there is no file {path}", details={"file": str(path)}) from None
    except OSError as error:
        raise _bad(f"{path} cannot be read: {error.strerror}") from None
    if path.suffix.lower() not in SIGNAL_SUFFIXES:
        try:
            media = media_type_of(content)
        except InvalidInput:
            raise _bad(
                f"{path} is neither a picture (PNG, JPEG, GIF, WebP) nor a signal ({', '.join(SIGNAL_SUFFIXES)})"
            ) from None
        if rate is not None:
            raise _bad(f"{path} is a picture, which has no sampling rate")
        return Read("image", path.name, media, content)
    if rate is None:
        raise _bad(f"{path} needs its sampling rate", f"'{path}@100 Hz'")
    samples = _samples(path, content)
    try:
        kept = npy_of(samples)
    except InvalidInput as error:
        raise _bad(f"{path}: {error.info.message}", error.hint) from None
    return Read("signal", path.name, "application/x-npy", kept, samples.shape, rate)


def _samples(path: Path, content: bytes) -> Any:
    """Return the numbers of a file, [time] or [time, channels]; a first line of names is passed over."""
    import numpy as np

    try:
        if path.suffix.lower() == ".npy":
            return np.load(io.BytesIO(content), allow_pickle=False)
        lines = content.decode("utf-8-sig").splitlines()
        delimiter = "," if path.suffix.lower() == ".csv" else None
        named = bool(lines) and re.search(r"[^\W\dinfaeE_]", lines[0]) is not None
        return np.loadtxt(lines[named:], delimiter=delimiter, dtype=np.float64)
    except (ValueError, EOFError, OSError) as error:
        raise _bad(f"{path} is no file of numbers: {error}") from None


def part_of(attachment: Attachment, store: ArtifactStore) -> Part:
    """Return the attachment as a part of a message. Raises what `ArtifactStore.get` raises."""
    content = store.get(attachment.artifact.sha)
    if attachment.sampling_rate is None:
        return image_part(content)
    return npy_part(content, attachment.sampling_rate)


def attachments_in(value: Any) -> list[Attachment]:
    """Return the attachments that an argument of a task holds. Raises InvalidInput (`bad_attachment`)."""
    given = value if isinstance(value, (list, tuple)) else [value]
    try:
        return [Attachment.model_validate(one) for one in given if one is not None]
    except ValidationError:
        raise _bad(
            "`attach` takes inputs of the types image and signal", "attach: ['${inputs.NAME}']"
        ) from None


def sources_in(plan: Plan) -> dict[str, Source]:
    """Return the inputs of a workflow that name pictures and signals, before they are read."""
    named = {n: plan.inputs.get(n) for n, kind in plan.input_kinds.items() if kind in KINDS}
    return {name: source for name, source in named.items() if source is not None}


def keep_inputs(plan: Plan, read: Mapping[str, Read], store: ArtifactStore) -> Plan:
    """Return the plan with these of its inputs stored. Raises what `ArtifactStore.put` raises."""
    kept = {name: one.keep(store).model_dump(mode="json") for name, one in read.items()}
    return plan.model_copy(update={"inputs": {**plan.inputs, **kept}}) if kept else plan


def attachments_of(plan: Plan) -> list[Attachment]:
    """Return all attachments of a plan whose inputs were kept."""
    asked = plan.inputs.get(INPUT, ()) if plan.question is not None else ()
    return attachments_in([*sources_in(plan).values(), *asked])


def check_accepted(settings: Settings, attachments: Iterable[Attachment | Read]) -> None:
    """Raise InvalidInput (`not_accepted`) for an attachment that the specialists' model does not take."""
    profile = settings.role("specialist")
    for attachment in attachments:
        if attachment.kind not in profile.accepts or not settings.model.plans:
            raise InvalidInput(
                "not_accepted",
                f"{profile.model} takes no {attachment.kind}s, so nobody could look at {attachment.name}",
                hint="use a profile whose model does and says so: accepts = ['image', 'signal'] in benchmate.toml",
            )


def _bad(message: str, hint: str | None = None) -> InvalidInput:
    return InvalidInput("bad_attachment", message, hint=hint)
