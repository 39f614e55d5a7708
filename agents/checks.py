"""What code can say of a claim from its evidence alone. Each check returns why the claim fails, or None."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from benchmate.agents.claims import asked_properties
from benchmate.agents.contracts import Claim, VerdictStatus, value_text
from benchmate.agents.intake import Intake
from benchmate.agents.ledger import EvidenceIndex
from benchmate.agents.phrases import Phrases, without
from benchmate.agents.wording import Cited, subject_of
from benchmate.runtime.calls import evidence_id_of
from benchmate.runtime.errors import BenchmateError
from benchmate.runtime.evidence import split_citation
from benchmate.runtime.expressions import Expression
from benchmate.runtime.journal import Journal
from benchmate.runtime.quantity import Quantity, convert, display_unit, format_number, same_dimension
from benchmate.tools.registry import Registry

NUMBER = re.compile(r"(?<![A-Za-z0-9_.])[-+−]?\d+(?:,\d{3})*(?:\.\d+)?(?:[eE][-+]?\d+)?")
RELATIVE_TOLERANCE = 1e-9


class Problem(NamedTuple):
    """Why a claim does not hold."""

    status: VerdictStatus
    reason: str


class Known(NamedTuple):
    """What a run knows of identities: their names, lower case, and their parents (a salt's parent is its base)."""

    names: Mapping[str, set[str]]
    parents: Mapping[str, str]

    def related(self, a: str, b: str) -> bool:
        """Return whether two identities are forms of one parent."""
        return self.parents.get(a, a)[:14] == self.parents.get(b, b)[:14]


def look_up(claim: Claim, index: EvidenceIndex) -> list[Cited] | Problem:
    """Return what the claim cites. An id or path that does not exist is a problem."""
    if not claim.cites:
        return Problem("insufficient", "it cites no evidence")
    found = []
    for citation in claim.cites:
        identity, pointer = split_citation(citation)
        if identity not in index:
            return Problem("insufficient", f"it cites {identity}, which is not in this run's record")
        if not pointer:
            return Problem("insufficient", f"it cites {identity} without saying which value in it")
        evidence = index[identity][-1]
        try:
            found.append(Cited(evidence, pointer, evidence.resolve(pointer)))
        except BenchmateError as error:
            return Problem("insufficient", str(error))
    return found


def check_fresh(cited: Sequence[Cited], index: EvidenceIndex, journal: Journal) -> Problem | None:
    """Evidence must be the newest result of its call by time, which is the same in a replay, whichever task asked."""
    for item in cited:
        own = {observed.seq for observed in index[item.evidence.id]}
        for seq in journal.newest_ends(item.evidence.call_key):
            if seq in own:
                break
            later = journal.at(seq)
            if "result" in later.body:  # a call that failed later says nothing of the value
                return Problem(
                    "contradicted",
                    f"{item.evidence.id} is out of date: the same call later gave {evidence_id_of(later)}",
                )
    return None


def check_subject(claim: Claim, cited: Sequence[Cited], known: Known, intake: Intake) -> Problem | None:
    """The evidence must be about the claim's subject, down to salt and stereo form, and the subject must bear its own name.

    What intake resolved the name to counts, not what a call was given under that name.
    """
    if claim.subject is None:
        if (
            claim.kind in ("numeric", "categorical")
            and subject_of(cited[0].evidence, cited[0].key) is not None
        ):
            return Problem("insufficient", "it does not say what it is about")
        return None
    about = subject_of(cited[0].evidence, cited[0].key)
    if about is None:
        return Problem("contradicted", f"{cited[0].evidence.id} is not about {claim.subject.label}")
    if about.key != claim.subject.key:
        form = " (another salt or form of it)" if known.related(about.key, claim.subject.key) else ""
        return Problem(
            "contradicted", f"{cited[0].evidence.id} is about {about.label}{form}, not {claim.subject.label}"
        )
    resolved = intake.key_of(claim.subject.label)
    if resolved is not None and resolved != claim.subject.key:
        return Problem(
            "contradicted",
            f"{claim.subject.label} is {resolved}, the call was given {claim.subject.key} under that name",
        )
    if claim.subject.label.lower() not in known.names.get(claim.subject.key, set()):
        return Problem("contradicted", f"{claim.subject.label!r} is not a name of {about.label} in this run")
    if claim.subject.label.lower() not in claim.text.lower():
        return Problem("contradicted", f"its text does not name {claim.subject.label}")
    return None


def check_property(claim: Claim, cited: Sequence[Cited]) -> Problem | None:
    """The cited value must be of the claimed property."""
    first = cited[0]
    actual = first.value.property if isinstance(first.value, Quantity) else first.key
    if claim.derivation is None and claim.property != actual:
        return Problem("contradicted", f"the cited value is {actual}, not {claim.property}")
    return None


def check_words(claim: Claim, cited: Sequence[Cited], registry: Registry) -> Problem | None:
    """The text must not name another property than the claimed one."""
    first = cited[0]
    if claim.property is None or first.evidence.tool not in registry:
        return None
    tool = registry[first.evidence.tool]
    text = claim.text
    for label in [claim.subject.label] if claim.subject else []:
        text = without(text, label)
    named = asked_properties(tool, text)
    if named and claim.property in tool.properties and claim.property not in named:
        return Problem(
            "contradicted", f"its text speaks of {', '.join(named)}, the value is {claim.property}"
        )
    return None


def check_value(claim: Claim, cited: Sequence[Cited]) -> Problem | None:
    """The claimed value and unit must be the cited ones, or follow from them by the derivation."""
    if claim.derivation is not None:
        return _check_derived(claim, cited)
    value = cited[0].value
    if isinstance(value, Quantity):
        return _check_number(claim, value)
    if claim.value != value:
        return Problem(
            "contradicted",
            f"the evidence says {value_text(value, None) if not isinstance(value, (dict, list)) else 'otherwise'}",
        )
    return None


def _check_number(claim: Claim, quantity: Quantity) -> Problem | None:
    if isinstance(claim.value, (str, bool)) or claim.value is None:
        return Problem("insufficient", "it states no number")
    try:
        if not same_dimension(claim.unit or "", quantity.unit):
            return Problem(
                "contradicted",
                f"the evidence is in {quantity.unit or 'a plain number'}, the claim in {claim.unit or 'none'}",
            )
        actual = convert(quantity.value, quantity.unit, claim.unit or "")
    except BenchmateError as error:
        return Problem("contradicted", str(error))
    if not agrees(claim.value, actual):
        return Problem(
            "contradicted",
            f"the evidence says {Quantity(value=actual, unit=claim.unit or '', property='x').format()}",
        )
    return None


def _check_derived(claim: Claim, cited: Sequence[Cited]) -> Problem | None:
    try:
        result = derive(claim.derivation or "", [item.value for item in cited])
    except BenchmateError as error:
        return Problem("contradicted", f"its derivation does not work: {error}")
    if isinstance(result, bool) or isinstance(claim.value, (bool, str)) or claim.value is None:
        same = result == claim.value and type(result) is type(claim.value)
        return None if same else Problem("contradicted", f"derived anew it is {result}")
    if isinstance(result, Quantity):
        return _check_number(claim, result)
    if claim.unit:
        return Problem("contradicted", "derived anew it is a plain number")
    if agrees(claim.value, result):
        return None
    return Problem("contradicted", f"derived anew it is {value_text(result, claim.unit)}")


def derive(derivation: str, values: Sequence[Any]) -> Any:
    """Return a derivation's value: `c0 - c1`, `c0 / c1`, `rank_high(c0, rest)`, where `rest` is all but c0, `c0 > 500`.

    Quantities take part with their units; those of one unit family are compared in it.
    """
    names = {f"c{i}": value for i, value in enumerate(values)} | {"rest": list(values[1:])}
    return Expression.parse(derivation, functions=FUNCTIONS).evaluate(names, functions=FUNCTIONS)


def _magnitude(value: Any) -> float:
    return float(value.pint().to_base_units().magnitude) if isinstance(value, Quantity) else float(value)


def rank_high(value: Any, others: Sequence[Any]) -> int:
    """Return 1 for the highest: one more than the number of others that are greater."""
    return 1 + sum(_magnitude(other) > _magnitude(value) for other in others)


def rank_low(value: Any, others: Sequence[Any]) -> int:
    """Return 1 for the lowest."""
    return 1 + sum(_magnitude(other) < _magnitude(value) for other in others)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "rank_high": rank_high,
    "rank_low": rank_low,
}


def agrees(claimed: float, actual: float) -> bool:
    """Return whether a claimed number is the actual one, exactly or rounded to the digits it is written with."""
    if abs(claimed - actual) <= RELATIVE_TOLERANCE * max(abs(claimed), abs(actual)):
        return True
    mantissa, _, exponent = repr(float(claimed)).partition("e")
    decimals = len(mantissa.partition(".")[2].rstrip("0"))
    half = 0.5 * 10.0 ** (int(exponent or 0) - decimals)
    if format_number(claimed) == format_number(actual):
        return True
    significant = len(mantissa.replace(".", "").strip("-0"))
    return significant >= 2 and abs(claimed - actual) <= half * (1 + 1e-6)


def check_text(claim: Claim, cited: Sequence[Cited], allowed: Phrases | Iterable[str]) -> Problem | None:
    """The text must say the claimed value with its unit, and hold no digits but those of the evidence and of names."""
    if claim.kind in ("numeric", "categorical") and not _says_value(claim):
        return Problem("contradicted", f"its text does not say {value_text(claim.value, claim.unit)}")
    numbers = numbers_of(c.value for c in cited)
    if isinstance(claim.value, (int, float)) and not isinstance(claim.value, bool):
        numbers.append((float(claim.value), claim.unit or ""))
    if claim.derivation and ("[" in claim.derivation or "rest" in claim.derivation):
        numbers.append((float(len(cited)), ""))  # 'of 5': how many values were compared
    stated = [value_text(claim.value, None)] if isinstance(claim.value, str) else []
    loose = unbacked_digits(claim.text, allowed, numbers, stated)
    return Problem("contradicted", f"no evidence holds the digits {', '.join(loose)}") if loose else None


def _says_value(claim: Claim) -> bool:
    if claim.value is None or isinstance(claim.value, bool):
        return True
    if isinstance(claim.value, str):
        return claim.value in claim.text
    if not claim.unit:
        tail = r"(?!\s*(?:%|°|Å|[a-zA-Zµ]+/[a-zA-Z]|(?:g|kg|mg|Da|kDa|eV|kJ|kcal|mol|nm|µm|mm|cm|m|s|min|h|K|Pa|bar)\b))"
        return any(
            agrees(_float(m[0]), claim.value) for m in re.finditer(f"{NUMBER.pattern}{tail}", claim.text)
        )
    forms = {display_unit(claim.unit), claim.unit}
    for match in NUMBER.finditer(claim.text):
        rest = claim.text[match.end() :].lstrip()
        if agrees(_float(match[0]), claim.value) and any(_starts_with_unit(rest, form) for form in forms):
            return True
    return False


def _starts_with_unit(text: str, unit: str) -> bool:
    after = text[len(unit) : len(unit) + 1]
    return text.startswith(unit) and not (after.isalnum() or after in ("/", "·", "*", "²", "³"))


def _float(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-"))


def numbers_of(values: Iterable[Any]) -> list[tuple[float, str]]:
    """Return the numbers that quantities hold, with their units: each value, and its uncertainty where it has one."""
    found = list[tuple[float, str]]()
    for value in values:
        if isinstance(value, Quantity):
            found.append((value.value, value.unit))
            found += [(value.uncertainty, value.unit)] if value.uncertainty is not None else []
    return found


def unbacked_digits(
    text: str,
    allowed: Phrases | Iterable[str],
    numbers: Iterable[tuple[float, str]],
    stated: Iterable[str] = (),
) -> list[str]:
    """Return the numbers in prose that nothing backs: not a cited value, nor part of a name, a citation or the user's words.

    `numbers` are values with their units; a rounded form of one counts as that value. `stated` are more allowed phrases.
    """
    phrases = allowed if isinstance(allowed, Phrases) else Phrases(allowed)
    possible = {*phrases.possible_in(text), *(s for s in stated if any(map(str.isdigit, s)))}
    for phrase in sorted(possible, key=lambda p: (-len(p), p)):
        text = without(text, phrase, whole_numbers=True)
    text = re.sub(r"E-[0-9a-f]{12}(#[\w/~.-]*)?", " ", text)
    values = [value for value, _ in numbers]
    return [m[0] for m in NUMBER.finditer(text) if not any(agrees(_float(m[0]), value) for value in values)]
