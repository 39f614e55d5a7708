"""A self-hosted research assistant for science.

    import benchmate

    report = benchmate.ask("Which is more lipophilic, aspirin or ibuprofen?")

`ask` and `run` answer a question or a workflow, `stream` tells what happens meanwhile, `call` makes one call of a tool, `resume` and `replay`
go back to a run, `open_session` is a conversation, `open_run` reads a run. Each is a plain function; `aask`, `arun`, `aresume`, `areplay` and
`acall` are the same to await. `subgraph` is the assistant as a node of another LangGraph graph, `build_graph` the graph itself. `tool`,
`add_tools`, `Specialist` and `add_specialists` bring tools and agents of one's own; `Quantity` is a value with a unit.

docs/embedding.md shows each at work. Each name is loaded when it is first used, so that `import benchmate` and `benchmate --help` answer at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmate.agents.approval import ApprovalAnswer, ApprovalRequest
    from benchmate.agents.graph import build_graph
    from benchmate.agents.specialists import Specialist, add_specialists
    from benchmate.app.doors import (
        CallOptions,
        ResumeOptions,
        RunOptions,
        aask,
        acall,
        areplay,
        aresume,
        arun,
        ask,
        call,
        open_session,
        replay,
        resume,
        run,
        stream,
    )
    from benchmate.app.runs import RunOutcome, open_run
    from benchmate.app.sessions import Session
    from benchmate.app.streaming import RunStream
    from benchmate.app.subgraph import subgraph
    from benchmate.model.engine import Engine
    from benchmate.runtime.budget import BudgetLimits
    from benchmate.runtime.errors import (
        BenchmateError,
        BudgetExceeded,
        Crashed,
        InternalError,
        InvalidInput,
        NotFound,
        Refused,
        StorageError,
        Transient,
        Unavailable,
    )
    from benchmate.runtime.events import Event
    from benchmate.runtime.evidence import Evidence, Source, ToolResult
    from benchmate.runtime.policy import Policy
    from benchmate.runtime.quantity import Quantity
    from benchmate.runtime.settings import ModelProfile, Settings, load_settings
    from benchmate.tools.base import tool
    from benchmate.tools.registry import add_tools

    __version__: str

_NAMES_OF = {
    "benchmate.agents.approval": "ApprovalAnswer ApprovalRequest",
    "benchmate.agents.graph": "build_graph",
    "benchmate.agents.specialists": "Specialist add_specialists",
    "benchmate.app.doors": "CallOptions ResumeOptions RunOptions aask acall areplay aresume arun ask call open_session replay resume run stream",
    "benchmate.app.runs": "RunOutcome open_run",
    "benchmate.app.sessions": "Session",
    "benchmate.app.streaming": "RunStream",
    "benchmate.app.subgraph": "subgraph",
    "benchmate.model.engine": "Engine",
    "benchmate.runtime.budget": "BudgetLimits",
    "benchmate.runtime.errors": "BenchmateError BudgetExceeded Crashed InternalError InvalidInput NotFound Refused StorageError Transient "
    "Unavailable",
    "benchmate.runtime.events": "Event",
    "benchmate.runtime.evidence": "Evidence Source ToolResult",
    "benchmate.runtime.policy": "Policy",
    "benchmate.runtime.quantity": "Quantity",
    "benchmate.runtime.settings": "ModelProfile Settings load_settings",
    "benchmate.tools.base": "tool",
    "benchmate.tools.registry": "add_tools",
}
_HOMES = {name: home for home, names in _NAMES_OF.items() for name in names.split()}

__all__ = [  # the public interface: tests/data/public_api.txt holds its signatures
    "ApprovalAnswer", "ApprovalRequest", "BenchmateError", "BudgetExceeded", "BudgetLimits", "CallOptions", "Crashed", "Engine", "Event", "Evidence",
    "InternalError", "InvalidInput", "ModelProfile", "NotFound", "Policy", "Quantity", "Refused", "ResumeOptions", "RunOptions", "RunOutcome",
    "RunStream", "Session", "Settings", "Source", "Specialist", "StorageError", "ToolResult", "Transient", "Unavailable", "__version__", "aask",
    "acall", "add_specialists", "add_tools", "areplay", "aresume", "arun", "ask", "build_graph", "call", "load_settings", "open_run", "open_session",
    "replay", "resume", "run", "stream", "subgraph", "tool",
]  # fmt: skip

if not TYPE_CHECKING:  # a type checker that sees __getattr__ believes that every name exists

    def __getattr__(name: str) -> object:
        if name == "__version__":
            from importlib.metadata import version

            value = version("benchmate")
        elif name in _HOMES:
            value = getattr(import_module(_HOMES[name]), name)
        else:
            raise AttributeError(f"module 'benchmate' has no attribute {name!r}")
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
