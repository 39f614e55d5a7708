"""What a person confirmed, to be understood from then on: names of their own for compounds and sequences."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from benchmate.runtime.database import Database
from benchmate.runtime.errors import BenchmateError, InvalidInput, NotFound, did_you_mean

Kind = Literal["entity"]
LONGEST_NAME, LONGEST_VALUE = 60, 5000  # characters


@dataclass(frozen=True)
class Remembered:
    """One thing that a person confirmed: what it is called, what is meant, and when that was said."""

    kind: Kind
    name: str
    value: str
    confirmed: float

    @property
    def told(self) -> str:
        """What is remembered, as a sentence."""
        return f"{self.name} is {self.value}, as you said on {datetime.fromtimestamp(self.confirmed, UTC):%Y-%m-%d}"


class Memory:
    """What one person confirmed, in the machine's database. Nothing is remembered unasked."""

    def __init__(self, database: Database, person: str) -> None:
        self._database, self._person = database, person

    def all(self) -> list[Remembered]:
        """Return what is remembered, by name."""
        rows = self._database.execute(
            "SELECT kind, name, value, confirmed FROM memory WHERE person = ? ORDER BY kind, name",
            (self._person,),
        )
        return [Remembered(r["kind"], r["name"], r["value"], r["confirmed"]) for r in rows]

    def set(self, name: str, value: str) -> Remembered:
        """Remember that a name means a compound or a sequence; what it meant before is forgotten.

        Raises InvalidInput (`bad_name`, and what is wrong with a value that means neither).
        """
        name, value = " ".join(name.split()), value.strip()
        if not re.fullmatch(r"[A-Za-z][\w .()+-]*", name) or len(name) > LONGEST_NAME:
            raise InvalidInput(
                "bad_name",
                f"{name!r} is no name to remember",
                hint="letters first, then letters, digits, - and blanks: BM-12",
            )
        if name.casefold() == value.casefold():
            raise InvalidInput(
                "bad_name", f"{name!r} would mean itself", hint="give a structure or a sequence"
            )
        _check(value)
        now = time.time()
        with self._database.transaction():
            self._forget(name)
            self._database.execute(
                "INSERT INTO memory VALUES (?, 'entity', ?, ?, 'person', ?)", (self._person, name, value, now)
            )
        return Remembered("entity", name, value, now)

    def forget(self, name: str) -> None:
        """Forget a name. Raises NotFound (`not_remembered`)."""
        known = [r.name for r in self.all()]
        if name.casefold() not in (k.casefold() for k in known):
            raise NotFound(
                "not_remembered", f"nothing is remembered of {name!r}", hint=did_you_mean(name, known)
            )
        self._forget(name)

    def _forget(self, name: str) -> None:
        self._database.execute(
            "DELETE FROM memory WHERE person = ? AND lower(name) = ?", (self._person, name.lower())
        )

    def understood(self, question: str) -> tuple[str, list[Remembered]]:
        """Return the question with what remembered names mean in their place, and which of them it holds.

        The run is opened with the question as it is understood, so that it is the same wherever it is resumed or replayed.
        """
        used: list[Remembered] = []
        for one in sorted(self.all(), key=lambda r: -len(r.name)):
            pattern = re.compile(rf"(?<![\w-]){re.escape(one.name)}(?![\w-])", re.I)
            changed = pattern.sub(one.value.replace("\\", r"\\"), question)
            if changed != question:
                question, used = changed, [*used, one]
        return question, used


def _check(value: str) -> None:
    """Raise InvalidInput for a value that is neither a compound nor a sequence."""
    from benchmate.tools.biology.sequences import parse_sequence
    from benchmate.tools.chemistry.compounds import resolve_compound

    if len(value) > LONGEST_VALUE:
        raise InvalidInput(
            "too_long", f"the value has {len(value)} characters", hint=f"at most {LONGEST_VALUE}"
        )
    try:
        resolve_compound(value)
    except BenchmateError as no_compound:
        if not re.fullmatch(r"[A-Za-z*\s-]{8,}", value):
            raise InvalidInput(
                no_compound.code,
                f"what is to be remembered is no compound: {no_compound.info.message}",
                hint=no_compound.hint,
            ) from None
        parse_sequence(value)
