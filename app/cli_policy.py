"""`benchmate policy …`: what the policy in force would do, tool by tool and list by list, and whether a policy file is right."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmate.app import cli_options as options
from benchmate.app import output
from benchmate.app.cli_options import Json, ModeOption, PolicyFile

if TYPE_CHECKING:
    from benchmate.app.machine_policy import PolicyFile as ReadPolicy
    from benchmate.runtime.labels import Label
    from benchmate.runtime.policy import Decision, Policy

LABELS: tuple[Label, ...] = ("untrusted", "private")  # what arguments may carry, beside none


def show_policy(policy: PolicyFile = None, mode: ModeOption = None, as_json: Json = False) -> int:
    """Show what would happen to a call of every installed tool, and for every list of hazards, and which rule says so."""
    from rich.console import Group
    from rich.text import Text

    from benchmate.app.machine_policy import read_policy
    from benchmate.runtime.policy import Policy
    from benchmate.tools.hazards import is_making, lists_told
    from benchmate.tools.registry import load_registry

    settings = options.settings_of(mode=mode, policy=policy)
    file = read_policy(settings.policy, mode=settings.mode) if settings.policy else None
    force = file.policy if file else Policy(mode_network=True)
    tools = load_registry().offered
    rows: list[dict[str, Any]] = []
    for tool in tools.values():
        carried: dict[str, frozenset[Label]] = {
            "plain": frozenset(),
            **{label: frozenset({label}) for label in LABELS},
        }
        said = {
            name: force.decide(tool.name, tool.domain, tool.effects, labels)
            for name, labels in carried.items()
        }
        rows.append(
            {
                "tool": tool.name, "domain": tool.domain, "effects": sorted(tool.effects), "makes": is_making(tool),
                **{name: {"verdict": d.verdict, "code": d.code, "why": _why(d, force, file)} for name, d in said.items()},
            }
        )  # fmt: skip
    lists = [_of_list(one, force, file) for one in lists_told()]
    where = str(settings.policy) if settings.policy else None
    document = {"policy": where, "tools": rows, "hazards": lists}
    head = f"policy: {where or 'none given, so the defaults hold'}; a workflow's own can only be stricter"
    shown = [
        (r["tool"], r["domain"], ", ".join(r["effects"]) + ("; makes" if r["makes"] else ""), *_verdicts(r))
        for r in rows
    ]
    gate = [(one["list"], one["making"], one["lookup"], one["why"]) for one in lists]
    view = Group(
        output.paragraph(head), Text(),
        output.grid(shown, "tool", "domain", "effects", "decision", "why", styles=("bold", "", "dim", "cyan")), Text(),
        output.paragraph("Listed compounds and agents: what tools that make something may do, and what all others may"),
        output.grid(gate, "list", "making", "lookup", "why", styles=("bold", "cyan", "cyan")),
    )  # fmt: skip
    return output.emit(as_json, document, view)


def check_policy(
    file: Annotated[Path, typer.Argument(metavar="FILE", show_default=False, help="A policy in YAML.")],
    as_json: Json = False,
) -> int:
    """Check a policy file; what is wrong is named with its line. Rules that can decide nothing are pointed out."""
    from rich.console import Group

    from benchmate.app.machine_policy import read_policy

    read = read_policy(file)
    notes = list(_notes(read))
    policy = read.policy
    document = {
        "valid": True, "file": str(file), "rules": len(policy.rules), "hazards": len(policy.hazards),
        "allow_tools": None if policy.allow_tools is None else list(policy.allow_tools), "notes": notes,
    }  # fmt: skip
    said = f"{file} is valid: {len(policy.rules)} rules, {len(policy.hazards)} for lists of hazards"
    return output.emit(
        as_json, document, Group(output.paragraph(said), *(output.paragraph(f"note: {n}") for n in notes))
    )


def _verdicts(row: dict[str, Any]) -> tuple[str, str]:
    """Return the decision in a few words, with what labels change, and why."""
    plain = row["plain"]
    words, why = plain["verdict"], plain["why"]
    for label in LABELS:
        other = row[label]
        if other["verdict"] != plain["verdict"]:
            words += f"; {other['verdict']} if {label}"
            why += f"; {label}: {other['why']}"
    return words, why


def _why(decision: Decision, policy: Policy, file: ReadPolicy | None) -> str:
    if decision.rule is None:
        by = "allow_tools" if decision.code == "tool_not_allowed" else "default"
        return f"{by}: {decision.reason}"
    index = policy.rules.index(decision.rule)
    line = file.line("rules", index) if file else None
    place = f"rule {index + 1}" + (f", line {line}" if line else "")
    return f"{place} ({decision.rule}){f': {decision.rule.reason}' if decision.rule.reason else ''}"


def _of_list(told: dict[str, str], policy: Policy, file: ReadPolicy | None) -> dict[str, str]:
    """Return what the hazard gate would do for a list."""
    from benchmate.tools.hazards import decision_for

    found: dict[str, str] = {"list": told["id"], "name": told["name"], "as_of": told["as_of"]}
    why = f"default: {told['name']}, as of {told['as_of']}, is of level {told['level']}"
    for use in ("making", "lookup"):
        verdict, rule = decision_for(told["id"], use, "target", policy.hazard_rules)
        found[use] = verdict
        if rule is not None:
            index = policy.hazards.index(rule)
            line = file.line("hazards", index) if file else None
            why = f"hazards {index + 1}{f', line {line}' if line else ''}{f': {rule.reason}' if rule.reason else ''}"
    return found | {"why": why}


def _notes(read: ReadPolicy) -> list[str]:
    """Return what is likely not meant: globs that match nothing installed, rules behind one that takes all they match."""
    from benchmate.runtime.policy import several
    from benchmate.tools.registry import load_registry

    tools = load_registry().offered
    domains = {tool.domain for tool in tools.values()} | {"model"}
    names = {*tools, "pubchem"}
    notes = []
    for index, rule in enumerate(read.policy.rules):
        at = f"line {read.line('rules', index)}"
        for glob in several(rule.tool):
            if not glob.startswith("model:") and not any(fnmatchcase(name, glob) for name in names):
                notes.append(f"{at}: no installed tool is called {glob!r}")
        for glob in several(rule.domain):
            if not any(fnmatchcase(domain, glob) for domain in domains):
                notes.append(f"{at}: no installed tool is of the domain {glob!r}")
        for earlier, other in enumerate(read.policy.rules[:index]):
            fields = ("tool", "domain", "effect")
            takes_all = all(getattr(other, f) == "*" or getattr(other, f) == getattr(rule, f) for f in fields)
            if takes_all and other.label in (None, rule.label) and other.decision != "allow":
                notes.append(
                    f"{at}: never reached, as rule {earlier + 1} (line {read.line('rules', earlier)}) decides first"
                )
                break
    for glob in read.policy.allow_tools or ():
        if not any(fnmatchcase(name, glob) for name in names):
            notes.append(f"allow_tools: no installed tool is called {glob!r}")
    return notes
