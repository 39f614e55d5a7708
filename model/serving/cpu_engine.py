"""An engine on the CPU for LMDeploy's real server: for development, where there is no GPU.

`python -m benchmate.model.serving.cpu_engine MODEL [flags of lmdeploy serve api_server]` runs LMDeploy's own command
line with its GPU engine replaced by `CpuEngine`, the layer below `AsyncEngine`. All above stays LMDeploy's: arguments,
chat template, sessions, parsers, routes, metrics. Log probabilities, token ids, routed experts, grammar, weight updates
and sleep are real; kernels, batching, prefix caching, FP8 and parallelism are not there. It runs in the environment
that `make lmdeploy` makes.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

DEFAULTS = {
    "--backend": "pytorch",
    "--max-batch-size": "4",
    "--logprobs-mode": "raw_logprobs",
    "--server-name": "127.0.0.1",
}
SWITCHES = ("--enable-return-routed-experts", "--enable-abort-handling")
NOT_HERE = "the CPU engine of benchmate cannot do this"
# Checkpoints name each expert's matrices; transformers keeps one tensor for all experts of a layer.
_EXPERT = re.compile(r"(?P<layer>.+\.experts)\.(?P<expert>\d+)\.(?P<part>gate|up|down)_proj\.weight")


class EngineFailure(Exception):
    """A generation that ends in one of LMDeploy's `ResponseType`s, by name, e.g. `OUT_OF_MEMORY`."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


@dataclass
class Generation:
    """One request: what it asks for, and what is drawn so far."""

    prompt: list[int]
    config: Any  # LMDeploy's GenerationConfig
    random: Any  # a torch.Generator
    matcher: Any = None  # of xgrammar
    drawn: list[int] = field(default_factory=list)
    experts: list[list[list[int]]] = field(default_factory=list)  # [tokens fed, layers, experts per token]
    cache: Any = None

    @property
    def stops(self) -> set[int]:
        return set() if self.config.ignore_eos else set(self.config.stop_token_ids or ())


class CpuEngine:
    """What LMDeploy's AsyncEngine needs of an engine, over a Hugging Face causal model in float32."""

    def __init__(self, model_path: str, engine_config: Any, trust_remote_code: bool = False) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.engine_config = engine_config
        options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": trust_remote_code}
        self.model = AutoModelForCausalLM.from_pretrained(model_path, dtype=torch.float32, **options).eval()
        self.tokenizer = AutoTokenizer.from_pretrained(model_path, **options)
        self.experts_per_token: int | None = getattr(self.model.config, "num_experts_per_tok", None)
        self.cancelled: set[int] = set()
        self.ticks = self.active = 0
        self._guided: Any = None
        self._bucket: Any = None  # the last flattened tensor of a weight update
        # One thread, so that a weight update never falls into a step.
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="cpu-engine")

    def start_loop(self) -> bool:
        """Nothing runs between requests."""
        return True

    def close(self) -> None:
        """Let the thread end."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    def end_session(self, session_id: int) -> bool:
        """No state outlives a request."""
        return True

    def create_instance(self, cuda_stream_id: int = 0) -> CpuInstance:
        """Return one of `max_batch_size` places for a request."""
        return CpuInstance(self)

    def get_schedule_metrics(self) -> Any:
        """Return how busy the engine is, as LMDeploy's metrics and health check read it."""
        from lmdeploy.messages import ScheduleMetrics

        return ScheduleMetrics(active_seqs=self.active, scheduler_tick=self.ticks)

    async def get_health_status(self) -> dict[str, Any]:
        """Return that the engine is alive: it is when this can run."""
        return {"alive": True, "message": "", "schedule_metrics": self.get_schedule_metrics()}

    async def sleep(self, level: int = 1) -> None:
        """Level 2 drops the weights, as on a GPU: who does not send new ones gets noise."""
        if level >= 2:
            await asyncio.get_running_loop().run_in_executor(self._worker, self._drop_weights)

    def wakeup(self, tags: Sequence[str] | None = None) -> None:
        """Wake up: on a CPU the memory was never given back."""

    def complete_weights_update(self) -> None:
        """Forget the bucket that later ones may refer to."""
        self._bucket = None

    def update_params(self, request: Any) -> None:
        """Load weights as `/update_weights` sends them: a pickle, so only from a trusted sender on this machine.

        Raises ValueError for names that the model lacks.
        """
        self._worker.submit(self._update, request).result()

    async def get_checkpoint_engine_status(self) -> list[dict[str, Any]]:
        """Return that weights cannot come through CUDA's own channels."""
        return [{"ready": False, "message": NOT_HERE}]

    async def _refuse(self, *arguments: Any, **named: Any) -> tuple[bool, str]:
        return False, NOT_HERE

    update_weights_from_ipc = init_weights_update_group = _refuse
    update_weights_from_distributed = destroy_weights_update_group = _refuse

    def p2p_initialize(self, *arguments: Any) -> None:
        """Raise NotImplementedError: there is no prefill and decode apart from each other here."""
        raise NotImplementedError(NOT_HERE)

    p2p_connect = p2p_drop_connect = p2p_initialize

    def choose(self, generation: Generation, logits: Any) -> int:
        """Return the next token id, drawn from `logits` [vocabulary] as the request wants it."""
        import torch

        config = generation.config
        logits = logits.clone()
        if config.repetition_penalty != 1.0:
            seen = torch.tensor(sorted({*generation.prompt, *generation.drawn}))
            values = logits[seen]
            logits[seen] = torch.where(
                values > 0, values / config.repetition_penalty, values * config.repetition_penalty
            )
        for process in config.logits_processors or ():
            ids = torch.tensor(generation.prompt + generation.drawn)
            logits = process(ids, logits)
        if config.bad_token_ids:
            logits[config.bad_token_ids] = -torch.inf
        if config.stop_token_ids and (
            config.ignore_eos or len(generation.drawn) < (config.min_new_tokens or 0)
        ):
            logits[config.stop_token_ids] = -torch.inf
        if generation.matcher is not None:
            self._apply_grammar(generation, logits)
        if config.temperature == 0 or config.top_k == 1:
            return int(logits.argmax())
        return int(torch.multinomial(_truncated(logits, config), 1, generator=generation.random))

    def step(self, generation: Generation) -> tuple[int, dict[int, float] | None]:
        """Feed what is new and draw one token. Returns its id, and the most probable ids with it and their log probabilities."""
        import torch

        self.ticks += 1
        feed = [generation.drawn[-1]] if generation.drawn else generation.prompt
        wanted: dict[str, Any] = {}
        if generation.config.return_routed_experts and self.experts_per_token:
            wanted["output_router_logits"] = True
        with torch.inference_mode():
            out = self.model(
                torch.tensor([feed]),
                past_key_values=generation.cache,
                use_cache=True,
                logits_to_keep=1,
                **wanted,
            )
            generation.cache = out.past_key_values
            if wanted:
                chosen = [layer.topk(self.experts_per_token).indices.tolist() for layer in out.router_logits]
                generation.experts += [list(row) for row in zip(*chosen, strict=True)]
            logits = out.logits[0, -1].float()
            token = self.choose(generation, logits)
            generation.drawn.append(token)
            return token, self._logprobs(generation, logits, token)

    def begin(self, prompt: Sequence[int], config: Any) -> Generation:
        """Return a new generation."""
        import torch

        random = torch.Generator()
        if config.random_seed is None:
            random.seed()
        else:
            random.manual_seed(config.random_seed)
        generation = Generation(list(prompt), config, random)
        if config.response_format and config.response_format.get("type", "text") != "text":
            from lmdeploy.pytorch.engine.guided_process import GuidedDecodingManager

            if self._guided is None:
                self._guided = GuidedDecodingManager(self.tokenizer, self.model.config.vocab_size)
            generation.matcher = self._guided.get_processor(id(generation), 0, config.response_format)
            self._guided.remove_processor(id(generation))  # the generation holds it
        return generation

    def score(self, generation: Generation) -> tuple[list[dict[int, float]], float]:
        """Return the log probabilities of the prompt's tokens after `logprob_start_len`, and the whole prompt's summed NLL."""
        import torch

        with torch.inference_mode():
            logits = self.model(torch.tensor([generation.prompt])).logits[0].float()
        rows = torch.log_softmax(logits, dim=-1)
        target = torch.tensor(generation.prompt[1:], dtype=torch.long)
        loss = -float(rows[:-1].gather(1, target[:, None]).sum()) if len(target) else 0.0
        start = generation.config.logprob_start_len
        scored = [
            self._logprobs(generation, logits[place - 1], generation.prompt[place]) or {}
            for place in range(start + 1, len(generation.prompt))
        ]
        return scored if start >= 0 else [], loss

    def _logprobs(self, generation: Generation, logits: Any, token: int) -> dict[int, float] | None:
        import torch

        count = generation.config.logprobs
        if count is None:
            return None
        raw = getattr(self.engine_config, "logprobs_mode", None) == "raw_logits"
        values = logits if raw else torch.log_softmax(logits, dim=-1)
        top = values.topk(min(count, len(values)))
        found = dict(zip(top.indices.tolist(), top.values.tolist(), strict=True))
        return found | {token: float(values[token])}

    def _apply_grammar(self, generation: Generation, logits: Any) -> None:
        if generation.drawn:
            self._guided.accept_token(generation.matcher, generation.drawn[-1])
        if not self._guided.is_terminated(generation.matcher):
            mask = self._guided.allocate_batched_bitmap(1)
            self._guided.fill_bitmap(generation.matcher, mask, 0)
            self._guided.apply_batched_bitmap(logits[None], mask)

    def _drop_weights(self) -> None:
        import torch

        with torch.no_grad():
            for parameter in self.model.parameters():
                parameter.zero_()

    def _update(self, request: Any) -> None:
        import pickle

        import pybase64
        import torch

        sent = request.serialized_named_tensors
        loaded = pickle.loads(pybase64.b64decode(sent[0] if isinstance(sent, list) else sent))
        with torch.no_grad():
            for name, tensor in self._tensors(loaded, request.load_format):
                self._place(name, tensor.shape).copy_(tensor)
        if request.finished:
            self._bucket = None

    def _tensors(self, loaded: Any, load_format: str | None) -> list[tuple[str, Any]]:
        if load_format != "flattened_bucket":
            return [(name, rebuild(*arguments)) for name, (rebuild, arguments) in loaded]
        from lmdeploy.utils import FlattenedTensorBucket

        if "flattened_tensor" in loaded:
            rebuild, arguments = loaded["flattened_tensor"]
            self._bucket = rebuild(*arguments).clone()
        bucket = FlattenedTensorBucket(flattened_tensor=self._bucket, metadata=loaded["metadata"])
        return list(bucket.reconstruct_tensors())

    def _place(self, name: str, shape: Any) -> Any:
        """Return the parameter of this name, or the part of one that holds it."""
        parameters = dict(self.model.named_parameters())
        found = parameters.get(name)
        if found is None and (expert := _EXPERT.fullmatch(name)):
            part, number = expert["part"], int(expert["expert"])
            whole = parameters.get(f"{expert['layer']}.{'down_proj' if part == 'down' else 'gate_up_proj'}")
            if whole is not None and number < len(whole):
                found = whole[number]
                if part != "down":
                    found = found.chunk(2)[part == "up"]
        if found is None or found.shape != shape:
            raise ValueError(f"the model has no weight {name} of shape {tuple(shape)}")
        return found


class CpuInstance:
    """One place for a request."""

    def __init__(self, engine: CpuEngine) -> None:
        self.engine = engine

    async def async_cancel(self, session_id: int) -> None:
        """Stop a request before its next token."""
        self.engine.cancelled.add(session_id)

    async def async_end(self, session_id: int) -> None:
        """No state outlives a request."""

    async def async_stream_infer(
        self,
        session_id: int,
        input_ids: Sequence[int],
        gen_config: Any = None,
        multimodal: Any = None,
        **rest: Any,
    ) -> AsyncIterator[Any]:
        """Yield one EngineOutput a token; the last says how it ended and holds the routed experts."""
        from lmdeploy.messages import EngineOutput, ResponseType

        engine, loop = self.engine, asyncio.get_running_loop()
        engine.cancelled.discard(session_id)
        if multimodal:
            yield EngineOutput(ResponseType.NOT_SUPPORTED, [])
            return
        queued = time.time()
        engine.active += 1
        try:
            generation = await loop.run_in_executor(engine._worker, engine.begin, input_ids, gen_config)
            if gen_config.logprob_start_len >= 0 or gen_config.return_ppl:
                rows, loss = await loop.run_in_executor(engine._worker, engine.score, generation)
                yield EngineOutput(ResponseType.FINISH, [], rows or None, ce_loss=loss)
                return
            async for output in self._tokens(session_id, generation, queued):
                yield output
        except EngineFailure as failure:
            yield EngineOutput(ResponseType[failure.status], [])
        finally:
            engine.active -= 1
            engine.cancelled.discard(session_id)

    async def _tokens(self, session_id: int, generation: Generation, queued: float) -> AsyncIterator[Any]:
        from lmdeploy.messages import EngineEvent, EngineOutput, EventType, RequestMetrics, ResponseType

        engine, loop = self.engine, asyncio.get_running_loop()
        events = [EngineEvent(EventType.QUEUED, queued), EngineEvent(EventType.SCHEDULED, time.time())]
        limit = generation.config.max_new_tokens
        while True:
            if session_id in engine.cancelled:
                yield EngineOutput(ResponseType.CANCEL, [])
                return
            token, logprobs = await loop.run_in_executor(engine._worker, engine.step, generation)
            ended = token in generation.stops or len(generation.drawn) >= limit
            yield EngineOutput(
                ResponseType.FINISH if ended else ResponseType.SUCCESS,
                [token],
                [logprobs] if logprobs is not None else None,
                req_metrics=RequestMetrics(time.time(), events),
                routed_experts=generation.experts if ended and generation.experts else None,
            )
            if ended:
                return
            events = []


def _truncated(logits: Any, config: Any) -> Any:
    """Return the probabilities [vocabulary] that temperature, top-k, top-p and min-p leave."""
    import torch

    probabilities = torch.softmax(logits / config.temperature, dim=-1)
    order = probabilities.argsort(descending=True)
    ranked = probabilities[order]
    keep = ranked.cumsum(-1) - ranked < config.top_p
    if config.top_k > 0:
        keep[config.top_k :] = False
    keep &= ranked >= config.min_p * ranked[0]
    keep[0] = True
    kept = torch.zeros_like(probabilities)
    kept[order[keep]] = ranked[keep]
    return kept / kept.sum()


def with_defaults(arguments: Sequence[str]) -> list[str]:
    """Return the flags of `lmdeploy serve api_server` with those added that this engine needs and were not given."""
    given = {argument.partition("=")[0].replace("_", "-") for argument in arguments}
    added = [word for flag, value in DEFAULTS.items() if flag not in given for word in (flag, value)]
    return [*arguments, *added, *(switch for switch in SWITCHES if switch not in given)]


def run(arguments: Sequence[str], engine: type[CpuEngine] = CpuEngine) -> None:
    """Run LMDeploy's command line with its engine replaced. `arguments` are those of `lmdeploy serve api_server`."""
    from lmdeploy.cli import run as lmdeploy
    from lmdeploy.serve.core.async_engine import AsyncEngine

    def build(
        self: Any, model_path: str, backend_config: Any = None, trust_remote_code: bool = False, **rest: Any
    ) -> CpuEngine:
        return engine(model_path, backend_config, trust_remote_code)

    AsyncEngine._build_pytorch = build
    sys.argv = ["lmdeploy", "serve", "api_server", *with_defaults(arguments)]
    print("benchmate: a model on the CPU behind LMDeploy's server, for development only", file=sys.stderr)
    with contextlib.suppress(KeyboardInterrupt):
        lmdeploy()


if __name__ == "__main__":
    run(sys.argv[1:])
