"""LMDeploy's server with an engine on the CPU that says what a prompt tells it to. Runs in LMDeploy's environment.

`⟦say:TEXT⟧` in a prompt is what the model writes; `⟦then:TEXT⟧` what it writes when it is asked again; `⟦slow:S⟧` waits S
seconds before each token. After the text comes the end of the turn, or `⟦fail:STATUS⟧`, one of LMDeploy's
ResponseTypes, `⟦crash⟧`, a bug in the engine, or `⟦die⟧`, the end of the process. Log probabilities and routed
experts stay the model's own. Without a marker the model draws freely.
"""

import os
import re
import sys
import time
from typing import Any

from benchmate.model.serving.cpu_engine import CpuEngine, EngineFailure, Generation, run

ASKED_AGAIN = "Your last turn was not usable"
MARKER = re.compile(r"⟦(\w+)(?::(.*?))?⟧", re.DOTALL)


class ScriptedCpuEngine(CpuEngine):
    """A CpuEngine that reads markers."""

    def choose(self, generation: Generation, logits: Any) -> int:
        """Return the next id of the script, or draw one."""
        prompt = self.tokenizer.decode(generation.prompt)
        script = dict(MARKER.findall(prompt))
        said = script.get("then") if ASKED_AGAIN in prompt and "then" in script else script.get("say")
        if said is None:
            return super().choose(generation, logits)
        time.sleep(float(script.get("slow", 0)))
        ids = self.tokenizer.encode(said, add_special_tokens=False)
        if len(generation.drawn) < len(ids):
            return ids[len(generation.drawn)]
        if "fail" in script:
            raise EngineFailure(script["fail"])
        if "crash" in script:
            raise RuntimeError("a bug in the engine")
        if "die" in script:
            os._exit(1)
        return self.tokenizer.eos_token_id


if __name__ == "__main__":
    run(sys.argv[1:], ScriptedCpuEngine)
