"""LMDeploy's server with an engine on the CPU that says what a prompt tells it to. Runs in LMDeploy's environment.

`⟦say:TEXT⟧` in a prompt is what the model writes; `⟦then:TEXT⟧` what it writes when it is asked again; `⟦slow:S⟧` waits S
seconds before each token. After the text comes the end of the turn, or `⟦fail:STATUS⟧`, one of LMDeploy's
ResponseTypes, `⟦crash⟧`, a bug in the engine, or `⟦die⟧`, the end of the process. Log probabilities and routed
experts stay the model's own. Without a marker the model draws freely.

With SCRIPT, a JSON file of `[[[words …], TEXT] …]`, the first entry whose words all stand in the prompt is what is said;
`{evidence}` in it is the last evidence id in the prompt. With SEES, the server takes a text model for one that sees: all
of LMDeploy's way from a part of a message to arrays is real; a stand-in for the encoder writes what arrived into the prompt.
"""

import json
import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmate.model.serving.cpu_engine import CpuEngine, EngineFailure, Generation, run

ASKED_AGAIN = "Your last turn was not usable"
MARKER = re.compile(r"⟦(\w+)(?::(.*?))?⟧", re.DOTALL)
EVIDENCE = re.compile(r"E-[0-9a-f]{8,}")


class ScriptedCpuEngine(CpuEngine):
    """A CpuEngine that reads markers and scripts."""

    def begin(self, prompt: Sequence[int], config: Any) -> Generation:
        """Return a new generation that knows what it will say."""
        generation = super().begin(prompt, config)
        text = self.tokenizer.decode(generation.prompt)
        script = dict(MARKER.findall(text))
        said = script.get("then") if ASKED_AGAIN in text and "then" in script else script.get("say")
        if said is None:
            said = _from_script(text)
        generation.script = script  # type: ignore[attr-defined]
        generation.said = None if said is None else self.tokenizer.encode(said, add_special_tokens=False)  # type: ignore[attr-defined]
        return generation

    def choose(self, generation: Generation, logits: Any) -> int:
        """Return the next id of the script, or draw one."""
        script, said = generation.script, generation.said  # type: ignore[attr-defined]
        if said is None:
            return super().choose(generation, logits)
        time.sleep(float(script.get("slow", 0)))
        if len(generation.drawn) < len(said):
            return said[len(generation.drawn)]
        if "fail" in script:
            raise EngineFailure(script["fail"])
        if "crash" in script:
            raise RuntimeError("a bug in the engine")
        if "die" in script:
            os._exit(1)
        return self.tokenizer.eos_token_id


def _from_script(prompt: str) -> str | None:
    if "SCRIPT" not in os.environ:
        return None
    for words, said in json.loads(Path(os.environ["SCRIPT"]).read_text(encoding="utf-8")):
        if all(word in prompt for word in words):
            found = EVIDENCE.findall(prompt)
            return said.replace("{evidence}", found[-1] if found else "E-none")
    return "</think>The script has no line for this."


class StandInEncoder:
    """What LMDeploy asks of its encoder of pictures and signals: instead of features it writes what came into the prompt."""

    _uses_new_preprocess = True

    def __init__(self, model_path: str, *arguments: Any, **named: Any) -> None:
        from transformers import AutoTokenizer

        self.tokenizer = AutoTokenizer.from_pretrained(model_path, local_files_only=True)
        self.model = self

    def get_input_prompt(
        self,
        messages: list[dict[str, Any]],
        chat_template: Any,
        tools: Any = None,
        chat_template_kwargs: Any = None,
    ) -> str:
        """Return the prompt, with a description in the place of each part."""
        return chat_template.messages2prompt(
            [described(message) for message in messages], tools=tools, **(chat_template_kwargs or {})
        )

    async def preprocess(
        self, messages: list[dict[str, Any]], input_prompt: str, mm_processor_kwargs: Any = None
    ) -> dict[str, Any]:
        """Return the prompt's tokens; there are no features."""
        ids = self.tokenizer.encode(input_prompt, add_special_tokens=False)
        return {"prompt": input_prompt, "input_ids": ids}


def described(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message whose pictures and signals, as LMDeploy has decoded them, are told in words."""
    if not isinstance(message.get("content"), list):
        return message
    lines = []
    for part in message["content"]:
        if part["type"] == "text":
            lines.append(part["text"])
        elif part["type"] == "image":
            red, green, blue = part["data"].getpixel((0, 0))[:3]
            lines.append(f"[saw a picture of {part['data'].size} pixels from {red},{green},{blue}]")
        else:
            data = part["data"]
            rate = part["sampling_rate"]
            lines.append(f"[heard a signal of {data.shape} at {rate} Hz that sums to {data.sum():.3f}]")
    return {**message, "content": "\n".join(lines)}


def see() -> None:
    """Let LMDeploy take any model for one with an encoder, which is the stand-in."""
    import lmdeploy.archs
    import lmdeploy.vl.engine

    def get_task(*arguments: Any, **named: Any) -> tuple[str, Any]:
        from lmdeploy.serve.core import VLAsyncEngine

        return "vlm", VLAsyncEngine

    lmdeploy.archs.get_task = get_task
    lmdeploy.vl.engine.ImageEncoder = StandInEncoder


if __name__ == "__main__":
    if "SEES" in os.environ:
        see()
    run(sys.argv[1:], ScriptedCpuEngine)
