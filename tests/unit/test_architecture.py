"""The rules of the house, read off every import.

Imports only go down a floor, rooms on one floor do not import each other, LangChain and LangGraph stay where
agents are, and heavy libraries are imported where they are used. The second half proves that the reader sees
violations.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import benchmate

ROOT = Path(__file__).parents[2]
LINKS = ROOT / "src" / "benchmate"

FLOORS = {"runtime": 0, "tools": 1, "model": 1, "agents": 2, "workflows": 3, "rl": 3, "app": 4}
ROOMS = [room for room in FLOORS if (ROOT / room).is_dir()]
OUTSIDE = ("tests", "examples", "benchmarks", "docs")
HEAVY = {
    "torch", "lmdeploy", "obspy", "pymatgen", "ase", "astropy", "statsmodels", "pandas", "scipy", "skimage", "tblite", "rdchiral",
    "gemmi", "primer3", "pyarrow", "h5py", "spglib", "Bio", "matplotlib", "sklearn",
}  # fmt: skip
NETWORK = ("model", "architecture")  # the modules that are made of torch; nobody else imports them at once
DOORS: dict[str, str] = benchmate._HOMES
BEYOND = "beyond benchmate"


@dataclass(frozen=True)
class Import:
    """One import: the full name of what is imported, and whether it happens with the import of the file."""

    line: int
    target: str
    at_once: bool


class ImportReader(ast.NodeVisitor):
    """Collects every import of one file: statements, `import_module("…")`, and attributes of `benchmate`."""

    def __init__(self, tree: ast.AST, package: str) -> None:
        self.found: list[Import] = []
        self.package = package.split(".")
        self.later = 0  # depth of functions and of `if TYPE_CHECKING`
        self.roots, self.importers = set(), {"__import__", "import_module"}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    top = alias.name.partition(".")[0]
                    if top == "benchmate" and (alias.name == top or not alias.asname):
                        self.roots.add(alias.asname or "benchmate")
            elif isinstance(node, ast.ImportFrom) and node.module == "importlib":
                self.importers |= {a.asname or a.name for a in node.names if a.name == "import_module"}
        self.visit(tree)

    def add(self, node: ast.AST, target: str) -> None:
        first, _, rest = target.partition(".")
        if first == "benchmate" and rest in DOORS:
            target = f"{DOORS[rest]}.{rest}"
        self.found.append(Import(node.lineno, target, at_once=not self.later))

    def absolute(self, dots: int, name: str) -> str:
        if dots == 0:
            return name
        if dots > len(self.package):
            return BEYOND
        return ".".join([*self.package[: len(self.package) - dots + 1], *([name] if name else [])])

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.add(node, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = self.absolute(node.level, node.module or "")
        for alias in node.names:
            if base == "benchmate" and alias.name == "*":
                for name in DOORS:
                    self.add(node, f"benchmate.{name}")
            else:
                self.add(node, base if base == BEYOND else f"{base}.{alias.name}")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.value, ast.Name) and node.value.id in self.roots:
            self.add(node, f"benchmate.{node.attr}")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)
        if called in self.importers:
            given = [*node.args[:1], *(word.value for word in node.keywords if word.arg == "name")]
            for name in given:
                if isinstance(name, ast.Constant) and isinstance(name.value, str):
                    bare = name.value.lstrip(".")
                    self.add(node, self.absolute(len(name.value) - len(bare), bare))
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        typing_only = "TYPE_CHECKING" in (getattr(node.test, "id", None), getattr(node.test, "attr", None))
        self.later += typing_only
        for child in node.body:
            self.visit(child)
        self.later -= typing_only
        for child in [node.test, *node.orelse]:
            self.visit(child)

    def visit_function(self, node: ast.AST) -> None:
        self.later += 1
        self.generic_visit(node)
        self.later -= 1

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = visit_function


def may_use_langchain(path: Path) -> bool:
    """LangChain and LangGraph belong to agents/ and above, and to model/chat."""
    room = path.parts[0]
    return FLOORS[room] >= FLOORS["agents"] or (room == "model" and path.parts[1].startswith("chat"))


def broken_rule(path: Path, found: Import) -> str | None:
    """Return the rule that an import in `path` (relative to the root) breaks, or None."""
    room = path.parts[0]
    top, *below = found.target.split(".")
    if found.target == BEYOND:
        return "a relative import leaves the package"
    if top in FLOORS:
        return f"write benchmate.{found.target}, not {found.target}"
    if room not in FLOORS:
        return None
    if top == "benchmate" and below and below[0] != room and not below[0].startswith("__"):
        if below[0] not in FLOORS:
            return f"benchmate.{below[0]} stands on no floor"
        if FLOORS[below[0]] > FLOORS[room]:
            return f"{room}/ imports {found.target}, which is a floor up"
        if FLOORS[below[0]] == FLOORS[room]:
            return f"{room}/ imports {found.target}, a room on the same floor"
    if top.startswith(("langchain", "langgraph")) and not may_use_langchain(path):
        return f"{top} belongs in agents/, in model/chat and above"
    inside = path.parts[:2] == NETWORK
    if top == "benchmate" and tuple(below[:2]) == NETWORK and not inside and found.at_once:
        return "model/architecture brings torch: import it in the function that uses it"
    if top in HEAVY and found.at_once and not (inside and top == "torch"):
        return f"{top} is heavy: import it in the function that uses it"
    return None


def violations(path: Path, source: str) -> Iterator[str]:
    """Yield `path:line: rule` for every import of `source` that breaks a rule."""
    package = ".".join(["benchmate", *path.parts[:-1]])
    for found in ImportReader(ast.parse(source, str(path)), package).found:
        if rule := broken_rule(path, found):
            yield f"{path}:{found.line}: {rule}"


@pytest.mark.parametrize("folder", [*ROOMS, *(folder for folder in OUTSIDE if (ROOT / folder).is_dir())])
def test_every_import_keeps_the_rules(folder: str) -> None:
    broken = [
        violation
        for file in sorted((ROOT / folder).rglob("*.py"))
        for violation in violations(file.relative_to(ROOT), file.read_text())
    ]
    assert not broken, "\n".join(broken)


def test_every_room_is_linked_into_the_package() -> None:
    links = {link.name: link.readlink() for link in LINKS.iterdir() if link.is_symlink()}
    assert links == {room: Path("../..") / room for room in ROOMS}


def test_every_room_is_a_package() -> None:
    assert [room for room in ROOMS if not (ROOT / room / "__init__.py").is_file()] == []


def test_every_door_is_public_and_leads_to_a_room() -> None:
    assert {*DOORS, "__version__"} == set(benchmate.__all__)
    assert {home.split(".")[1] for home in DOORS.values()} <= set(FLOORS)


KEPT = {
    "down a floor": ("agents/planner.py", "from benchmate.runtime.budget import Budget"),
    "down two floors": ("app/cli.py", "import benchmate.tools.base"),
    "own room": ("tools/chemistry/logp.py", "from benchmate.tools.base import tool"),
    "own room, relative": ("tools/chemistry/logp.py", "from ..base import tool"),
    "down, relative": ("tools/base.py", "from ..runtime import quantity"),
    "down by the front door": ("tools/logp.py", "from benchmate import Quantity"),
    "the version": ("runtime/journal.py", "from benchmate import __version__"),
    "down by name": ("agents/graph.py", "import importlib\nimportlib.import_module('benchmate.tools.base')"),
    "langgraph in agents": ("agents/graph.py", "from langgraph.graph import StateGraph"),
    "langgraph in workflows": ("workflows/run.py", "import langgraph"),
    "langchain in model/chat.py": ("model/chat.py", "from langchain_core.messages import AIMessage"),
    "langchain in model/chat/": ("model/chat/client.py", "import langchain_core.messages"),
    "torch in a function": ("model/serving.py", "def load():\n    import torch"),
    "torch in a method": ("model/serving.py", "class A:\n    async def load(self):\n        import torch"),
    "torch for types": (
        "model/a.py",
        "import typing\nif typing.TYPE_CHECKING:\n    import torch",
    ),
    "torch in the network": ("model/architecture/a.py", "import torch\nfrom torch import nn"),
    "the network in itself": (
        "model/architecture/a.py",
        "from benchmate.model.architecture.config import TextConfig",
    ),
    "the network in a function": ("rl/a.py", "def f():\n    import benchmate.model.architecture.model"),
    "a name that only begins alike": ("runtime/a.py", "import toolz, torchlight, modelling"),
    "the word in a string": ("runtime/a.py", "x = 'import benchmate.app'"),
    "another object's attribute": ("runtime/a.py", "import benchmate\nother.app"),
    "tests import what they like": ("tests/unit/test_a.py", "import torch, langgraph, benchmate.app.cli"),
}

BROKEN = {
    "up": ("runtime/a.py", "import benchmate.tools.base", "a floor up"),
    "up, from": ("tools/a.py", "from benchmate.agents.graph import build_graph", "a floor up"),
    "up, aliased": ("agents/a.py", "import benchmate.app as below", "a floor up"),
    "up, from the root": ("agents/a.py", "from benchmate import app", "a floor up"),
    "up, relative": ("tools/chemistry/a.py", "from ...agents import graph", "a floor up"),
    "up, relative to the root": ("tools/a.py", "from .. import agents", "a floor up"),
    "up, relative, of a package": ("tools/__init__.py", "from ..app.cli import main", "a floor up"),
    "up, in a function": ("runtime/a.py", "def f():\n    from benchmate.model import chat", "a floor up"),
    "up, for types": ("runtime/a.py", "if TYPE_CHECKING:\n    import benchmate.app.cli", "a floor up"),
    "up, in a try": ("runtime/a.py", "try:\n    import benchmate.app\nexcept ImportError: ...", "a floor up"),
    "up, second of a list": ("runtime/a.py", "import os, benchmate.tools", "a floor up"),
    "up by the front door": ("agents/a.py", "from benchmate import ask", "benchmate.app.doors.ask"),
    "up by the front door, relative": ("tools/a.py", "from .. import build_graph", "benchmate.agents.graph"),
    "up by the front door, all": ("tools/a.py", "from benchmate import *", "benchmate.agents.graph"),
    "up by attribute": ("agents/a.py", "import benchmate\nbenchmate.run('x')", "benchmate.app.doors.run"),
    "up by attribute, room": ("tools/a.py", "import benchmate as b\nb.agents.graph", "a floor up"),
    "up by attribute, other": ("tools/a.py", "import benchmate.runtime\nbenchmate.app.cli", "a floor up"),
    "up by name": ("runtime/a.py", "importlib.import_module('benchmate.tools')", "a floor up"),
    "up by name, bare": ("runtime/a.py", "import_module('benchmate.tools')", "a floor up"),
    "up by name, aliased": (
        "runtime/a.py",
        "from importlib import import_module as get\nget('benchmate.tools')",
        "a floor up",
    ),
    "up by name, keyword": ("runtime/a.py", "importlib.import_module(name='benchmate.app')", "a floor up"),
    "up by name, relative": ("tools/a.py", "importlib.import_module('..app', __package__)", "a floor up"),
    "up by __import__": ("runtime/a.py", "__import__('benchmate.app.cli')", "a floor up"),
    "across, tools to model": ("tools/a.py", "from benchmate.model.chat import client", "same floor"),
    "across, model to tools": ("model/chat.py", "import benchmate.tools", "same floor"),
    "across, rl to workflows": ("rl/a.py", "from benchmate.workflows import schema", "same floor"),
    "across, workflows to rl": ("workflows/a.py", "from ..rl import losses", "same floor"),
    "to a room unknown": ("app/a.py", "import benchmate.attic", "stands on no floor"),
    "out of the package": ("tools/a.py", "from ... import runtime", "leaves the package"),
    "a bare folder": ("app/a.py", "import tools", "write benchmate.tools"),
    "a bare folder, from": ("agents/a.py", "from runtime.budget import Budget", "write benchmate.runtime"),
    "a bare folder, by name": ("agents/a.py", "import_module('model.chat')", "write benchmate.model.chat"),
    "a bare folder, in tests": (
        "tests/unit/test_a.py",
        "from tools.base import tool",
        "write benchmate.tools",
    ),
    "langgraph in runtime": ("runtime/a.py", "from langgraph.types import Send", "belongs in agents/"),
    "langchain in tools": ("tools/a.py", "def f():\n    import langchain_core.tools", "belongs in agents/"),
    "langchain in model": ("model/serving.py", "import langchain", "belongs in agents/"),
    "langgraph by name": ("tools/a.py", "__import__('langgraph')", "belongs in agents/"),
    "torch at once": ("model/a.py", "import torch.nn as nn", "heavy"),
    "torch at once, in a class": ("model/a.py", "class A:\n    import torch", "heavy"),
    "torch at once, in a try": ("model/a.py", "try:\n    import torch\nexcept ImportError: ...", "heavy"),
    "torch when not for types": ("model/a.py", "if TYPE_CHECKING: ...\nelse:\n    import torch", "heavy"),
    "another heavy one in the network": ("model/architecture/a.py", "import pandas", "heavy"),
    "the network at once": ("rl/a.py", "from benchmate.model.architecture import model", "brings torch"),
    "lmdeploy at once": ("app/a.py", "from lmdeploy import pipeline", "heavy"),
}


@pytest.mark.parametrize(("path", "source"), KEPT.values(), ids=KEPT.keys())
def test_the_reader_lets_pass(path: str, source: str) -> None:
    assert list(violations(Path(path), source)) == []


@pytest.mark.parametrize(("path", "source", "rule"), BROKEN.values(), ids=BROKEN.keys())
def test_the_reader_catches(path: str, source: str, rule: str) -> None:
    assert any(rule in violation for violation in violations(Path(path), source))
