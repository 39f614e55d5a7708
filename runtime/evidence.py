"""What a call returns, and the evidence it becomes once the journal holds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from benchmate.runtime.errors import NotFound, did_you_mean
from benchmate.runtime.labels import NO_LABELS, Labels
from benchmate.runtime.quantity import Quantity

SourceKind = Literal["computed", "table", "web", "library", "person", "model"]


class Source(BaseModel):
    """Where a result comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: SourceKind
    name: str = Field(description="'RDKit 2026.9.1', 'chemicals 1.5.2', 'PubChem'.")
    reference: str | None = Field(None, description="Paper, DOI or URL behind the method or the data.")
    release: str | None = None


class Entity(BaseModel):
    """A thing an argument was resolved to, echoed so that a wrong one is seen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["compound", "sequence", "equation", "document", "file", "text"]
    given: str = Field(description="What the caller wrote.")
    key: str = Field(description="The identity: InChIKey, a digest of the sequence, the SHA-256 of a file.")
    label: str = Field(description="How to name it to a reader.")
    argument: str = Field(description="Which argument it stands for: 'compound', 'targets[1]'.")
    details: dict[str, Any] = Field(default_factory=dict)


class Artifact(BaseModel):
    """A file a call made, stored once under its hash."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha: str
    name: str
    media_type: str
    size: int


class HazardNotice(BaseModel):
    """What the hazard gate found and decided: something that a call is about stands on a public list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    argument: str = Field(description="The argument it stands for; 'product' for what a call gave.")
    subject: str = Field(description="What was matched, as the caller named it.")
    list: str = Field(description="The list's id, as a machine's policy names it.")
    list_name: str
    entry: str = Field(description="The entry of the list, or the family that it names.")
    verdict: Literal["allow", "ask", "deny"]
    code: str = Field(
        description="`hazard_notice`, `hazard_ask`, `hazard_denied`, `hazard_approved`, `hazard_rule`."
    )
    summary: str = Field(description="What stands on which list, as of when.")
    reason: str = Field(
        description="In words: what is decided and why, which list, from where, as of when, its limits."
    )

    @property
    def key(self) -> str:
        """What a person's word is given for: this entry of this list."""
        return f"{self.list}: {self.entry}"


class ToolResult(BaseModel):
    """What a tool returns. Numbers that matter are in `quantities`; `data` holds the rest as plain JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: dict[str, Any] = Field(default_factory=dict)
    quantities: dict[str, Quantity] = Field(default_factory=dict)
    entities: tuple[Entity, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    source: Source
    warnings: tuple[str, ...] = ()
    labels: Labels = NO_LABELS
    hazards: tuple[HazardNotice, ...] = Field(
        (),
        description="What the hazard gate noted; left out where that is nothing.",
        exclude_if=lambda value: not value,
    )


class Evidence(BaseModel):
    """A finished call.

    `id`, `call_key`, `tool`, `arguments` and `result` are the same in every run; the rest is the observation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    call_key: str
    tool: str
    tool_version: str
    arguments: dict[str, Any]
    result: ToolResult
    task: str
    attempt: int
    seq: int
    at: float

    def cite(self, path: str) -> str:
        """Return the citation of a path in this evidence, e.g. `E-0a1b…#/quantities/logp`."""
        return f"{self.id}#{path}"

    def resolve(self, pointer: str) -> Any:
        """Return what the JSON pointer names: a Quantity under /quantities, plain data elsewhere.

        Raises NotFound (`no_such_path`) with the nearest existing key.
        """
        if pointer and not pointer.startswith("/"):
            raise NotFound("no_such_path", f"{pointer!r} is not a path", hint=f"did you mean '/{pointer}'?")
        parts = [p.replace("~1", "/").replace("~0", "~") for p in pointer.split("/")[1:]]
        if len(parts) == 2 and parts[0] == "quantities" and parts[1] in self.result.quantities:
            return self.result.quantities[parts[1]]
        node: Any = self.result.model_dump(mode="json")
        for part in parts:
            if isinstance(node, Mapping) and part in node:
                node = node[part]
            elif isinstance(node, list) and part.isdecimal() and int(part) < len(node):
                node = node[int(part)]
            else:
                options = node.keys() if isinstance(node, Mapping) else []
                raise NotFound(
                    "no_such_path", f"{self.id} has nothing at {pointer!r}", hint=did_you_mean(part, options)
                )
        return node


def split_citation(citation: str) -> tuple[str, str]:
    """Return (evidence id, JSON pointer) of `E-…#/quantities/x`. The pointer is '' when there is none."""
    identity, _, pointer = citation.partition("#")
    return identity, pointer
