"""Calling tools in worker processes: an item that hangs, crashes or eats memory fails alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from benchmate.app import open_run as open_run_module
from benchmate.app.runs import open_run
from benchmate.runtime.context import RunContext, TaskScope
from benchmate.runtime.errors import ErrorInfo, InvalidInput, Refused
from benchmate.runtime.evidence import Evidence
from benchmate.runtime.labels import Label
from benchmate.runtime.policy import Policy, Rule
from benchmate.runtime.settings import WorkerLimits, load_settings
from benchmate.tools.calls import ApprovalNeeded, call_batch, call_tool
from benchmate.tools.registry import load_registry


class NoModel:
    name = version = "none"


@pytest.fixture
def own_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "own_tools"))
    monkeypatch.setenv("OWN_TOOLS", str(tmp_path))
    monkeypatch.setattr(open_run_module, "PRELOADED", (*open_run_module.PRELOADED, "own_tools_fresh"))
    load_registry.cache_clear()
    yield tmp_path
    load_registry.cache_clear()


@pytest.fixture
async def context(own_tools: Path) -> AsyncIterator[RunContext]:
    settings = load_settings(workers=WorkerLimits(processes=2, memory_mb=2048))
    async with open_run(own_tools / "runs", engine=NoModel(), settings=settings) as run:
        yield run.context


def codes(outcomes: list[Evidence | ErrorInfo]) -> list[str]:
    return [o.code if isinstance(o, ErrorInfo) else "ok" for o in outcomes]


@pytest.mark.parametrize(
    ("how", "code"),
    [("hang", "worker_timeout"), ("exit", "worker_crashed"), ("segfault", "worker_crashed"),
     ("memory", "worker_memory"), ("fault", "tool_fault")],
)  # fmt: skip
async def test_one_misbehaving_item_of_many_fails_alone(context: RunContext, how: str, code: str) -> None:
    items = [{"how": "fine"}] * 7 + [{"how": how}] + [{"how": "fine"}] * 8
    outcomes = await call_batch(context, TaskScope("t"), "misbehave", items, max_parallel=2)
    assert codes(outcomes) == ["ok"] * 7 + [code] + ["ok"] * 8


async def test_all_kinds_of_misbehaviour_at_once(context: RunContext) -> None:
    hows = ["fine", "segfault", "exit", "fine", "memory", "fault", "fine", "exit"]
    outcomes = await call_batch(
        context, TaskScope("t"), "misbehave", [{"how": h} for h in hows], max_parallel=2
    )
    assert codes(outcomes) == [
        "ok", "worker_crashed", "worker_crashed", "ok", "worker_memory", "tool_fault", "ok", "worker_crashed",
    ]  # fmt: skip


async def test_no_items_is_no_question_and_no_call(context: RunContext) -> None:
    context.policy = Policy(rules=(Rule(decision="ask"),))
    assert await call_batch(context, TaskScope("t"), "misbehave", []) == []
    assert len(context.journal) == 0


async def test_calls_that_run_here_may_also_end_themselves(
    context: RunContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = load_registry()["read_page"]

    def leave(*_: Any) -> Any:
        raise SystemExit(3)

    monkeypatch.setattr(type(tool), "run", leave)
    with pytest.raises(Exception, match="SystemExit: 3"):
        await call_tool(context, TaskScope("t"), "read_page", {"topic": "x"})


async def test_what_policy_denies_is_refused_item_by_item_and_recorded(context: RunContext) -> None:
    context.policy = Policy(rules=(Rule(tool="double_number", decision="deny", reason="not today"),))
    outcomes = await call_batch(context, TaskScope("t"), "double_number", [{"number": 1}, {"number": "x"}])
    assert codes(outcomes) == ["rule", "bad_arguments"]
    decided = context.journal.last("policy.decided")
    assert decided is not None
    assert (decided.body["verdict"], decided.body["reason"]) == ("deny", "not today")


async def test_a_question_is_raised_before_anything_starts(context: RunContext) -> None:
    with pytest.raises(ApprovalNeeded) as caught:
        await call_tool(context, TaskScope("t"), "save_note", {"text": "x"})
    assert caught.value.details == {"tool": "save_note", "arguments": [{"text": "x"}], "calls": 1}
    assert context.journal.last("call.started") is None


@pytest.mark.parametrize("label", ["untrusted", "private"])
async def test_labels_of_the_task_are_those_of_its_evidence(context: RunContext, label: Label) -> None:
    evidence = await call_tool(
        context, TaskScope("t", labels=frozenset({label})), "double_number", {"number": 2}
    )
    assert evidence.result.labels == {label}


async def test_the_graphs_own_tools_are_no_matter_of_policy(context: RunContext) -> None:
    context.policy = Policy(allow_tools=("double_number",), rules=(Rule(decision="ask"),))
    evidence = await call_tool(context, TaskScope("intake"), "find_entities", {"text": "aspirin"})
    assert [e.label for e in evidence.result.entities if e.kind == "compound"] == ["aspirin"]


@pytest.mark.parametrize(("approved", "saved"), [(True, ["x", "x"]), (False, ["x"])])
async def test_a_write_that_nobody_knows_the_end_of_is_made_again_only_by_a_person(
    context: RunContext, own_tools: Path, approved: bool, saved: list[str]
) -> None:
    context.policy = Policy(rules=(Rule(effect="write", decision="allow"),))
    await call_tool(context, TaskScope("other"), "save_note", {"text": "x"})
    started = context.journal.first("call.started")
    assert started is not None
    context.journal.append("call.started", started.body, task="t", attempt=1, call_key=started.call_key)
    with pytest.raises(ApprovalNeeded, match="may have taken effect") as caught:
        await call_tool(context, TaskScope("t"), "save_note", {"text": "x"})
    context.journal.append(
        "approval.given", {"subject": caught.value.subject, "approved": approved}, task="t"
    )
    if approved:
        await call_tool(context, TaskScope("t"), "save_note", {"text": "x"})
    else:
        with pytest.raises(Refused, match="had started before") as refused:
            await call_tool(context, TaskScope("t"), "save_note", {"text": "x"})
        assert refused.value.code == "unfinished_effect"
    assert (own_tools / "saved").read_text().splitlines() == saved


async def test_one_bad_write_does_not_stop_the_writes_beside_it(context: RunContext, own_tools: Path) -> None:
    context.policy = Policy(rules=(Rule(effect="write", decision="allow"),))
    items = [{"text": f"note {n}"} for n in range(6)]
    await call_tool(context, TaskScope("seed"), "save_note", items[2])
    started = context.journal.first("call.started")
    assert started is not None
    open_start = context.journal.append(
        "call.started", started.body, task="t", attempt=1, call_key=started.call_key
    )
    context.journal.append("approval.given", {"subject": f"unfinished:{open_start.seq}", "approved": False})
    outcomes = await call_batch(context, TaskScope("t"), "save_note", items)
    assert codes(outcomes) == ["ok", "ok", "unfinished_effect", "ok", "ok", "ok"]


async def test_an_unknown_tool_is_named(context: RunContext) -> None:
    with pytest.raises(Exception, match="there is no tool 'save_nothing'"):
        await call_tool(context, TaskScope("t"), "save_nothing", {})


async def test_wrong_arguments_are_recorded_as_the_calls_error(context: RunContext) -> None:
    with pytest.raises(InvalidInput):
        await call_tool(context, TaskScope("t"), "double_number", {"nmber": 1})
    ended = context.journal.last("call.finished")
    assert ended is not None
    assert ended.body["error"]["hint"] == "did you mean 'number'?"
