"""llama.cpp's dialect: token ids, samples, and calls that must come."""

import json
from typing import Any

import httpx
import jsonschema
import pytest
import respx

from benchmate.model.engine import Constraint, Message, Sampling, ToolCall, ToolSpec
from benchmate.model.http_engine import HttpEngine
from benchmate.model.llama_cpp import COMPACT, LlamaCpp, call_schema
from benchmate.runtime.errors import InvalidInput, Transient

BASE = "http://127.0.0.1:9"
ASK = [Message(role="user", content="What is the logP of aspirin?")]
LOGP = ToolSpec(
    name="logp",
    parameters={
        "type": "object",
        "properties": {"compound": {"$ref": "#/$defs/Compound"}},
        "required": ["compound"],
        "$defs": {"Compound": {"enum": ["aspirin", "ibuprofen"]}},
    },
)
MASS = ToolSpec(
    name="mass",
    parameters={
        "type": "object",
        "properties": {"of": {"type": "array", "items": {"$ref": "#/$defs/Compound"}}},
        "$defs": {"Compound": {"type": "integer"}},
    },
)


def engine(slots: int = 1) -> HttpEngine:
    return HttpEngine(BASE, "m", dialect=LlamaCpp(slots))


def completion(content: str, stop_type: str = "eos", ids: tuple[int, ...] = (5, 2)) -> dict[str, Any]:
    drawn = [{"id": number, "logprob": -0.5} for number in ids]
    return {
        "content": content, "stop_type": stop_type, "completion_probabilities": drawn,
        "tokens_evaluated": 3, "tokens_predicted": len(ids),
    }  # fmt: skip


def served(*answers: Any) -> respx.Route:
    respx.post(f"{BASE}/apply-template").mock(return_value=httpx.Response(200, json={"prompt": "PROMPT"}))
    return respx.post(f"{BASE}/completion").mock(
        side_effect=[httpx.Response(200, json=answer) for answer in answers]
    )


def body(route: respx.Route, index: int = -1) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(route.calls[index].request.content)
    return found


@pytest.mark.parametrize(
    ("call", "fits"),
    [
        ({"name": "logp", "arguments": {"compound": "aspirin"}}, True),
        ({"name": "logp", "arguments": {"compound": 3}}, False),
        ({"name": "logp", "arguments": {}}, False),
        ({"name": "logp", "arguments": {"compound": "aspirin", "more": 1}}, False),
        ({"name": "mass", "arguments": {"of": [3]}}, True),
        ({"name": "mass", "arguments": {"of": ["aspirin"]}}, False),
        ({"name": "other", "arguments": {}}, False),
        ({"arguments": {}}, False),
    ],
)
def test_the_schema_of_a_call_keeps_each_tools_own_definitions(call: dict[str, Any], fits: bool) -> None:
    schema = call_schema([LOGP, MASS])
    jsonschema.Draft202012Validator.check_schema(schema)
    assert jsonschema.Draft202012Validator(schema).is_valid(call) is fits


def test_the_schema_of_a_call_leaves_the_tool_as_it_is() -> None:
    before = LOGP.model_dump()
    call_schema([LOGP])
    assert LOGP.model_dump() == before


async def test_a_call_that_must_come_is_written_under_its_schema() -> None:
    earlier = Message(role="assistant", tool_calls=(ToolCall(id="call_0", name="mass"),))
    with respx.mock:
        route = served(completion('{"name": "logp", "arguments": {"compound": "aspirin"}}'))
        reply = await engine().chat(
            [earlier, *ASK], tools=[LOGP, MASS], tool_choice="logp", sampling=Sampling()
        )
        sent = body(route)
    call = ToolCall(id="call_1", name="logp", arguments={"compound": "aspirin"})
    assert reply.message.tool_calls == (call,), "ids of one conversation differ"
    assert sent["prompt"] == "PROMPT" and sent["json_schema"] == {
        **call_schema([LOGP]),
        "x-guidance": COMPACT,
    }


async def test_a_constrained_answer_that_breaks_its_schema_is_an_error() -> None:
    schema = {"enum": ["red"]}
    with respx.mock:
        served(completion('"blue"'), completion('"re', "limit"))
        for why in ("breaks its schema", "cut off"):
            with pytest.raises(InvalidInput, match=why):
                await engine().chat(ASK, sampling=Sampling(), constraint=Constraint(json_schema=schema))


async def test_a_grammar_goes_through_as_it_is() -> None:
    with respx.mock:
        route = served(completion("yes"))
        told: list[str] = []
        grammar = Constraint(grammar='root ::= "yes"')
        reply = await engine().chat(ASK, sampling=Sampling(), constraint=grammar, on_text=told.append)
        assert body(route)["grammar"] == grammar.grammar
    assert reply.message.text == "yes" and told == ["yes"]


async def test_nothing_is_truncated_unless_asked_for() -> None:
    with respx.mock:
        route = served(completion("x"))
        await engine().generate([1, 2, 3], sampling=Sampling(max_tokens=9))
        sent = body(route)
    assert {key: sent[key] for key in ("prompt", "n_predict", "top_k", "top_p", "min_p")} == {
        "prompt": [1, 2, 3], "n_predict": 9, "top_k": 0, "top_p": 1.0, "min_p": 0.0,
    }  # fmt: skip


async def test_ids_and_their_logprobs_stand_side_by_side() -> None:
    with respx.mock:
        served(completion("x"), completion("x", "limit"))
        (with_them,) = await engine().generate([1], sampling=Sampling(logprobs=True))
        (without,) = await engine().generate([1], sampling=Sampling())
    assert (with_them.ids, with_them.logprobs, with_them.finish_reason) == ([5, 2], [-0.5, -0.5], "stop")
    assert (without.logprobs, without.finish_reason) == (None, "length")
    assert with_them.usage.total_tokens == 5


async def test_samples_come_in_batches_with_seeds_of_their_own() -> None:
    with respx.mock:
        pair = [completion("a"), completion("b")]
        route = served(pair, pair, completion("c"))
        found = await engine(slots=2).generate([1], sampling=Sampling(n=5, seed=10, temperature=1))
        sent = [body(route, index) for index in range(3)]
    assert len(found) == 5
    assert sorted((one["seed"], one.get("n_cmpl", 1)) for one in sent) == [(10, 2), (12, 2), (14, 1)]


async def test_samples_that_are_missing_are_an_error() -> None:
    with respx.mock:
        served([completion("a")])
        with pytest.raises(Transient, match="2 samples were asked for, 1 came"):
            await engine(slots=2).generate([1], sampling=Sampling(n=2))


async def test_text_becomes_ids_and_back() -> None:
    with respx.mock:
        asked = respx.post(f"{BASE}/tokenize").mock(return_value=httpx.Response(200, json={"tokens": [1, 2]}))
        respx.post(f"{BASE}/detokenize").mock(return_value=httpx.Response(200, json={"content": "hi"}))
        assert await engine().tokenize("hi<|im_end|>", special=False) == [1, 2]
        assert body(asked) == {"content": "hi<|im_end|>", "add_special": False, "parse_special": False}
        assert await engine().detokenize([1, 2]) == "hi"
