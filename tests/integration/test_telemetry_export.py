"""Spans on their way out of the program, to a collector that speaks OTLP over HTTP; and a program that sends none."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

CALL = ("tool", "call", "convert_units", '{"value": 1, "from_unit": "kcal/mol", "to_unit": "kJ/mol"}')
Benchmate = Callable[..., subprocess.CompletedProcess[str]]


class Collector(ThreadingHTTPServer):
    """A collector on loopback that keeps what it is sent."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], ExportTraceServiceRequest]] = []
        super().__init__(("127.0.0.1", 0), _Answer)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def spans(self) -> list[Any]:
        return [
            s
            for _, _, r in self.requests
            for rs in r.resource_spans
            for ss in rs.scope_spans
            for s in ss.spans
        ]

    def resource(self) -> dict[str, str]:
        (_, _, request) = self.requests[0]
        return {a.key: a.value.string_value for a in request.resource_spans[0].resource.attributes}


class _Answer(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append(
            (self.path, dict(self.headers), ExportTraceServiceRequest.FromString(body))
        )
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    server = Collector()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def without_telemetry(**variables: str) -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")} | variables


@pytest.mark.parametrize("by", ["setting", "variable"])
def test_spans_of_a_call_reach_the_collector(benchmate: Benchmate, collector: Collector, by: str) -> None:
    name = "BENCHMATE_TELEMETRY__ENDPOINT" if by == "setting" else "OTEL_EXPORTER_OTLP_ENDPOINT"
    env = without_telemetry(**{name: collector.address, "OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=lab"})
    done = benchmate(*CALL, env=env)
    assert done.returncode == 0, done.stderr
    assert "opentelemetry" not in done.stderr.lower()
    paths = {path for path, _, _ in collector.requests}
    assert paths == {"/v1/traces"}
    assert {headers["x-tenant"] for _, headers, _ in collector.requests} == {"lab"}
    spans = {span.name: span for span in collector.spans()}
    assert set(spans) == {"run", "execute_tool convert_units"}
    assert spans["execute_tool convert_units"].parent_span_id == spans["run"].span_id
    assert collector.resource()["service.name"] == "benchmate"


def test_a_name_of_the_service_may_come_from_the_environment(
    benchmate: Benchmate, collector: Collector
) -> None:
    env = without_telemetry(OTEL_EXPORTER_OTLP_ENDPOINT=collector.address, OTEL_SERVICE_NAME="our-lab")
    assert benchmate(*CALL, env=env).returncode == 0
    assert collector.resource()["service.name"] == "our-lab"


def test_a_collector_that_is_not_there_fails_no_run(benchmate: Benchmate, collector: Collector) -> None:
    gone = Collector()
    address = gone.address
    gone.server_close()
    done = benchmate(*CALL, env=without_telemetry(BENCHMATE_TELEMETRY__ENDPOINT=address))
    assert done.returncode == 0, done.stderr
    assert "4.184" in done.stdout


@pytest.mark.parametrize(
    "variables", [{"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none"}, {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}]
)  # fmt: skip
def test_what_the_standard_variables_turn_off_is_off(
    benchmate: Benchmate, collector: Collector, variables: dict[str, str]
) -> None:
    env = without_telemetry(OTEL_EXPORTER_OTLP_ENDPOINT=collector.address, **variables)
    done = benchmate(*CALL, env=env)
    assert done.returncode == 0, done.stderr
    assert collector.requests == []
    assert ("only http/protobuf is spoken" in done.stderr) == ("OTEL_EXPORTER_OTLP_PROTOCOL" in variables)


@pytest.mark.parametrize("words", [["--help"], ["ask", "--help"], [*CALL]], ids=["help", "ask-help", "call"])
def test_nothing_of_opentelemetry_is_imported_when_it_is_off(tmp_path: Path, words: list[str]) -> None:
    script = (
        "import sys\nfrom benchmate.app.cli import main\n"
        "try:\n    main()\nfinally:\n    print(*[m for m in sys.modules if 'telemetry' in m or m == 'benchmate.app.spans'], file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *words], cwd=tmp_path, capture_output=True, text=True, timeout=120,
        env=without_telemetry(),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    imported = set(done.stderr.splitlines()[-1].split())
    if words[0] == "tool":
        # Where it is installed, LangSmith, which comes with LangChain, imports the SDK itself.
        imported = {m for m in imported if not m.startswith("opentelemetry") or ".exporter" in m}
        imported.discard("benchmate.app.telemetry")
    assert imported == set()
