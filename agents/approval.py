"""Questions to a person, and their answers."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from benchmate.agents.contracts import Contract, Plan


class ApprovalRequest(Contract):
    """What a person is asked. `subject` is what the answer is filed under: `plan`, `step:<id>`, `call:<task>:<tool>`."""

    subject: str
    message: str
    details: dict[str, Any] = Field(default_factory=dict)


class ApprovalAnswer(Contract):
    """What they said. An answer about the plan may bring an edited plan.

    `subject` says which request it answers, copied from there. Without one it answers a task's first question only.
    """

    approved: bool
    subject: str = ""
    note: str = ""
    plan: Plan | None = None
