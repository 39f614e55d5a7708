"""Checks of this machine: what benchmate needs, whether it is there, and what to do when it is not."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmate.runtime.errors import BenchmateError, NotFound, Unavailable

if TYPE_CHECKING:
    from benchmate.runtime.settings import ModelProfile, Settings

PYTHONS = ((3, 11), (3, 14))  # from, and before; pyproject.toml says the same
LITTLE_SPACE = 1e9  # bytes; the model and its download need about a fifth of it
SERVER_SECONDS = 5.0


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str
    hint: str | None = None


def checks(settings: Settings, run: str | None = None) -> Iterator[Check]:
    """Yield one check after the other. The journal of `run` is verified; None: of the last one, if any."""
    yield _looked_at("Python", _python)
    yield _looked_at("packages", _packages)
    for name, value, source in settings_in_force(settings):
        yield Check(f"setting {name}", True, f"{value} ({source})")
    yield _looked_at("runs", lambda: _writable(settings.runs_dir))
    yield _looked_at("cache", lambda: _writable(settings.cache_dir))
    yield _looked_at("tools", _tools)
    yield _looked_at("model", lambda: _model(settings))
    yield _looked_at("library", lambda: _library(settings))
    yield _looked_at("workers", lambda: _workers(settings))
    yield _looked_at("journal", lambda: _journal(settings, run))


def _looked_at(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except BenchmateError as error:
        return Check(name, False, error.info.message, error.hint)
    except Exception as error:  # whatever is broken on this machine, the other checks go on
        return Check(
            name, False, f"{type(error).__name__}: {error}", "this should not happen; please report it"
        )


def settings_in_force(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Yield each setting's name, value and source: an option, a variable, benchmate.toml or the default."""
    import tomllib

    from benchmate.runtime.settings import load_settings

    toml = Path("benchmate.toml")
    written = tomllib.loads(toml.read_text()) if toml.is_file() else {}
    without_options = load_settings()
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        prefix = f"BENCHMATE_{name.upper()}"
        variables = sorted(
            v for v in os.environ if v.upper() == prefix or v.upper().startswith(f"{prefix}__")
        )
        if value != getattr(without_options, name):
            source = "option"
        elif variables:
            source = ", ".join(variables)
        elif name in written:
            source = "benchmate.toml"
        else:
            source = "default"
        if hasattr(value, "model_dump"):
            value = ", ".join(f"{key} {item}" for key, item in value.model_dump(mode="json").items())
        elif isinstance(value, dict):
            value = ", ".join(value) or "none of one's own"
        yield name, str(value), source


def _python() -> str:
    found = ".".join(str(part) for part in sys.version_info[:3])
    if not PYTHONS[0] <= sys.version_info[:2] < PYTHONS[1]:
        raise Unavailable(
            "wrong_python", f"Python {found} at {sys.executable}", hint="use Python 3.11 to 3.13"
        )
    return f"{found} at {sys.executable}"


def _packages() -> str:
    from importlib.metadata import PackageNotFoundError, requires, version

    from packaging.requirements import Requirement

    try:
        needed = [Requirement(line) for line in requires("benchmate") or []]
    except PackageNotFoundError:
        return "benchmate itself is not installed but run from source, so that versions are not compared"
    needed = [r for r in needed if r.marker is None or r.marker.evaluate({"extra": ""})]
    wrong = []
    for requirement in needed:
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(found, prereleases=True):
            wrong.append(f"{requirement.name} is {found}, not {requirement.specifier}")
    if wrong:
        raise Unavailable("wrong_packages", "; ".join(wrong), hint="install benchmate again with pip")
    return f"benchmate {version('benchmate')} and the {len(needed)} packages it needs"


def _writable(folder: Path) -> str:
    nearest = folder.absolute()
    while not nearest.exists():
        nearest = nearest.parent
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        raise Unavailable(
            "not_writable",
            f"{folder} cannot be written: {error.strerror or error}",
            hint="name another with --out, BENCHMATE_RUNS_DIR or BENCHMATE_CACHE_DIR",
        ) from None
    free = shutil.disk_usage(nearest).free
    if free < LITTLE_SPACE:
        raise Unavailable(
            "little_space", f"{folder} has {free / 1e6:.0f} MB left", hint="free at least 1 GB there"
        )
    return f"{folder} can be written, {free / 1e9:.0f} GB free"


def _tools() -> str:
    from benchmate.tools.registry import load_registry

    offered = load_registry().offered
    fields = {tool.domain for tool in offered.values()}
    return f"{len(offered)} tools in {len(fields)} fields: {', '.join(sorted(fields))}"


def _model(settings: Settings) -> str:
    said = [_model_of(settings, settings.model)]
    for role, name in settings.roles.items():
        if name != settings.profile:
            said.append(f"{role}: {_model_of(settings, settings.named(name))}")
    return "; ".join(said)


def _model_of(settings: Settings, profile: ModelProfile) -> str:
    if profile.engine == "http":
        urls = (profile.base_url or "", *profile.endpoints)
        return ", ".join(_server(url, profile.model, profile.api_key_env) for url in urls)
    from benchmate.model.pull import NOT_FETCHED_HINT, status

    found = status(settings)
    if not found.present:
        raise Unavailable(
            "model_not_fetched", f"not fetched yet; {found.path} is missing", hint=NOT_FETCHED_HINT
        )
    if not found.sha_ok:
        raise Unavailable(
            "model_damaged", f"{found.path} is not whole", hint="run `benchmate model pull` again"
        )
    return f"{profile.model}, {found.size / 1e6:.0f} MB at {found.path}"


def _server(base_url: str, model: str, key_variable: str | None) -> str:
    import httpx

    key = os.environ.get(key_variable) if key_variable else None
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    url = f"{base_url.rstrip('/')}/models"
    try:
        answer = httpx.get(url, headers=headers, timeout=SERVER_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unavailable(
            "no_model_server",
            f"{url} does not answer: {error}",
            hint="start it, or set base_url in the profile",
        ) from None
    if answer.status_code in (401, 403):
        hint = f"put the key in {key_variable}" if key_variable else "set api_key_env in the profile"
        raise Unavailable("no_model_server", f"{url} wants another key ({answer.status_code})", hint=hint)
    if answer.is_error:
        raise Unavailable("no_model_server", f"{url} answers {answer.status_code}", hint="look at its log")
    return f"{model} at {base_url}"


def _library(settings: Settings) -> str:
    from benchmate.tools.library.store import Library

    library = Library(settings.library_folder, settings.library.server, settings.library.collection)
    passages = library.count()
    if not passages:
        return f"empty; `benchmate ingest PATH` adds to it, at {library.place}"
    return f"{passages} passages of {len(library.sources())} documents at {library.place}"


def _workers(settings: Settings) -> str:
    from benchmate.runtime.workers import WorkerPool

    pool = WorkerPool(settings.workers)
    begun = time.monotonic()
    try:
        asyncio.run(pool.run(os.getpid))
    finally:
        pool.close()
    limits = settings.workers
    return (
        f"{limits.processes} processes of {limits.memory_mb} MB at most, "
        f"the first call answered after {time.monotonic() - begun:.1f} s"
    )


def _journal(settings: Settings, run: str | None) -> str:
    from benchmate.app.runs import find_run
    from benchmate.runtime.journal import open_existing

    try:
        folder = find_run(run or "last", settings.runs_dir)
    except NotFound:
        if run is not None:
            raise
        return f"no run in {settings.runs_dir} yet"
    journal = open_existing(folder)
    try:
        return f"{journal.verify()} records of {folder} are as they were written"
    finally:
        journal.close()
