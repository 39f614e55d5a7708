"""The reporter: what stands in a report, and which status a run has."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest

from benchmate.agents.claims import claims_from
from benchmate.agents.contracts import Claim, ItemResult, Plan, Task, TaskResult, Verdict
from benchmate.agents.intake import Intake
from benchmate.agents.reporter import failures_of, make_report, run_status
from benchmate.agents.tasks import Setting, run_task
from benchmate.agents.verifier import verify_claims
from benchmate.app.runs import OpenRun, execute
from benchmate.runtime.context import TaskScope
from benchmate.runtime.errors import ErrorInfo, StorageError
from benchmate.runtime.evidence import Evidence
from benchmate.tools.base import ToolContext
from benchmate.tools.calls import tool_context
from benchmate.tools.registry import load_registry

BROKEN = ErrorInfo(code="broken", kind="invalid", message="it broke")


def result(status: Any, *, claims: int = 0, **fields: Any) -> TaskResult:
    made = tuple(Claim(id=f"C-{n}", text="x", kind="interpretation", cites=()) for n in range(claims))
    return TaskResult(task=fields.pop("task", "a"), attempt=1, status=status, claims=made, **fields)


def verdict(status: Any) -> dict[str, Verdict]:
    return {"C-0": Verdict(claim_id="C-0", status=status, method="matched", reason="")}


@pytest.mark.parametrize(
    ("results", "verdicts", "status"),
    [
        ([result("ok", claims=1)], verdict("supported"), "complete"),
        ([result("ok", claims=1)], verdict("unchecked"), "complete"),
        ([result("ok", claims=1)], verdict("contradicted"), "partial"),
        ([result("ok", claims=1)], verdict("insufficient"), "partial"),
        ([result("ok", claims=1), result("skipped")], {}, "complete"),
        ([result("ok", claims=1), result("failed", error=BROKEN)], {}, "partial"),
        ([result("partial", claims=1)], {}, "partial"),
        ([result("failed", error=BROKEN)], {}, "failed"),
        ([result("failed", error=BROKEN), result("skipped")], {}, "failed"),
        ([result("refused", error=BROKEN)], {}, "refused"),
        ([result("refused", error=BROKEN), result("skipped")], {}, "refused"),
        ([result("ok", claims=1), result("refused", error=BROKEN)], {}, "partial"),
        ([result("ok", claims=1), result("budget")], {}, "budget"),
        ([result("ok", evidence=("E-0123456789ab",))], {}, "failed"),
        ([result("ok", answer="It is so.")], {}, "complete"),
        ([result("skipped")], {}, "failed"),
        ([result("ok", claims=1, items=(ItemResult(index=0, given="x", status="failed"),))], {}, "partial"),
    ],
)
def test_a_runs_status_follows_from_its_tasks_and_verdicts(
    results: list[TaskResult], verdicts: dict[str, Verdict], status: str
) -> None:
    assert run_status(results, verdicts, refused=False) == status
    assert run_status(results, verdicts, refused=True) == "refused"


def test_a_workflow_whose_evidence_backs_no_claim_is_not_complete() -> None:
    assert (
        run_status([result("ok", evidence=("E-0123456789ab",))], {}, refused=False, asked=False) == "partial"
    )


async def test_an_empty_library_is_no_success_and_says_what_to_do(run: OpenRun) -> None:
    task = Task(id="a", kind="tool", tool="search_library", arguments={"query": "glovebox procedure"})
    plan = Plan(title="x", question="What do my notes say of the glovebox procedure?", tasks=(task,))
    found = await run_task(run.context, task, Setting(plan, Intake(), {}))
    report = await make_report(run.context, plan, Intake(question=plan.question or ""), [found], [])
    assert report.status == "failed"
    assert "The library is empty: nothing was searched" in report.answer
    assert "benchmate ingest PATH" in report.answer


async def test_the_passages_answer_and_not_their_scores(run: OpenRun, tmp_path: Path) -> None:
    from benchmate.tools.library.store import Library

    settings = tool_context(run.context, TaskScope("a"))
    note = tmp_path / "notes.md"
    note.write_text("# Glovebox\n\nThe glovebox is purged with argon for two hours before use.\n")
    with Library(settings.library_folder, settings.library_server, settings.library_collection) as library:
        library.ingest(note)
    task = Task(id="a", kind="tool", tool="search_library", arguments={"query": "glovebox purge with argon"})
    plan = Plan(title="x", question="What do my notes say of purging the glovebox?", tasks=(task,))
    found = await run_task(run.context, task, Setting(plan, Intake(), {}))
    assert found.claims[0].kind == "quote"
    verdicts = await verify_claims(run.context, found.claims, Intake())
    report = await make_report(run.context, plan, Intake(question=plan.question or ""), [found], verdicts)
    assert "argon" in report.answer and "similarity" not in report.answer


async def test_a_property_that_the_tool_did_not_give_is_no_success(run: OpenRun) -> None:
    task = Task(
        id="a",
        kind="tool",
        tool="compute_descriptors",
        arguments={"compound": "hexane"},
        claims=("scaffold",),
    )
    plan = Plan(title="x", question="What is the scaffold of hexane?", tasks=(task,))
    found = await run_task(run.context, task, Setting(plan, Intake(), {}))
    report = await make_report(run.context, plan, Intake(question=plan.question or ""), [found], [])
    assert report.status == "failed"
    assert "compute_descriptors gave no value for what was asked" in report.answer
    assert "Not done" not in report.answer


def test_everything_that_failed_is_listed_once() -> None:
    plan = Plan(title="x", tasks=(Task(id="a", kind="verify"), Task(id="b", kind="verify")))
    items = (
        ItemResult(index=0, given="one", status="ok"),
        ItemResult(index=1, given="two", status="failed", error=BROKEN),
        ItemResult(index=2, given="three", status="failed", error=BROKEN),
    )
    failures = failures_of(
        plan, [result("partial", items=items, error=BROKEN), result("failed", task="b", error=BROKEN)]
    )
    assert [(f.task, f.given) for f in failures] == [("a", "two"), ("a", "three"), ("b", None)]


@pytest.mark.usefixtures("inline_tools")
async def test_a_report_states_only_what_was_claimed_and_says_what_could_not_be_done(tmp_path: Path) -> None:
    compounds = ["aspirin", "caffeine", "ibuprofen", "nonsensol"]
    outcome = await execute(workflow="lead_triage", inputs={"compounds": compounds}, out=tmp_path)
    report = outcome.report
    assert report is not None
    assert report.status == "partial"
    assert report.unbacked_digits == ()
    assert "Cannot answer for nonsensol" in report.answer
    assert set(report.verdicts) == {claim.id for claim in report.claims}
    assert {v.status for v in report.verdicts.values()} == {"supported"}
    known = {line.id for line in report.evidence}
    assert {cite.partition("#")[0] for claim in report.claims for cite in claim.cites} <= known
    shown = {cell.claim_id for table in report.tables for row in table.rows for cell in row if cell.claim_id}
    assert shown <= {claim.id for claim in report.claims}
    assert any(figure.data is not None for figure in report.figures), "the numbers behind the chart"


async def test_a_figure_that_fails_costs_the_figure_and_not_the_report(
    run: OpenRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchmate.agents import reporter
    from benchmate.runtime.errors import Crashed

    plan, claims = Plan(title="x", tasks=(Task(id="a", kind="verify"),)), three_claims()
    results = [TaskResult(task="a", attempt=1, status="ok", claims=claims)]

    async def crash(*_: Any) -> Any:
        raise Crashed("worker_memory", "too large a picture")

    monkeypatch.setattr(reporter, "call_tool", crash)
    report = await make_report(run.context, plan, Intake(), results, [])
    assert report.figures == ()
    assert len(report.claims) == 3

    async def full(*_: Any) -> Any:
        raise StorageError("storage_full", "no space left")

    monkeypatch.setattr(reporter, "call_tool", full)
    with pytest.raises(StorageError):
        await make_report(run.context, plan, Intake(), results, [])


def three_claims() -> tuple[Claim, ...]:
    from benchmate.agents.contracts import Subject

    return tuple(
        Claim(
            id=f"C-{n}", text=f"x{n}", kind="numeric", property="logp", value=float(n),
            subject=Subject(key=f"k{n}", label=f"compound {n}"), cites=("E-0123456789ab#/quantities/logp",),
        )
        for n in range(3)
    )  # fmt: skip


CAFFEINE = "Cn1c(=O)c2c(ncn2C)n(C)c1=O"


@pytest.mark.usefixtures("inline_tools")
async def test_what_came_twice_shares_a_row_and_says_so(tmp_path: Path) -> None:
    compounds = [
        {"name": "caffeine", "smiles": CAFFEINE, "registry_id": "REG-001"},
        {"name": "aspirin", "smiles": CAFFEINE, "registry_id": "REG-002"},
        "ibuprofen",
    ]
    outcome = await execute(workflow="lead_triage", inputs={"compounds": compounds}, out=tmp_path)
    report = outcome.report
    assert report is not None
    assert {v.status for v in report.verdicts.values()} == {"supported"}
    (table,) = report.tables
    assert [column.title for column in table.columns][:2] == ["Subject", "Registry id"]
    ids = {row[0].text: row[1].text for row in table.rows}
    assert ids == {"caffeine": "REG-001, REG-002", "ibuprofen": ""}
    said = "aspirin (REG-002) has the same structure as caffeine (REG-001); in tables they share a row."
    assert said in report.would_change
    assert any("'aspirin' is known as another structure" in line for line in report.would_change)
    stated = [c.text for c in report.claims if c.property == "logp"]
    assert len(stated) == 3, "a claim of a duplicate does not vanish"


@pytest.mark.usefixtures("inline_tools")
async def test_numbers_from_the_table_of_names_are_called_what_they_are(tmp_path: Path) -> None:
    inputs = {"compounds": ["aspirin", "caffeine"]}
    outcome = await execute(workflow="lead_triage", inputs=inputs, out=tmp_path)
    assert outcome.report is not None
    (table,) = outcome.report.tables
    assert table.columns[1].title == "CAS"
    assert {row[0].text: row[1].text for row in table.rows} == {"aspirin": "50-78-2", "caffeine": "58-08-2"}
    assert not any("same structure" in line for line in outcome.report.would_change)


@pytest.mark.usefixtures("inline_tools")
async def test_a_salt_is_ranked_by_its_parent_and_the_words_say_so(tmp_path: Path) -> None:
    compounds = ["CC(=O)Oc1ccccc1C(=O)[O-].[Na+]", "caffeine"]
    outcome = await execute(workflow="lead_triage", inputs={"compounds": compounds}, out=tmp_path)
    report = outcome.report
    assert report is not None
    assert {v.status for v in report.verdicts.values()} == {"supported"}
    mass = next(c for c in report.claims if c.property == "molecular_weight")
    assert mass.text.startswith("The molecular weight of the parent of CC(=O)O")
    assert mass.value == pytest.approx(180.16, abs=0.01)
    assert any("without counter-ions" in line for line in report.would_change)


@pytest.mark.usefixtures("inline_tools")
async def test_a_construct_without_a_frame_names_the_threshold_and_what_was_not_compared(
    tmp_path: Path,
) -> None:
    inputs: dict[str, Any] = {"construct": "ATGGCCATTGTAATGGGCCGCTGAAAGGGTGCCCGATAG"}
    outcome = await execute(workflow="construct_check", inputs=inputs, out=tmp_path / "a")
    report = outcome.report
    assert report is not None
    counts = [c.text for c in report.claims if c.property == "orf_count"]
    assert len(counts) == 1 and counts[0].endswith("has 0 open reading frames of at least 30 amino acids.")
    assert "Flag “no open reading frame of at least 30 amino acids”" in report.answer
    assert "Not done: Product against expectation" in report.answer
    assert report.unbacked_digits == ()
    outcome = await execute(workflow="construct_check", inputs=inputs | {"min_orf": 5}, out=tmp_path / "b")
    report = outcome.report
    assert report is not None
    assert "Not done" not in report.answer
    assert "Flag “not the length of the expected protein”" in report.answer
    assert {v.status for v in report.verdicts.values()} == {"supported"}


def claims_of(tool: str, **arguments: Any) -> list[str]:
    """Return the sentences that a tool's result makes."""
    found = load_registry()[tool]
    with tempfile.TemporaryDirectory() as folder:
        context = ToolContext(Path(folder), Path(folder), Path(folder))
        result = found.run(found.validate(arguments), context)
    evidence = Evidence(
        id="E-1", call_key="k", tool=tool, tool_version="1", arguments={}, result=result, task="t", attempt=1, seq=1, at=0.0
    )  # fmt: skip
    return [c.text for c in claims_from(found, evidence, "t", list(found.properties))]


def test_sentences_say_which_of_several_quantities_a_number_is() -> None:
    said = claims_of("describe_table", file="sample:iris", columns=["petal length (cm)"], group_by="species")
    assert any(
        "group setosa) is 1.462 cm" in s for s in said
    )  # Fisher 1936: the mean petal length of Iris setosa
    assert len(set(said)) == len(said)
    said = claims_of("digest_protein", sequence="MKWVTFISLLFLFSSAYSRGVFR")
    assert "The monoisotopic mass of a peptide of the 23-letter sequence (peptide GVFR) is 477.27 Da." in said
    said = claims_of(
        "find_restriction_sites", sequence="GAATTCAAAGGATCCAAAGAATTCAAAA", enzymes=["EcoRI", "BamHI"]
    )
    assert "the 28-letter sequence has 2 sites (enzyme EcoRI)." in said
    said = claims_of("compute_descriptors", compound="aspirin")
    assert "The logP of aspirin is 1.3101." in said  # one of its kind: nothing to tell apart
