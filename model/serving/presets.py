"""Deployments that ship, and how the name a person gives becomes one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmate.model.serving.deployment import Deployment, Gpus, Proxy, with_changes
from benchmate.model.serving.shape import ModelShape, format_of_folder, shape_of_folder
from benchmate.runtime.errors import InvalidInput, did_you_mean

# Language models: sizes in the released config.json files (S1-Pro) and in XTuner's definitions of the models
# (S1, S1-mini). Encoders: counted from the released vision configs; the time-series encoder of S1-Pro with the
# sizes that XTuner gives, as its own were not published in the config.
S1_PRO = ModelShape(
    hidden=4096, layers=94, heads=64, kv_heads=4, head_dim=128, vocab=155008, experts=512, expert_ffn=1536,
    other_parameters=339_807_232 + 145_986_256, max_context=262144, integer_kv=False, tool_call_parser="qwen3",
    source="config.json of internlm/Intern-S1-Pro",
)  # fmt: skip
S1 = ModelShape(
    hidden=4096, layers=94, heads=64, kv_heads=4, head_dim=128, vocab=153216, experts=128, expert_ffn=1536,
    other_parameters=5_536_496_000 + 69_239_808, max_context=40960, tool_call_parser="intern-s1",
    source="XTuner's definition of Intern-S1",
)  # fmt: skip
S1_MINI = ModelShape(
    hidden=4096, layers=36, heads=32, kv_heads=8, head_dim=128, vocab=153216, ffn=12288,
    other_parameters=304_012_288 + 33_570_816, max_context=40960, tool_call_parser="intern-s1",
    source="XTuner's definition of Intern-S1-mini",
)  # fmt: skip
S2_PREVIEW = ModelShape(
    hidden=2048, layers=40, heads=16, kv_heads=2, head_dim=256, vocab=248320, experts=256, expert_ffn=512,
    attention_layers=10, text_parameters=35_000_000_000, other_parameters=450_000_000, max_context=262144,
    integer_kv=False, tool_call_parser="interns2-preview",
    source="assumed from its name and the Qwen3.5-35B-A3B geometry; check against config.json",
)  # fmt: skip

H200, H100 = Gpus(kind="H200", per_node=8, memory_gb=141), Gpus(kind="H100", per_node=4, memory_gb=80)
ONE_H100 = Gpus(kind="H100", per_node=1, memory_gb=80)
KEY = ("LMDEPLOY_API_KEY",)

_PRO = Deployment(
    name="intern-s1-pro", model="internlm/Intern-S1-Pro", checkpoint="fp8", shape=S1_PRO, gpus=H200,
    nodes=("node0", "node1"), tp=1, dp=16, ep=16, context_tokens=65536, reasoning_parser="default",
    tool_call_parser="qwen3", proxy=Proxy(), api_key_env=KEY, trust_remote_code=True, reserve_gb=10,
)  # fmt: skip

PRESETS: dict[str, Deployment] = {
    "intern-s1-pro": _PRO,
    "intern-s1-pro-tp16": _PRO.model_copy(
        update={"name": "intern-s1-pro-tp16", "tp": 16, "dp": 1, "ep": 1, "proxy": None, "reserve_gb": 6.0}
    ),
    "intern-s1-fp8": Deployment(
        name="intern-s1-fp8", model="internlm/Intern-S1-FP8", checkpoint="fp8", shape=S1, gpus=H100, tp=4,
        context_tokens=32768, reasoning_parser="default", tool_call_parser="intern-s1", api_key_env=KEY,
        trust_remote_code=True, reserve_gb=3,
    ),
    "intern-s1-mini-fp8": Deployment(
        name="intern-s1-mini-fp8", model="internlm/Intern-S1-mini-FP8", checkpoint="fp8", shape=S1_MINI,
        gpus=ONE_H100, context_tokens=32768, reasoning_parser="default", tool_call_parser="intern-s1",
        api_key_env=KEY, trust_remote_code=True, reserve_gb=3,
    ),
    "intern-s2-preview-fp8": Deployment(
        name="intern-s2-preview-fp8", model="internlm/Intern-S2-Preview-FP8", checkpoint="fp8",
        shape=S2_PREVIEW, gpus=ONE_H100, context_tokens=65536, reasoning_parser="default",
        tool_call_parser="interns2-preview", api_key_env=KEY, trust_remote_code=True, reserve_gb=3,
    ),
}  # fmt: skip


def deployment_of(target: str, changes: Mapping[str, Any] | None = None) -> Deployment:
    """Return the preset of that name, or a deployment of the model with that Hugging Face id or folder.

    `changes` are field values that win, with dots into parts (`gpus.per_node`). Sizes and format of a model
    that lies in a folder here are read from its config.json. Raises InvalidInput (`unknown_preset`,
    `bad_deployment`, `bad_model_config`).
    """
    changes = dict(changes or {})
    base = PRESETS.get(target)
    if base is None:
        if "/" not in target and not Path(target).is_dir():
            raise InvalidInput(
                "unknown_preset",
                f"{target!r} is no preset, no folder and no Hugging Face id",
                hint=did_you_mean(target, PRESETS),
            )
        changes = {"model": target, "name": _name_of(target), **changes}
    made = with_changes(base, changes)
    folder = Path(made.model)
    if not folder.is_dir():
        return made
    seen: dict[str, Any] = {"shape": shape_of_folder(folder, made.shape)}
    if "checkpoint" not in changes and (form := format_of_folder(folder)):
        seen["checkpoint"] = form
    return made.model_copy(update=seen)


def _name_of(target: str) -> str:
    last = target.rstrip("/").rpartition("/")[2].lower()
    return (
        "".join(c if c.isascii() and c.isalnum() else "-" for c in last).strip("-")[:40].strip("-") or "model"
    )
