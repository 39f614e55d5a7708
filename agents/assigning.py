"""Which number of a question belongs to which argument: by the argument's words beside it, by its unit, by bounds, and by order."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Container, Mapping, Sequence

from benchmate.agents.intake import Candidate
from benchmate.agents.measures import Measure, is_angle, measures, question_offset
from benchmate.runtime.quantity import same_dimension
from benchmate.tools.arguments import Schema, is_whole

NEAR = 48  # characters before or after a number that may name its argument
_JOIN = r"(?:\s*(?:=|:|≈|~|(?:is|of|are|was|were|equals?|being|at|about|around|to|a|an|the|from|between|with|than|by)\b))*\s*"
# how much each sign counts
RANGE, WORDS_BEFORE, WORDS_AFTER, BOUND, REQUIRED_UNIT, EXACT_UNIT, SAME_UNIT, PLAIN, FAR_SCALE = (
    9,
    8,
    6,
    5,
    5,
    4,
    3,
    1,
    -6,
)
_FAR = 1e4  # units this far apart are not meant for each other: 88 km is no amplitude in mm
_PLUS_MINUS = re.compile(r"(?:±|\+/[-−]|\+[-−]|\\pm|plus or minus)\s*$", re.I)
_RANGE = re.compile(r"^\s*(?:[A-Za-zµμ°%/]{1,8}\s*)?(?:-|–|—|to|and|\.\.\.?|…)\s*$", re.I)
# '46.8 N, 8.1 E': a latitude and a longitude
_NORTH_EAST = re.compile(
    r"(?P<lat>\d+(?:\.\d+)?)\s*(?:°|deg(?:rees)?)?\s*(?P<ns>[NS])(?:orth|outh)?\s*[,;/]?\s*(?:and\s+)?"
    r"(?P<lon>\d+(?:\.\d+)?)\s*(?:°|deg(?:rees)?)?\s*(?P<ew>[EW])(?:ast|est)?\b"
)
# arguments that bound one thing from below and from above: 'low' and 'high', 'min_period' and 'max_period'
_BOUNDS = (
    ("low", "high"),
    ("min", "max"),
    ("minimum", "maximum"),
    ("lower", "upper"),
    ("start", "end"),
    ("shortest", "longest"),
)


@functools.lru_cache(maxsize=4096)
def name_patterns(name: str, words: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return what names an argument just before a number, and just after one."""
    spoken = {name.replace("_", " "), *(w.strip() for w in words.split(",") if w.strip())}
    # a single letter is meant as written ('T', 'd', 'z'); words are meant in any case and number
    single = sorted(w for w in spoken if len(w) == 1)
    longer = sorted((w for w in spoken if len(w) > 1), key=len, reverse=True)
    parts = [rf"(?-i:{re.escape(w)})" for w in single] + [rf"{re.escape(w)}(?:e?s)?" for w in longer]
    named = "|".join(parts)
    before = re.compile(rf"(?<![A-Za-z])(?:{named}){_JOIN}[(\[]?$", re.I)
    after = re.compile(
        rf"^\s*[-–]?\s*(?:of\s+|in\s+)?(?:the\s+)?(?:[\w-]+\s+){{0,2}}?(?:{named})(?![A-Za-z])", re.I
    )
    return before, after


def assign(
    question: str,
    parameters: Mapping[str, Schema],
    candidates: Sequence[Candidate],
    required: set[str],
) -> dict[str, float | int]:
    """Return the numbers that a question gives to the measured parameters of a tool (those whose schema names a unit).

    A number goes where its words or its unit point, the clearest first, and is used once. An optional parameter needs
    words, a range, a bound, or a unit that only it has; the required ones that are left take the numbers that are left, in
    order. A number that nothing claims goes to the argument whose description speaks of what stands beside it.
    """
    own = [c for c in candidates if c.start >= 0]
    offset = question_offset(question, own)
    found = measures(
        question, [c.model_copy(update={"start": c.start - offset, "end": c.end - offset}) for c in own]
    )
    counts = [name_patterns(n, s.get("words", ""))[1] for n, s in parameters.items() if not s["unit"]]
    found = [  # '1024 bits': what the number counts, not its unit
        m._replace(unit=None, end=m.end - len(m.unit))
        if m.unit and any(c.fullmatch(m.unit) for c in counts)
        else m
        for m in found
    ]
    taken: dict[str, float | int] = {}
    used = _take_positions(question, parameters, found, taken)
    errors = [
        p for p, m in enumerate(found) if p and _PLUS_MINUS.search(question, found[p - 1].start, m.start)
    ]
    used |= set(errors)
    scores = _scores(question, parameters, found, required)
    order = list(parameters)
    scores.sort(key=lambda s: (-s[0], s[1], order.index(s[2])))
    owners: dict[int, str] = {}
    for score, place, name in scores:
        if score <= 0 or name in taken or place in used:
            continue
        if (value := _fitting(found[place], parameters[name])) is not None:
            taken[name], owners[place] = value, name
            used.add(place)
    for name, schema in parameters.items():
        if (
            name not in taken
            and not schema["unit"]
            and (count := _spelled(question, name, schema)) is not None
        ):
            taken[name] = count
    left = [place for place in range(len(found)) if place not in used]
    bare = question
    for candidate in own:  # words inside a name say nothing of a number: the acid of 'formic acid'
        if candidate.kind not in ("number", "unit"):
            at, to = candidate.start - offset, candidate.end - offset
            bare = f"{bare[:at]}{' ' * (to - at)}{bare[to:]}"
    for place in sorted(left, key=lambda p: found[p].unit is None):
        described = _described_near(bare, found, place, parameters, taken)
        if described is not None and (value := _fitting(found[place], parameters[described])) is not None:
            taken[described], owners[place] = value, described
    for place in errors:  # '23.41 ± 0.05 mas'
        name = f"{owners.get(place - 1)}_error"
        if name in parameters and (value := _fitting(found[place], parameters[name])) is not None:
            taken[name] = value
    return taken


_SPELLED = {
    w: n for n, w in enumerate("one two three four five six seven eight nine ten eleven twelve".split(), 1)
} | {"both": 2, "a single": 1, "no": 0}  # fmt: skip
_SPELLED_WORD = re.compile(rf"\b({'|'.join(_SPELLED)})\b(?!-)", re.I)  # not 'two-sided'


def _spelled(question: str, name: str, schema: Schema) -> int | None:
    """Return a count that is written as a word before what it counts: 'six lanes', 'one missed cleavage'."""
    after = name_patterns(name, schema.get("words", ""))[1]
    for match in _SPELLED_WORD.finditer(question):
        if after.match(question[match.end() : match.end() + NEAR]):
            return _SPELLED[match[1].lower()]
    return None


def _described_near(
    question: str,
    found: Sequence[Measure],
    place: int,
    parameters: Mapping[str, Schema],
    taken: Container[str],
) -> str | None:
    """Return the argument for a number that nothing claimed: the one whose description shares most words with what stands
    beside the number; with a unit, else the first that takes the unit."""
    measure = found[place]
    fitting = [
        n for n, s in parameters.items()
        if n not in taken and not _far(measure, s) and _fitting(measure, s) is not None
        and (measure.unit is not None or not s["unit"] or s["unit"] in _SCALES)
    ]  # fmt: skip
    start = found[place - 1].end if place else 0
    end = found[place + 1].start if place + 1 < len(found) else len(question)
    before = _WORD.findall(_CLAUSE_END.split(question[start : measure.start])[-1])[-4:]
    after = _WORD.findall(_CLAUSE_END.split(question[measure.end : end])[0])[:2]
    shared = {n: _shared({*before, *after}, n, parameters[n]) for n in fitting}
    most = max(shared.values(), default=0)
    best = [n for n in fitting if shared[n] == most]
    if most and len(best) == 1:
        return best[0]
    if measure.unit is None:
        return None
    share = same_dimension(measure.exact, "") and not is_angle(measure.exact)
    return next(
        (
            n for n in best
            if not is_whole(parameters[n]) and (parameters[n]["unit"] or (share and _OF_ONE.search(parameters[n].get("description", ""))))
        ),
        None,
    )  # fmt: skip


_WORD = re.compile(r"[A-Za-zµ]+")
_OF_ONE = re.compile(r"\b(?:fractions?|percent|ratio|share|probability)\b", re.I)
_CLAUSE_END = re.compile(r"[,;:.?!]\s")
_NO_WORDS = frozenset(
    "a an the of in on at to for and or with by from is are was were be it its this that as per than my our your i we you "
    "if not no unless said default which what how use using used number value given one two only all any each".split()
)
_SCALES = ("", "mag", "percent")


def _shared(words: set[str], name: str, schema: Schema) -> int:
    """Return how many of the words stand in an argument's name, its words or its description, endings aside."""
    own = _own_words(name, schema.get("words", ""), schema.get("description", ""))
    return len({stem for w in words if (stem := _stem(w)) in own})


@functools.lru_cache(maxsize=4096)
def _own_words(name: str, words: str, description: str) -> frozenset[str]:
    text = f"{name.replace('_', ' ')} {words} {description}"
    return frozenset(stem for w in _WORD.findall(text) if (stem := _stem(w)))


@functools.lru_cache(maxsize=4096)
def _stem(word: str) -> str:
    """Return a word without its ending, '' where it says nothing."""
    low = word.lower()
    if low in _NO_WORDS or (len(low) == 1):
        return ""
    return re.sub(r"(?:ing|ed|es|s|e)$", "", low) if len(low) > 4 else low


def _fitting(measure: Measure, schema: Schema) -> float | int | None:
    """Return a number as an argument takes it, or None where it cannot."""
    value = measure.into(schema["unit"])
    if value is None or not is_whole(schema):
        return value
    return int(value) if value.is_integer() else None


def _scores(
    question: str, parameters: Mapping[str, Schema], found: Sequence[Measure], required: set[str]
) -> list[tuple[float, int, str]]:
    """Return how clearly each number belongs to each parameter: (score, place of the number, name)."""
    scores: list[tuple[float, int, str]] = []
    dimensions = [s["unit"] for s in parameters.values()]
    bounds = _bounds(question, parameters, found)
    for place, measure in enumerate(found):
        for name, schema in parameters.items():
            if measure.into(schema["unit"]) is None:
                continue
            before, after = name_patterns(name, schema.get("words", ""))
            score = float(bounds.get((place, name), 0))
            if match := before.search(question, max(0, measure.start - NEAR), measure.start):
                score += WORDS_BEFORE + min(3.0, (match.end() - match.start()) / 10)
            elif after.match(question[measure.end : measure.end + NEAR]):
                score += WORDS_AFTER
            if measure.unit is not None and schema["unit"]:
                alone = sum(same_dimension(schema["unit"], other) for other in dimensions) == 1
                if name in required:
                    score += REQUIRED_UNIT
                elif alone:
                    score += SAME_UNIT
                elif measure.exact == schema["unit"]:
                    score += EXACT_UNIT if score == 0 else 1
                elif score:
                    score += FAR_SCALE if _far(measure, schema) else 1
            elif name in required:
                score += PLAIN if measure.unit is None else 0
            if score:
                scores.append((score, place, name))
    return scores


def _far(measure: Measure, schema: Schema) -> bool:
    """Return whether a number's unit of length and the argument's are orders of magnitude apart."""
    if not (measure.unit and schema["unit"]) or not same_dimension(schema["unit"], "m"):
        return False
    one = measure._replace(value=1.0).into(schema["unit"])
    return one is not None and one > 0 and not 1 / _FAR < one < _FAR


_LOWER = r"(?:at least|no less than|not less than|above|over|more than|larger than|greater than|bigger than|longer than|higher than|from|(?:start|begin)\w*(?: (?:the|a) [a-z]+)? (?:at|from)|minimum(?: of)?|min\.?|≥|>=?)"
_UPPER = r"(?:at most|no more than|not more than|up to|below|under|less than|smaller than|shorter than|lower than|until|maximum(?: of)?|max\.?|≤|<=?)"
_LEAVES_OUT = r"\b(?:ignor|discard|drop|exclud|skip|remov|reject|throw|leav\w* out|without|filter\w* out|cut)\w*\b[^.;!?]{0,40}$"
_LOWER_BOUND, _UPPER_BOUND = (
    re.compile(rf"(?<!\w){w}\s*(?:a |an |about )?$", re.I) for w in (_LOWER, _UPPER)
)
_LEFT_OUT = re.compile(_LEAVES_OUT, re.I)


def _bounds(
    question: str, parameters: Mapping[str, Schema], found: Sequence[Measure]
) -> dict[tuple[int, str], int]:
    """Return how clearly a number is an end of a pair of arguments that bound one thing.

    Both ends of a range ('0.8-6 Hz', 'between 2 and 5 days') are, and one end alone ('at least 5 µm', 'ignore all below 5 µm').
    """
    pairs = []
    for name in parameters:
        for lower, upper in _BOUNDS:
            parts = name.split("_")
            if (
                lower in parts
                and (other := "_".join(upper if p == lower else p for p in parts)) in parameters
            ):
                pairs.append((name, other))
    bounds = dict[tuple[int, str], int]()
    for place, one in enumerate(found):
        head = question[max(0, one.start - NEAR - 20) : one.start]
        lower_said, upper_said = _LOWER_BOUND.search(head), _UPPER_BOUND.search(head)
        said = lower_said or upper_said
        if said is None:
            continue
        is_lower = (lower_said is not None) != (_LEFT_OUT.search(head[: said.start()]) is not None)
        for name in parameters:
            ends = {lower if is_lower else upper for lower, upper in _BOUNDS}
            if ends & set(name.split("_")) and one.into(parameters[name]["unit"]) is not None:
                bounds[place, name] = BOUND
    for place, (one, two) in enumerate(itertools.pairwise(found)):
        if not _RANGE.match(question[one.end : two.start]):
            continue
        for low_name, high_name in pairs:
            low_unit, high_unit = parameters[low_name]["unit"], parameters[high_name]["unit"]
            low_value, high_value = one.into(low_unit), two.into(high_unit)
            if low_value is not None and high_value is not None and low_value < high_value:
                bounds |= {(place, low_name): RANGE, (place + 1, high_name): RANGE}
    return bounds


def _take_positions(
    question: str,
    parameters: Mapping[str, Schema],
    found: Sequence[Measure],
    taken: dict[str, float | int],
) -> set[int]:
    """Give latitudes and longitudes written by the points of the compass to their arguments; return the numbers used."""
    latitudes, longitudes = (
        sorted((n for n in parameters if angle in n.split("_")), key=lambda n: "site" not in n.split("_"))
        for angle in ("latitude", "longitude")
    )  # those of a place on the earth, where the sky has some too
    used = set[int]()
    for match, lat, lon in zip(_NORTH_EAST.finditer(question), latitudes, longitudes, strict=False):
        taken[lat] = float(match["lat"]) * (-1 if match["ns"] == "S" else 1)
        taken[lon] = float(match["lon"]) * (-1 if match["ew"] == "W" else 1)
        used |= {i for i, m in enumerate(found) if match.start() <= m.start < match.end()}
    return used
