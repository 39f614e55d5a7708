"""The scripts of docs/embedding.md run as they stand, and the assistant is a good LangGraph node."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command

import benchmate
from benchmate.app.subgraph import AssistantState

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "embedding.md").read_text("utf-8")
SCRIPTS = {
    re.findall(r"^## (.+)$", PAGE[: found.start()], re.MULTILINE)[-1]: found[1]
    for found in re.finditer(r"```python\n(.*?)```", PAGE, re.DOTALL)
}
SAYS = {
    "One call, one question": "supported",
    "As it happens": "caffeine is 194.19 g/mol",
    "A conversation": "aspirin is 180.16 g/mol",
    "Approvals": "waiting Run this plan of 1 steps?\ncomplete",
    "Your own tool": "value=2.0",  # 1e5 to 8e5 is three doublings, in six hours
    "Your own specialist": "",
    "Your own model": "http://localhost:8000/v1",
    "In LangGraph": "The logP of aspirin is 1.3101.",
    "In FastAPI": "The logP of aspirin is 1.3101.",
}


@pytest.mark.parametrize("section", SCRIPTS)
def test_a_script_of_the_page_runs(section: str, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPTS[section], encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert SAYS[section] in done.stdout


def test_langgraphs_server_is_told_of_a_graph() -> None:
    told = json.loads((ROOT / "langgraph.json").read_text("utf-8"))
    path, _, name = told["graphs"]["benchmate"].partition(":")
    assert (ROOT / path).samefile(Path(sys.modules["benchmate.app.subgraph"].__file__ or ""))
    nodes = getattr(sys.modules["benchmate.app.subgraph"], name).get_graph().nodes
    assert "assistant" in nodes


@pytest.mark.usefixtures("inline_tools")
async def test_a_question_to_a_person_is_an_interrupt_of_the_parent_graph(tmp_path: Path) -> None:
    (tmp_path / "asked.yaml").write_text(
        "schema: benchmate.workflow/v1\nname: asked\napprove: true\nsteps:\n"
        "  - {id: weigh, tool: compute_descriptors, arguments: {compound: caffeine}}\n"
    )
    builder = StateGraph(AssistantState)
    builder.add_node("science", benchmate.subgraph(out=tmp_path / "runs"))
    builder.add_edge(START, "science")
    builder.add_edge("science", END)
    graph = builder.compile(checkpointer=InMemorySaver())
    thread = {"configurable": {"thread_id": "bench"}}
    state = await graph.ainvoke({"workflow": str(tmp_path / "asked.yaml")}, thread)
    (asked,) = state["__interrupt__"]
    assert asked.value["subject"] == "plan"
    state = await graph.ainvoke(Command(resume={"approved": True}), thread)
    assert state["status"] == "complete"
    assert len(state["runs"]) == 1, "the run that asked is the one that went on"
    assert any(c["property"] == "molecular_weight" for c in state["claims"])


@pytest.mark.usefixtures("inline_tools")
async def test_a_thread_is_a_conversation(tmp_path: Path) -> None:
    builder = StateGraph(AssistantState)
    builder.add_node("science", benchmate.subgraph(out=tmp_path / "runs"))
    builder.add_edge(START, "science")
    builder.add_edge("science", END)
    graph = builder.compile(checkpointer=InMemorySaver())
    thread = {"configurable": {"thread_id": "bench"}}
    await graph.ainvoke({"messages": [("user", "What is the logP of aspirin?")]}, thread)
    state = await graph.ainvoke({"messages": [("user", "and its molecular weight?")]}, thread)
    assert "aspirin is 180.16 g/mol" in state["answer"]
    assert len(state["runs"]) == 2
    assert [m.type for m in state["messages"]] == ["human", "ai", "human", "ai"]


async def test_an_empty_state_is_refused() -> None:
    with pytest.raises(benchmate.InvalidInput, match="no question"):
        await benchmate.subgraph().ainvoke({"messages": []})
