"""A workflow's inputs: checked against their declarations, completed with defaults, files read."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from benchmate.agents.attachments import source_of
from benchmate.runtime.errors import BenchmateError, InvalidInput, NotFound, did_you_mean
from benchmate.workflows.document import read_document
from benchmate.workflows.files import COMPOUND_SUFFIXES, SEQUENCE_SUFFIXES, read_compounds, read_sequence
from benchmate.workflows.schema import Columns, Input, Items, Workflow

ENTITY_KINDS = {"compound": "compound", "compounds": "compound", "sequence": "sequence"}
INPUT_KINDS = ENTITY_KINDS | {"image": "image", "signal": "signal"}
_WORDS = {
    "string": "a text", "number": "a number", "integer": "a whole number", "boolean": "true or false", "array": "a list",
    "object": "a mapping", "compound": "a name, a SMILES or a record", "sequence": "letters, FASTA text, a record or a file",
    "compounds": "a list of names, SMILES and records, or a file", "file": "the path of a file",
    "image": "the path of a picture", "signal": "the path of a signal with its rate, as in 'trace.npy@100 Hz'",
}  # fmt: skip
_RECORD_KEYS = {
    "compound": ("name", "smiles", "inchi", "inchikey", "registry_id", "source", "problem"),
    "sequence": ("sequence", "name", "topology"),
}


def complete_inputs(
    workflow: Workflow,
    given: Mapping[str, Any],
    *,
    later: Collection[str] = (),
    folders: Mapping[str, Path] | None = None,
) -> dict[str, Any]:
    """Return the value of every input: as given, or by default. Compound and sequence files are read into records.

    Paths that are given are taken from the working directory or from the input's own folder in `folders`, those of defaults
    from the workflow's folder. Inputs in `later` have no value yet and are left out.
    Raises InvalidInput: `unknown_input` with the nearest name, `missing_input`, `bad_input` naming what was expected;
    and what reading a file raises.
    """
    known = workflow.inputs
    for name in given:
        if name not in known:
            raise InvalidInput(
                "unknown_input",
                f"{workflow.name} has no input {name!r}",
                hint=did_you_mean(name, known),
                details={"input": name},
            )
    missing = [n for n, spec in known.items() if spec.must_be_given and n not in given and n not in later]
    if missing:
        raise InvalidInput(
            "missing_input", f"{workflow.name} needs {', '.join(missing)}",
            hint="; ".join(f"{name}: {known[name].description or _WORDS[known[name].type]}" for name in missing),
            details={"inputs": missing},
        )  # fmt: skip
    values: dict[str, Any] = {}
    for name, spec in known.items():
        if name in given:
            folder = (folders or {}).get(name, Path())
            values[name] = _read(name, spec, check_value(name, spec, given[name]), folder)
        elif name in later:
            continue
        elif spec.has_default:
            values[name] = _read(
                name, spec, check_value(name, spec, spec.default), Path(workflow.document.file).parent
            )
        else:
            values[name] = None
    return values


def check_value(name: str, spec: Input, value: Any) -> Any:
    """Return `value` if it is what the declaration asks for; no file is read. Raises InvalidInput (`bad_input`)."""
    if value is None and (spec.required is False or (spec.has_default and spec.default is None)):
        return None
    kind = spec.type
    if not _is_of_type(kind, value):
        raise _bad(name, f"is {_shown(value)}, not {_WORDS[kind]}", _quoting_hint(kind, value))
    _check_limits(name, spec, value)
    if kind == "array":
        for index, item in enumerate(value):
            _check_item(f"{name}[{index}]", spec.items, item)
    if kind in ("array", "compounds") and isinstance(value, list):
        _check_length(name, spec, value)
    if kind == "compounds" and isinstance(value, list):
        for index, item in enumerate(value):
            if not _is_of_type("compound", item):
                raise _bad(
                    f"{name}[{index}]",
                    f"is {_shown(item)}, not {_WORDS['compound']}",
                    _quoting_hint("compound", item),
                )
            _check_record(f"{name}[{index}]", "compound", item)
    if kind in ("compound", "sequence"):
        _check_record(name, kind, value)
    return value


def inputs_from_text(workflow: Workflow, given: Mapping[str, str]) -> dict[str, Any]:
    """Return inputs that were typed, as `name=text` on a command line, as values of the declared types.

    Numbers, lists and mappings are read as YAML 1.2; compounds, sequences, files and texts are taken as they stand,
    but `null` for an input that is not required means none.
    Raises InvalidInput (`bad_input`) for text that cannot be read; unknown names are left for `complete_inputs`.
    """
    values: dict[str, Any] = {}
    for name, text in given.items():
        spec = workflow.inputs.get(name)
        if spec is not None and spec.required is False and text.strip() in ("", "null"):
            values[name] = None
            continue
        as_yaml = spec is not None and (
            spec.type in ("number", "integer", "boolean", "array", "object")
            or (
                spec.type == "compounds"
                and re.match(r"\s*\[\s*[\"'{\w].*\]\s*$", text, re.DOTALL)
                and ("," in text or '"' in text)
            )
        )
        if not as_yaml:
            values[name] = text
            continue
        try:
            values[name] = read_document(text, f"input {name}").data
        except InvalidInput as error:
            raise _bad(name, f"cannot be read: {error.info.message}", error.hint) from None
    return values


# --- reading files ------------------------------------------------------------------------------------------------


def file_of(spec: Input, value: Any) -> tuple[str, Columns | None] | None:
    """Return the path of the file that a value names and the columns it tells, or None when the value is no file."""
    if spec.type == "file":
        return (value, None) if isinstance(value, str) else None
    if spec.type in ("image", "signal"):
        return str(source_of(value)[0]), None
    suffixes = {"compound": (), "compounds": COMPOUND_SUFFIXES, "sequence": SEQUENCE_SUFFIXES}.get(
        spec.type, ()
    )
    if isinstance(value, str) and value.lower().endswith(suffixes) and suffixes and "\n" not in value:
        return value, spec.columns
    if isinstance(value, Mapping) and "file" in value and suffixes:
        return str(value["file"]), Columns.model_validate(value["columns"]) if value.get(
            "columns"
        ) else spec.columns
    return None


def _read(name: str, spec: Input, value: Any, folder: Path) -> Any:
    if value is None:
        return None
    try:
        found = file_of(spec, value)
        if found is not None:
            path = folder / Path(found[0]).expanduser()
            if spec.type == "sequence":
                return read_sequence(path)
            if spec.type == "compounds":
                records = read_compounds(path, found[1])
                _check_length(name, spec, records)
                return records
            if not path.is_file():
                raise NotFound("no_such_file", f"there is no file {path}", details={"file": str(path)})
            if spec.type == "file":
                return str(path)
            rate = source_of(value)[1]
            return {"file": str(path)} if rate is None else {"file": str(path), "sampling_rate": rate}
        if spec.type == "sequence":
            from benchmate.tools.biology.sequences import parse_sequence

            parse_sequence(value)
    except ValidationError as error:
        raise _bad(
            name, f"has bad columns: {error.errors()[0]['msg']}", did_you_mean("", Columns.model_fields)
        ) from None
    except BenchmateError as error:
        info = error.info
        raise type(error)(
            info.code,
            f"input {name!r}: {info.message}",
            hint=info.hint,
            details={**info.details, "input": name},
        ) from None
    return [value] if spec.type == "compounds" and not isinstance(value, list) else value


# --- checks -------------------------------------------------------------------------------------------------------


def _is_of_type(kind: str, value: Any) -> bool:
    match kind:
        case "string" | "file":
            return isinstance(value, str)
        case "number":
            return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "array":
            return isinstance(value, list)
        case "object":
            return isinstance(value, Mapping)
        case "compounds":
            return isinstance(value, list) or _is_of_type("compound", value)
        case "image" | "signal":
            return isinstance(value, str) or (isinstance(value, Mapping) and "file" in value)
        case _:  # compound, sequence
            return (isinstance(value, str) and value.strip() != "") or isinstance(value, Mapping)


def _check_limits(name: str, spec: Input | Items, value: Any) -> None:
    if spec.enum is not None and not any(
        value == allowed and type(value) is type(allowed) for allowed in spec.enum
    ):
        hint = did_you_mean(str(value), [str(allowed) for allowed in spec.enum])
        raise _bad(name, f"is {_shown(value)}, not one of {', '.join(map(_shown, spec.enum))}", hint)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if spec.minimum is not None and value < spec.minimum:
            raise _bad(name, f"is {value}, less than {spec.minimum:g}")
        if spec.maximum is not None and value > spec.maximum:
            raise _bad(name, f"is {value}, more than {spec.maximum:g}")
    if isinstance(value, str):
        if spec.min_length is not None and len(value) < spec.min_length:
            raise _bad(name, f"has {len(value)} characters, fewer than {spec.min_length}")
        if spec.max_length is not None and len(value) > spec.max_length:
            raise _bad(name, f"has {len(value)} characters, more than {spec.max_length}")
        if spec.pattern is not None and not re.fullmatch(spec.pattern, value):
            raise _bad(name, f"is {_shown(value)}, which is not of the form {spec.pattern}")


def _check_item(name: str, spec: Items | None, item: Any) -> None:
    if spec is None:
        return
    if not _is_of_type(spec.type, item):
        raise _bad(name, f"is {_shown(item)}, not {_WORDS[spec.type]}", _quoting_hint(spec.type, item))
    _check_limits(name, spec, item)


def _check_length(name: str, spec: Input, value: list[Any]) -> None:
    if spec.min_items is not None and len(value) < spec.min_items:
        raise _bad(name, f"has {len(value)} items, fewer than {spec.min_items}")
    if spec.max_items is not None and len(value) > spec.max_items:
        raise _bad(name, f"has {len(value)} items, more than {spec.max_items}")


def _check_record(name: str, kind: str, value: Any) -> None:
    """A record's keys are known ones. `{file: …, columns: …}` is a file, not a record."""
    if not isinstance(value, Mapping) or (kind == "sequence" and set(value) == {"file"}):
        return
    known = _RECORD_KEYS[kind]
    for key in value:
        if key not in known:
            raise _bad(name, f"has the unknown key {key!r}", did_you_mean(str(key), known))


def _quoting_hint(kind: str, value: Any) -> str | None:
    if kind in ("string", "compound", "sequence") and isinstance(value, (bool, int, float)):
        return "put it in quotes if it is a text"
    if kind in ("number", "integer") and isinstance(value, str):
        return "write it without quotes and without a unit"
    return None


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=lambda other: f"a {type(other).__name__}")
    return text if len(text) <= 60 else f"{text[:57]}…"


def _bad(name: str, message: str, hint: str | None = None) -> InvalidInput:
    return InvalidInput(
        "bad_input", f"input {name!r} {message}", hint=hint, details={"input": name.partition("[")[0]}
    )
