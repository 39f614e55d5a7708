"""A deployment as data: one model on some GPUs, and everything that has to be decided before LMDeploy starts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from benchmate.model.serving.shape import Format, ModelShape
from benchmate.runtime.errors import InvalidInput, did_you_mean

Port = Annotated[int, Field(ge=1, le=65535)]
EnvName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$|^[0-9A-Fa-f:]+$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Problem(_Part):
    """What is wrong with a deployment, and what to change."""

    code: str
    message: str
    fix: str
    severity: Literal["refused", "warning"] = "refused"

    def __str__(self) -> str:
        return f"{self.message}: {self.fix}"


class Gpus(_Part):
    """The GPUs of each node."""

    kind: str = Field("H200", description="As sold: H100, H200, B200, A100 …", examples=["H200"])
    per_node: int = Field(8, ge=1)
    memory_gb: float = Field(141, gt=0, description="Of one GPU, in 10^9 bytes.")


class KvPolicy(_Part):
    """How the cache of keys and values is kept."""

    quant_policy: Literal["none", "int4", "int8", "fp8", "fp8_e5m2"] = "none"
    cache_max_entry_count: float = Field(
        0.8, gt=0, lt=1, description="Share of the memory free after weights."
    )
    prefix_caching: bool = Field(False, description="Reuse the cache of a prompt's known beginning.")


class Proxy(_Part):
    """LMDeploy's proxy, on the first node: one address in front of every server."""

    port: Port = 8000
    routing: Literal["random", "min_expected_latency", "min_observed_latency"] = "min_expected_latency"
    timeout_seconds: int = Field(1800, ge=1, description="It has no limit of its own.")


class Training(_Part):
    """What reinforcement learning needs of the server."""

    logprobs_mode: Literal["raw_logits", "raw_logprobs"] | None = None
    routed_experts: bool = Field(False, description="Say which experts each token went to.")
    abort: bool = Field(False, description="Let a client abort requests.")
    weight_updates: bool = Field(False, description="Take new weights while running; needs the ray executor.")


class Deployment(_Part):
    """One model, served. Every field has a value that works for one GPU, but for the model."""

    name: str = Field(
        "model", pattern=r"^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$", description="Of files, units and pods."
    )
    model: str = Field(
        min_length=1, description="A Hugging Face id or a local folder.", examples=["/models/Intern-S1-Pro"]
    )
    served_name: str | None = Field(None, description="What clients call it. Default: what `model` says.")
    checkpoint: Format = Field("bf16", description="How the weights are stored.")
    quantize: Literal["fp8"] | None = Field(None, description="Quantise a bf16 checkpoint while it loads.")
    shape: ModelShape | None = Field(
        None, description="The model's sizes; a local folder's config.json wins."
    )

    gpus: Gpus = Gpus()
    nodes: tuple[Host, ...] = Field(("localhost",), min_length=1, description="Hosts, the first one leads.")
    tp: int = Field(1, ge=1, description="GPUs that split each matrix.")
    dp: int = Field(1, ge=1, description="Copies of the attention, each with requests of its own.")
    ep: int = Field(1, ge=1, description="GPUs that share out whole experts.")

    context_tokens: int = Field(32768, ge=512)
    max_batch_size: int = Field(128, ge=1)
    max_prefill_tokens: int = Field(8192, ge=64)
    kv: KvPolicy = KvPolicy()
    reasoning_parser: str | None = None
    tool_call_parser: str | None = None

    server_port: Port = Field(23333, description="Of the first server; the others of a node follow it.")
    master_port: Port = Field(29555, description="Where data-parallel ranks meet.")
    ray_port: Port = Field(6379, description="Of the ray cluster, where tensor parallelism spans nodes.")
    proxy: Proxy | None = None
    tls: bool = Field(False, description="Serve https; SSL_KEYFILE and SSL_CERTFILE name the files.")
    ca_bundle: str | None = Field(None, description="A private CA's certificates, as a file on every node.")
    api_key_env: tuple[EnvName, ...] = Field(
        (), description="Variables with the accepted keys; never the keys."
    )
    pass_env: tuple[EnvName, ...] = Field(
        (), description="Further variables that hold secrets, such as HF_TOKEN."
    )
    env: dict[EnvName, str] = Field(default_factory=dict, description="Further variables; no secrets.")
    media_domains: tuple[str, ...] = Field((), description="Hosts it may fetch images and signals from.")
    offline: bool = Field(False, description="Fetch nothing from the Hugging Face Hub.")
    trust_remote_code: bool = False
    training: Training = Training()

    reserve_gb: float = Field(
        4, ge=0, description="Per GPU: CUDA context, NCCL, DeepEP buffers, CUDA graphs."
    )
    lmdeploy: str = Field("lmdeploy", description="The executable on the nodes.")
    image: str = Field("openmmlab/lmdeploy:v0.18.0", description="For containers.")
    accept: tuple[str, ...] = Field((), description="Codes of refusals that are to be warnings.")

    @field_validator("model", "lmdeploy", "image")
    @classmethod
    def _one_word_on_a_command_line(cls, value: str) -> str:
        if value.startswith("-") or re.search(r"[\x00-\x1f]", value):
            raise ValueError("it may not begin with a dash or hold control characters")
        return value

    @field_validator("env")
    @classmethod
    def _one_line(cls, value: dict[str, str]) -> dict[str, str]:
        if any(re.search(r"[\x00-\x1f]", text) for text in value.values()):
            raise ValueError("a value may not hold control characters")
        return value

    @property
    def loaded_as(self) -> Format:
        """How the weights lie in GPU memory."""
        return self.quantize or self.checkpoint

    @property
    def gpus_needed(self) -> int:
        return max(self.dp, self.tp, self.ep)

    @property
    def servers_per_node(self) -> int:
        """API servers on a node: one for each data-parallel rank there."""
        return max(1, self.dp // len(self.nodes)) if self.dp > 1 else 1

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.api_key_env, *self.pass_env)))

    @property
    def client_url(self) -> str:
        """Where clients connect, as an OpenAI base URL."""
        port = self.proxy.port if self.proxy else self.server_port
        return f"{url('https' if self.tls else 'http', self.nodes[0], port)}/v1"


def url(scheme: str, host: str, port: int) -> str:
    """Return `scheme://host:port`, with an IPv6 address in brackets."""
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def with_changes(base: Deployment | None, changes: Mapping[str, Any]) -> Deployment:
    """Return `base` with other values; `changes` may nest, and `gpus.per_node` names a field of a field.

    Raises InvalidInput (`bad_deployment`) naming the field, its value and what was expected.
    """
    values: dict[str, Any] = base.model_dump(mode="json") if base else {}
    for key, value in changes.items():
        _merge(values, key.split("."), value)
    try:
        return Deployment.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            hint = did_you_mean(str(first["loc"][-1]), _fields(first["loc"][:-1]))
            raise InvalidInput("bad_deployment", f"a deployment has no {where!r}", hint=hint) from None
        if first["type"] == "missing":
            raise InvalidInput("bad_deployment", f"a deployment needs {where!r}") from None
        message = f"{where!r} of the deployment is {first['input']!r}: {first['msg']}"
        raise InvalidInput("bad_deployment", message) from None


def _merge(values: dict[str, Any], path: list[str], value: Any) -> None:
    name, *rest = path
    if rest or isinstance(value, Mapping):
        inner = values.get(name)
        values[name] = inner = dict(inner) if isinstance(inner, Mapping) else {}
        if rest:
            _merge(inner, rest, value)
        else:
            for key, each in value.items():
                _merge(inner, [str(key)], each)
    else:
        values[name] = value


def _fields(path: tuple[int | str, ...]) -> list[str]:
    parts: dict[str, type[BaseModel]] = {
        "gpus": Gpus, "kv": KvPolicy, "proxy": Proxy, "training": Training, "shape": ModelShape,
    }  # fmt: skip
    model = parts.get(str(path[0]), Deployment) if path else Deployment
    return list(model.model_fields)
