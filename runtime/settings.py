"""Settings and profiles. Values come from arguments, BENCHMATE_* variables, benchmate.toml, in this order."""

from __future__ import annotations

import difflib
import getpass
import os
import re
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from benchmate.runtime.errors import InvalidInput, did_you_mean


class Mode(StrEnum):
    """Where tools' network answers come from.

    `live` asks the network and records what came back. `recorded` answers from the record and asks the
    network only for what it lacks. `offline` answers from the record and never asks. `replay` runs nothing:
    a run's own journal answers.
    """

    LIVE = "live"
    RECORDED = "recorded"
    OFFLINE = "offline"
    REPLAY = "replay"

    @property
    def network(self) -> bool:
        return self in (Mode.LIVE, Mode.RECORDED)


Role = Literal["planner", "specialist", "verifier", "writer"]
Medium = Literal["image", "signal"]  # what a model may take beside text


class ModelProfile(BaseModel):
    """Which model answers, and how it is reached."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: Literal["embedded", "http"] = "embedded"
    dialect: Literal["openai", "llama.cpp", "lmdeploy"] = Field(
        "openai", description="What the server understands beyond OpenAI's chat."
    )
    base_url: str | None = Field(None, description="An OpenAI-compatible server, e.g. http://host:23333/v1.")
    endpoints: tuple[str, ...] = Field(
        (),
        description="Further servers of the same model, which share its calls and take over where one fails.",
    )
    model: str = "SmolLM2-135M-Instruct"
    template: str = Field("chatml", description="The renderer for `generate`.")
    api_key_env: str | None = Field(None, description="The environment variable with the key; never the key.")
    threads: int = Field(1, ge=1, description="Threads of the embedded server.")
    context_tokens: int = Field(4096, ge=512)
    max_completion_tokens: int = Field(512, ge=1)
    timeout_seconds: float = Field(120.0, gt=0)
    concurrency: int = Field(8, ge=1, description="Calls under way at a time; further ones wait their turn.")
    thinking: bool | None = Field(
        None, description="Whether it thinks first; None is its template's own way."
    )
    family: str | None = Field(
        None, description="Which models it is kin to, e.g. `intern`; None reads it off its name."
    )
    roles: dict[Role, str] = Field(
        default_factory=dict, description="Profiles of other models that plan, specialise, verify or write."
    )
    accepts: tuple[Medium, ...] = Field((), description="What it takes beside text.")
    judges: bool = Field(False, description="Whether it is trusted to judge claims that code cannot check.")
    plans: bool = Field(False, description="Whether it plans freely; otherwise one task per sub-question.")

    @property
    def kin(self) -> str:
        """The model's family: `intern` of internlm/Intern-S1-Pro, `qwen` of Qwen/Qwen3-235B-A22B."""
        stem = self.model.rpartition("/")[2].lower()
        letters = re.match(r"[a-z]+", stem)
        return self.family or (letters.group() if letters else stem)


PROFILES: dict[str, ModelProfile] = {
    "embedded": ModelProfile(),
    "lmdeploy": ModelProfile(
        engine="http", dialect="lmdeploy", base_url="http://127.0.0.1:23333/v1", model="internlm/Intern-S1-Pro",
        template="server", context_tokens=32768, max_completion_tokens=4096, timeout_seconds=600,
        accepts=("image", "signal"), judges=True, plans=True,
    ),
    "openai-compatible": ModelProfile(
        engine="http", base_url="http://127.0.0.1:8000/v1", model="default", template="server",
        api_key_env="OPENAI_API_KEY", context_tokens=32768, max_completion_tokens=4096,
        judges=True, plans=True,
    ),
}  # fmt: skip


class LibraryProfile(BaseModel):
    """Where the retrieval store lives: a folder, or a Chroma server."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path | None = Field(None, description="Default: the data folder of the user.")
    server: str | None = Field(None, description="host:port of a Chroma server; wins over `folder`.")
    collection: str = "library"


class AizynthfinderProfile(BaseModel):
    """Where AiZynthFinder lives, which runs in a Python environment of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cli: Path | None = Field(None, description="The command `aizynthcli` of that environment.")
    config: Path | None = Field(None, description="Its `config.yml`, with model, templates and stock.")


class WorkerLimits(BaseModel):
    """Limits for code that runs in worker processes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    processes: int = Field(2, ge=1)
    seconds: float = Field(60.0, gt=0, description="For one call; slow tools declare their own.")
    memory_mb: int = Field(4096, ge=256, description="Address space of one worker.")
    result_mb: float = Field(16.0, gt=0)


class TelemetryProfile(BaseModel):
    """Where OpenTelemetry spans of runs go. Off unless an endpoint is set here or by OTEL_EXPORTER_OTLP_ENDPOINT."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoint: str | None = Field(
        None, pattern="^https?://", description="An OTLP/HTTP collector, e.g. http://127.0.0.1:4318."
    )
    content: bool = Field(
        False,
        description="Whether spans hold messages, arguments and results; those of private runs never do.",
    )


class LogProfile(BaseModel):
    """Where the log goes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: Path | None = Field(None, description="A file that JSON lines are appended to; None keeps no log.")
    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least that is logged."
    )


class Settings(BaseSettings):
    """All settings. `benchmate doctor` prints those in force."""

    model_config = SettingsConfigDict(
        env_prefix="BENCHMATE_",
        env_nested_delimiter="__",
        toml_file="benchmate.toml",
        extra="forbid",
        frozen=True,
    )

    profile: str = "embedded"
    profiles: dict[str, ModelProfile] = Field(
        default_factory=dict, description="Own profiles, or own values for the shipped ones."
    )
    mode: Mode = Mode.OFFLINE
    fetch_model: bool = Field(True, description="Fetch the embedded model when it is first needed.")
    runs_dir: Path = Path("runs")
    cache_dir: Path = Field(default_factory=lambda: Path(platformdirs.user_cache_dir("benchmate")))
    data_dir: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("benchmate")))
    database: str | None = Field(
        None,
        description="A `postgresql://` address for sessions, memory and checkpoints; default: SQLite in `data_dir`.",
    )
    person: str = Field(
        default_factory=getpass.getuser,
        description="Whose sessions and memory these are, on a machine that several share.",
    )
    policy: Path | None = Field(
        None, description="A YAML file: what may be called, and what becomes of listed compounds and agents."
    )
    library: LibraryProfile = LibraryProfile()
    workers: WorkerLimits = WorkerLimits()
    aizynthfinder: AizynthfinderProfile = AizynthfinderProfile()
    telemetry: TelemetryProfile = TelemetryProfile()
    log: LogProfile = LogProfile()

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource, dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:  # fmt: skip
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def model(self) -> ModelProfile:
        """The model profile in force. Raises InvalidInput (`unknown_profile`)."""
        return self.named(self.profile)

    def named(self, name: str) -> ModelProfile:
        """Return a model profile. Raises InvalidInput (`unknown_profile`)."""
        # An own profile of a shipped name changes only what it says.
        known = PROFILES | {
            name: PROFILES[name].model_copy(update={key: getattr(own, key) for key in own.model_fields_set})
            if name in PROFILES
            else own
            for name, own in self.profiles.items()
        }
        if name not in known:
            raise InvalidInput(
                "unknown_profile", f"there is no profile {name!r}", hint=did_you_mean(name, known)
            )
        return known[name]

    @property
    def roles(self) -> dict[Role, str]:
        """The profile of each role that the profile in force leaves to another.

        Where it names no verifier, one of the other roles' models judges if it may and is of another family than the
        specialists' model: kin models share their mistakes.
        """
        roles = dict(self.model.roles)
        if "verifier" not in roles:
            specialist = self.named(roles.get("specialist", self.profile))
            for name in roles.values():
                if self.named(name).judges and self.named(name).kin != specialist.kin:
                    return roles | {"verifier": name}
        return roles

    def role(self, role: Role) -> ModelProfile:
        """Return the model profile of a role. Raises InvalidInput (`unknown_profile`)."""
        return self.named(self.roles.get(role, self.profile))

    @property
    def database_place(self) -> str | Path:
        """Where sessions, memory and feedback are kept."""
        return self.database or self.data_dir / "benchmate.sqlite"

    @property
    def library_folder(self) -> Path:
        return self.library.folder or self.data_dir / "library"


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        return "somebody"


def load_settings(**overrides: Any) -> Settings:
    """Return the settings in force; `overrides` that are None are ignored.

    Raises InvalidInput (`bad_settings`) naming the setting, its value and what was expected.
    """
    try:
        _check_variables()
        return Settings(**{key: value for key, value in overrides.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        *path, last = [str(part) for part in first["loc"]]
        where = ".".join([*path, last])
        if first["type"] == "extra_forbidden":
            hint = did_you_mean(last, _fields(path))
            raise InvalidInput("bad_settings", f"there is no setting {where!r}", hint=hint) from None
        raise InvalidInput(
            "bad_settings", f"setting {where!r} is {first['input']!r}: {first['msg']}"
        ) from None
    except SettingsError as error:
        raise InvalidInput(
            "bad_settings", f"{error}", hint="set one value of a group, as in BENCHMATE_WORKERS__PROCESSES=2"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput("bad_settings", f"benchmate.toml is not TOML: {error}") from None


def _check_variables() -> None:
    """Refuse a misspelt BENCHMATE_* variable, which would otherwise change nothing and say nothing."""
    known = [f"BENCHMATE_{name.upper()}" for name in Settings.model_fields]
    for variable in os.environ:
        name = variable.partition("__")[0]
        if not name.startswith("BENCHMATE_") or name in known:
            continue
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.85)
        if close:
            raise InvalidInput(
                "bad_settings", f"no setting reads {variable}", hint=f"did you mean {close[0]!r}?"
            )


def _fields(path: list[str]) -> list[str]:
    """Return the names of the settings in a group: ['workers'] has 'processes', 'seconds' …"""
    model: Any = Settings
    for name in path:
        if name in model.model_fields:
            annotation = model.model_fields[name].annotation
            model = annotation if hasattr(annotation, "model_fields") else ModelProfile
    return list(model.model_fields)
