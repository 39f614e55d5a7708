"""What was asked and found before, in the same conversation: a follow-up is understood by it."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from benchmate.agents.constrained_calls import compares_back
from benchmate.agents.contracts import Contract, Report
from benchmate.agents.intake import SCOPE as INTAKE
from benchmate.agents.intake import Candidate, Intake
from benchmate.runtime.calls import evidence_in
from benchmate.runtime.context import EarlierRun
from benchmate.runtime.evidence import Entity
from benchmate.runtime.labels import NO_LABELS, Labels, merge_labels

BEFORE = 10**7  # how far before a question the places of what was named earlier lie
MOST_TURNS = 6  # that a model is told of
LONGEST_ANSWER = 600  # characters of an answer that a model is told
NO_SUBJECTS = ("number", "unit", "document", "time", "column")  # kinds that no follow-up is about


class Turn(Contract):
    """A question of before, what it was about, and its answer."""

    run: str
    question: str
    answer: str = ""
    candidates: tuple[Candidate, ...] = ()
    entities: tuple[Entity, ...] = ()
    labels: Labels = NO_LABELS


class Earlier(Contract):
    """The conversation up to a question, oldest turn first."""

    turns: tuple[Turn, ...] = Field(())

    @property
    def labels(self) -> Labels:
        """The labels of all that was found before."""
        return merge_labels(*(turn.labels for turn in self.turns))

    @property
    def subjects(self) -> tuple[Candidate, ...]:
        """What the newest turn was about; one without a subject of its own was about what came before it."""
        about: tuple[Candidate, ...] = ()
        for turn in self.turns:
            own = tuple(c for c in turn.candidates if c.kind not in NO_SUBJECTS)
            if own and not compares_back(turn.question):
                about = own
            else:
                about = (*about, *(c for c in own if c.text not in {a.text for a in about}))
        return about

    @property
    def tables(self) -> tuple[str, ...]:
        """The files that the newest turn was about."""
        return tuple(c.text for c in self.subjects if c.kind == "file")

    def told(self) -> str:
        """Return the conversation as a model is told it, the newest turns."""
        lines = [f"Q: {t.question}\nA: {t.answer[:LONGEST_ANSWER]}" for t in self.turns[-MOST_TURNS:]]
        return "\n".join(lines)


def read_earlier(runs: Sequence[EarlierRun]) -> Earlier:
    """Return the conversation that runs hold, in their order. A run of a plan was about the files that it read."""
    turns = []
    for run in runs:
        opened = run.journal.first("run.opened")
        if opened is None:
            continue
        candidates, entities, labels = list[Candidate](), list[Entity](), [frozenset(NO_LABELS)]
        if not opened.body.get("question"):
            files = dict.fromkeys(str(r.body["given"]) for r in run.journal.records("file.kept"))
            candidates += [Candidate(text=f, kind="file", start=n, end=n + 1) for n, f in enumerate(files)]
        for evidence in evidence_in(run.journal):
            labels.append(frozenset(evidence.result.labels))
            if evidence.tool == "find_entities" and evidence.task == INTAKE:
                candidates += [Candidate.model_validate(c) for c in evidence.result.data["candidates"]]
                entities += [e for e in evidence.result.entities if e.argument != "text"]
        written = run.journal.last("report.written")
        answer = Report.model_validate(run.artifacts.get_json(written.body["ref"])).answer if written else ""
        turns.append(
            Turn(
                run=run.run_id,
                question=opened.body.get("question") or opened.body.get("title", ""),
                answer=answer,
                candidates=tuple(candidates),
                entities=tuple(entities),
                labels=merge_labels(*labels),
            )
        )
    return Earlier(turns=tuple(turns))


def with_earlier(intake: Intake, earlier: Earlier) -> Intake:
    """Return the intake with what the conversation was about last, at places before the question.

    A question with a subject of its own keeps to it, unless it speaks of 'it' or 'them' beside it.
    """
    moved = [
        c.model_copy(update={"start": c.start - BEFORE, "end": c.end - BEFORE}) for c in earlier.subjects
    ]
    known = {entity.key for entity in intake.entities}
    entities = [e for turn in earlier.turns for e in turn.entities if e.key not in known]
    return intake.model_copy(
        update={
            "candidates": (*intake.candidates, *moved),
            "entities": (*intake.entities, *entities),
        }
    )
