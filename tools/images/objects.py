"""Objects in a picture: background, threshold, cleaning, and the split of those that touch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from benchmate.runtime.errors import InvalidInput

Threshold = Literal["otsu", "li", "triangle", "adaptive"]
MOST_OBJECTS = 50_000
_HALF_LEVEL = 0.5
_SURROUNDINGS = 3  # the adaptive threshold looks at a third of the picture's shorter side
_ADAPTIVE_MARGIN = 0.25  # of the SD of the picture


@dataclass(frozen=True)
class Segmented:
    """Labels of objects [rows, columns] (0 is background), and how they were found."""

    labels: NDArray[np.int32]
    intensity: NDArray[np.float64]
    threshold: float | None
    dark: bool
    facts: dict[str, Any]
    warnings: tuple[str, ...]

    @property
    def count(self) -> int:
        return int(self.labels.max())


def segment(
    plane: NDArray[Any],
    *,
    threshold: Threshold | float,
    dark: bool | None,
    background: float | None,
    smoothing: float,
    min_area: float | None,
    max_area: float | None,
    split: bool,
    split_distance: float | None,
    fill: bool,
    drop_edge: bool,
) -> Segmented:
    """Return the objects of one channel.

    `background` is the radius (pixels) of a top-hat that takes away what varies slowly, 0 for none, None to decide by the picture; `smoothing` the sigma of a
    Gaussian; areas are in pixels, and without `min_area` specks below 0.02 % of the picture are dropped. Touching objects are split by a
    watershed of the distance to the background, whose markers lie at least `split_distance` apart (by default the median
    radius of the circles inside the objects).

    Raises InvalidInput: `flat_image`, `nothing_found`, `too_many_objects`.
    """
    from scipy import ndimage
    from skimage import filters, measure, morphology, segmentation

    values = np.asarray(plane, float)
    if not np.ptp(values) > 0:
        raise InvalidInput("flat_image", "all pixels have the same value: there is nothing to find")
    warnings: list[str] = []
    prepared = filters.gaussian(values, smoothing, preserve_range=True) if smoothing > 0 else values
    guessed = dark is None
    if dark is None:
        dark = _is_dark(_threshold(prepared, "otsu", False)[1])
    radius = background
    if radius is None:
        radius = _background_radius(prepared, threshold, dark)
        if radius:
            warnings.append(
                f"the background is uneven; what is wider than {2 * radius:.0f} pixels was taken for it (background={radius:.0f})"
            )
    if radius:
        # the opening with a disk, put together from small ones, is what lies below the objects
        footprint = morphology.disk(round(radius), decomposition="sequence")
        turned = -prepared if dark else prepared
        prepared = turned - morphology.opening(turned, footprint)
        prepared = -prepared if dark else prepared
    level, mask = _threshold(prepared, threshold, dark)
    share = float(mask.mean())
    if guessed:
        warnings.append(
            f"objects were taken to be {'darker' if dark else 'brighter'} than the background, as the border of the picture is not; "
            "say objects='bright' or 'dark'"
        )
    if dark:
        mask = ~mask
    mask = morphology.closing(mask, morphology.disk(1))
    if fill:
        mask = ndimage.binary_fill_holes(mask)
    least = min_area if min_area is not None else max(9.0, 2e-4 * mask.size)
    mask = morphology.remove_small_objects(mask, max_size=int(np.ceil(least)) - 1)
    labels = measure.label(mask).astype(np.int32)
    before = int(labels.max())
    if not before:
        raise InvalidInput(
            "nothing_found", f"no object of at least {least:g} pixels is left at the threshold",
            hint="try another threshold, the other objects (bright, dark) or a smaller min_area",
        )  # fmt: skip
    if split:
        labels = _split(mask, labels, split_distance, least, segmentation, ndimage)
    labels = _between(labels, least, max_area)
    if drop_edge:
        labels = segmentation.clear_border(labels)
    labels = segmentation.relabel_sequential(labels)[0].astype(np.int32)
    count = int(labels.max())
    if not count:
        raise InvalidInput(
            "nothing_found", "no object is left between min_area and max_area", hint="widen the limits"
        )
    if count > MOST_OBJECTS:
        raise InvalidInput(
            "too_many_objects", f"{count:,} objects were found", hint="smooth the picture or raise min_area"
        )
    facts = {
        "threshold_method": threshold if isinstance(threshold, str) else "given", "objects_are": "dark" if dark else "bright",
        "smoothing": smoothing, "background_radius": radius, "min_area": least, "max_area": max_area,
        "split_touching": split, "before_split": before, "holes_filled": fill, "at_edge_dropped": drop_edge,
        "share_above_threshold": share,
    }  # fmt: skip
    return Segmented(labels, values, level, dark, facts, tuple(warnings))


def _background_radius(values: NDArray[np.float64], threshold: Threshold | float, dark: bool) -> float:
    """Return the radius for the background where it is uneven by more than a quarter of the contrast, else 0.

    Uneven is the range of the medians of the background in the nine parts of the picture.
    """
    if threshold == "adaptive" or not isinstance(threshold, str) or min(values.shape) < 48:
        return 0.0
    _, mask = _threshold(values, threshold, False)
    mask = ~mask if dark else mask
    if not mask.any() or mask.all():
        return 0.0
    contrast = abs(float(np.median(values[mask]) - np.median(values[~mask])))
    parts = [
        np.median(part[~own])
        for strip, rows in zip(np.array_split(values, 3), np.array_split(mask, 3), strict=True)
        for part, own in zip(np.array_split(strip, 3, axis=1), np.array_split(rows, 3, axis=1), strict=True)
        if (~own).mean() > 0.1
    ]
    uneven = len(parts) > 1 and float(np.ptp(parts)) > contrast / 4
    return min(values.shape) // 8 if uneven else 0.0


def threshold_value(values: NDArray[Any], method: str) -> float:
    """Return the threshold of a method: otsu, li or triangle; pixels above it are objects."""
    from skimage import filters

    methods: dict[str, Any] = {
        "otsu": filters.threshold_otsu, "li": filters.threshold_li, "triangle": filters.threshold_triangle,
    }  # fmt: skip
    return float(methods[method](values))


def _threshold(
    values: NDArray[np.float64], threshold: Threshold | float, dark: bool
) -> tuple[float | None, NDArray[np.bool_]]:
    """Return the level and the mask of what is above it; for adaptive, above the surroundings or not below them."""
    from skimage import filters

    if isinstance(threshold, int | float):
        return float(threshold), values > threshold
    if threshold == "adaptive":
        local = filters.threshold_local(values, max(3, (min(values.shape) // _SURROUNDINGS) | 1))
        margin = _ADAPTIVE_MARGIN * float(values.std())  # so that the noise of an empty region is no object
        return None, (values >= local - margin if dark else values > local + margin)
    whole = (
        values.astype(np.int64)
        if np.array_equal(values, np.round(values)) and np.ptp(values) < 70_000
        else values
    )
    level = threshold_value(whole, threshold)
    return level, values > level


def _is_dark(mask: NDArray[np.bool_]) -> bool:
    """Return whether objects are dark: the border of a picture is mostly background."""
    border = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    return bool(border.mean() > _HALF_LEVEL)


def _split(
    mask: NDArray[np.bool_],
    labels: NDArray[np.int32],
    distance: float | None,
    least: float,
    segmentation: Any,
    ndimage: Any,
) -> NDArray[np.int32]:
    from skimage.feature import peak_local_max

    depth = ndimage.distance_transform_edt(mask)
    # the largest circle inside: of touching round objects it is still that of one of them
    radius = float(np.median(ndimage.maximum(depth, labels, range(1, int(labels.max()) + 1))))
    apart = distance if distance is not None else max(2.0, radius)
    # smoothed, so that a rough outline has no ridges of its own
    smooth = ndimage.gaussian_filter(depth, max(1.0, radius / 8))
    peaks = peak_local_max(smooth, min_distance=round(apart), labels=labels, exclude_border=False)
    markers = np.zeros(mask.shape, np.int32)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    # an object without a peak of its own keeps one marker
    for label in set(range(1, int(labels.max()) + 1)) - set(labels[markers > 0].tolist()):
        inside = np.argmax(np.where(labels == label, smooth, -1.0))
        markers.flat[inside] = int(markers.max()) + 1
    return np.asarray(segmentation.watershed(-smooth, markers, mask=mask), np.int32)


def _between(labels: NDArray[np.int32], least: float, most: float | None) -> NDArray[np.int32]:
    sizes = np.bincount(labels.ravel())
    out = sizes < least
    if most is not None:
        out |= sizes > most
    out[0] = True
    return np.where(out[labels], 0, labels).astype(np.int32)
