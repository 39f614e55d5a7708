"""A name the offline table lacks: asked of PubChem only where mode and labels allow it. Answers have the documented shape."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmate.app.runs import open_run
from benchmate.runtime.context import TaskScope
from benchmate.runtime.errors import BenchmateError, NotFound
from benchmate.runtime.evidence import Evidence
from benchmate.runtime.http import HttpClient
from benchmate.runtime.settings import Mode, load_settings
from benchmate.runtime.workers import WorkerPool
from benchmate.tools.calls import call_tool

IMATINIB = {
    "PC_Compounds": [{
        "id": {"id": {"cid": 5291}}, "atoms": {"aid": [1], "element": [6]}, "charge": 0,
        "props": [
            {"urn": {"label": label, "datatype": 1, "name": name}, "value": {"sval": value}}
            for label, name, value in (
                ("InChIKey", "Standard", "KTUFNOKKBVMGRW-UHFFFAOYSA-N"),
                ("SMILES", "Absolute", "CC1=C(C=C(C=C1)NC(=O)C2=CC=C(C=C2)CN3CCN(CC3)C)NC4=NC=CC(=N4)C5=CN=CC=C5"),
            )
        ],
    }]
}  # fmt: skip


class Model:
    name = version = "none"


@pytest.fixture(autouse=True)
def inline(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(self: Any, function: Callable[..., Any], *args: Any, timeout: float | None = None) -> Any:
        return function(*args)

    monkeypatch.setattr(WorkerPool, "run", run)
    monkeypatch.setattr(WorkerPool, "warm", lambda self: None)


async def weigh(
    tmp_path: Path, mode: Mode, answer: Callable[[httpx.Request], httpx.Response], *, private: bool = False
) -> Evidence:
    settings = load_settings(mode=mode, cache_dir=tmp_path / "cache")
    async with open_run(tmp_path / "runs", settings=settings, engine=Model(), private=private) as run:
        run.context.http = HttpClient(
            mode, tmp_path / "http", transport=httpx.MockTransport(answer), deadline=1
        )
        try:
            return await call_tool(
                run.context, TaskScope("t"), "compute_descriptors", {"compound": "imatinib"}
            )
        finally:
            await run.context.http.aclose()


def never(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"asked {request.url}")


def known(request: httpx.Request) -> httpx.Response:
    assert request.url.path == "/rest/pug/compound/name/imatinib/record/JSON"
    return httpx.Response(200, json=IMATINIB)


def down(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no route to host")


async def test_live_asks_and_says_where_the_structure_is_from(tmp_path: Path) -> None:
    evidence = await weigh(tmp_path, Mode.LIVE, known)
    entity = evidence.result.entities[0]
    assert (entity.label, entity.details["resolved_by"], entity.details["registry_id"]) == (
        "imatinib",
        "PubChem",
        "CID 5291",
    )
    assert evidence.result.quantities["molecular_weight"].value == pytest.approx(
        493.6, abs=0.05
    )  # PubChem CID 5291
    assert evidence.arguments["compound"] == "imatinib", "the call is known by what was asked"


async def test_what_was_recorded_answers_offline(tmp_path: Path) -> None:
    await weigh(tmp_path, Mode.LIVE, known)
    assert (await weigh(tmp_path, Mode.OFFLINE, never)).result.entities[0].details["resolved_by"] == "PubChem"


@pytest.mark.parametrize(
    ("mode", "answer", "private", "code", "says"),
    [
        (Mode.OFFLINE, never, False, "unknown_compound", "not asked"),
        (Mode.LIVE, never, True, "unknown_compound", "PubChem was not asked: "),
        (Mode.LIVE, down, False, "network_unavailable", "pubchem"),
        (Mode.LIVE, lambda r: httpx.Response(404, text="no such name"), False, "unknown_compound", "PubChem knows no compound"),
        (Mode.LIVE, lambda r: httpx.Response(200, json={"Other": []}), False, "unexpected_answer", "another form"),
    ],
)  # fmt: skip
async def test_otherwise_the_error_says_who_was_not_asked_or_what_went_wrong(
    tmp_path: Path,
    mode: Mode,
    answer: Callable[[httpx.Request], httpx.Response],
    private: bool,
    code: str,
    says: str,
) -> None:
    with pytest.raises(BenchmateError) as caught:
        await weigh(tmp_path, mode, answer, private=private)
    assert caught.value.code == code
    assert says in str(caught.value)
    assert str(caught.value).count("not asked") <= 1, "one reason, the true one"


@pytest.mark.parametrize("path", ["molecule", "compound[7]", "compound[x]", "topic", "", None, 3])
async def test_a_tool_that_names_no_such_argument_gives_its_own_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: Any
) -> None:
    told = {
        "error": NotFound(
            "unknown_compound", "never heard of it", details={"argument": path}
        ).info.model_dump()
    }
    monkeypatch.setattr("benchmate.tools.calls._run_one", lambda *_: told)
    with pytest.raises(NotFound, match="never heard of it"):
        await weigh(tmp_path, Mode.LIVE, never)


async def test_a_tool_that_refuses_what_pubchem_found_is_not_asked_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {
        "error": NotFound(
            "unknown_compound", "not this one", details={"argument": "compound"}
        ).info.model_dump()
    }
    monkeypatch.setattr("benchmate.tools.calls._run_one", lambda *_: told)
    with pytest.raises(NotFound, match="not this one"):
        await weigh(tmp_path, Mode.LIVE, known)
