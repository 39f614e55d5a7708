"""Errors, labels, events and evidence: what travels between the floors."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmate.runtime.canonical import canonical_json
from benchmate.runtime.context import TaskScope, current, entered
from benchmate.runtime.errors import (
    BenchmateError,
    Crashed,
    ErrorInfo,
    InvalidInput,
    NotFound,
    did_you_mean,
    error_from,
)
from benchmate.runtime.events import Event, event_of
from benchmate.runtime.evidence import Artifact, Evidence, Source, ToolResult, split_citation
from benchmate.runtime.journal import Record
from benchmate.runtime.labels import NO_LABELS, merge_labels
from benchmate.runtime.quantity import Quantity

LABELS = st.frozensets(st.sampled_from(["private", "untrusted"]))
LOGP = Quantity(value=1.3, property="logp")


def evidence(**result) -> Evidence:
    return Evidence(
        id="E-0123456789ab",
        call_key="k",
        tool="logp",
        tool_version="1",
        arguments={},
        result=ToolResult(source=Source(kind="computed", name="RDKit"), **result),
        task="T1",
        attempt=1,
        seq=2,
        at=0.0,
    )


@pytest.mark.parametrize("kind", [c for c in BenchmateError.__subclasses__()])
def test_errors_travel_as_data_and_between_processes(kind):
    error = kind("code", "message", hint="hint", details={"a": 1})
    for copy in (
        error_from(error.info),
        pickle.loads(pickle.dumps(error)),
        error_from(error.info.model_dump()),
    ):
        assert type(copy) is kind and copy.info == error.info
    assert str(error) == "message (hint)"
    assert ErrorInfo.model_validate_json(error.info.model_dump_json()) == error.info


def test_hints_name_the_nearest_or_all():
    assert did_you_mean("aspirn", ["aspirin", "ethanol"]) == "did you mean 'aspirin'?"
    assert did_you_mean("xyz", ["b", "a"]) == "known: a, b"
    assert did_you_mean("xyz", []) == "known: none"


@given(LABELS, LABELS, LABELS)
def test_labels_only_accumulate(a, b, c):
    assert merge_labels(a, b) >= a
    assert merge_labels(a, b) == merge_labels(b, a)
    assert merge_labels(merge_labels(a, b), c) == merge_labels(a, b, c)
    assert merge_labels() == NO_LABELS


@given(LABELS)
def test_labels_survive_json(labels):
    result = ToolResult(source=Source(kind="web", name="x"), labels=labels)
    assert ToolResult.model_validate_json(result.model_dump_json()) == result
    assert result.model_dump(mode="json")["labels"] == sorted(labels)


def test_an_event_shows_quantities_and_leaves_the_data_out():
    body = {
        "type": "tool",
        "name": "logp",
        "result": {"data": {"big": 1}, "quantities": {"x": 1}, "warnings": ["w"]},
    }
    event = event_of(Record(7, "call.finished", "T1", 1, "k", 12.5, canonical_json(body), "h"))
    assert (event.kind, event.task, event.seq, event.at) == ("call.finished", "T1", 7, 12.5)
    assert event.data == {"type": "tool", "name": "logp", "quantities": {"x": 1}, "warnings": ["w"]}


def test_an_event_of_a_failed_call_shows_its_error():
    body = {"name": "logp", "error": {"code": "bad"}}
    assert event_of(Record(1, "call.finished", "T1", 1, "k", 0.0, canonical_json(body), "h")).data == body


def test_listeners_hear_records_and_progress_in_order(open_run):
    run = open_run()
    heard: list[Event] = []
    run.listeners.append(heard.append)
    run.journal.append("run.opened", {"question": "?"})
    run.progress("T1", 1, 2, "half")
    run.journal.append("run.closed", {"status": "ok"})
    assert [(e.kind, e.seq) for e in heard] == [("run.opened", 1), ("progress", None), ("run.closed", 2)]
    assert heard[1].data == {"done": 1, "total": 2, "note": "half"}


def test_a_listener_that_raises_is_dropped_and_the_run_goes_on(open_run, caplog):
    run = open_run()
    heard: list[Event] = []

    def broken(event: Event) -> None:
        raise OSError("the terminal is gone")

    run.listeners += [broken, heard.append]
    run.journal.append("run.opened", {"question": "?"})
    run.journal.append("run.closed", {"status": "ok"})
    assert run.listeners == [heard.append]
    assert sorted(e.kind for e in heard) == ["notice", "run.closed", "run.opened"]
    (notice,) = [e.data["text"] for e in heard if e.kind == "notice"]
    assert notice == "a listener was dropped: OSError: the terminal is gone"
    assert "was dropped" in caplog.text


def test_the_current_scope_is_known_only_inside(open_run):
    run, outer, inner = open_run(), TaskScope("T1"), TaskScope("T2")
    assert current() is None
    with entered(run, outer):
        with entered(run, inner):
            assert current() == (run, inner)
        assert current() == (run, outer)
    assert current() is None


def test_evidence_paths_lead_to_quantities_and_data():
    found = evidence(
        quantities={"logp": LOGP, "a/b~c": LOGP},
        data={"rows": [{"name": "x"}], "n": 0},
        artifacts=(Artifact(sha="0" * 64, name="p", media_type="image/png", size=3),),
    )
    assert found.resolve("/quantities/logp") == LOGP
    assert found.resolve("/quantities/a~1b~0c") == LOGP
    assert found.resolve("/quantities/logp/value") == 1.3
    assert found.resolve("/data/rows/0/name") == "x"
    assert found.resolve("/data/n") == 0
    assert found.resolve("/artifacts/0/size") == 3
    assert found.resolve("")["source"]["name"] == "RDKit"


@pytest.mark.parametrize(
    ("pointer", "hint"),
    [
        ("/quantities/logs", "logp"),
        ("/data/rows/1", None),
        ("/data/rows/-1", None),
        ("/data/rows/0/name/x", None),
        ("/dat", "data"),
        ("quantities/logp", "/quantities/logp"),
        ("/quantities/logp/", None),
    ],
)
def test_a_path_that_leads_nowhere_names_the_nearest(pointer, hint):
    found = evidence(quantities={"logp": LOGP}, data={"rows": [{"name": "x"}]})
    with pytest.raises(NotFound) as caught:
        found.resolve(pointer)
    assert caught.value.code == "no_such_path"
    if hint:
        assert hint in (caught.value.hint or "")


def test_citations_split_as_they_were_joined():
    found = evidence()
    assert split_citation(found.cite("/quantities/logp")) == (found.id, "/quantities/logp")
    assert split_citation("E-1") == ("E-1", "")


def test_kinds_decide_the_class():
    assert isinstance(error_from({"code": "c", "kind": "crashed", "message": "m"}), Crashed)
    assert InvalidInput("c", "m").info.kind == "invalid"
