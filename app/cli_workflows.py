"""`benchmate validate`, `plan` and `schema`: workflows before they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmate.app import cli_options as options
from benchmate.app import output
from benchmate.app.cli_options import Input, Inputs, Json, ModeOption, PolicyFile, WorkflowName

if TYPE_CHECKING:
    from rich.console import RenderableType

    from benchmate.workflows.dry_run import DryRun, StepEstimate

MOST_NAMED = 20  # entities; a file may hold thousands


def validate(workflow: WorkflowName, as_json: Json = False) -> int:
    """Check a workflow file; what is wrong is named with its line."""
    from benchmate.workflows.loader import load_workflow

    loaded = load_workflow(workflow)
    steps = [step.id for step in loaded.steps or ()]
    needed = [name for name, spec in loaded.inputs.items() if spec.must_be_given]
    document = {
        "valid": True,
        "name": loaded.name,
        "file": loaded.document.file,
        "steps": steps,
        "inputs": list(loaded.inputs),
        "required": needed,
    }
    what = f"{len(steps)} steps" if loaded.steps else "a question for the planner"
    needs = f"; needs {', '.join(needed)}" if needed else ""
    return output.emit(as_json, document, output.paragraph(f"{loaded.document.file} is valid: {what}{needs}"))


def plan(
    workflow: WorkflowName,
    inputs: Input = None,
    inputs_file: Inputs = None,
    mode: ModeOption = None,
    policy: PolicyFile = None,
    as_json: Json = False,
) -> int:
    """Show the steps, calls, costs and approvals of a workflow. Nothing runs."""
    from dataclasses import replace

    from benchmate.app.machine_policy import machine_policy
    from benchmate.runtime.policy import Policy
    from benchmate.workflows.dry_run import dry_run
    from benchmate.workflows.loader import load_workflow, to_plan

    loaded = load_workflow(workflow)
    made = to_plan(loaded, options.workflow_inputs(loaded, inputs_file, inputs))
    settings = options.settings_of(mode=mode, policy=policy)
    machine = replace(machine_policy(settings) or Policy(), mode_network=settings.mode.network)
    estimate = dry_run(made, loaded.policy_for(settings.mode).under(machine))
    return output.emit(as_json, estimate.model_dump(mode="json"), estimate_view(estimate))


def estimate_view(estimate: DryRun) -> RenderableType:
    """Return a dry run for a reader."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [Text.assemble((estimate.title, "bold"), (f"  {estimate.made_by}", "dim"))]
    if estimate.planned_later:
        parts.append(output.paragraph("The planner makes the steps when the run starts."))
    if estimate.steps:
        rows = [
            (str(s.wave), s.id, s.action, str(s.calls), ", ".join(s.needs), _remarks(s))
            for s in estimate.steps
        ]
        titles = ("wave", "step", "does", "calls", "after", "")
        parts += ["", output.grid(rows, *titles, styles=("dim", "bold", "cyan"))]
    resolved = [e.given for e in estimate.entities[:MOST_NAMED]]
    more = len(estimate.entities) - len(resolved)
    totals = [
        ("resolves first", ", ".join(resolved) + (f" and {more} more" if more else "") or "nothing"),
        ("calls", f"{estimate.total_calls} in all, {estimate.verification} of them to verify"),
        ("model", f"{estimate.model_calls} calls, {estimate.tokens} tokens"),
        ("takes", estimate.duration),
        ("asks a person", ", ".join(estimate.approvals) or "nothing"),
    ]
    if estimate.denied:
        totals.append(("policy denies", ", ".join(estimate.denied)))
    return Group(*parts, "", output.grid(totals, styles=("dim",)))


def _remarks(step: StepEstimate) -> str:
    remarks = []
    if step.items is not None:
        remarks.append(f"{step.items} items")
    if step.when is not None:
        remarks.append(f"when {step.when}")
    if step.until is not None:
        remarks.append(f"up to {step.rounds} rounds until {step.until}")
    elif step.rounds > 1:
        remarks.append("in each round")
    if step.kind == "group":
        remarks.append("ends with its steps" if step.until is None else f"repeats {', '.join(step.members)}")
    if step.cost == "slow":
        remarks.append("slow")
    if step.retries.high != 0:
        remarks.append(f"{step.retries} retries")
    if step.verdict != "allow":
        remarks.append(f"{step.verdict}: {step.reason}")
    elif step.asks:
        remarks.append("asks a person")
    return "; ".join(remarks)


def schema() -> int:
    """Print the JSON Schema of workflow files, for editors."""
    from benchmate.workflows.schema import export_schema

    print(export_schema(), end="")
    return output.COMPLETE
