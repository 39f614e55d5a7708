"""The engine against LMDeploy's real server, directly and behind its real proxy."""

import asyncio
from typing import Any

import httpx
import pytest
from lmdeploy_servers import HERE, KEY, Servers

from benchmate.model.engine import Constraint, Message, Sampling, ToolSpec
from benchmate.model.http_engine import HttpEngine
from benchmate.model.lmdeploy_api import LMDeploy
from benchmate.model.parts import image_part
from benchmate.runtime.errors import BenchmateError, InvalidInput, NotFound, Transient, Unavailable

LOGP = ToolSpec(name="logp", parameters={"type": "object", "properties": {"compound": {"type": "string"}}})
GOOD = '<tool_call>\n{"name": "logp", "arguments": {"compound": "β-carotene"}}\n</tool_call>'
GREEDY = Sampling()


def engine(
    *urls: str, model: str = "tiny", dialect: dict[str, Any] | None = None, **options: Any
) -> HttpEngine:
    options = {"max_tokens": 200, "timeout_seconds": 60, **options}
    return HttpEngine(urls[0], model, dialect=LMDeploy(**(dialect or {})), more_urls=urls[1:], **options)


async def post(url: str, body: dict[str, Any] | None = None) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        return await client.post(url, json=body or {})


def ask(text: str) -> list[Message]:
    return [Message(role="user", content=text)]


@pytest.mark.parametrize("streamed", [False, True])
async def test_text_and_thought(url: str, streamed: bool) -> None:
    told: list[str] = []
    asked = ask("⟦say:let me see</think>about 1.2 ± 0.3⟧")
    reply = await engine(url).chat(asked, sampling=GREEDY, on_text=told.append if streamed else None)
    assert (reply.message.text, reply.reasoning) == ("about 1.2 ± 0.3", "let me see")
    assert reply.usage.completion_tokens == len(b"let me see") + 1 + len("about 1.2 ± 0.3".encode())
    assert "".join(told) == (reply.message.text if streamed else "")


async def test_a_model_told_not_to_think_does_not(url: str) -> None:
    reply = await engine(url, dialect={"thinking": False}).chat(ask("⟦say:1.2⟧"), sampling=GREEDY)
    assert (reply.message.text, reply.reasoning) == ("1.2", None)


@pytest.mark.parametrize("streamed", [False, True])
async def test_calls_are_read_by_lmdeploys_own_parser(url: str, streamed: bool) -> None:
    asked = ask(f"⟦say:hm</think>{GOOD}{GOOD}⟧")
    on_text = (lambda text: None) if streamed else None
    reply = await engine(url).chat(asked, tools=[LOGP], sampling=GREEDY, on_text=on_text)
    assert [call.arguments for call in reply.message.tool_calls] == [{"compound": "β-carotene"}] * 2
    answers = [Message(role="tool", content="17", tool_call_id=call.id) for call in reply.message.tool_calls]
    again = await engine(url).chat(
        [*asked, reply.message, *answers, *ask("⟦say:</think>17⟧")], tools=[LOGP], sampling=GREEDY
    )
    assert again.message.text == "17"


@pytest.mark.parametrize(
    "useless", ['{"name": "logP2", "arguments": {}}', '{"name": "logp", "arguments": {oops}}', ""]
)
async def test_a_useless_call_is_taken_again(url: str, useless: str) -> None:
    asked = f"⟦say:</think><tool_call>\n{useless}\n</tool_call>⟧"
    reply = await engine(url).chat(ask(f"{asked}⟦then:</think>{GOOD}⟧"), tools=[LOGP], sampling=GREEDY)
    assert [call.name for call in reply.message.tool_calls] == ["logp"]
    with pytest.raises(InvalidInput) as caught:
        await engine(url).chat(ask(asked), tools=[LOGP], sampling=GREEDY)
    assert caught.value.code == "bad_model_output"


async def test_a_schema_binds_a_model_that_knows_nothing(url: str) -> None:
    constraint = Constraint(json_schema={"enum": ["red", "green"]})
    reply = await engine(url, dialect={"thinking": True}).chat(
        ask("Which?"), sampling=GREEDY, constraint=constraint
    )
    assert reply.message.text in ('"red"', '"green"')


async def test_token_ids_logprobs_and_experts(direct: str) -> None:
    one = engine(direct, dialect={"routed_experts": True})
    ids = await one.tokenize("<|im_start|>user\n⟦say:so be it⟧<|im_end|>\n")
    assert len(ids) == len("user\n⟦say:so be it⟧\n".encode()) + 2
    (drawn,) = await one.generate(ids, sampling=Sampling(logprobs=True))
    assert drawn.text == "so be it" and drawn.finish_reason == "stop"
    assert drawn.ids == [*await one.tokenize("so be it"), *await one.tokenize("<|im_end|>")]
    assert (
        isinstance(drawn.routed_experts, list) and len(drawn.routed_experts) == len(ids) + len(drawn.ids) - 1
    )
    assert all(
        len(set(chosen)) == 2 and set(chosen) <= set(range(8))
        for row in drawn.routed_experts
        for chosen in row
    )
    # The same tokens scored by the server as a prompt: another way through the model to the same numbers.
    whole = [*ids, *drawn.ids]
    body = {"input_ids": whole, "max_tokens": 0, "return_logprob": True, "logprob_start_len": len(ids) - 1}
    scored = (await post(f"{direct}/generate", body)).json()["meta_info"]["input_token_logprobs"]
    assert [token for _, token in scored] == drawn.ids
    assert drawn.logprobs == pytest.approx([logprob for logprob, _ in scored], abs=1e-4)


async def test_samples_by_seed_and_their_logprobs(url: str) -> None:
    sampling = Sampling(n=3, seed=7, temperature=1.0, max_tokens=8, logprobs=True)
    first, again = [await engine(url).generate([1, 2, 3], sampling=sampling) for _ in range(2)]
    assert [one.ids for one in first] == [one.ids for one in again]
    assert len({tuple(one.ids) for one in first}) == 3
    assert all(len(one.ids) == len(one.logprobs or ()) == 8 for one in first)
    assert all(-15 < logprob < 0 for one in first for logprob in one.logprobs or ())


async def test_a_schema_binds_samples(url: str) -> None:
    constraint = Constraint(json_schema={"enum": ["red", "green"]})
    (one,) = await engine(url).generate([1, 2, 3], sampling=Sampling(logprobs=True), constraint=constraint)
    assert one.text in ('"red"', '"green"') and one.finish_reason == "stop"
    assert len(one.ids) == len(one.text) + 1 == len(one.logprobs or ())


async def test_the_proxy_has_no_token_ids(direct: str, proxy: str) -> None:
    with pytest.raises(Unavailable, match="proxy"):
        await engine(proxy).generate([1, 2], sampling=GREEDY)


async def test_stop_strings_stop(url: str) -> None:
    sampling = Sampling(stop=("END",))
    reply = await engine(url).chat(ask("⟦say:</think>one END two⟧"), sampling=sampling)
    assert reply.message.text == "one "


@pytest.mark.parametrize(
    ("text", "model", "kind", "code"),
    [
        ("hi", "huge", NotFound, "no_such_model"),
        ("x" * 5000, "tiny", InvalidInput, "context_overflow"),
        ("⟦say:</think>half⟧⟦fail:OUT_OF_MEMORY⟧", "tiny", Transient, "model_server_error"),
        ("⟦say:</think>half⟧⟦crash⟧", "tiny", Transient, "model_server_error"),
    ],
)
async def test_failures_are_typed(
    url: str, text: str, model: str, kind: type[BenchmateError], code: str
) -> None:
    with pytest.raises(kind) as caught:
        await engine(url, model=model, attempts=2).chat(ask(text), sampling=GREEDY)
    assert caught.value.code == code


async def test_a_picture_a_text_model_cannot_see_is_a_typed_failure(url: str) -> None:
    content = [{"type": "text", "text": "⟦say:</think>I see⟧"}, image_part(b"\x89PNG\r\n\x1a\n")]
    with pytest.raises(BenchmateError):
        await engine(url, attempts=2).chat([Message(role="user", content=content)], sampling=GREEDY)


async def test_past_its_deadline_a_call_frees_its_place(direct: str) -> None:
    slow = engine(direct, timeout_seconds=1, concurrency=8)
    asked = ask("⟦say:</think>so slow that nobody waits for it⟧⟦slow:0.3⟧")
    outcomes = await asyncio.gather(
        *(slow.chat(asked, sampling=GREEDY) for _ in range(4)), return_exceptions=True
    )
    assert all(isinstance(o, Transient) and o.code == "model_timeout" for o in outcomes)
    reply = await engine(direct, timeout_seconds=20).chat(ask("⟦say:</think>next⟧"), sampling=GREEDY)
    assert reply.message.text == "next"


async def test_sixty_four_at_once_all_come_back_with_their_own_call(url: str) -> None:
    """The server takes four at a time and lets the others wait."""
    one = engine(url, concurrency=64, timeout_seconds=240)

    async def chat(number: int) -> Any:
        call = GOOD.replace("β-carotene", f"compound {number}")
        reply = await one.chat(ask(f"⟦say:</think>{call}⟧"), tools=[LOGP], sampling=GREEDY)
        return [c.arguments["compound"] for c in reply.message.tool_calls]

    found = await asyncio.gather(*(chat(number) for number in range(64)))
    assert found == [[f"compound {number}"] for number in range(64)]


async def test_a_sleeping_server_is_waited_for(direct: str) -> None:
    assert (await post(f"{direct}/sleep?level=1")).is_success
    waiting = asyncio.create_task(engine(direct).chat(ask("⟦say:</think>awake⟧"), sampling=GREEDY))
    await asyncio.sleep(1)
    assert not waiting.done()
    assert (await post(f"{direct}/wakeup")).is_success
    assert (await waiting).message.text == "awake"


async def test_new_weights_give_new_numbers_and_the_old_ones_the_old(direct: str, servers: Servers) -> None:
    async def logprobs() -> list[float]:
        (one,) = await engine(direct).generate([1, 2, 3], sampling=Sampling(max_tokens=4, logprobs=True))
        return one.logprobs or []

    before = await logprobs()
    for seed, same in ((1, False), (0, True)):
        for path in ("/sleep?level=2", "/wakeup?tags=weights"):
            assert (await post(direct + path)).is_success
        await asyncio.to_thread(servers.python, str(HERE / "send_weights.py"), direct, str(seed))
        assert (await post(f"{direct}/wakeup?tags=kv_cache")).is_success
        assert (await logprobs() == pytest.approx(before, abs=1e-5)) is same


async def test_the_key_opens_it_and_another_does_not(mortal: str) -> None:
    reply = await engine(mortal, model="mortal", api_key=KEY).chat(ask("⟦say:</think>yes⟧"), sampling=GREEDY)
    assert reply.message.text == "yes"
    for wrong in ("other", None):
        with pytest.raises(Unavailable) as caught:
            await engine(mortal, model="mortal", api_key=wrong).chat(ask("hi"), sampling=GREEDY)
        assert caught.value.code == "model_denied"


async def test_intern_s1s_own_form_of_calls(mortal: str) -> None:
    said = '</think><|action_start|><|plugin|>\n{"name": "logp", "parameters": {"compound": "aspirin"}}\n<|action_end|>'
    one = engine(mortal, model="mortal", api_key=KEY)
    reply = await one.chat(ask(f"⟦say:{said}⟧"), tools=[LOGP], sampling=GREEDY)
    assert [call.arguments for call in reply.message.tool_calls] == [{"compound": "aspirin"}]


async def test_where_one_dies_in_a_stream_it_is_a_typed_failure_and_the_next_call_goes_to_another(
    mortal: str, direct: str, proxy: str
) -> None:
    told: list[str] = []
    dying = engine(mortal, model="mortal", api_key=KEY, attempts=2)
    with pytest.raises(Transient):
        await dying.chat(ask("⟦say:</think>half⟧⟦die⟧"), sampling=GREEDY, on_text=told.append)
    assert "half".startswith("".join(told))
    with pytest.raises(BenchmateError) as caught:  # the proxy has not noticed yet
        await engine(proxy, model="mortal", api_key=KEY, attempts=2).chat(ask("hi"), sampling=GREEDY)
    assert caught.value.info.kind in ("transient", "not_found")
    moved = engine(mortal, direct, api_key=KEY)
    reply = await moved.chat(ask("⟦say:</think>whole⟧"), sampling=GREEDY, on_text=told.append)
    assert reply.message.text == "whole"
