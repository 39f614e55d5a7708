"""Asks LMDeploy itself: runs under LMDeploy's own Python, reads a request as JSON, writes the answer as JSON.

It imports nothing of benchmate, because LMDeploy lives in an environment of its own. Requests:

- `{"check": [argv, …]}`: what LMDeploy's parser, parser names, engine config and topology say of each command.
- `{"snapshot": true}`: its version, flags, parser names and which layouts it accepts, to be kept as
  `lmdeploy_flags.json`. Made anew with
  `PYTHON_WITH_LMDEPLOY model/serving/lmdeploy_probe.py snapshot > model/serving/lmdeploy_flags.json`.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import sys
from typing import Any

COMMANDS = ("api_server", "proxy")
LAYOUT_SIZES = (1, 2, 3, 4, 8, 16)


def make_parser() -> Any:
    """Return LMDeploy's command-line parser. It can be filled once a process."""
    from lmdeploy.cli.cli import CLI
    from lmdeploy.cli.lite import SubCliLite
    from lmdeploy.cli.serve import SubCliServe

    for group in (CLI, SubCliServe, SubCliLite):
        group.add_parsers()
    return CLI.parser


def check(parser: Any, argv: list[str]) -> list[dict[str, str]]:
    """Return what LMDeploy has against `argv` (which starts with `serve`), as stage and message."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            args = parser.parse_args(argv)
    except SystemExit:
        lines = [line for line in said.getvalue().splitlines() if "error:" in line]
        return [{"stage": "arguments", "message": lines[-1].partition("error: ")[2] if lines else "refused"}]
    if argv[1] != "api_server":
        return []
    problems = []
    for stage, step in (("parser names", _parser_names), ("engine", _engine)):
        try:
            step(args)
        except (AssertionError, ValueError, TypeError) as error:
            problems.append({"stage": stage, "message": str(error) or type(error).__name__})
    return problems


def _parser_names(args: Any) -> None:
    from lmdeploy.serve.parsers import validate_parser_names

    validate_parser_names(args.reasoning_parser, args.tool_call_parser, warn_legacy=False)


def _engine(args: Any) -> None:
    from lmdeploy.messages import PytorchEngineConfig
    from lmdeploy.pytorch.config import DistConfig

    taken = {
        name: getattr(args, name)
        for name in (
            "dtype", "tp", "dp", "ep", "max_batch_size", "cache_max_entry_count", "num_gpu_blocks", "session_len",
            "enable_prefix_caching", "quant_policy", "eager_mode", "max_prefill_token_num", "model_format",
            "hf_overrides", "logprobs_mode", "enable_return_routed_experts", "distributed_executor_backend",
            "kernel_block_size", "enable_microbatch", "enable_eplb", "language_model_only",
        )
    }  # fmt: skip
    config = PytorchEngineConfig(block_size=args.cache_block_seq_len, device_type=args.device, **taken)
    DistConfig.from_engine_config(config)


def snapshot(parser: Any) -> dict[str, Any]:
    """Return everything that `model/serving` needs to know of this LMDeploy without having it."""
    import lmdeploy
    from lmdeploy.messages import QuantPolicy
    from lmdeploy.serve.parsers.reasoning_parser import LEGACY_REASONING_PARSER_NAMES, ReasoningParserManager
    from lmdeploy.serve.parsers.tool_parser import ToolParserManager

    serve = _subparsers(parser)["serve"]
    return {
        "lmdeploy": lmdeploy.__version__,
        "commands": {name: _options(_subparsers(serve)[name]) for name in COMMANDS},
        "reasoning_parsers": sorted(ReasoningParserManager.module_dict),
        "legacy_reasoning_parsers": sorted(LEGACY_REASONING_PARSER_NAMES),
        "tool_parsers": sorted(ToolParserManager.module_dict),
        "quant_policies": {policy.name.lower(): int(policy) for policy in QuantPolicy},
        "layouts": [
            [dp, tp, ep, *sizes]
            for dp, tp, ep in itertools.product(LAYOUT_SIZES, repeat=3)
            if (sizes := _layout(dp, tp, ep))
        ],
    }


def _subparsers(parser: Any) -> dict[str, Any]:
    return {
        name: found
        for action in parser._actions
        if action.nargs == "A..." and action.choices
        for name, found in action.choices.items()
    }


def _options(parser: Any) -> list[dict[str, Any]]:
    found = []
    for action in parser._actions:
        if action.dest == "help":
            continue
        kind: Any = getattr(action.type, "__name__", None)
        option = {
            "flags": sorted(action.option_strings, key=len),
            "dest": action.dest,
            "action": type(action).__name__.strip("_").removesuffix("Action").lower(),
            "type": {"_parse": "quant_policy", "loads": "json"}.get(kind, kind),
            "nargs": action.nargs,
            "choices": None if action.choices is None else [c for c in action.choices if c is not None],
        }
        found.append({key: value for key, value in option.items() if value is not None})
    return found


def _layout(dp: int, tp: int, ep: int) -> tuple[int, int, int] | None:
    """Return (world size, GPUs of one attention copy, GPUs that split an expert), or None where it is refused."""
    from lmdeploy.messages import PytorchEngineConfig
    from lmdeploy.pytorch.config import DistConfig

    try:
        found = DistConfig.from_engine_config(PytorchEngineConfig(dp=dp, tp=tp, ep=ep))
    except (AssertionError, ValueError):
        return None
    return found.world_size, found.attn_tp, found.moe_tp


def _one_row_a_line(answer: dict[str, Any]) -> str:
    """Return JSON in which each flag and each layout is one line, so that two snapshots compare well."""
    commands = {**answer.pop("commands"), "layouts": answer.pop("layouts")}
    text = json.dumps(answer)[1:-1]
    for name, rows in commands.items():
        text += f",\n{json.dumps(name)}: [\n " + ",\n ".join(json.dumps(row) for row in rows) + "\n]"
    return f"{{{text}}}\n"


def main() -> None:
    request: dict[str, Any] = {"snapshot": True} if sys.argv[1:] == ["snapshot"] else json.load(sys.stdin)
    out = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):  # LMDeploy's imports print
        import lmdeploy

        parser = make_parser()
        if request.get("snapshot"):
            answer = snapshot(parser)
            out.write(_one_row_a_line(answer))
            return
        problems = [check(parser, argv) for argv in request["check"]]
        answer = {"lmdeploy": lmdeploy.__version__, "problems": problems}
    json.dump(answer, out)


if __name__ == "__main__":
    main()
