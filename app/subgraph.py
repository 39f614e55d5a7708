"""The assistant as a LangGraph graph of its own: a node of yours, or what LangGraph's server and Studio load (`langgraph.json`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypedDict, Unpack

from langchain_core.messages import AIMessage, AnyMessage
from langchain_core.runnables import RunnableConfig
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import interrupt

from benchmate.agents.approval import ApprovalAnswer
from benchmate.app.runs import RunOutcome, execute, resume_run
from benchmate.runtime.canonical import digest
from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.settings import load_settings

if TYPE_CHECKING:
    from benchmate.app.doors import RunOptions


def without_repeats(old: list[str], new: list[str]) -> list[str]:
    """Join two lists in order, each entry once: what a subgraph was given comes back with its result."""
    return list(dict.fromkeys([*old, *new]))


class AssistantState(TypedDict, total=False):
    """What goes in and out. A `question`, else the last of the `messages` from a person; or a `workflow` with its `inputs`."""

    question: str
    workflow: str
    inputs: dict[str, Any]
    messages: Annotated[list[AnyMessage], add_messages]  # the answer is added
    answer: str
    status: str  # complete, partial, refused, …: as of a report
    claims: list[dict[str, Any]]  # each with its verdict and the evidence it cites
    runs: Annotated[
        list[str], without_repeats
    ]  # folders of this thread's runs: a question follows the earlier ones


def subgraph(**options: Unpack[RunOptions]) -> Any:
    """Return a compiled graph that answers questions, to add as a node or to invoke. Options: `RunOptions`, for each of its runs.

    Its state is `AssistantState`. Every event of a run is streamed as `custom`. What a person has to decide is an interrupt whose value is an
    ApprovalRequest as a dict, resumed with an ApprovalAnswer as a dict, where a checkpointer is there and no `approver` is given;
    a run is taken up where it stopped, also in another process.
    """

    async def assistant(state: AssistantState, config: RunnableConfig) -> dict[str, Any]:
        settings = options.get("settings") or load_settings()
        runs = Path(options.get("out") or settings.runs_dir)
        name = _run_of(config)
        write = get_stream_writer()
        given: dict[str, Any] = dict(options)
        given["settings"] = settings
        given["listeners"] = [
            *options.get("listeners", ()),
            lambda event: write(event.model_dump(mode="json")),
        ]
        folder = runs / name
        if (folder / "journal.sqlite").is_file():
            outcome = await resume_run(folder, **_of_resume(given))
        else:
            asked = _asked(state)
            if "question" in asked:
                given["follows"] = [
                    *options.get("follows", ()),
                    *(Path(run) for run in state.get("runs", ())),
                ]
            outcome = await execute(**asked, **(given | {"out": runs, "run_id": name}))
        while outcome.waiting is not None and _can_wait(config):
            said = interrupt(outcome.waiting.model_dump(mode="json"))
            answer = ApprovalAnswer.model_validate(said).model_copy(
                update={"subject": outcome.waiting.subject}
            )
            outcome = await resume_run(folder, **_of_resume(given), answer=answer)
        return _told(outcome)

    builder = StateGraph(AssistantState)
    builder.add_node("assistant", assistant)
    builder.add_edge(START, "assistant")
    builder.add_edge("assistant", END)
    return builder.compile(name="benchmate")


def _run_of(config: Mapping[str, Any]) -> str:
    """Return the id of this node's run: the same when LangGraph goes through the node again, to take it up."""
    place = config["configurable"]
    thread, step = place.get("thread_id", ""), place.get("checkpoint_ns", "")
    return f"graph-{digest('node', str(thread), str(step), length=20)}"


def _can_wait(config: Mapping[str, Any]) -> bool:
    return config["configurable"].get("__pregel_checkpointer") is not None


def _of_resume(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        k: given[k] for k in ("settings", "engine", "listeners", "approver", "budget", "stop") if k in given
    }


def _asked(state: AssistantState) -> dict[str, Any]:
    """Return what is asked, as `execute` takes it. Raises InvalidInput (`empty_question`)."""
    if workflow := state.get("workflow"):
        return {"workflow": workflow, "inputs": state.get("inputs", {})}
    question = state.get("question")
    if not question:
        said = next((m for m in reversed(state.get("messages", [])) if m.type == "human"), None)
        question = said.text if said is not None else ""
    if not question.strip():
        raise InvalidInput(
            "empty_question",
            "the state has no question",
            hint='give {"question": …}, or messages that end with one',
        )
    return {"question": question}


def _told(outcome: RunOutcome) -> dict[str, Any]:
    return {
        "answer": outcome.answer,
        "status": outcome.status,
        "claims": outcome.as_json()["claims"],
        "runs": [str(outcome.folder)],
        "messages": [AIMessage(outcome.answer, id=outcome.run_id)],
    }


graph = subgraph()
