"""Every model call is recorded, found again on resume, and answered from the recording alone in a replay."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from benchmate.model.engine import (
    Completion,
    Constraint,
    Engine,
    Message,
    RecordedEngine,
    Sampling,
    ToolCall,
    ToolSpec,
    Usage,
)
from benchmate.model.scripted import ScriptedEngine
from benchmate.runtime.budget import Budget, BudgetLimits
from benchmate.runtime.calls import usage_of
from benchmate.runtime.context import RunContext, TaskScope, entered
from benchmate.runtime.errors import BudgetExceeded, InternalError, NotFound, Refused, Transient, Unavailable
from benchmate.runtime.journal import Journal
from benchmate.runtime.policy import Policy, Rule
from benchmate.runtime.settings import Mode, Settings

ASK = [Message(role="user", content="What is the logP of aspirin?")]
LOGP = ToolSpec(name="logp", description="octanol-water partition coefficient")


class Journals:
    """Runs in one folder, and the journals to close after the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.open: list[Journal] = []

    def run(
        self, name: str, *, limits: BudgetLimits | None = None, recording: str | None = None
    ) -> RunContext:
        """Return the context of a run, new or continued."""
        journal, recorded = self._journal(name), self._journal(recording) if recording else None
        unused = cast(Any, None)
        return RunContext(
            run_id=name,
            folder=self.folder,
            settings=Settings(),
            journal=journal,
            artifacts=unused,
            budget=Budget(limits or BudgetLimits()),
            policy=unused,
            mode=Mode.REPLAY if recording else Mode.OFFLINE,
            http=unused,
            workers=unused,
            recording=recorded,
        )

    def _journal(self, name: str) -> Journal:
        self.open.append(Journal(self.folder / f"{name}.sqlite"))
        return self.open[-1]


@pytest.fixture
def journals(tmp_path: Path) -> Iterator[Journals]:
    made = Journals(tmp_path)
    yield made
    for journal in made.open:
        journal.close()


def recorded(engine: Engine) -> RecordedEngine:
    return RecordedEngine(engine, name=engine.name, version=engine.version, max_tokens=64)


async def ask(engine: RecordedEngine, run: RunContext, messages: list[Message] = ASK, **options: Any) -> str:
    with entered(run, TaskScope("t1")):
        return (await engine.chat(messages, sampling=Sampling(), **options)).message.text


def never() -> Engine:
    raise AssertionError("the engine was made")


async def test_outside_a_run_a_call_goes_through() -> None:
    inner = ScriptedEngine(["3.0"])
    reply = await recorded(inner).chat(ASK, sampling=Sampling())
    assert reply.message.text == "3.0"
    assert inner.asked[0].sampling.max_tokens == 64, "a call without a limit gets the profile's"


async def test_a_call_is_recorded_with_its_usage(journals: Journals) -> None:
    run = journals.run("a")
    await ask(recorded(ScriptedEngine(["about 1.2"])), run)
    started, finished = run.journal.records()
    assert started.body["name"] == "chat" and started.body["type"] == "model"
    assert started.body["arguments"]["sampling"]["max_tokens"] == 64
    assert finished.body["result"]["message"]["content"] == "about 1.2"
    assert usage_of(run.journal)["completion_tokens"] == 2
    assert run.budget.used.tokens == finished.body["result"]["usage"]["total_tokens"]
    assert run.budget.tokens.reserved == 0


async def test_a_resumed_run_gets_the_same_answer_without_the_model(journals: Journals) -> None:
    await ask(recorded(ScriptedEngine(["1.2"])), journals.run("a"))
    again = RecordedEngine(never, name="scripted", version="1", max_tokens=64)
    assert await ask(again, journals.run("a")) == "1.2"


async def test_a_replay_makes_no_engine(journals: Journals) -> None:
    first = journals.run("a")
    asked: list[Callable[[RecordedEngine, RunContext], Any]] = [
        lambda engine, run: ask(engine, run),
        lambda engine, run: ask(engine, run, tools=[LOGP], tool_choice="auto"),
        lambda engine, run: ask(engine, run, constraint=Constraint(grammar='root ::= "x"')),
    ]
    live = recorded(ScriptedEngine(["a", "b", "c"]))
    said = [await question(live, first) for question in asked]
    offline = RecordedEngine(never, name="scripted", version="1", max_tokens=64)
    replay = journals.run("b", recording="a")
    assert [await question(offline, replay) for question in asked] == said == ["a", "b", "c"]
    with pytest.raises(NotFound, match="the recording holds no call of chat"):
        await ask(offline, replay, [Message(role="user", content="another question")])


async def test_another_model_version_is_another_call(journals: Journals) -> None:
    await ask(recorded(ScriptedEngine(["1.2"])), journals.run("a"))
    newer = RecordedEngine(None, name="scripted", version="2", max_tokens=64)
    with pytest.raises(NotFound, match="the recording holds no call"):
        await ask(newer, journals.run("b", recording="a"))


async def test_a_replay_without_an_engine_says_so() -> None:
    with pytest.raises(Unavailable, match="no model can be called here"):
        await RecordedEngine(None, name="m", version="1").tokenize("x")


async def test_random_call_ids_do_not_change_the_key(journals: Journals) -> None:
    def turn(identifier: str) -> list[Message]:
        call = ToolCall(id=identifier, name="logp", arguments={"compound": "aspirin"})
        return [
            *ASK,
            Message(role="assistant", tool_calls=(call,)),
            Message(role="tool", content="1.2", tool_call_id=identifier),
        ]

    inner = ScriptedEngine(["it is 1.2"])
    await ask(recorded(inner), journals.run("a"), turn("call-8f31"))
    assert inner.asked[0].messages[1].tool_calls[0].id == "call-8f31", "the model sees the ids as they are"
    replay = RecordedEngine(never, name="scripted", version="1", max_tokens=64)
    assert await ask(replay, journals.run("b", recording="a"), turn("call-d00b")) == "it is 1.2"


async def test_which_call_a_tool_answers_is_part_of_the_key(journals: Journals) -> None:
    def turn(answered: str) -> list[Message]:
        calls = tuple(ToolCall(id=i, name="logp", arguments={}) for i in ("x", "y"))
        answer = Message(role="tool", content="1.2", tool_call_id=answered)
        return [Message(role="assistant", tool_calls=calls), answer]

    run = journals.run("a")
    engine = recorded(ScriptedEngine(["first", "second"]))
    assert [await ask(engine, run, turn("x")), await ask(engine, run, turn("y"))] == ["first", "second"]


async def test_equal_samples_are_told_apart_by_their_order(journals: Journals) -> None:
    run, engine = journals.run("a"), recorded(ScriptedEngine(["one", "two"]))
    with entered(run, TaskScope("t1")):
        said = [(await engine.chat(ASK, sampling=Sampling(temperature=1))).message.text for _ in range(2)]
    replay = RecordedEngine(None, name="scripted", version="1", max_tokens=64)
    with entered(journals.run("b", recording="a"), TaskScope("t1")):
        again = [(await replay.chat(ASK, sampling=Sampling(temperature=1))).message.text for _ in range(2)]
    assert again == said == ["one", "two"]


async def test_an_explicit_run_wins_over_the_current_one(journals: Journals) -> None:
    current, named = journals.run("a"), journals.run("b")
    with entered(current, TaskScope("t1")):
        await recorded(ScriptedEngine(["x"])).chat(ASK, sampling=Sampling(), at=(named, TaskScope("t2")))
    assert len(current.journal) == 0
    assert {record.task for record in named.journal.records()} == {"t2"}


async def test_a_failed_call_is_recorded_and_raised_again(journals: Journals) -> None:
    engine = recorded(ScriptedEngine([Transient("model_busy", "the model server is busy")]))
    with pytest.raises(Transient, match="busy"):
        await ask(engine, journals.run("a"))
    replay = RecordedEngine(never, name="scripted", version="1", max_tokens=64)
    with pytest.raises(Transient, match="busy"):
        await ask(replay, journals.run("b", recording="a"))


async def test_a_call_over_the_budget_never_starts(journals: Journals) -> None:
    run, inner = journals.run("a", limits=BudgetLimits(tokens=60)), ScriptedEngine(["x"])
    with pytest.raises(BudgetExceeded):
        await ask(recorded(inner), run)
    assert inner.asked == []
    assert [record.kind for record in run.journal.records()] == ["call.refused"]


async def test_text_is_told_once_live_or_replayed(journals: Journals) -> None:
    live: list[str] = []
    await ask(recorded(ScriptedEngine(["two\nlines"])), journals.run("a"), on_text=live.append)
    replayed: list[str] = []
    replay = RecordedEngine(never, name="scripted", version="1", max_tokens=64)
    await ask(replay, journals.run("b", recording="a"), on_text=replayed.append)
    assert live == ["two\n", "lines"]
    assert replayed == ["two\nlines"]


async def test_samples_share_one_prompt_in_the_usage(journals: Journals) -> None:
    run = journals.run("a")
    with entered(run, TaskScope("t1")):
        engine = recorded(ScriptedEngine(["ab", "cde"]))
        found = await engine.generate("hello", sampling=Sampling(n=2, logprobs=True))
    assert [completion.text for completion in found] == ["ab", "cde"]
    (finished,) = run.journal.records("call.finished")
    assert finished.body["result"]["usage"] == {
        "prompt_tokens": 5,
        "completion_tokens": 5,
        "total_tokens": 10,
    }
    replay = RecordedEngine(never, name="scripted", version="1", max_tokens=64)
    with entered(journals.run("b", recording="a"), TaskScope("t1")):
        assert await replay.generate("hello", sampling=Sampling(n=2, logprobs=True)) == found


async def test_closing_an_engine_that_was_never_made_makes_none() -> None:
    await RecordedEngine(never, name="m", version="1").aclose()
    inner = ScriptedEngine([])
    await recorded(inner).aclose()
    assert inner.closed


async def test_a_script_that_ends_says_what_was_asked() -> None:
    with pytest.raises(InternalError, match="the script has 0 lines"):
        await ScriptedEngine([]).chat(ASK, sampling=Sampling())


async def test_a_script_may_be_a_function_of_what_is_asked() -> None:
    engine = ScriptedEngine(lambda asked: asked.messages[-1].text.upper())
    assert (await engine.chat(ASK, sampling=Sampling())).message.text == "WHAT IS THE LOGP OF ASPIRIN?"


def test_a_constraint_is_a_schema_or_a_grammar() -> None:
    for both in ({}, {"json_schema": {}, "grammar": "root ::= [a]"}):
        with pytest.raises(ValueError, match="either json_schema or grammar"):
            Constraint(**both)


def test_usage_adds_up() -> None:
    assert Usage.of(3, 4).total_tokens == 7
    assert Completion(
        text="", ids=[], prompt_ids=[], finish_reason="stop", usage=Usage(), model="m", version="1"
    ).logprobs is None  # fmt: skip


async def test_private_data_does_not_leave_the_machine_unless_allowed_by_name(journals: Journals) -> None:
    def elsewhere(policy: Policy) -> tuple[RecordedEngine, RunContext]:
        inner = ScriptedEngine(["hi"])
        run = journals.run(f"p{len(policy.rules)}")
        run.policy, run.labels = policy, frozenset({"private"})
        return RecordedEngine(inner, name=inner.name, version=inner.version, remote=True), run

    with pytest.raises(Refused, match="runs on another machine"):
        await ask(*elsewhere(Policy(mode_network=True)))
    rule = Rule(tool="model:scripted", label="private", decision="allow")
    assert await ask(*elsewhere(Policy(rules=(rule,), mode_network=True))) == "hi"
