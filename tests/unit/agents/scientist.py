"""A scripted model that plays a capable one: it plans, calls tools, concludes and judges, each from a list of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from benchmate.model.engine import ToolCall
from benchmate.model.scripted import Asked, ScriptedEngine
from benchmate.runtime.errors import BenchmateError

Say = str | ToolCall | Sequence[ToolCall] | BenchmateError | Callable[[Asked], Any]


class Scientist:
    """What is said in each role, in order; the last line of a list is said again when the list has ended.

    `asked` holds what each role was asked.
    """

    def __init__(
        self, *, plan: Sequence[Say] = (), turns: Sequence[Say] = ("Done.",), final: Sequence[Say] = (), judge: Sequence[Say] = ()
    ) -> None:  # fmt: skip
        self.lines = {"plan": plan, "turns": turns, "final": final or [conclusion("Done.")], "judge": judge}
        self.asked: dict[str, list[Asked]] = {role: [] for role in self.lines}
        self.engine = ScriptedEngine(self._answer, name="scientist")

    def _answer(self, asked: Asked) -> Any:
        fields = (asked.constraint.json_schema or {}).get("properties", {}) if asked.constraint else {}
        role = (
            "plan"
            if "tasks" in fields
            else "final"
            if "claims" in fields
            else "judge"
            if "status" in fields
            else "turns"
        )
        self.asked[role].append(asked)
        lines = self.lines[role]
        assert lines, f"nothing to say as {role}"
        line = lines[min(len(self.asked[role]), len(lines)) - 1]
        return line(asked) if callable(line) else line


def planned(*tasks: tuple[str, str] | tuple[str, str, list[int]]) -> str:
    """Return a plan as a model writes it: (agent, goal, needs)."""
    return json.dumps({"tasks": [{"agent": a, "goal": g, "needs": n[0] if n else []} for a, g, *n in tasks]})


def call(name: str, **arguments: Any) -> ToolCall:
    return ToolCall(id=f"{name}-{len(arguments)}", name=name, arguments=arguments)


def seen(asked: Asked) -> list[dict[str, Any]]:
    """Return the tool results that the model has seen, in order."""
    return [json.loads(m.text) for m in asked.messages if m.role == "tool"]


def conclusion(answer: str, *claims: dict[str, Any]) -> str:
    return json.dumps({"answer": answer, "claims": claims})


def weight_of_aspirin(value: float = 180.16, cite: str | None = None) -> Callable[[Asked], str]:
    """Return a conclusion that cites the last tool result, or what `cite` says."""

    def conclude(asked: Asked) -> str:
        known = [r["evidence"] for r in seen(asked) if "evidence" in r]
        text = f"The molecular weight of aspirin is {value} g/mol."
        return conclusion(text, {
            "text": text, "kind": "numeric", "property": "molecular_weight", "value": value, "unit": "gram / mole",
            "subject": "aspirin", "cites": [cite or f"{known[-1]}#/quantities/molecular_weight"],
        })  # fmt: skip

    return conclude
