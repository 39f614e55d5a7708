"""A tiny mixture of experts with random weights, for LMDeploy's server on a CPU: `python -m … FOLDER [CONTEXT]`.

Nothing is downloaded. What it writes is noise; its shapes, token ids, log probabilities and routing are real. It runs
in the environment that `make lmdeploy` makes.
"""

from __future__ import annotations

import sys
from pathlib import Path

SPECIAL = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|action_start|>", "<|action_end|>", "<|plugin|>", "<|interpreter|>",
)  # fmt: skip
ORDINARY = (
    "<think>",
    "</think>",
    "<tool_call>",
    "</tool_call>",
)  # LMDeploy's parsers look for them in the vocabulary
TEMPLATE = r"""
{%- if tools %}<|im_start|>system
{% for tool in tools %}{{ tool | tojson }}
{% endfor %}<|im_end|>
{% endif -%}
{%- for message in messages -%}
<|im_start|>{{ message.role }}
{% if message.content is string %}{{ message.content }}{% elif message.content %}{% for part in message.content %}{{ part.text }}{% endfor %}{% endif %}
{%- for call in message.tool_calls or [] %}
<tool_call>
{{ call.function | tojson }}
</tool_call>
{%- endfor %}<|im_end|>
{% endfor -%}
{%- if add_generation_prompt %}<|im_start|>assistant
<think>
{% if enable_thinking is defined and not enable_thinking %}
</think>

{% endif %}{% endif -%}
""".strip()


def make_tiny_model(folder: Path, *, seed: int = 0, context: int = 4096) -> None:
    """Write a Qwen3-MoE of 2 layers, 8 experts (2 per token) and a byte-level tokenizer to `folder`, about 1 MB.

    `context` is the most tokens it takes, which are bytes.
    """
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen3MoeConfig, Qwen3MoeForCausalLM

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    inner = Tokenizer(models.BPE(vocab={symbol: i for i, symbol in enumerate(alphabet)}, merges=[]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    inner.add_special_tokens(list(SPECIAL))
    inner.add_tokens(list(ORDINARY))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, eos_token="<|im_end|>", pad_token="<|endoftext|>", chat_template=TEMPLATE
    )
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    torch.manual_seed(seed)
    config = Qwen3MoeConfig(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, moe_intermediate_size=32,
        num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=16, num_experts=8,
        num_experts_per_tok=2, max_position_embeddings=context, decoder_sparse_step=1, mlp_only_layers=[],
        tie_word_embeddings=False, eos_token_id=end, bos_token_id=None, pad_token_id=0,
    )  # fmt: skip
    model = Qwen3MoeForCausalLM(config)
    model.generation_config = GenerationConfig(eos_token_id=end, pad_token_id=0)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    make_tiny_model(Path(sys.argv[1]), context=int(sys.argv[2]) if len(sys.argv) > 2 else 4096)
