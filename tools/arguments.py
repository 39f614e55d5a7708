"""What a parameter says of itself in its annotation: the unit of a number, the words of an option, the column of a table."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.quantity import convert, display_unit

_MEASURED = re.compile(
    r"\s*(?P<value>[-+−]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(?P<unit>.*?)\s*", re.DOTALL
)


@dataclass(frozen=True)
class Unit:
    """Marks a number, or a list of numbers, as measured in `unit`: `speed: Annotated[float, Unit("km/s", "Vp, P velocity")]`.

    A text with a unit of the same kind is converted. `words` are how a question names the argument, comma-separated, as
    it would be written beside the number. Both stand in the JSON Schema.
    """

    unit: str
    words: str = ""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        described = handler(schema)
        return described | {"unit": self.unit, **({"words": self.words} if self.words else {})}

    def read(self, given: Any) -> Any:
        """Return what was given with every text converted to the unit. Raises a validation error that names both units."""
        if isinstance(given, list):
            return [self.read(one) for one in given]
        if not isinstance(given, str):
            return given
        found = _MEASURED.fullmatch(given)
        if found is None:
            raise PydanticCustomError(
                "quantity", "{given} is no number with a unit; write it as in '5 {unit}'",
                {"given": repr(given), "unit": display_unit(self.unit) or ""},
            )  # fmt: skip
        value = float(found["value"].replace("−", "-"))
        if not found["unit"]:
            return value
        from benchmate.tools.units import read_unit

        try:
            return convert(value, read_unit(found["unit"]).unit, self.unit)
        except InvalidInput as error:
            raise PydanticCustomError("unit", "{why}", {"why": str(error)}) from None


@dataclass(frozen=True)
class Said:
    """How a question says an option that it does not call by name: `Said({"fdr": "Benjamini-Hochberg, BH, false discovery rate"})`.

    Phrases are separated by commas; `...` in one stands for any few words. The options of a yes or no are "true" and "false". It stands in the JSON Schema as `said`.
    """

    words: Mapping[str, str]

    def __hash__(self) -> int:
        return hash(tuple(self.words.items()))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return handler(schema) | {"said": dict(self.words)}


@dataclass(frozen=True)
class ColumnName:
    """Marks a text, or a list of texts, as names of columns in the tool's table: `by: Annotated[str, ColumnName("by, per, grouped by")]`.

    `words` stand before the column's name in a question. A column that no words give to an argument goes to the next
    one in order, unless the argument is `named_only`.
    """

    words: str = ""
    named_only: bool = False

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return handler(schema) | {"column": {"words": self.words, "named_only": self.named_only}}


@dataclass(frozen=True)
class ReadBy:
    """Marks an argument that a question writes in a way of its own: `reader` returns the values it could mean, likeliest first."""

    reader: Callable[[str], list[Any]]


@dataclass(frozen=True)
class Spelled:
    """Marks a list whose items are the words of a question that match `pattern`: phases of waves, enzymes."""

    pattern: str

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return handler(schema) | {"spelled": self.pattern}


GENETIC_CODE_WORDS = Said(
    {
        "2": "vertebrate mitochondrial, mitochondrial, mitochondria", "3": "yeast mitochondrial, yeast mitochondria", "5": "invertebrate mitochondrial",
        "6": "ciliate", "11": "bacterial, prokaryotic, prokaryote, plastid, chloroplast",
    }
)  # fmt: skip
Schema = Mapping[str, Any]  # of an argument: JSON Schema with what the markers above add
QUESTION_KEYS = ("words", "said", "column", "spelled")  # of a schema: for reading questions, not for models


def told(schema: Schema) -> dict[str, Any]:
    """Return an argument's schema without what is for reading questions alone, its alternatives included."""
    kept = {key: value for key, value in schema.items() if key not in QUESTION_KEYS}
    return kept | {"anyOf": [told(part) for part in schema["anyOf"]]} if "anyOf" in schema else kept


def parts_of(schema: Schema) -> list[Schema]:
    """Return a schema with the alternatives it names."""
    return [schema, *schema.get("anyOf", [])]


def types_of(schema: Schema) -> set[str]:
    """Return the JSON types that a schema allows."""
    return {str(part.get("type", "")) for part in parts_of(schema)}


def is_list(schema: Schema) -> bool:
    """Return whether an argument takes several values."""
    return "array" in types_of(schema)


def is_whole(schema: Schema) -> bool:
    """Return whether an argument takes a whole number."""
    return "integer" in types_of(schema)


def units_last(hint: Any) -> Any:
    """Return the type with its Unit after all other annotations: text is converted first, then limits hold, and None passes."""
    if get_origin(hint) is not Annotated:
        return hint
    base, *notes = get_args(hint)
    ordered = [n for n in notes if not isinstance(n, Unit)] + [n for n in notes if isinstance(n, Unit)]
    return Annotated[base, *ordered]
