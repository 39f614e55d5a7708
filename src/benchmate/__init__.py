"""A self-hosted research assistant for science.

    import benchmate

    report = benchmate.ask("Which is more lipophilic, aspirin or ibuprofen?")

`ask` and `run` answer a question or a workflow, `resume` and `replay` go back to a run, `open_run` reads
one. `build_graph` is the LangGraph graph itself, `tool` makes a tool of a typed function, `Quantity` is
a value with a unit. Each name is loaded when it is first used, so that `import benchmate` and `benchmate
--help` answer at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmate.agents.graph import build_graph
    from benchmate.app.doors import ask, replay, resume, run
    from benchmate.app.runs import open_run
    from benchmate.runtime.quantity import Quantity
    from benchmate.tools.base import tool

    __version__: str

__all__ = ["Quantity", "__version__", "ask", "build_graph", "open_run", "replay", "resume", "run", "tool"]

_HOMES = {
    "Quantity": "benchmate.runtime.quantity",
    "ask": "benchmate.app.doors",
    "build_graph": "benchmate.agents.graph",
    "open_run": "benchmate.app.runs",
    "replay": "benchmate.app.doors",
    "resume": "benchmate.app.doors",
    "run": "benchmate.app.doors",
    "tool": "benchmate.tools.base",
}

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
