"""LMDeploy's command line without LMDeploy: its parser made again from the snapshot of its flags."""

from __future__ import annotations

import argparse
import functools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from benchmate.runtime.errors import did_you_mean

FILE = Path(__file__).parent / "lmdeploy_flags.json"


@functools.cache
def snapshot() -> dict[str, Any]:
    """Return what `lmdeploy_probe.py snapshot` wrote."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


class _Refused(Exception):
    """What argparse would have printed before it exits."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _Refused(message)


def problems_of(argv: Sequence[str]) -> list[dict[str, str]]:
    """Return what the snapshot has against `argv` (`serve`, a command, its arguments): stage and message."""
    command = argv[1]
    try:
        args = _parser(command).parse_args(list(argv[2:]))
    except _Refused as refusal:
        return [{"stage": "arguments", "message": str(refusal)}]
    if command != "api_server":
        return []
    known = snapshot()
    names = {
        "reasoning parser": (
            args.reasoning_parser,
            known["reasoning_parsers"] + known["legacy_reasoning_parsers"],
        ),
        "tool parser": (args.tool_call_parser, known["tool_parsers"]),
    }
    return [
        {
            "stage": "parser names",
            "message": f"the {kind} {name!r} is not known: {did_you_mean(name, options)}",
        }
        for kind, (name, options) in names.items()
        if name is not None and name not in options
    ]


@functools.cache
def _parser(command: str) -> argparse.ArgumentParser:
    parser = _Parser(prog=f"lmdeploy serve {command}", add_help=False)
    types: dict[str, Callable[[str], Any]] = {
        "int": int, "float": float, "str": str, "json": json.loads, "quant_policy": _quant_policy,
    }  # fmt: skip
    for option in snapshot()[command]:
        names = option["flags"] or [option["dest"]]
        if option["action"] == "storetrue":
            parser.add_argument(*names, dest=option["dest"], action="store_true")
            continue
        given = {key: option[key] for key in ("nargs", "choices") if key in option}
        if option["flags"]:
            given["dest"] = option["dest"]
        parser.add_argument(*names, type=types[option.get("type", "str")], **given)
    return parser


def _quant_policy(text: str) -> int:
    policies: dict[str, int] = snapshot()["quant_policies"]
    if (known := policies.get({"fp8_e4m3": "fp8"}.get(text.lower(), text.lower()))) is not None:
        return known
    if int(text) in policies.values():
        return int(text)
    raise ValueError(text)
