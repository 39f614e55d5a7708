"""Whether OpenTelemetry spans of a run are wanted, and where they go. Nothing of OpenTelemetry is imported unless they are."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from benchmate.runtime.context import RunContext
from benchmate.runtime.settings import Mode

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

ENDPOINT_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOL_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
TIMEOUT_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT")
TIMEOUT = (
    3.0  # s, where these say nothing; a collector that is not there holds up the end of a run for so long
)
PROTOCOL = "http/protobuf"

_log = logging.getLogger(__name__)


@asynccontextmanager
async def spans_of(context: RunContext) -> AsyncIterator[None]:
    """Send spans of the run while it is open, where settings, the environment or the host program ask for them.

    A fault in sending them is logged, and never ends the run.
    """
    own, provider = False, None
    if context.mode is not Mode.REPLAY and not _disabled():
        wanted = context.settings.telemetry.endpoint or any(map(os.environ.get, ENDPOINT_VARIABLES))
        provider = None if context.settings.telemetry.endpoint else _host_provider()
        if provider is None and wanted:
            own, provider = True, _own_provider(context)
    if provider is None:
        yield
        return
    from benchmate.app.spans import RunSpans

    spans = RunSpans(context, provider.get_tracer("benchmate", _version()))
    context.listeners.append(spans.listen)
    try:
        yield
    finally:
        spans.close()
        if own:
            await asyncio.to_thread(provider.shutdown)


def _disabled() -> bool:
    return (
        os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
        or os.environ.get("OTEL_TRACES_EXPORTER") == "none"
    )


def _host_provider() -> TracerProvider | None:
    """Return the provider that the program around us has set, if it has."""
    sdk = sys.modules.get("opentelemetry.sdk.trace")
    if sdk is None:
        return None
    from opentelemetry import trace

    provider: Any = trace.get_tracer_provider()
    return provider if isinstance(provider, sdk.TracerProvider) else None


def _own_provider(context: RunContext) -> TracerProvider | None:
    """Return a provider that sends to the endpoint; None, and a word in the log, where that cannot be done here."""
    asked = next(filter(None, map(os.environ.get, PROTOCOL_VARIABLES)), PROTOCOL)
    if asked != PROTOCOL:
        _log.warning(
            "no spans are sent: the protocol %s is asked for, and only %s is spoken", asked, PROTOCOL
        )
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        _log.warning("no spans are sent: %s; `pip install 'benchmate[otel]'` adds what they need", error)
        return None
    resource = Resource.create({"service.name": "benchmate", "service.version": _version()})
    provider = TracerProvider(resource=resource.merge(OTELResourceDetector().detect()))
    endpoint = context.settings.telemetry.endpoint
    exporter = OTLPSpanExporter(
        endpoint=f"{endpoint.rstrip('/')}/v1/traces" if endpoint else None,
        timeout=None if any(map(os.environ.get, TIMEOUT_VARIABLES)) else TIMEOUT,
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _version() -> str:
    from benchmate.agents.reporter import package_versions

    return package_versions().get("benchmate", "source")
