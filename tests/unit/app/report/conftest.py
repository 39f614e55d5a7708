"""Reports as runs make them: a lead triage, one question, one full of markup, and one that failed.

Descriptors are those PubChem lists for the compounds (CID 2244, 3672, 2519, 1983, 3899), logP is XLogP3 of
the same records. The drawings are stand-ins: what a report does with them does not depend on what they show.
"""

from pathlib import Path

import pytest

from benchmate.agents.contracts import (
    Claim,
    EvidenceLine,
    Failure,
    Figure,
    Plan,
    Report,
    Subject,
    Table,
    TableCell,
    TableColumn,
    Task,
    Verdict,
    claim_id,
)
from benchmate.runtime.artifacts import ArtifactStore
from benchmate.runtime.canonical import call_key, evidence_id
from benchmate.runtime.errors import ErrorInfo
from benchmate.runtime.quantity import Quantity

STARTED = 1_760_000_000.0  # 2025-10-09 08:53:20 UTC

DRUGS: dict[str, tuple[str, float, float, float, int, int]] = {
    # InChIKey, molecular weight, XLogP3, TPSA, donors, acceptors
    "aspirin": ("BSYNRYMUTXBXSQ-UHFFFAOYSA-N", 180.16, 1.2, 63.6, 1, 4),
    "ibuprofen": ("HEFNNWSXXWATRW-UHFFFAOYSA-N", 206.28, 3.5, 37.3, 1, 2),
    "caffeine": ("RYYVLZVUVIJVGH-UHFFFAOYSA-N", 194.19, -0.1, 58.4, 0, 3),
    "paracetamol": ("RZVAJINKPMORJF-UHFFFAOYSA-N", 151.16, 0.5, 49.3, 2, 2),
    "leflunomide": ("VHOGYURTWQBHIL-UHFFFAOYSA-N", 270.21, 2.5, 55.1, 1, 6),
}
PROPERTIES = {
    "molecular_weight": ("Molecular weight", "g/mol", "average atomic masses"),
    "logp": ("logP", "", "XLogP3"),
    "tpsa": ("TPSA", "angstrom**2", "Ertl 2000"),
    "donors": ("H donors", "", "Lipinski"),
    "acceptors": ("H acceptors", "", "Lipinski"),
}
HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)> | `code` **bold** [link](javascript:alert(3)) "
    "![pic](https://evil.invalid/x.png) &lt; {{ 7*7 }} {% x %} \x1b[31mred\x1b[0m \u202etxt.exe\u202c\n"
    "# heading\n\n* bullet\n<!-- comment --> ]]> \" ' $x$ ``` ~~~ </style></code></pre>"
)
HOSTILE_SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="200" height="100" onload="alert(4)">'
    b"<script>alert(5)</script>"
    b'<image href="https://evil.invalid/y.png"/><text x="9" y="50">hostile</text></svg>'
)


def drawing(name: str) -> bytes:
    """Return a small picture in place of a structure drawing."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="220" height="150" viewBox="0 0 220 150">'
        '<g fill="none" stroke="#000" stroke-width="2">'
        '<polygon points="110,35 145,55 145,95 110,115 75,95 75,55"/>'
        '<path d="M145,55 l30,-18 M110,115 v28"/></g>'
        '<text x="178" y="36" font-size="14" fill="#c00" font-family="sans-serif">OH</text>'
        f"<title>{name}</title></svg>"
    ).encode()


def quantity(name: str, value: float) -> Quantity:
    _, unit, method = PROPERTIES[name]
    conditions = {"salts": "stripped", "charge": "as drawn"} if name == "logp" else None
    return Quantity(value=value, unit=unit, property=name, method=method, conditions=conditions)


def make_lead_triage(store: ArtifactStore) -> Report:
    evidence, claims, verdicts, rows, figures = [], [], {}, [], []
    for drug, (key, *values) in DRUGS.items():
        quantities = {n: quantity(n, v) for n, v in zip(PROPERTIES, values, strict=True)}
        call = call_key("compute_descriptors", "1", {"compound": drug})
        identity = evidence_id(call, {n: q.value for n, q in quantities.items()})
        evidence.append(
            EvidenceLine(
                id=identity,
                tool="compute_descriptors",
                tool_version="1",
                source="RDKit 2026.9.1",
                reference="10.1021/ci990307l",
                arguments=f'{{"compound":"{drug}"}}',
                quantities=quantities,
                warnings=("nitrile and isoxazole: logP methods differ by more than 0.5 here",)
                if drug == "leflunomide"
                else (),
            )
        )
        cells = [TableCell(text=drug)]
        for name, q in quantities.items():
            claim = Claim(
                id=claim_id("descriptors", key, name),
                kind="numeric",
                property=name,
                value=q.value,
                unit=q.unit,
                text=f"The {PROPERTIES[name][0]} of {drug} is {q.format()}.",
                subject=Subject(key=key, label=drug),
                cites=(f"{identity}#/quantities/{name}",),
                task="descriptors",
            )
            claims.append(claim)
            verdicts[claim.id] = Verdict(
                claim_id=claim.id,
                status="supported",
                method="matched",
                reason=f"{q.format()} stands in {identity}",
            )
            cells.append(TableCell(text=q.format().split(" ")[0], claim_id=claim.id))
        cells.append(TableCell(text="logP above 3" if quantities["logp"].value > 3 else "none"))
        rows.append(tuple(cells))
        figures.append(
            Figure(
                title=drug.capitalize(),
                artifact=store.put(drawing(drug), name=f"{drug}.svg", media_type="image/svg+xml"),
                caption=f"Structure of {drug}",
                shows=(identity,),
            )
        )
    for index, (status, method, reason) in enumerate(
        [
            ("contradicted", "independent", "PubChem lists 3.97, more than 0.3 away"),
            ("insufficient", "repeated", "the same call gave 0.4 the second time"),
            ("unchecked", "none", "the model of this profile does not judge"),
        ]
    ):
        claim = claims[6 + 5 * index]
        verdicts[claim.id] = Verdict(claim_id=claim.id, status=status, method=method, reason=reason)
    best, other = claims[11], claims[6]
    ranking = Claim(
        id=claim_id("rank", "all", "spread"),
        kind="relation",
        value=3.6,
        unit="",
        derivation="c1 - c0",
        text="The logP of caffeine and ibuprofen differ by 3.6.",
        cites=(*best.cites, *other.cites),
        task="rank",
    )
    quote = Claim(
        id=claim_id("background", "library", "passage"),
        kind="quote",
        text="rules.md · Oral drugs · lines 3–5: “Poor absorption is more likely when logP is over 5.”",
        cites=("E-00000000beef#/data/passages/0/text",),
        task="background",
        labels=frozenset({"untrusted"}),
    )
    verdicts[ranking.id] = Verdict(
        claim_id=ranking.id, status="supported", method="derived", reason="3.5 - -0.1 = 3.6"
    )
    verdicts[quote.id] = Verdict(
        claim_id=quote.id,
        status="supported",
        method="quoted",
        reason="the words stand in rules.md, lines 3–5",
    )
    evidence.append(
        EvidenceLine(
            id="E-00000000beef",
            tool="search_library",
            tool_version="2",
            source="library",
            reference=None,
            arguments='{"query":"logP oral absorption","limit":3}',
            quantities={},
            warnings=(),
            labels=frozenset({"untrusted"}),
        )
    )
    columns = (
        TableColumn(property="compound", title="Compound"),
        *(TableColumn(property=n, title=t, unit=u) for n, (t, u, _) in PROPERTIES.items()),
        TableColumn(property="flags", title="Flags"),
    )
    return Report(
        run="20251009-085320-lead-triage",
        title="Lead triage of six compounds",
        question="Which of these compounds are the best starting points for an oral drug?",
        started_at=STARTED,
        status="partial",
        answer=(
            "Aspirin, paracetamol and caffeine pass every filter; ibuprofen is flagged for its logP.\n\n"
            f"- The spread in lipophilicity is wide, see {ranking.id}.\n"
            "- Leflunomide carries an isoxazole that opens in about 12 hours in plasma.\n\n"
            "One compound could not be read and was left out."
        ),
        tables=(Table(title="Descriptors and flags", columns=columns, rows=tuple(rows)),),
        figures=tuple(figures),
        claims=(*claims, ranking, quote),
        verdicts=verdicts,
        unbacked_digits=("12",),
        failures=(
            Failure(
                task="descriptors",
                given="asprin-2-oxide",
                error=ErrorInfo(
                    code="unknown_compound",
                    kind="not_found",
                    message="no compound is known as 'asprin-2-oxide'",
                    hint="did you mean 'aspirin'?",
                ),
            ),
        ),
        would_change=(
            "A measured logP of ibuprofen below 3 would remove its flag.",
            "A readable structure for asprin-2-oxide would add a sixth row.",
        ),
        evidence=tuple(evidence),
        versions={
            "benchmate": "0.1.0",
            "python": "3.11.9",
            "rdkit": "2026.9.1",
            "model": "SmolLM2-135M-Instruct",
        },
        repeat=(
            "benchmate run workflows/lead_triage.yaml",
            "benchmate replay runs/20251009-085320-lead-triage",
        ),
        plan=Plan(
            title="Lead triage",
            made_by="workflow lead-triage",
            tasks=(
                Task(
                    id="descriptors",
                    kind="tool",
                    title="Descriptors of each compound",
                    tool="compute_descriptors",
                ),
                Task(id="background", kind="tool", tool="search_library", needs=("descriptors",)),
                Task(id="verify", kind="verify", title="Check every claim", needs=("background",)),
            ),
        ),
    )


def make_one_question() -> Report:
    identity = evidence_id(call_key("compute_descriptors", "1", {"compound": "aspirin"}), {"logp": 1.2})
    claim = Claim(
        id=claim_id("ask", DRUGS["aspirin"][0], "logp"),
        text="The logP of aspirin is 1.2.",
        kind="numeric",
        value=1.2,
        unit="",
        property="logp",
        cites=(f"{identity}#/quantities/logp",),
        task="ask",
    )
    return Report(
        run="20251009-085320-ask",
        title="What is the logP of aspirin?",
        question="What is the logP of aspirin?",
        started_at=STARTED,
        status="complete",
        answer="The logP of aspirin is 1.2.",
        claims=(claim,),
        verdicts={
            claim.id: Verdict(
                claim_id=claim.id, status="supported", method="matched", reason="1.2 stands there"
            )
        },
        evidence=(
            EvidenceLine(
                id=identity,
                tool="compute_descriptors",
                tool_version="1",
                source="RDKit 2026.9.1",
                reference="https://doi.org/10.1021/ci990307l",
                arguments='{"compound":"aspirin"}',
                quantities={"logp": quantity("logp", 1.2)},
                warnings=(),
            ),
        ),
        versions={"benchmate": "0.1.0"},
        repeat=("benchmate ask 'What is the logP of aspirin?'",),
    )


def make_hostile(store: ArtifactStore) -> Report:
    """Return a report with markup wherever a string may stand."""
    h = HOSTILE
    bad = f"C-{h}"
    svg = store.put(HOSTILE_SVG, name=h, media_type="image/svg+xml")
    page = store.put(b"<script>alert(6)</script>", name="x.html", media_type="text/html")
    error = ErrorInfo(code=h, kind="invalid", message=h, hint=h)
    return Report(
        run=h,
        title=h,
        question=h,
        started_at=STARTED,
        status="partial",
        answer=f"42{h}",
        tables=(
            Table(
                title=h,
                columns=(TableColumn(property=h, title=h, unit=h), TableColumn(property=h, title=h)),
                rows=(
                    (TableCell(text=h), TableCell(text=h, claim_id=bad)),
                    (TableCell(text=h, claim_id=h), TableCell(text="")),
                ),
            ),
        ),
        figures=(
            Figure(title=h, artifact=svg, caption=h, shows=(h, f"{h}#{h}")),
            Figure(title=h, artifact=page, caption=h),
            Figure(title=h, artifact=svg.model_copy(update={"sha": h}), caption=h),
        ),
        claims=(
            Claim(
                id=bad,
                text=h,
                kind="quote",
                subject=Subject(key=h, label=h),
                cites=(h, f"{h}#/quantities/{h}"),
                derivation=h,
                labels=frozenset({"untrusted", "private"}),
            ),
        ),
        verdicts={bad: Verdict(claim_id=bad, status="contradicted", method="model-judged", reason=h)},
        unbacked_digits=("42", h),
        failures=(Failure(task=h, given=h, error=error), Failure(task=h, given=None, error=error)),
        would_change=(h,),
        evidence=(
            EvidenceLine(
                id=h,
                tool=h,
                tool_version=h,
                source=h,
                reference="javascript:alert(7)",
                arguments=h,
                quantities={h: Quantity(value=1, property=h, method=h, conditions={h: h})},
                warnings=(h,),
                labels=frozenset({"untrusted"}),
            ),
        ),
        versions={h: h},
        repeat=(h,),
    )


def make_empty_failed() -> Report:
    return Report(
        run="20251009-085320-ask",
        title="Untitled",
        question=None,
        started_at=STARTED,
        status="failed",
        answer="",
        failures=(
            Failure(
                task="plan",
                given=None,
                error=ErrorInfo(
                    code="no_tool_fits", kind="not_found", message="no tool answers this question"
                ),
            ),
        ),
    )


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


@pytest.fixture
def reports(store: ArtifactStore) -> dict[str, Report]:
    return {
        "lead triage": make_lead_triage(store),
        "one question": make_one_question(),
        "hostile": make_hostile(store),
        "empty and failed": make_empty_failed(),
    }


@pytest.fixture(params=["lead triage", "one question", "hostile", "empty and failed"])
def report(request: pytest.FixtureRequest, reports: dict[str, Report]) -> Report:
    """Return each of the reports in turn."""
    return reports[request.param]


@pytest.fixture
def hostile_text() -> str:
    return HOSTILE
