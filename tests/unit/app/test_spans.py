"""Spans of runs: who is whose parent, when, what they say and what they keep to themselves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from benchmate.agents.approval import ApprovalAnswer
from benchmate.agents.contracts import Plan, Task
from benchmate.app.runs import RunOutcome, call_once, execute, open_run, replay_run, resume_run
from benchmate.model.engine import ToolCall
from benchmate.model.scripted import Asked, ScriptedEngine
from benchmate.runtime.errors import Transient
from benchmate.runtime.journal import Journal, Record
from benchmate.runtime.settings import ModelProfile, Settings, load_settings

pytestmark = pytest.mark.usefixtures("inline_tools")

QUESTION = "How heavy are aspirin and caffeine?"
COMPOUNDS = ("aspirin", "caffeine")


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """What a program around us collects that has set a provider of its own."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    yield exporter
    provider.shutdown()


def free(**telemetry: Any) -> Settings:
    return load_settings(
        profile="free", profiles={"free": ModelProfile(plans=True, model="scientist")}, telemetry=telemetry
    )


class Together:
    """A model that plans a task for each compound, and in the tasks does not answer before both have asked."""

    def __init__(self, *, fails_on: str | None = None) -> None:
        self.engine = ScriptedEngine(self.answer, name="scientist", version="9")
        self.waiting, self.both = set[str](), asyncio.Event()
        self.fails_on = fails_on

    async def answer(self, asked: Asked) -> Any:
        fields = (asked.constraint.json_schema or {}).get("properties", {}) if asked.constraint else {}
        if "tasks" in fields:
            tasks = [{"agent": "chemist", "goal": f"Describe {name}.", "needs": []} for name in COMPOUNDS]
            return json.dumps({"tasks": tasks})
        if "claims" in fields:
            return json.dumps({"answer": "Done.", "claims": []})
        if any(message.role == "tool" for message in asked.messages):
            return "Done."
        (name,) = (n for n in COMPOUNDS if f"Describe {n}." in asked.messages[1].text)
        self.waiting.add(name)
        if len(self.waiting) == len(COMPOUNDS):
            self.both.set()
        await asyncio.wait_for(self.both.wait(), 30)
        if name == self.fails_on:
            return Transient("model_busy", f"no answer about {name}")
        return ToolCall(id="drawn-at-random", name="compute_descriptors", arguments={"compound": name})


async def ask(out: Path, model: Together, **options: Any) -> RunOutcome:
    settings = options.pop("settings", None) or free()
    return await execute(question=QUESTION, out=out, settings=settings, engine=model.engine, **options)


def records(folder: Path) -> list[Record]:
    journal = Journal(folder / "journal.sqlite", read_only=True)
    try:
        return list(journal.records())
    finally:
        journal.close()


def named(found: Sequence[ReadableSpan], start: str) -> list[ReadableSpan]:
    return [span for span in found if span.name.startswith(start)]


def parent_of(span: ReadableSpan, found: Sequence[ReadableSpan]) -> ReadableSpan | None:
    assert span.context is not None
    if span.parent is None:
        return None
    (parent,) = (one for one in found if one.context and one.context.span_id == span.parent.span_id)
    assert parent.context and parent.context.trace_id == span.context.trace_id
    return parent


def of(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def everything(found: Sequence[ReadableSpan]) -> str:
    return "\n".join(f"{span.name} {span.status.description} {of(span)}" for span in found)


async def test_two_parallel_tasks_have_their_own_calls_and_the_run_has_both(
    tmp_path: Path, spans: InMemorySpanExporter
) -> None:
    outcome = await ask(tmp_path, Together())
    found = spans.get_finished_spans()
    (run,) = named(found, "invoke_agent benchmate")
    tasks = named(found, "invoke_agent chemist")
    assert run.parent is None and len(tasks) == 2
    assert [parent_of(task, found) for task in tasks] == [run, run]
    first, second = tasks
    assert first.start_time and first.end_time and second.start_time and second.end_time
    assert first.start_time < second.end_time and second.start_time < first.end_time  # side by side

    # Who is whose parent, as the journal tells it: calls of a task, and those that the run makes itself.
    told = {r.seq: r for r in records(outcome.folder) if r.kind == "call.started"}
    in_tasks = {of(task)["benchmate.task.id"] for task in tasks}
    tools = named(found, "execute_tool")
    assert len(tools) == sum(r.body["type"] == "tool" for r in told.values())
    for span in tools:
        run_id, seq = of(span)["gen_ai.tool.call.id"].split(":")
        record, parent = told[int(seq)], parent_of(span, found)
        assert run_id == outcome.run_id and parent is not None
        assert span.name == f"execute_tool {record.body['name']}"
        expected = record.task if record.task in in_tasks else None
        assert of(parent).get("benchmate.task.id") == expected
    described = named(found, "execute_tool compute_descriptors")
    assert {of(parent_of(s, found) or s)["benchmate.task.id"] for s in described} >= in_tasks

    chats = named(found, "chat scientist")
    by_parent = [of(parent_of(span, found) or span).get("benchmate.task.id") for span in chats]
    assert {name: by_parent.count(name) for name in in_tasks} == dict.fromkeys(
        in_tasks, 3
    )  # call, done, conclusion
    assert by_parent.count(None) == 1  # the planner's


async def test_the_times_of_spans_are_those_of_the_record(
    tmp_path: Path, spans: InMemorySpanExporter
) -> None:
    outcome = await ask(tmp_path, Together())
    found = spans.get_finished_spans()
    calls = [s for s in found if s.name.startswith(("chat", "execute_tool"))]
    written = {kind: [r.at for r in records(outcome.folder) if r.kind == kind] for kind in ("call.started", "call.finished")}  # fmt: skip
    assert sorted(s.start_time or 0 for s in calls) == [
        round(at * 1e9) for at in sorted(written["call.started"])
    ]
    assert sorted(s.end_time or 0 for s in calls) == [
        round(at * 1e9) for at in sorted(written["call.finished"])
    ]
    for span in found:
        parent = parent_of(span, found)
        assert span.start_time and span.end_time and span.start_time <= span.end_time
        if parent is not None:
            assert parent.start_time and parent.end_time
            assert parent.start_time <= span.start_time and span.end_time <= parent.end_time


async def test_a_model_request_says_what_the_conventions_ask_for(
    tmp_path: Path, spans: InMemorySpanExporter
) -> None:
    """Names: OpenTelemetry semantic conventions for generative AI, spans of inference, agents and tools."""
    outcome = await ask(tmp_path, Together())
    found = spans.get_finished_spans()
    (plan,) = (
        s for s in named(found, "chat") if parent_of(s, found) in named(found, "invoke_agent benchmate")
    )
    said = of(plan)
    assert plan.kind is SpanKind.CLIENT
    assert said["gen_ai.operation.name"] == "chat"
    assert said["gen_ai.provider.name"] == "llama.cpp"  # what the profile names
    assert said["gen_ai.request.model"] == said["gen_ai.response.model"] == "scientist"
    assert said["gen_ai.response.finish_reasons"] == ("stop",)
    assert said["gen_ai.output.type"] == "json"
    (record,) = (r for r in records(outcome.folder) if r.kind == "call.finished" and r.task == "planner" and r.body["type"] == "model")  # fmt: skip
    usage = record.body["result"]["usage"]
    assert (said["gen_ai.usage.input_tokens"], said["gen_ai.usage.output_tokens"]) == (usage["prompt_tokens"], usage["completion_tokens"])  # fmt: skip
    assert usage["completion_tokens"] > 0
    reasons = [of(s)["gen_ai.response.finish_reasons"] for s in named(found, "chat")]
    assert reasons.count(("tool_calls",)) == 2
    tool = named(found, "execute_tool compute_descriptors")[0]
    assert tool.kind is SpanKind.INTERNAL
    assert of(tool)["gen_ai.operation.name"] == "execute_tool"
    assert of(tool)["gen_ai.tool.name"] == "compute_descriptors"
    for task in named(found, "invoke_agent chemist"):
        assert of(task)["gen_ai.operation.name"] == "invoke_agent"
        assert of(task)["gen_ai.agent.name"] == "chemist"
        assert of(task)["gen_ai.request.model"] == "scientist"
    assert {of(span)["benchmate.run.id"] for span in found} == {outcome.run_id}


async def test_what_failed_is_an_error_with_its_code(tmp_path: Path, spans: InMemorySpanExporter) -> None:
    await ask(tmp_path, Together(fails_on="caffeine"))
    found = spans.get_finished_spans()
    failed = [s for s in named(found, "chat") if s.status.status_code is StatusCode.ERROR]
    assert failed and {of(s)["error.type"] for s in failed} == {"model_busy"}
    assert all("gen_ai.response.finish_reasons" not in of(s) for s in failed)
    parents = {of(parent_of(s, found) or s)["benchmate.task.id"] for s in failed}
    tasks = [s for s in named(found, "invoke_agent chemist") if s.status.status_code is StatusCode.ERROR]
    assert {of(s)["benchmate.task.id"] for s in tasks} == parents and len(parents) == 1
    assert {of(s)["error.type"] for s in tasks} == {"model_busy"}


async def test_no_content_is_in_spans_unless_asked_for(tmp_path: Path, spans: InMemorySpanExporter) -> None:
    await ask(tmp_path, Together(fails_on="caffeine"))
    told = everything(spans.get_finished_spans()).lower()
    assert not [
        word
        for word in ("aspirin", "caffeine", "heavy", "describe")
        if f"{word} " in told or f"{word}." in told
    ]
    assert "180.16" not in told


async def test_asked_for_spans_hold_messages_arguments_and_results(
    tmp_path: Path, spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_TOKEN", "caffeine")  # a secret that the person puts in the question
    await ask(tmp_path, Together(), settings=free(content=True))
    found = spans.get_finished_spans()
    chats = named(found, "chat")
    calling = next(s for s in chats if of(s)["gen_ai.response.finish_reasons"] == ("tool_calls",))
    sent = json.loads(of(calling)["gen_ai.input.messages"])
    assert [m["role"] for m in sent] == ["system", "user"]
    assert all(part["type"] == "text" and part["content"] for m in sent for part in m["parts"])
    (answer,) = json.loads(of(calling)["gen_ai.output.messages"])
    assert answer["role"] == "assistant" and answer["finish_reason"] == "tool_calls"
    assert answer["parts"][-1]["type"] == "tool_call" and answer["parts"][-1]["name"] == "compute_descriptors"
    after = [m for s in chats for m in json.loads(of(s)["gen_ai.input.messages"]) if m["role"] == "tool"]
    assert after and all(
        m["parts"][0]["type"] == "tool_call_response" and m["parts"][0]["response"] for m in after
    )
    tools = named(found, "execute_tool compute_descriptors")
    given = [json.loads(of(s)["gen_ai.tool.call.arguments"])["compound"] for s in tools]
    assert sorted(given) == ["[removed]", "aspirin"]
    assert any("180.1" in of(s)["gen_ai.tool.call.result"] for s in tools)  # PubChem CID 2244: 180.16
    assert "caffeine" not in everything(found) and "[removed]" in everything(found)


async def test_a_private_run_tells_no_content_even_when_asked(
    tmp_path: Path, spans: InMemorySpanExporter
) -> None:
    await ask(tmp_path, Together(fails_on="caffeine"), settings=free(content=True), private=True)
    found = spans.get_finished_spans()
    assert named(found, "chat") and named(found, "execute_tool")
    assert not [name for s in found for name in of(s) if "messages" in name or ("tool.call." in name and not name.endswith("id"))]  # fmt: skip
    told = everything(found).lower()
    assert "aspirin" not in told and "caffeine" not in told


def tool_records(journal: Journal, key: str, result: dict[str, Any], **extra: Any) -> None:
    called = {"type": "tool", "name": "look", "version": "1"}
    journal.append("call.started", {**called, "arguments": {"what": key}}, task="t", attempt=1, call_key=key)
    journal.append("call.finished", {**called, "result": result, **extra}, task="t", attempt=1, call_key=key)


async def test_content_ends_where_something_private_is_found(
    tmp_path: Path, spans: InMemorySpanExporter
) -> None:
    async with open_run(tmp_path, settings=free(content=True), engine=Together().engine) as run:
        journal = run.context.journal
        journal.append("run.opened", {"title": "test"})
        tool_records(journal, "paper", {"labels": ["untrusted"]})
        tool_records(journal, "notebook", {"labels": ["private"]})
        tool_records(journal, "again", {"labels": []})
    held = [
        of(s).get("gen_ai.tool.call.arguments") for s in named(spans.get_finished_spans(), "execute_tool")
    ]
    assert held == ['{"what": "paper"}', None, None]
    spans.clear()
    async with open_run(tmp_path, settings=free(content=True), engine=Together().engine, run_id=run.context.run_id) as again:  # fmt: skip
        again.context.journal.append("run.resumed", {})
        tool_records(again.context.journal, "later", {})
    assert "later" not in everything(spans.get_finished_spans())


async def test_a_cited_call_of_an_earlier_run_has_no_span(
    tmp_path: Path, spans: InMemorySpanExporter
) -> None:
    async with open_run(tmp_path, settings=free(), engine=Together().engine) as run:
        run.context.journal.append("run.opened", {"title": "test"})
        tool_records(run.context.journal, "old", {}, cites={"run": "earlier", "seq": 3})
        tool_records(run.context.journal, "new", {})
    assert len(named(spans.get_finished_spans(), "execute_tool")) == 1


async def test_a_call_that_was_cut_short_is_ended_as_unfinished(
    tmp_path: Path, spans: InMemorySpanExporter
) -> None:
    async with open_run(tmp_path, settings=free(), engine=Together().engine) as run:
        run.context.journal.append("run.opened", {"title": "test"})
        body = {"type": "tool", "name": "look", "version": "1", "arguments": {}}
        run.context.journal.append("call.started", body, task="t", attempt=1, call_key="k")
    (call,) = named(spans.get_finished_spans(), "execute_tool")
    assert of(call)["error.type"] == "unfinished"
    (whole,) = named(spans.get_finished_spans(), "run")
    assert "benchmate.run.status" not in of(whole)


PLAN = Plan(
    title="weights of secret compounds",
    made_by="workflow weigh_both",
    tasks=(
        Task(id="ask_first", kind="approve", arguments={"message": "Go on?"}),
        Task(id="weigh", kind="tool", tool="compute_descriptors", arguments={"compound": "aspirin"}, needs=("ask_first",)),
    ),
)  # fmt: skip


async def test_a_workflow_that_waits_and_is_resumed_has_a_run_span_each_time(
    tmp_path: Path, spans: InMemorySpanExporter
) -> None:
    settings, engine = load_settings(), ScriptedEngine([])
    waiting = await execute(plan=PLAN, out=tmp_path, settings=settings, engine=engine)
    assert waiting.status == "waiting"
    done = await resume_run(waiting.folder, engine=engine, answer=ApprovalAnswer(approved=True))
    assert done.status == "complete"
    found = spans.get_finished_spans()
    first, second = named(found, "invoke_workflow weigh_both")
    assert of(first)["gen_ai.workflow.name"] == "weigh_both"
    assert "benchmate.run.status" not in of(first) and of(second)["benchmate.run.status"] == "complete"
    assert of(second)["benchmate.run.resumed"] is True
    asking = [parent_of(s, found) for s in named(found, "task ask_first")]  # asked anew, then answered
    assert asking[0] is first and set(asking[1:]) == {second}
    (weigh,) = named(found, "task weigh")
    assert parent_of(weigh, found) is second and of(weigh)["benchmate.task.status"] == "ok"
    assert "secret" not in everything(found)


async def test_a_replay_has_no_spans_and_gives_the_same_bytes(
    tmp_path: Path, spans: InMemorySpanExporter
) -> None:
    outcome = await ask(tmp_path, Together())
    spans.clear()
    again = await replay_run(outcome.folder)
    assert spans.get_finished_spans() == ()
    for name in ("report.md", "report.html", "ro-crate-metadata.json"):
        assert (again.folder / name).read_bytes() == (outcome.folder / name).read_bytes()


async def test_no_span_or_trace_id_is_in_the_runs_record(tmp_path: Path, spans: InMemorySpanExporter) -> None:
    outcome = await ask(tmp_path, Together())
    context = spans.get_finished_spans()[0].context
    assert context is not None
    written = " ".join(r.text for r in records(outcome.folder))
    assert f"{context.trace_id:032x}" not in written and f"{context.span_id:016x}" not in written


async def test_a_run_inside_a_span_of_the_program_is_part_of_it(
    tmp_path: Path, spans: InMemorySpanExporter
) -> None:
    with trace.get_tracer_provider().get_tracer("host").start_as_current_span("request") as request:
        await call_once(
            "compute_descriptors", {"compound": "aspirin"}, out=tmp_path, settings=load_settings()
        )
    (run,) = named(spans.get_finished_spans(), "run")
    assert run.parent is not None and run.parent.span_id == request.get_span_context().span_id
