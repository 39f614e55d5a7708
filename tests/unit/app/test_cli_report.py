"""A run's outcome as a terminal shows it."""

from pathlib import Path

import pytest

from benchmate.agents.approval import ApprovalRequest
from benchmate.agents.contracts import Claim, Failure, Report, RunStatus, Verdict, VerdictStatus
from benchmate.app import output
from benchmate.app.cli_report import MOST_CLAIMS, outcome_view
from benchmate.app.runs import RunOutcome
from benchmate.runtime.errors import ErrorInfo


def claim(number: int, text: str = "") -> Claim:
    return Claim(id=f"C-{number:08x}", text=text or f"Claim {number}.", kind="interpretation", cites=())


def verdict(number: int, status: VerdictStatus, reason: str = "") -> Verdict:
    method = "matched" if status == "supported" else "none"
    return Verdict(claim_id=f"C-{number:08x}", status=status, method=method, reason=reason)


def shown(capsys: pytest.CaptureFixture[str], *, status: RunStatus = "complete", **fields: object) -> str:
    report = Report(
        run="r", title="t", question=None, started_at=0.0, status=status, **{"answer": "", **fields}
    )
    outcome = RunOutcome("r", Path("runs/r"), report.status, report.answer, report)
    output.emit(False, None, outcome_view(outcome))
    return capsys.readouterr().out


def test_every_verdict_has_its_mark_and_a_bad_one_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    verdicts = [
        verdict(0, "supported"),
        verdict(1, "contradicted", "evidence says 2"),
        verdict(2, "insufficient", "no evidence"),
    ]
    text = shown(capsys, claims=tuple(claim(n) for n in range(4)), verdicts={v.claim_id: v for v in verdicts})
    assert [line.split() for line in text.splitlines() if "Claim" in line] == [
        ["✓", "Claim", "0.", "matched"],
        ["✗", "Claim", "1.", "contradicted:", "evidence", "says", "2"],
        ["?", "Claim", "2.", "insufficient:", "no", "evidence"],
        ["–", "Claim", "3.", "unchecked"],
    ]


def test_many_claims_are_counted_and_long_ones_cut(capsys: pytest.CaptureFixture[str]) -> None:
    claims = (claim(0, "a" * 1000), *(claim(n) for n in range(1, MOST_CLAIMS + 5)))
    text = shown(capsys, claims=claims)
    assert "… and 5 more in the report" in text
    assert "a" * 201 not in text and "(800 more characters)" in text


def test_failures_and_unbacked_numbers_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    error = ErrorInfo(code="unknown_compound", kind="not_found", message="no such name", hint="give a SMILES")
    text = shown(
        capsys,
        status="partial",
        answer="About 42.",
        unbacked_digits=("42",),
        failures=(Failure(task="masses", given="nonsensol", error=error),),
    )
    assert text.startswith("About 42.\n")
    assert "no evidence holds these numbers of the answer: 42" in text
    assert "failed: masses (nonsensol): no such name\n        give a SMILES" in text
    assert text.endswith("partial; kept in runs/r\n")


def test_an_answer_is_text_and_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, answer="[bold]The salt is [Na+].[Cl-]\x1b[2J[/bold]")
    assert "[bold]The salt is [Na+].[Cl-]" in text and "\x1b" not in text


def test_a_run_that_waits_says_how_it_is_answered(capsys: pytest.CaptureFixture[str]) -> None:
    request = ApprovalRequest(subject="step:go", message="Go on?")
    outcome = RunOutcome("r", Path("runs/r"), "waiting", "Waiting for a person: Go on?", waiting=request)
    output.emit(False, None, outcome_view(outcome))
    assert capsys.readouterr().out == (
        "waiting for approval: Go on?\n\n`benchmate resume runs/r --approve`, or --reject, answers it\n"
    )


def test_what_comes_from_outside_is_marked(capsys: pytest.CaptureFixture[str]) -> None:
    outside = claim(0).model_copy(update={"labels": frozenset({"untrusted"})})
    text = " ".join(shown(capsys, claims=(outside, claim(1))).split())
    assert "Claim 0. [untrusted: came from a paper, a page or another server]" in text
    assert "Claim 1. [" not in text
