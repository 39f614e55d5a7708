"""Leap seconds and Earth rotation offline: astropy's bundled tables, nothing downloaded, and where they end."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astropy.time import Time


@contextmanager
def bundled_tables() -> Iterator[None]:
    """Let astropy use the tables of its package only, and compute beyond their ends; `limits_of` says so to the user."""
    from astropy.utils import iers
    from astropy.utils.exceptions import AstropyWarning
    from erfa import ErfaWarning

    with (
        iers.conf.set_temp("auto_download", False),
        iers.conf.set_temp("auto_max_age", None),  # a stale table still predicts; it is no error
        iers.conf.set_temp("iers_degraded_accuracy", "ignore"),
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings("ignore", category=iers.IERSStaleWarning)
        warnings.filterwarnings("ignore", category=ErfaWarning, message=".*dubious year")
        warnings.filterwarnings("ignore", category=AstropyWarning, message="(?s).*IERS")
        yield


def covers_ut1(time: Time) -> bool:
    """Return whether UT1 − UTC is tabulated (measured or predicted) for a time; call within `bundled_tables`."""
    from astropy.utils import iers

    days = iers.earth_orientation_table.get()["MJD"]
    return bool(days.min().value <= time.utc.mjd < days.max().value)


def limits_of(time: Time) -> list[str]:
    """Return what has to be said of a time by the ends of the tables; call within `bundled_tables`."""
    from astropy.time import Time
    from astropy.utils import iers

    said = []
    table = iers.earth_orientation_table.get()
    expires = iers.LeapSeconds.auto_open().expires
    if not covers_ut1(time):
        first, last = (
            Time(day.value, format="mjd").strftime("%Y-%m-%d")
            for day in (table["MJD"].min(), table["MJD"].max())
        )
        said.append(f"UT1 − UTC is tabulated from {first} to {last} only (IERS, bundled)")
    elif time.utc.mjd > table.meta["predictive_mjd"]:
        said.append("UT1 − UTC is a prediction of the bundled IERS table for this date")
    if time > expires:
        said.append(
            f"leap seconds are known until {expires.strftime('%Y-%m-%d')}; one announced later would shift UTC"
        )
    return said
