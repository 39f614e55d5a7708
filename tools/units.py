"""Unit conversion with the names and the bridges of science: °C, cm-1, eV to nm, mg/mL to mM."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from benchmate.runtime.errors import InvalidInput, hints_wanted
from benchmate.runtime.quantity import Quantity, convert, parse_unit, same_dimension, unit_registry
from benchmate.tools.base import Source, ToolResult, tool
from benchmate.tools.chemistry.compounds import Compound

if TYPE_CHECKING:
    import pint

# Names as people write them, where pint knows another name or, worse, reads something else.
_ALIASES = {
    "Cal": "kcal", "Torr": "torr", "Ha": "hartree", "kayser": "1/cm", "wavenumber": "1/cm",
    "wavenumbers": "1/cm", "lightyear": "light_year", "lightyears": "light_year", "secs": "second",
    "mins": "minute", "yrs": "year", "cc": "cm**3", "Ω": "ohm", "％": "percent", "degK": "kelvin",
    "px": "pixel", "hz": "Hz", "khz": "kHz", "ghz": "GHz", "ev": "eV", "kev": "keV",
}  # fmt: skip
_PHRASES = (
    (r"\b(?:deg(?:ree)?s?\b\.?|°)[\s_.]*(?:C(?:elsius)?|centigrade)\b", "degC"),
    (r"\b(?:deg(?:ree)?s?\b\.?|°)[\s_.]*F(?:ahrenheit)?\b", "degF"),
    (r"\b(?:deg(?:ree)?s?\b\.?|°)[\s_.]*K(?:elvins?)?\b", "kelvin"),
    (r"\b(?:deg(?:ree)?s?\b\.?|°)[\s_.]*R(?:ankine)?\b", "degR"),
    (r"°[\s_.]*(?:C(?:elsius)?|centigrade)\b", "degC"),
    (r"°[\s_.]*F(?:ahrenheit)?\b", "degF"),
    (r"\bcentigrade\b", "degC"),
    (r"\belectron[\s-]+volts?\b", "electron_volt"),
    (r"\blight[\s-]+years?\b", "light_year"),
    (r"\bastronomical[\s-]+units?\b", "astronomical_unit"),
    (r"\bparts[\s-]+per[\s-]+million\b", "ppm"),
    (r"\bparts[\s-]+per[\s-]+billion\b", "ppb"),
    (r"\bmm[\s-]+Hg\b|\bmillimet(?:er|re)s?[\s-]+of[\s-]+mercury\b", "mmHg"),
    (r"\bcm[\s-]+H2O\b", "cmH2O"),
    (r"\b(?:reciprocal|inverse)[\s-]+(?:centimet(?:er|re)s?|cm)\b", "1/cm"),
    (r"\brevolutions?[\s-]+per[\s-]+minute\b", "rpm"),
    (r"\bsolar[\s-]+mass(?:es)?\b|\bM_?sun\b|\bM☉", "solar_mass"),
    (r"\bsolar[\s-]+radi(?:us|i)\b|\bR☉", "solar_radius"),
    (r"\bsolar[\s-]+luminosit(?:y|ies)\b|\bL☉", "solar_luminosity"),
    (r"\b(?:earth[\s-]+mass(?:es)?|M⊕)", "earth_mass"),
    (r"\b(?:earth[\s-]+radi(?:us|i)|R⊕)", "earth_radius"),
    (r"\bjupiter[\s-]+mass(?:es)?\b", "jupiter_mass"),
    (r"\bjupiter[\s-]+radi(?:us|i)\b", "jupiter_radius"),
    (r"\bbillion[\s-]+years?\b", "gigayear"),
    (r"\bmillion[\s-]+years?\b", "megayear"),
    (r"\bsq(?:uare)?[\s.]+(?=\w)", "²"),
    (r"\bcubic\s+(?=\w)", "³"),
    (r"\s+per\s+", "/"),
)  # fmt: skip
_REFUSED = {
    "ton": ("ambiguous_unit", "write 'tonne' (1000 kg), 'US_ton' (2000 lb) or 'UK_ton' (2240 lb)"),
    "tons": ("ambiguous_unit", "write 'tonne' (1000 kg), 'US_ton' (2000 lb) or 'UK_ton' (2240 lb)"),
    "AU": ("ambiguous_unit", "write 'astronomical_unit', or 'absorbance_unit'"),
    "pH": ("unknown_unit", "pH is a logarithm of an activity, not a unit"),
    "unit": ("unknown_unit", "name the unit; enzyme units are written 'U'"),
    "units": ("unknown_unit", "name the unit; enzyme units are written 'U'"),
    "xg": ("unknown_unit", "relative centrifugal force depends on the rotor's radius"),
}
_SUGGESTED = (
    "angstrom", "nanometer", "micrometer", "millimeter", "centimeter", "meter", "kilometer", "inch",
    "foot", "mile", "parsec", "light_year", "astronomical_unit", "gram", "kilogram", "milligram",
    "microgram", "dalton", "tonne", "pound", "second", "minute", "hour", "day", "year", "kelvin",
    "celsius", "fahrenheit", "joule", "kilojoule", "calorie", "kilocalorie", "electron_volt", "hartree",
    "rydberg", "watt", "pascal", "kilopascal", "bar", "atm", "torr", "mmHg", "psi", "mole", "millimole",
    "molar", "millimolar", "micromolar", "nanomolar", "liter", "milliliter", "microliter", "hertz",
    "volt", "ampere", "ohm", "coulomb", "tesla", "gauss", "newton", "dyne", "poise", "debye", "percent",
    "ppm", "rpm", "radian", "degree", "arcsecond", "becquerel", "curie", "sievert", "gray", "katal",
    "kcal/mol", "kJ/mol", "g/mol", "mg/mL",
)  # fmt: skip
_OFFSET = ("degree_Celsius", "degree_Fahrenheit", "degree_Reaumur")
_SUPERSCRIPTS = str.maketrans("⁻⁺⁰¹²³⁴⁵⁶⁷⁸⁹", "-+0123456789")
_AVOGADRO = "the Avogadro constant (per mole to per particle)"


@tool(
    domain="units",
    properties={
        "converted_value": "converted value, the value in the other unit, convert, how many, how much, express",
        "molar_mass": "molar mass of the substance",
    },
    examples=(
        "Convert 37 °C to kelvin",
        "How many kJ/mol are 12.5 kcal/mol?",
        "What is 532 nm in eV?",
        "Convert 5 mg/mL caffeine to mM",
        "760 mmHg in kPa",
        "How many angstroms are 0.154 nm?",
    ),
    example={"value": 1, "from_unit": "kcal/mol", "to_unit": "eV"},
)
def convert_units(
    value: float, from_unit: str, to_unit: str, substance: Compound | None = None
) -> ToolResult:
    """Convert a value between units, across light's energy and wavelength, and between mass and amount.

    A temperature is a point on its scale unless the unit says 'delta' ('delta degC' is a difference).

    Args:
        value: The number to convert.
        from_unit: The unit it is in, as in 'mg/mL', '°C', 'kcal/mol', 'cm^-1'.
        to_unit: The unit wanted.
        substance: The compound, needed between mass and amount of substance (mg/mL to mM).
    """
    source, target, notes = _read_pair(from_unit, to_unit)
    quantities = {"input": Quantity(value=value, unit=source.unit, property="input_value")}
    converted, method = _convert(value, source, target, substance, quantities)
    if substance is not None and "molar_mass" not in quantities:
        notes.append(f"the substance {substance.label} was not needed for this conversion")
    quantities["converted"] = Quantity(
        value=converted, unit=target.unit, property="converted_value", method=method
    )
    return ToolResult(
        data={"from_unit": source.unit, "to_unit": target.unit},
        quantities=quantities,
        source=Source(
            kind="computed",
            name=f"pint {version('pint')}",
            reference="unit definitions and constants of pint (NIST, CODATA)",
        ),
        warnings=tuple(notes),
    )


@dataclass(frozen=True, slots=True)
class ReadUnit:
    """A unit as pint writes it, and whether it was marked as a difference ('delta degC')."""

    unit: str
    difference: bool = False


def read_unit(text: str) -> ReadUnit:
    """Return the unit that a scientist means by `text`: '°C', 'kJ mol-1', 'Å', 'delta K', 'degrees Celsius'.

    Raises InvalidInput: `unknown_unit` with the nearest, `ambiguous_unit` with the choices.
    """
    plain = text.strip().replace("℃", "°C").replace("℉", "°F").replace("\u212a", "K").replace("\u212b", "Å")
    plain = plain.replace("−", "-").replace("\u00b5", "μ")
    marked = re.fullmatch(r"(?:delta|[ΔΔ∆])[\s_-]*(\S.*)", plain, re.IGNORECASE)
    if marked:
        inner = read_unit(marked[1]).unit
        offset = str(parse_unit(inner)) in _OFFSET
        return ReadUnit(f"delta_{parse_unit(inner)}" if offset else inner, difference=True)
    if plain in _REFUSED:
        code, hint = _REFUSED[plain]
        raise InvalidInput(code, f"{text!r} does not name one unit", hint=hint)
    for pattern, written in _PHRASES:
        plain = re.sub(pattern, written, plain, flags=re.IGNORECASE)
    plain = re.sub(
        r"[⁻⁺⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda m: "^" + m[0].translate(_SUPERSCRIPTS) if m.start() else m[0], plain
    )
    plain = re.sub(r"(?<![\w)])\^([23])\s*([^\W\d]\w*)", r"\2^\1", _powers_first(plain))
    written = _rewrite(plain.replace("**", "^"), text)
    unit = str(parse_unit(written))
    return ReadUnit("" if unit == "dimensionless" else written)


def is_unit(text: str) -> bool:
    """Return whether a text can be read as a unit."""
    try:
        read_unit(text)
    except InvalidInput:
        return False
    return True


def _powers_first(plain: str) -> str:
    """Return '²meter' (from 'square meter') as '^2meter'."""
    return plain.replace("²", "^2").replace("³", "^3")


def _rewrite(plain: str, given: str) -> str:
    """Return `plain` with each name in pint's spelling and exponents and products written out."""
    parts = [part for part in re.split(r"(\s*[*/()·⋅×]\s*|\s+)", plain) if part]
    if "/" in plain and re.search(r"/[^()]*\S\s+[^\s*/()·⋅×]", plain):
        head, _, tail = plain.partition("/")
        raise InvalidInput(
            "ambiguous_unit",
            f"{given!r} can be read in two ways",
            hint=f"write '{head.strip()}/({tail.strip()})', or join the names with '*'",
        )
    written = []
    for part in parts:
        bare = part.strip()
        if not bare:
            written.append("*")
        elif bare in "*/()":
            written.append(bare)
        elif bare in "·⋅×":
            written.append("*")
        else:
            written.append(_name(bare, given))
    return "".join(written)


def _name(token: str, given: str) -> str:
    """Return one name with its exponent in pint's spelling: 'mol-1' is 'mol**-1', 'Kelvin' is 'kelvin'."""
    if re.fullmatch(r"\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?:\^[-+]?\d+)?", token):
        return token.replace("^", "**")
    name, exponent = token, ""
    split = re.fullmatch(r"(.+?)\^?([-+]?\d+)", token)
    if split and not _known(token):
        name, exponent = split[1], f"**{int(split[2])}"
    for candidate in (_ALIASES.get(name), name, name.lower(), name.rstrip("s"), name.lower().rstrip("s")):
        if (
            candidate
            and _known(candidate)
            and not (candidate != name and len(name) < 3 and name not in _ALIASES)
        ):
            return f"({candidate}){exponent}" if exponent and "/" in candidate else candidate + exponent
    close = difflib.get_close_matches(name.lower(), _SUGGESTED, n=1, cutoff=0.7) if hints_wanted() else []
    raise InvalidInput(
        "unknown_unit",
        f"{given!r} is not a known unit"
        if token == given.strip()
        else f"{name!r} in {given!r} is not a known unit",
        hint=f"did you mean {close[0]!r}?"
        if close
        else "write units as in 'g/mol', 'kJ/mol', 'degC', 'angstrom**2'",
    )


def _known(name: str) -> bool:
    if name in _REFUSED:
        return False
    try:
        parse_unit(name)
    except InvalidInput:
        return False
    return True


def _read_pair(from_unit: str, to_unit: str) -> tuple[ReadUnit, ReadUnit, list[str]]:
    """Return both units, each read in the light of the other: 'C' beside 'K' is Celsius."""
    notes = []
    texts = [from_unit.strip(), to_unit.strip()]
    letters = {"C": "degC", "F": "degF"}
    if any(text in letters for text in texts) and all(_maybe_temperature(text) for text in texts):
        for i, text in enumerate(texts):
            if text in letters:
                texts[i] = letters[text]
                notes.append(f"{text!r} was read as degrees {'Celsius' if text == 'C' else 'Fahrenheit'}")
    for i, text in enumerate(texts):
        if text == "AU" and texts[1 - i] != "AU" and same_dimension(read_unit(texts[1 - i]).unit, "meter"):
            texts[i] = "astronomical_unit"
            notes.append("'AU' was read as astronomical unit")
    return read_unit(texts[0]), read_unit(texts[1]), notes


def _maybe_temperature(text: str) -> bool:
    return text in ("C", "F") or same_dimension(read_unit(text).unit, "kelvin")


def _convert(
    value: float,
    source: ReadUnit,
    target: ReadUnit,
    substance: Compound | None,
    quantities: dict[str, Quantity],
) -> tuple[float, str]:
    """Return the converted value and how; adds the molar mass to `quantities` where it was used."""
    registry = unit_registry()
    a, b = parse_unit(source.unit), parse_unit(target.unit)
    if same_dimension(source.unit, target.unit):
        return _convert_within(value, source, target)
    ratio = (registry.Quantity(1, a).to_root_units() / registry.Quantity(1, b).to_root_units()).dimensionality
    if ratio in ({"[mass]": 1, "[substance]": -1}, {"[mass]": -1, "[substance]": 1}):
        molar_mass = _molar_mass(substance, source, target)
        quantities["molar_mass"] = molar_mass
        factor = molar_mass.pint() ** (-1 if ratio == {"[mass]": 1, "[substance]": -1} else 1)
        assert substance is not None
        result = (registry.Quantity(value, a) * factor).to(b).magnitude
        return float(result), f"molar mass of {substance.label}, {molar_mass.format()}"
    if ratio in ({"[substance]": 1}, {"[substance]": -1}):
        factor = registry.Quantity(1, "avogadro_constant") ** (1 if ratio == {"[substance]": 1} else -1)
        return float((registry.Quantity(value, a) * factor).to(b).magnitude), _AVOGADRO
    return _convert_light(value, a, b, source, target)


def _convert_within(value: float, source: ReadUnit, target: ReadUnit) -> tuple[float, str]:
    """Convert between units of one dimension, with an eye on scales, differences and turns."""
    a, b = str(parse_unit(source.unit)), str(parse_unit(target.unit))
    if same_dimension(source.unit, "kelvin"):
        if source.difference != target.difference and (a in _OFFSET or b in _OFFSET):
            raise InvalidInput(
                "unit_mismatch",
                "one unit is a temperature difference and the other a point on a scale",
                hint="write 'delta' before both or neither",
            )
        if not (source.difference or target.difference):
            if convert(value, source.unit, "kelvin") < 0:
                raise InvalidInput(
                    "below_absolute_zero",
                    f"{value:g} {source.unit} is below absolute zero",
                    hint="for a difference write 'delta' before both units",
                )
            return convert(value, source.unit, target.unit), "absolute temperature"
        return convert(value, source.unit, target.unit), "temperature difference"
    turns = [any(name in unit for name in ("revolution", "turn", "cycle")) for unit in (a, b)]
    if turns[0] != turns[1] and "hertz" in (b if turns[0] else a):
        # pint takes an angle as a number of radians, so that 60 rpm would be 6.28 Hz
        per_turn = convert(1, "turn", "radian")
        factor = 1 / per_turn if turns[0] else per_turn
        return convert(value, source.unit, target.unit) * factor, "one turn is one cycle"
    return convert(value, source.unit, target.unit), "definition of the units"


def _convert_light(
    value: float, a: pint.Unit, b: pint.Unit, source: ReadUnit, target: ReadUnit
) -> tuple[float, str]:
    """Convert between energy (per photon or mole), frequency, wavelength and wavenumber of light."""
    registry = unit_registry()
    here, there = _light_kind(a), _light_kind(b)
    if here is None or there is None:
        hint = f"{_dimension(a)} and {_dimension(b)} measure different things"
        raise InvalidInput(
            "unit_mismatch",
            f"{source.unit or 'a plain number'} cannot be expressed in {target.unit or 'a plain number'}",
            hint=hint,
        )
    if value <= 0:
        raise InvalidInput(
            "out_of_range", f"{value:g} {source.unit} is no photon's", hint="give a positive value"
        )
    per_mole = registry.Quantity(1, "avogadro_constant")
    quantity = registry.Quantity(value, a)
    if here == "molar energy":
        quantity = quantity / per_mole
    if there == "molar energy":
        result = (quantity.to("joule", "spectroscopy") * per_mole).to(b)
    else:
        result = quantity.to(b, "spectroscopy")
    method = "photon in vacuum: E = h c / wavelength = h frequency"
    if "molar energy" in (here, there):
        method += ", with " + _AVOGADRO
    return float(result.magnitude), method


def _light_kind(unit: pint.Unit) -> str | None:
    kinds = {
        "joule": "energy",
        "joule/mole": "molar energy",
        "hertz": "frequency",
        "meter": "wavelength",
        "1/meter": "wavenumber",
    }
    return next((kind for known, kind in kinds.items() if same_dimension(str(unit), known)), None)


def _dimension(unit: pint.Unit) -> str:
    return str(unit.dimensionality).replace("dimensionless", "plain number")


def _molar_mass(substance: Compound | None, source: ReadUnit, target: ReadUnit) -> Quantity:
    if substance is None:
        raise InvalidInput(
            "substance_needed",
            f"{source.unit} to {target.unit} depends on the molar mass of the substance",
            hint="name the substance, as in substance='caffeine'",
        )
    from rdkit.Chem.Descriptors import MolWt  # type: ignore[attr-defined]  # made when it is imported

    return Quantity(
        value=MolWt(substance.mol()),
        unit="g/mol",
        property="molar_mass",
        method=f"average atomic masses (RDKit {version('rdkit')})",
    )
