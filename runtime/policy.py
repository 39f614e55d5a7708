"""Policy: whether a call may happen, must be asked for, or may not. Rules first, then the defaults."""

from __future__ import annotations

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
_STRICTNESS: dict[Verdict, int] = {"allow": 0, "ask": 1, "deny": 2}
# An `allow` rule covers these combinations only when it names the label: permission to write a file is not
# permission to write what a web page dictates, and permission to use the network is not permission to send
# unpublished work.
_GUARDED: dict[str, Label] = {"network": "private", "write": "untrusted", "exec": "untrusted"}


class Rule(BaseModel):
    """One line of a policy: what it matches, and what then happens. Patterns are globs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tool: str = Field("*", description="Tool name: 'pubchem_*'.")
    domain: str = Field("*", description="The tool's field: 'chemistry'.")
    effect: str = Field("*", description="read, compute, network, write or exec.")
    label: Label | None = Field(None, description="Match only calls whose arguments carry this label.")
    decision: Verdict
    reason: str = Field("", description="Why, as a person would say it; shown and recorded.")

    @field_validator("effect")
    @classmethod
    def _known_effect(cls, pattern: str) -> str:
        if not any(fnmatchcase(effect, pattern) for effect in EFFECTS):
            raise ValueError(f"no effect is called {pattern!r}; {did_you_mean(pattern, EFFECTS)}")
        return pattern

    def matches(self, tool: str, domain: str, effect: str, labels: Collection[Label]) -> bool:
        """Return whether the rule speaks about this effect of this call."""
        if self.label is not None and self.label not in labels:
            return False
        guard = _GUARDED.get(effect)
        if self.decision == "allow" and guard in labels and self.label != guard:
            return False
        return (
            fnmatchcase(tool, self.tool)
            and fnmatchcase(domain, self.domain)
            and fnmatchcase(effect, self.effect)
        )


class Decision(BaseModel):
    """What a policy says about a call, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verdict: Verdict
    code: str = Field(description="Machine-readable: `allowed`, `rule`, `tool_not_allowed`, `private_data` …")
    reason: str
    rule: Rule | None = Field(None, description="The rule that decided; None for a default.")


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Policy:
    """Rules in order, the first match wins; what no rule matches falls to the defaults.

    `allow_tools` is a list of globs: None means that there is no such list, [] that no tool is allowed.
    `mode_network` says whether a tool may be asked for what the network gave: in every mode but replay, as records answer in
    those that ask nobody. Whether a request really goes out, `HttpClient` decides by the mode.
    """

    rules: tuple[Rule, ...] = ()
    mode_network: bool = False
    allow_tools: tuple[str, ...] | None = None

    @classmethod
    def load(cls, data: Mapping[str, Any], *, mode_network: bool) -> Policy:
        """Return the policy that a YAML file's content describes: `rules` and `allow_tools`.

        Raises InvalidInput (`bad_policy`) naming the entry that is wrong.
        """
        known = ("rules", "allow_tools")
        for key in data:
            if key not in known:
                raise InvalidInput(
                    "bad_policy", f"a policy has no {key!r}", hint=did_you_mean(str(key), known)
                )
        try:
            return cls(
                rules=() if data.get("rules") is None else data["rules"],
                allow_tools=data.get("allow_tools"),
                mode_network=mode_network,
            )
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            hint = (
                did_you_mean(str(first["loc"][-1]), Rule.model_fields)
                if first["type"] == "extra_forbidden"
                else None
            )
            raise InvalidInput("bad_policy", f"policy {where}: {first['msg']}", hint=hint) from None

    def decide(
        self, tool: str, domain: str, effects: Iterable[str], labels: Collection[Label] = NO_LABELS
    ) -> Decision:
        """Return the strictest decision over the tool's effects. A tool that declares none computes."""
        if self.allow_tools is not None and not any(fnmatchcase(tool, glob) for glob in self.allow_tools):
            allowed = ", ".join(self.allow_tools) or "no tool at all"
            return Decision(
                verdict="deny", code="tool_not_allowed", reason=f"this policy allows {allowed}, not {tool}"
            )
        decisions = [
            self._decide_effect(tool, domain, effect, labels) for effect in sorted(effects) or ["compute"]
        ]
        return max(decisions, key=lambda decision: _STRICTNESS[decision.verdict])

    def _decide_effect(self, tool: str, domain: str, effect: str, labels: Collection[Label]) -> Decision:
        for rule in self.rules:
            if rule.matches(tool, domain, effect, labels):
                reason = rule.reason or f"a rule says {rule.decision} for {effect} by {rule.tool}"
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
