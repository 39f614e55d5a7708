"""The one graph: intake → planner → approve → a branch per ready task → collect → verify → (replan) → report. Every Plan runs on it."""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

from langgraph.graph import END, START, StateGraph
from langgraph.types import Send

from benchmate.agents.approval import ApprovalRequest
from benchmate.agents.attachments import Attachment, attachments_in
from benchmate.agents.contracts import Plan, Task, TaskResult, Verdict
from benchmate.agents.earlier import Earlier, with_earlier
from benchmate.agents.intake import Intake, read_inputs, read_question
from benchmate.agents.ledger import load_plan, load_result, load_results, store, unfinished
from benchmate.agents.planner import make_plan
from benchmate.agents.reporter import make_report
from benchmate.agents.rounds import loop_names, next_round
from benchmate.agents.state import Branch, Outcome, State
from benchmate.agents.tasks import Setting, ask_person, run_task
from benchmate.agents.verifier import verify_claims
from benchmate.model.engine import for_role
from benchmate.runtime.context import RunContext, body_of
from benchmate.runtime.errors import BenchmateError, InvalidInput
from benchmate.runtime.events import Event

MOST_ROUNDS = 2
RETRIED = (
    "transient",
    "crashed",
    "invalid",
    "not_found",
)  # kinds of failure an agent may do better on at a second try


def build_graph(context: RunContext, engine: Any = None, checkpointer: Any = None) -> Any:
    """Return the compiled graph of one run.

    Input: `{"question": str}`, with `attachments`, the hash of a stored list of them, where some came with it, or
    `{"plan": ref}` of a stored Plan. Output state: `answer`, `status`, and `report`, the hash of the Report in the run's artifacts. With a checkpointer, questions to a person are LangGraph interrupts whose value is an
    ApprovalRequest; resume with an ApprovalAnswer as a dict.
    """
    nodes = Nodes(context, engine)
    graph = StateGraph(State)
    for name in ("intake", "planner", "approve", "run_task", "collect", "verify", "report"):
        graph.add_node(name, getattr(nodes, name))
    graph.add_edge(START, "intake")
    graph.add_edge("intake", "planner")
    graph.add_edge("planner", "approve")
    graph.add_conditional_edges("approve", nodes.dispatch, ["run_task", "verify", "report"])
    graph.add_edge("run_task", "collect")
    graph.add_conditional_edges("collect", nodes.dispatch, ["run_task", "verify", "report"])
    graph.add_conditional_edges("verify", nodes.dispatch_again, ["run_task", "report"])
    graph.add_edge("report", END)
    return graph.compile(checkpointer=checkpointer)


class Nodes:
    """The graph's nodes, over one run's context. Each returns only the fields it writes."""

    def __init__(self, context: RunContext, engine: Any) -> None:
        self.context, self.engine = context, engine

    async def intake(self, state: State) -> State:
        """Resolve what the question or the inputs are about, before any agent does anything."""
        if state.get("plan"):
            intake = await read_inputs(self.context, load_plan(self.context, state["plan"]))
        elif state.get("question", "").strip():
            earlier = self._earlier(state) or Earlier()
            intake = await read_question(self.context, state["question"], earlier.tables)
            intake = with_earlier(intake, earlier)
        else:
            raise InvalidInput(
                "empty_question", "there is no question", hint='benchmate ask "What is the logP of aspirin?"'
            )
        return {"intake": store(self.context, intake), "outcomes": {}, "round": 1}

    async def planner(self, state: State) -> State:
        """Take the plan that came in, or make one."""
        ref = state.get("plan")
        if ref:
            plan = load_plan(self.context, ref)
        else:
            plan = await make_plan(
                self.context,
                state["question"],
                self._intake(state["intake"]),
                for_role(self.engine, "planner"),
                self._attachments(state),
                self._earlier(state),
            )
            ref = store(self.context, plan)
        self._announce(plan, ref)
        return {"plan": ref}

    def _announce(self, plan: Plan, ref: str) -> None:
        if any(known.body["ref"] == ref for known in self.context.journal.records("plan.set")):
            return
        tasks = [
            body_of(
                id=t.id, kind=t.kind, title=t.title or None, tool=t.tool, agent=t.agent, needs=list(t.needs)
            )
            for t in plan.tasks
        ]
        self.context.journal.append(
            "plan.set", {"ref": ref, "made_by": plan.made_by, "title": plan.title, "tasks": tasks}
        )

    async def approve(self, state: State) -> State:
        """Ask a person for the plan, where it wants that; they may edit it."""
        plan = load_plan(self.context, state["plan"])
        if not plan.approve:
            return {"refused": False}
        request = ApprovalRequest(subject="plan", message=f"Run this plan of {len(plan.tasks)} steps?",
                                  details={"plan": plan.model_dump(mode="json", exclude_none=True)})  # fmt: skip
        answer = ask_person(self.context, request, "plan")
        if answer.approved and answer.plan is not None:
            edited = answer.plan.model_copy(update={"made_by": "person"}).check()
            ref = store(self.context, edited)
            self._announce(edited, ref)
            return {"plan": ref, "refused": False}
        return {"refused": not answer.approved}

    def dispatch(self, state: State) -> list[Send] | Literal["verify", "report"]:
        """Send one branch per ready task; when none is left, verify."""
        if state.get("refused"):
            return "report"
        plan = load_plan(self.context, state["plan"])
        outcomes = state.get("outcomes", {})
        if any(o["status"] in ("budget",) for o in outcomes.values()):
            return "verify"  # a hard limit is reached: report what there is
        stopped = {
            t.id
            for t in plan.tasks
            if t.on_error == "skip_rest"
            and t.id in outcomes
            and outcomes[t.id]["status"] == "failed"
            and outcomes[t.id]["attempt"] >= t.attempt
        }
        ready = [] if stopped else unfinished(plan, outcomes)
        sends = [Send("run_task", self._branch(state, plan.by_id[name])) for name in ready]
        return sends or "verify"

    def _branch(self, state: State, task: Task) -> Branch:
        outcomes = state.get("outcomes", {})
        return {"task": task.id, "attempt": task.attempt, "plan": state["plan"], "intake": state["intake"],
                "outcomes": {need: outcomes[need] for need in task.needs}}  # fmt: skip

    async def run_task(self, branch: Branch) -> State:
        """Run one task. How it ended is journaled before the checkpoint is written."""
        plan = load_plan(self.context, branch["plan"])
        task = plan.by_id[branch["task"]]
        self.context.emit(
            Event(
                kind="task.started",
                task=task.id,
                data=body_of(title=task.title or None, tool=task.tool, agent=task.agent),
            )
        )
        results = {need: load_result(self.context, o["ref"]) for need, o in branch["outcomes"].items()}
        last = {name: load_result(self.context, ref) for name, ref in task.last.items()}
        setting = Setting(
            plan, self._intake(branch["intake"]), results, self.engine, loop_names(plan, task, last), last.get(task.id)
        )  # fmt: skip
        ending: dict[str, Any] = {}  # as it stays where the task asks a person, or the run is stopped
        try:
            result = await run_task(self.context, task, setting)
            ending = body_of(status=result.status, error=result.error.code if result.error else None)
        finally:
            self.context.emit(Event(kind="task.ended", task=task.id, data=ending))
        outcome = self._outcome(result)
        body = body_of(status=result.status, ref=outcome["ref"], done=outcome["done"], failed=outcome["failed"],
                       error=result.error.model_dump(mode="json") if result.error else None)  # fmt: skip
        known = [
            r
            for r in self.context.journal.records("outcome")
            if r.task == task.id and r.attempt == task.attempt
        ]
        if not known or known[-1].body != body:
            self.context.journal.append("outcome", body, task=task.id, attempt=task.attempt)
        return {"outcomes": {task.id: outcome}}

    def _outcome(self, result: TaskResult) -> Outcome:
        failed = sum(i.status == "failed" for i in result.items)
        return {"task": result.task, "attempt": result.attempt, "status": result.status, "ref": store(self.context, result),
                "done": len(result.items) - failed, "failed": failed}  # fmt: skip

    async def collect(self, state: State) -> State:
        """Join the branches, whose outcomes the reducer has merged by task; plan the next round of what is repeated."""
        plan = load_plan(self.context, state["plan"])
        again = next_round(plan, state.get("outcomes", {}), lambda ref: load_result(self.context, ref))
        if again is None:
            return {"again": False}
        ref = store(self.context, again)
        self._announce(again, ref)
        return {"again": False, "plan": ref}

    async def verify(self, state: State) -> State:
        """Check every claim; plan another attempt at what failed or is unsupported, while that settles something."""
        plan = load_plan(self.context, state["plan"])
        results = load_results(self.context, plan, state.get("outcomes", {}))
        claims = [c for r in results for c in r.claims]
        round_ = state.get("round", 1)
        verdicts = await self._verdicts(claims, self._intake(state["intake"]), round_)
        ref = self.context.artifacts.put_json([v.model_dump(mode="json") for v in verdicts])
        counts = Counter(v.status for v in verdicts)
        known = self.context.journal.last("verdicts")
        body = {"ref": ref, "round": round_, "counts": dict(counts)}
        if known is None or known.body != body:
            self.context.journal.append("verdicts", body)
        written: State = {
            "verdicts": ref,
            "supported": counts["supported"],
            "again": False,
            "round": round_ + 1,
        }
        settled = round_ == 1 or counts["supported"] > state.get("supported", 0)
        again = self._tasks_to_repeat(plan, results, verdicts) if round_ < MOST_ROUNDS and settled else {}
        if again:
            replanned = self._with_attempts(plan, again)
            written |= {"plan": store(self.context, replanned), "again": True}
            self._announce(replanned, written["plan"])
        return written

    async def _verdicts(self, claims: list[Any], intake: Intake, round_: int) -> list[Verdict]:
        try:
            verdicts = await verify_claims(self.context, claims, intake, round_)
        except BenchmateError as error:
            if error.info.kind != "budget":
                raise
            return [
                Verdict(claim_id=c.id, status="unchecked", method="none", reason=str(error)) for c in claims
            ]
        if self.engine is not None and self.context.settings.role("verifier").judges:
            from benchmate.agents.judge import judge_open

            verdicts = await judge_open(
                self.context, for_role(self.engine, "verifier"), claims, verdicts, round_
            )
        return verdicts

    def _tasks_to_repeat(
        self, plan: Plan, results: list[TaskResult], verdicts: list[Verdict]
    ) -> dict[str, str]:
        """Return the agent tasks that may do better, each with what was wrong. A tool call would only repeat itself."""
        wrong = {v.claim_id: v.reason for v in verdicts if v.status in ("contradicted", "insufficient")}
        again: dict[str, str] = {}
        for result in results:
            task = plan.by_id[result.task]
            if task.kind != "agent" or {"rank", "flags"} & task.arguments.keys():
                continue
            reasons = [f"{c.text} — {wrong[c.id]}" for c in result.claims if c.id in wrong]
            if (
                result.error is not None
                and result.error.kind in RETRIED
                and result.error.code not in ("no_tool", "no_subject", "not_fulfilled")
            ):
                reasons.append(str(result.error))
            if reasons:
                again[task.id] = "; ".join(reasons)[:2000]
        return again

    def _with_attempts(self, plan: Plan, again: dict[str, str]) -> Plan:
        """Return the plan with another attempt at these tasks and at all that build on them."""
        affected = set(again)
        for _ in plan.tasks:  # in the plan's order a need may come later, so go on until nothing changes
            for other in plan.tasks:
                if set(other.needs) & affected:
                    affected.add(other.id)
        tasks = tuple(
            t.model_copy(
                update={"attempt": t.attempt + 1, "feedback": again.get(t.id), "last": {}, "carries": False}
            )
            if t.id in affected
            else t
            for t in plan.tasks
        )
        return plan.model_copy(update={"tasks": tasks})

    def dispatch_again(self, state: State) -> list[Send] | Literal["report"]:
        """Go round once more where verify planned it, else report."""
        if not state.get("again"):
            return "report"
        sends = self.dispatch(state)
        return sends if isinstance(sends, list) else "report"

    async def report(self, state: State) -> State:
        """Write the report as data."""
        plan = load_plan(self.context, state["plan"])
        results = load_results(self.context, plan, state.get("outcomes", {}))
        found = self.context.artifacts.get_json(state["verdicts"]) if state.get("verdicts") else []
        verdicts = [Verdict.model_validate(v) for v in found]
        report = await make_report(
            self.context, plan, self._intake(state["intake"]), results, verdicts, state.get("refused", False)
        )
        ref = store(self.context, report)
        known = self.context.journal.last("report.written")
        if known is None or known.body["ref"] != ref:
            self.context.journal.append("report.written", {"ref": ref, "status": report.status})
        return {"report": ref, "answer": report.answer, "status": report.status}

    def _earlier(self, state: State) -> Earlier | None:
        ref = state.get("earlier")
        return Earlier.model_validate(self.context.artifacts.get_json(ref)) if ref else None

    def _attachments(self, state: State) -> list[Attachment]:
        ref = state.get("attachments")
        return attachments_in(self.context.artifacts.get_json(ref)) if ref else []

    def _intake(self, ref: str) -> Intake:
        return Intake.model_validate(self.context.artifacts.get_json(ref))
