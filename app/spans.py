"""OpenTelemetry spans of a run, by the semantic conventions for generative AI. Imported only where `telemetry.py` finds them wanted.

A listener makes them of a run's events and the journal records behind: parents from the task that a call was made in, times from the
record, so that parallel branches come out right. A replay calls nothing and has no spans.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from benchmate.app.span_content import call_content, reply_content
from benchmate.runtime.context import RunContext, body_of
from benchmate.runtime.events import Event
from benchmate.runtime.journal import Record
from benchmate.runtime.redaction import secrets_of, without_secrets
from benchmate.runtime.settings import ModelProfile, Settings

OPERATIONS = {"chat": "chat", "generate": "text_completion"}  # of the model seam, by the conventions
BAD_ENDINGS = ("failed", "refused", "budget")


class RunSpans:
    """The spans of one run: a listener. Run → task → model request or tool call; calls outside of tasks are the run's own."""

    def __init__(self, context: RunContext, tracer: Tracer) -> None:
        self.context, self.tracer = context, tracer
        self.content = context.settings.telemetry.content and not _is_private(context)
        self.known = secrets_of(context.settings)
        self.run: Span | None = None
        self.tasks: dict[str, Span] = {}
        self.calls: dict[tuple[str, int, str], deque[tuple[Span, Record]]] = defaultdict(deque)
        self.models: dict[str, dict[str, Any]] = {}  # what spans say of each, by the version that calls name
        self.agent_model: dict[str, Any] = {}

    def listen(self, event: Event) -> None:
        """Begin or end the span that an event is about."""
        if event.kind == "task.started":
            self._task_started(event)
        elif event.kind == "task.ended" and event.task in self.tasks:
            self._end_calls(event.task, event.at)
            self._end_task(self.tasks.pop(event.task), event)
        if event.seq is None:
            return
        if event.kind in ("run.opened", "run.resumed"):
            self._run_opened(event.at, resumed=event.kind == "run.resumed")
        elif event.kind in ("call.started", "call.finished", "call.refused"):
            record = self.context.journal.at(event.seq)
            {"call.started": self._started, "call.finished": self._finished, "call.refused": self._refused}[
                event.kind
            ](record)
        elif event.kind == "run.closed":
            self._run_closed(event)

    def close(self) -> None:
        """End what is still open: calls and tasks that were cut short, and the run, which may be resumed."""
        for task in {key[0] for key in self.calls}:
            self._end_calls(task, None)
        for span in self.tasks.values():
            span.end()
        if self.run is not None:
            self.run.end()
        self.tasks, self.run = {}, None

    def _run_opened(self, at: float, *, resumed: bool) -> None:
        opened = self.context.journal.first("run.opened")
        body = opened.body if opened else {}
        self.models = _models(body, self.context.settings)
        specialist = body.get("roles", {}).get("specialist", {})
        self.agent_model = self._model_of(specialist.get("version", body.get("model_version")))
        attributes: dict[str, Any] = {"benchmate.mode": str(self.context.mode)}
        name = "run"
        if body.get("plan"):
            made_by = str(self.context.artifacts.get_json(body["plan"])["made_by"])
            workflow = made_by.removeprefix("workflow ") if made_by.startswith("workflow ") else None
            name = f"invoke_workflow {workflow}" if workflow else "invoke_workflow"
            attributes |= body_of(
                **{"gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": workflow}
            )
        elif body.get("question"):
            name = "invoke_agent benchmate"
            attributes |= {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "benchmate"}
            attributes |= self._model_of(body.get("model_version"))
        if resumed:
            attributes["benchmate.run.resumed"] = True
        self.run = self._begin(name, at, None, attributes)

    def _run_closed(self, event: Event) -> None:
        if self.run is None:
            return
        status = str(event.data.get("status"))
        self.run.set_attribute("benchmate.run.status", status)
        if status in BAD_ENDINGS:
            self._fail(self.run, event.data.get("error") or {"code": status})
        self.run.end(_ns(event.at))
        self.run = None

    def _task_started(self, event: Event) -> None:
        if event.task in self.tasks:  # it begins anew, after a person was asked
            self.tasks.pop(event.task).end(_ns(event.at))
        agent = event.data.get("agent")
        attributes = {"benchmate.task.id": event.task}
        if agent:
            attributes |= {
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.name": str(agent),
                **self.agent_model,
            }
        name = f"invoke_agent {agent}" if agent else f"task {event.task}"
        self.tasks[event.task] = self._begin(name, event.at, self.run, attributes)

    def _end_task(self, span: Span, event: Event) -> None:
        if status := event.data.get("status"):
            span.set_attribute("benchmate.task.status", str(status))
        if status in BAD_ENDINGS:
            self._fail(span, {"code": event.data.get("error") or status})
        span.end(_ns(event.at))

    def _started(self, record: Record) -> None:
        self.calls[_key(record)].append((self._begin_call(record), record))

    def _begin_call(self, record: Record) -> Span:
        body = record.body
        name = str(body["name"])
        if body["type"] == "model":
            model = self._model_of(body["version"])
            operation = OPERATIONS.get(name, name)
            attributes = {"gen_ai.operation.name": operation, **model, **_request(body.get("arguments", {}))}
            name = f"{operation} {model.get('gen_ai.request.model', '')}".rstrip()
        else:
            attributes = {
                "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name, "gen_ai.tool.type": "function",
                "gen_ai.tool.call.id": f"{self.context.run_id}:{record.seq}", "benchmate.tool.version": str(body["version"]),
            }  # fmt: skip
            name = f"execute_tool {name}"
        return self._begin(
            name, record.at, self.tasks.get(record.task, self.run), attributes, client=body["type"] == "model"
        )

    def _finished(self, record: Record) -> None:
        waiting = self.calls.get(_key(record))
        if not waiting:
            return
        span, started = waiting.popleft()
        body = record.body
        if "cites" in body:  # an earlier run made this call: a span that is not ended is not sent
            return
        result = body.get("result") or {}
        if "private" in result.get("labels", ()):
            self.content = False  # what follows may build on it
        if body["type"] == "model":
            span.set_attributes(_response(result))
        if self.content:
            told = call_content(started.body) | reply_content(body)
            span.set_attributes({name: self._text(value) for name, value in told.items()})
        if "error" in body:
            self._fail(span, body["error"])
        span.end(_ns(record.at))

    def _refused(self, record: Record) -> None:
        span = self._begin_call(record)
        self._fail(span, record.body["error"])
        span.end(_ns(record.at))

    def _end_calls(self, task: str, at: float | None) -> None:
        for key in [key for key in self.calls if key[0] == task]:
            for span, _ in self.calls.pop(key):
                self._fail(span, {"code": "unfinished"})
                span.end(None if at is None else _ns(at))

    def _begin(
        self, name: str, at: float, parent: Span | None, attributes: Mapping[str, Any], *, client: bool = False
    ) -> Span:  # fmt: skip
        return self.tracer.start_span(
            name,
            context=trace.set_span_in_context(parent) if parent is not None else None,
            kind=SpanKind.CLIENT if client else SpanKind.INTERNAL,
            attributes={"benchmate.run.id": self.context.run_id, **attributes},
            start_time=_ns(at),
        )

    def _fail(self, span: Span, error: Mapping[str, Any]) -> None:
        message = error.get("message") if self.content else None  # it may quote what was asked
        span.set_attribute("error.type", str(error.get("code", "_OTHER")))
        span.set_status(
            Status(StatusCode.ERROR, without_secrets(str(message), self.known) if message else None)
        )

    def _model_of(self, version: Any) -> dict[str, Any]:
        return self.models.get(str(version), {})

    def _text(self, value: Any) -> str:
        return without_secrets(json.dumps(value, ensure_ascii=False), self.known)


def _is_private(context: RunContext) -> bool:
    """Return whether the person's input is private, or anything that the run has found so far."""
    found = (r.body.get("result") or {} for r in context.journal.records("call.finished"))
    return "private" in context.labels or any("private" in result.get("labels", ()) for result in found)


def _models(opened: Mapping[str, Any], settings: Settings) -> dict[str, dict[str, Any]]:
    """Return what spans say of each model of a run, by the version that its calls name."""
    found = {str(opened.get("model_version")): _model(str(opened.get("model")), settings.model)}
    for role, told in opened.get("roles", {}).items():
        found.setdefault(str(told["version"]), _model(str(told["model"]), settings.role(role)))
    return found


def _model(name: str, profile: ModelProfile) -> dict[str, Any]:
    provider = "custom"  # an engine of the caller's own
    where = dict[str, Any]()
    if name == profile.model:
        provider = "llama.cpp" if profile.engine == "embedded" else profile.dialect
        if profile.base_url is not None and not profile.endpoints:
            address = urlsplit(profile.base_url)
            where = body_of(**{"server.address": address.hostname, "server.port": address.port})
    return {"gen_ai.provider.name": provider, "gen_ai.request.model": name, **where}


def _request(arguments: Mapping[str, Any]) -> dict[str, Any]:
    sampling = arguments.get("sampling", {})
    count = sampling.get("n", 1)
    constraint = arguments.get("constraint") or {}
    return body_of(
        **{
            "gen_ai.request.max_tokens": sampling.get("max_tokens"),
            "gen_ai.request.temperature": sampling.get("temperature"),
            "gen_ai.request.top_p": sampling.get("top_p"),
            "gen_ai.request.top_k": sampling.get("top_k") or None,
            "gen_ai.request.seed": sampling.get("seed"),
            "gen_ai.request.choice.count": count if count != 1 else None,
            "gen_ai.output.type": "json" if constraint.get("json_schema") is not None else None,
        }
    )


def _response(result: Mapping[str, Any]) -> dict[str, Any]:
    replies: Iterable[Mapping[str, Any]] = result.get("completions", [result] if result else [])
    usage = result.get("usage") or {}
    models = [reply["model"] for reply in replies if reply.get("model")]
    return body_of(
        **{
            "gen_ai.usage.input_tokens": usage.get("prompt_tokens"),
            "gen_ai.usage.output_tokens": usage.get("completion_tokens"),
            "gen_ai.response.finish_reasons": [r["finish_reason"] for r in replies if "finish_reason" in r]
            or None,
            "gen_ai.response.model": models[0] if models else None,
        }
    )


def _key(record: Record) -> tuple[str, int, str]:
    return (record.task, record.attempt, record.call_key)


def _ns(at: float) -> int:
    return round(at * 1e9)
