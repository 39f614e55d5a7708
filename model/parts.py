"""Parts of a message that are no text: pictures and signals, as data URLs or addresses."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Sequence
from typing import Any

from benchmate.model.engine import Message, Part
from benchmate.runtime.errors import InvalidInput, did_you_mean

KINDS = ("image_url", "video_url", "audio_url", "time_series_url")
# The first bytes of the picture formats that servers read.
_PICTURES = {
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
}


def image_part(data: bytes) -> Part:
    """Return a picture (PNG, JPEG, GIF or WebP) as a part of a message. Raises InvalidInput (`bad_part`)."""
    return {"type": "image_url", "image_url": {"url": _data_url(media_type_of(data), data)}}


def media_type_of(data: bytes) -> str:
    """Return a picture's media type, by its first bytes. Raises InvalidInput (`bad_part`)."""
    media = next((media for magic, media in _PICTURES.items() if data.startswith(magic)), None)
    if media is None:
        raise InvalidInput("bad_part", "the picture is neither PNG, JPEG, GIF nor WebP")
    return media


def time_series_part(samples: Any, sampling_rate: float) -> Part:
    """Return a signal as a part of a message: `samples` [time] or [time, channels], `sampling_rate` in Hz.

    Raises InvalidInput (`bad_part`).
    """
    return npy_part(npy_of(samples), sampling_rate)


def npy_of(samples: Any) -> bytes:
    """Return `samples` [time] or [time, channels] in NumPy's own file format, as LMDeploy reads signals.

    Raises InvalidInput (`bad_part`) for what is no signal.
    """
    import numpy as np

    array = np.asarray(samples)
    if array.dtype.kind not in "iuf" or array.ndim not in (1, 2) or not array.size:
        raise InvalidInput(
            "bad_part",
            f"a signal is numbers in one or two dimensions, not {array.dtype} of shape {array.shape}",
        )
    if not np.isfinite(array).all():
        raise InvalidInput(
            "bad_part", "the signal holds values that are not finite", hint="fill its gaps first"
        )
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def npy_part(content: bytes, sampling_rate: float) -> Part:
    """Return what `npy_of` gave as a part of a message; `sampling_rate` in Hz. Raises InvalidInput (`bad_part`)."""
    if not sampling_rate > 0:
        raise InvalidInput("bad_part", f"a sampling rate of {sampling_rate} Hz is none")
    value = {"url": _data_url("application/x-npy", content), "sampling_rate": sampling_rate}
    return {"type": "time_series_url", "time_series_url": value}


def check_parts(messages: Sequence[Message]) -> None:
    """Raise InvalidInput (`bad_part`) for a part that LMDeploy cannot take, or would read from its own disk."""
    for message in messages:
        if isinstance(message.content, list):
            for part in message.content:
                _check(part)


def _check(part: Part) -> None:
    kind = part.get("type")
    if kind == "text":
        return
    if kind not in KINDS:
        raise InvalidInput(
            "bad_part", f"there is no kind of part {kind!r}", hint=did_you_mean(str(kind), ("text", *KINDS))
        )
    value = part.get(kind)
    url = value.get("url") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(url, str):
        raise InvalidInput("bad_part", f"a part {kind} needs {{'{kind}': {{'url': …}}}}")
    if kind == "time_series_url" and not value.get("sampling_rate", 0) > 0:
        raise InvalidInput("bad_part", "a signal needs its sampling_rate, in Hz")
    if url.startswith("data:"):
        head, comma, payload = url.partition(",")
        try:
            whole = bool(
                comma and payload and head.endswith(";base64") and base64.b64decode(payload, validate=True)
            )
        except binascii.Error:
            whole = False
        if not whole:
            raise InvalidInput("bad_part", f"the data URL of a part {kind} is not base64: {url[:60]}…")
    elif not url.startswith(("http://", "https://")):
        raise InvalidInput(
            "bad_part", f"{url[:100]!r} names a file on the server's disk",
            hint="send the file itself: image_part or time_series_part of benchmate.model.parts",
        )  # fmt: skip


def _data_url(media: str, data: bytes) -> str:
    return f"data:{media};base64,{base64.b64encode(data).decode()}"
