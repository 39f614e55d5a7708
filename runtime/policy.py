"""Policy: whether a call may happen, must be asked for, or may not. Rules first, then the defaults."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.dataclasses import dataclass

from benchmate.runtime.errors import InvalidInput, did_you_mean
from benchmate.runtime.labels import NO_LABELS, Label

Effect = Literal["read", "compute", "network", "write", "exec"]
Verdict = Literal["allow", "ask", "deny"]

EFFECTS: tuple[str, ...] = get_args(Effect)
STRICTNESS: dict[Verdict, int] = {"allow": 0, "ask": 1, "deny": 2}
# An `allow` rule covers these combinations only when it names the label: permission to write a file is not
# permission to write what a web page dictates, and permission to use the network is not permission to send
# unpublished work.
_GUARDED: dict[str, Label] = {"network": "private", "write": "untrusted", "exec": "untrusted"}


Globs = str | tuple[str, ...]  # one pattern, or several of which one has to match


class Rule(BaseModel):
    """One line of a policy: what it matches, and what then happens. Patterns are globs; a list of them matches where one does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tool: Globs = Field("*", description="Tool name: 'pubchem_*'. A list names several.")
    domain: Globs = Field("*", description="The tool's field: 'chemistry'. A list names several.")
    effect: Globs = Field("*", description="read, compute, network, write or exec. A list names several.")
    label: Label | None = Field(None, description="Match only calls whose arguments carry this label.")
    decision: Verdict
    reason: str = Field("", description="Why, as a person would say it; shown and recorded.")

    @field_validator("effect")
    @classmethod
    def _known_effect(cls, patterns: Globs) -> Globs:
        for pattern in several(patterns):
            if not any(fnmatchcase(effect, pattern) for effect in EFFECTS):
                raise ValueError(f"no effect is called {pattern!r}; {did_you_mean(pattern, EFFECTS)}")
        return patterns

    def matches(self, tool: str, domain: str, effect: str, labels: Collection[Label]) -> bool:
        """Return whether the rule speaks about this effect of this call."""
        if self.label is not None and self.label not in labels:
            return False
        guard = _GUARDED.get(effect)
        if self.decision == "allow" and guard in labels and self.label != guard:
            return False
        return _matches(tool, self.tool) and _matches(domain, self.domain) and _matches(effect, self.effect)

    def __str__(self) -> str:
        """The rule as one line of its file: 'tool: save_*, effect: write → ask'."""
        said = {"tool": self.tool, "domain": self.domain, "effect": self.effect, "label": self.label or "*"}
        parts = [f"{key}: {', '.join(several(value))}" for key, value in said.items() if value != "*"]
        return f"{', '.join(parts) or 'anything'} → {self.decision}"


class HazardRule(BaseModel):
    """What the machine's policy says of one list of hazardous compounds or agents, in place of the gate's own default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    list: str = Field(description="The list by its id or its name, no glob: 'cwc-schedule-3'.")
    use: Literal["making", "lookup"] = Field(
        "making", description="making: routes, reactions, designs; lookup: everything else."
    )
    decision: Verdict
    reason: str = Field("", description="Why, as a person would say it; shown and recorded.")


class Decision(BaseModel):
    """What a policy says about a call, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verdict: Verdict
    code: str = Field(description="Machine-readable: `allowed`, `rule`, `tool_not_allowed`, `private_data` …")
    reason: str
    rule: Rule | None = Field(None, description="The rule that decided; None for a default.")
    by: Literal["machine", "workflow"] = Field("machine", description="Whose policy decided.")


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Policy:
    """Rules in order, the first match wins; what no rule matches falls to the defaults.

    `allow_tools` is a list of globs: None means that there is no such list, [] that no tool is allowed.
    `mode_network` says whether a tool may be asked for what the network gave: in every mode but replay, as records answer in
    those that ask nobody. Whether a request really goes out, `HttpClient` decides by the mode.

    `machine` is the policy of the machine that this one, a workflow's, runs under: the stricter of the machine's decision and
    of what this one's own rules say holds, so that a workflow can forbid and ask, and cannot allow what the machine's policy
    does not. Where no rule of its own matches, the machine decides. `hazards` say what
    becomes of listed compounds and agents (`benchmate.tools.hazards`); only the machine's are ever read.
    """

    rules: tuple[Rule, ...] = ()
    mode_network: bool = False
    allow_tools: tuple[str, ...] | None = None
    hazards: tuple[HazardRule, ...] = ()
    machine: Policy | None = None

    @classmethod
    def load(cls, data: Mapping[str, Any], *, mode_network: bool) -> Policy:
        """Return the policy that a YAML file's content describes: `rules`, `allow_tools` and `hazards`.

        Raises InvalidInput (`bad_policy`) naming the entry that is wrong, with its `path` in details.
        """
        known = ("rules", "allow_tools", "hazards")
        for key in data:
            if key not in known:
                raise InvalidInput(
                    "bad_policy", f"a policy has no {key!r}", hint=did_you_mean(str(key), known),
                    details={"path": [key]},
                )  # fmt: skip
        try:
            return cls(
                rules=() if data.get("rules") is None else data["rules"],
                allow_tools=data.get("allow_tools"),
                hazards=() if data.get("hazards") is None else data["hazards"],
                mode_network=mode_network,
            )
        except ValidationError as error:
            first = error.errors()[0]
            path = [p for p in first["loc"] if p not in ("str", "tuple[str, ...]")]
            fields = HazardRule.model_fields if path[:1] == ["hazards"] else Rule.model_fields
            hint = did_you_mean(str(path[-1]), fields) if first["type"] == "extra_forbidden" else None
            raise InvalidInput(
                "bad_policy", f"policy {'.'.join(map(str, path))}: {first['msg']}", hint=hint, details={"path": path}
            ) from None  # fmt: skip

    def under(self, machine: Policy) -> Policy:
        """Return this policy, a workflow's, as it holds on a machine: never less strict than the machine's own."""
        return dataclasses.replace(self, machine=machine, mode_network=machine.mode_network)

    @property
    def hazard_rules(self) -> tuple[HazardRule, ...]:
        """What the machine's policy says of lists of hazardous things; a workflow's policy says nothing of them."""
        return self.machine.hazard_rules if self.machine is not None else self.hazards

    def decide(
        self, tool: str, domain: str, effects: Iterable[str], labels: Collection[Label] = NO_LABELS
    ) -> Decision:
        """Return the strictest decision over the tool's effects, and of this policy and the machine's. A tool that declares no effect computes."""
        wanted = sorted(effects) or ["compute"]
        if self.machine is None:
            return self._decide(tool, domain, wanted, labels)
        own = self._decide(tool, domain, wanted, labels).model_copy(update={"by": "workflow"})
        above = self.machine.decide(tool, domain, wanted, labels)
        return own if STRICTNESS[own.verdict] > STRICTNESS[above.verdict] else above

    def _decide(
        self, tool: str, domain: str, effects: Collection[str], labels: Collection[Label]
    ) -> Decision:
        if self.allow_tools is not None and not _matches(tool, self.allow_tools):
            allowed = ", ".join(self.allow_tools) or "no tool at all"
            return Decision(
                verdict="deny", code="tool_not_allowed", reason=f"this policy allows {allowed}, not {tool}"
            )
        decisions = [self._decide_effect(tool, domain, effect, labels) for effect in effects]
        if self.machine is not None:  # the defaults are the machine's to apply
            decisions = [d for d in decisions if d.rule is not None] or [
                Decision(verdict="allow", code="allowed", reason="the workflow has no rule for it")
            ]
        return max(decisions, key=lambda decision: STRICTNESS[decision.verdict])

    def _decide_effect(self, tool: str, domain: str, effect: str, labels: Collection[Label]) -> Decision:
        for rule in self.rules:
            if rule.matches(tool, domain, effect, labels):
                by = ", ".join(several(rule.tool))
                reason = rule.reason or f"a rule says {rule.decision} for {effect} by {by}"
                return Decision(verdict=rule.decision, code="rule", reason=reason, rule=rule)
        return self._default(tool, effect, labels)

    def _default(self, tool: str, effect: str, labels: Collection[Label]) -> Decision:
        if effect == "network" and "private" in labels:
            return Decision(
                verdict="deny",
                code="private_data",
                reason=f"{tool} would send private data to an outside service",
            )
        if effect == "network" and not self.mode_network:
            return Decision(
                verdict="deny",
                code="no_network",
                reason=f"{tool} needs the network, which this run's mode does not use",
            )
        if effect in ("write", "exec") and "untrusted" in labels:
            return Decision(
                verdict="ask",
                code="untrusted_arguments",
                reason=f"{tool} would {effect} with arguments from an untrusted source",
            )
        if effect in ("write", "exec"):
            what = "changes something outside the run" if effect == "write" else "runs code"
            return Decision(verdict="ask", code="needs_approval", reason=f"{tool} {what}")
        if effect not in EFFECTS:
            return Decision(
                verdict="ask",
                code="unknown_effect",
                reason=f"{tool} declares {effect!r}, which no default covers",
            )
        return Decision(verdict="allow", code="allowed", reason=f"{tool} only reads and computes")


def several(patterns: Globs) -> tuple[str, ...]:
    """Return one pattern or several as several."""
    return (patterns,) if isinstance(patterns, str) else patterns


def _matches(name: str, patterns: Globs) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in several(patterns))
