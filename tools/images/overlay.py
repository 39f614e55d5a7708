"""Pictures of what was found: the image with outlines, as PNG."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmate.tools.base import Artifact, ToolContext

_OUTLINE = (0, 200, 255)
_NUMBER = (255, 220, 0)
_LARGEST = 2_000  # pixels along a side; larger pictures are shown smaller
_MOST_NUMBERS = 300


def as_grey(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return values stretched between their 0.5 and 99.5 percentiles to 8 bits, for showing only."""
    low, high = np.percentile(values, [0.5, 99.5])
    if high <= low:
        low, high = float(values.min()), float(values.max()) or 1.0
    scaled = np.clip((np.asarray(values, float) - low) / max(high - low, 1e-12), 0, 1)
    return (255 * scaled).astype(np.uint8)


def save_overlay(
    context: ToolContext, values: NDArray[Any], labels: NDArray[np.int32], centres: list[tuple[float, float]]
) -> Artifact:
    """Save overlay.png: the picture with the outline of each object and its number at `centres` (row, column)."""
    from PIL import Image, ImageDraw
    from skimage.segmentation import find_boundaries

    grey = as_grey(values)
    picture = np.dstack([grey, grey, grey])
    picture[find_boundaries(labels, mode="outer" if labels.max() < 2 else "inner")] = _OUTLINE
    shown = Image.fromarray(picture)
    scale = min(1.0, _LARGEST / max(shown.size))
    if scale < 1:
        shown = shown.resize((round(shown.width * scale), round(shown.height * scale)))
    if len(centres) <= _MOST_NUMBERS:
        pen = ImageDraw.Draw(shown)
        for number, (row, column) in enumerate(centres, 1):
            pen.text((column * scale, row * scale), str(number), fill=_NUMBER, anchor="mm")
    return context.save("overlay.png", "image/png", png(shown))


def save_labels(context: ToolContext, labels: NDArray[np.int32]) -> Artifact:
    """Save labels.png: 16 bits, the number of the object at each pixel, 0 outside."""
    from PIL import Image

    return context.save("labels.png", "image/png", png(Image.fromarray(labels.astype(np.uint16))))


def png(picture: Any) -> bytes:
    drawn = io.BytesIO()
    picture.save(drawn, "PNG")
    return drawn.getvalue()
