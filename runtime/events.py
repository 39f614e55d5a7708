"""Events: what a front end renders. Most are projections of journal records; progress and tokens pass by."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from benchmate.runtime.journal import Record


class Event(BaseModel):
    """Something happened. `kind` is a journal record's, or `progress`, `token`, `task.started`, `task.ended`, `notice`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    task: str = ""
    seq: int | None = Field(None, description="The journal record behind it; None for passing events.")
    at: float = Field(default_factory=time.time)
    data: dict[str, Any] = Field(default_factory=dict)


def event_of(record: Record) -> Event:
    """Return the event a journal record projects to: results are reduced to what a screen shows."""
    body = record.body
    data = {k: v for k, v in body.items() if k != "result"}
    if record.kind == "call.finished" and "result" in body:
        result = body["result"]
        data["quantities"] = result.get("quantities", {}) if isinstance(result, dict) else {}
        if isinstance(result, dict) and "usage" in result:
            data["usage"] = result["usage"]
        data["warnings"] = result.get("warnings", []) if isinstance(result, dict) else []
    return Event(kind=record.kind, task=record.task, seq=record.seq, at=record.at, data=data)
