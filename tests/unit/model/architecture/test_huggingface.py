"""The network behind Hugging Face's doors."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden_network import TEXT, golden, tiny_network, token_ids

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from benchmate.model.architecture.config import INTERN_S1_MINI, INTERN_S1_PRO  # noqa: E402
from benchmate.model.architecture.conversion import write_released  # noqa: E402
from benchmate.model.architecture.huggingface import (  # noqa: E402
    InternS1ProForConditionalGeneration,
    InternS1ProModel,
)
from benchmate.model.architecture.router_losses import load_balancing_loss  # noqa: E402

CONFIG: dict[str, Any] = {
    "architectures": ["InternS1ProForConditionalGeneration"],
    "model_type": "interns1_pro",
    "text_config": {**TEXT, "model_type": "interns1_pro_text", "eos_token_id": 96, "bos_token_id": None},
    "tie_word_embeddings": False,
    "vision_config": {"depth": 1},
}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("released")
    write_released(tiny_network(), folder, shard_bytes=500_000)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [96], "pad_token_id": 0}))
    return folder


@pytest.fixture(scope="module")
def model(checkpoint: Path) -> Any:
    return transformers.AutoModelForCausalLM.from_pretrained(checkpoint).eval()


@pytest.fixture(scope="module")
def ids() -> torch.Tensor:
    return torch.from_numpy(token_ids())


@torch.no_grad()
def test_a_released_checkpoint_loads_by_the_auto_class(model: Any, ids: torch.Tensor) -> None:
    assert type(model) is InternS1ProForConditionalGeneration
    np.testing.assert_allclose(model(ids).logits.numpy(), golden("model")["logits"], atol=2e-5)


@torch.no_grad()
def test_the_streaming_door_gives_the_same_model(checkpoint: Path, model: Any, ids: torch.Tensor) -> None:
    streamed = InternS1ProForConditionalGeneration.from_released(checkpoint, dtype=torch.float32)
    assert torch.equal(streamed(ids).logits, model(ids).logits)
    assert streamed.generation_config.eos_token_id == [96]
    rounded = InternS1ProForConditionalGeneration.from_released(checkpoint)
    assert rounded.dtype == torch.bfloat16
    assert rounded.model.language_model.rotary_emb.sin_coef.dtype == torch.float32


@pytest.mark.parametrize("padded", [False, True])
def test_generate_writes_the_released_tokens(model: Any, ids: torch.Tensor, padded: bool) -> None:
    mask = torch.ones_like(ids)
    if padded:
        mask[1, :4] = 0
    written = model.generate(ids, attention_mask=mask, max_new_tokens=8, do_sample=False, eos_token_id=None)
    np.testing.assert_array_equal(written.numpy(), golden("model")["greedy_padded" if padded else "greedy"])


@torch.no_grad()
def test_eager_attention_gives_the_weights_and_the_same_logits(checkpoint: Path, ids: torch.Tensor) -> None:
    eager = transformers.AutoModelForCausalLM.from_pretrained(checkpoint, attn_implementation="eager").eval()
    out = eager(ids, output_attentions=True, output_hidden_states=True, output_router_logits=True)
    np.testing.assert_allclose(out.logits.numpy(), golden("model")["logits"], atol=2e-5)
    assert [tuple(weights.shape) for weights in out.attentions] == [(2, 8, 11, 11)] * 3
    torch.testing.assert_close(out.attentions[0].sum(-1), torch.ones(2, 8, 11))
    assert len(out.hidden_states) == 4
    assert [tuple(logits.shape) for logits in out.router_logits] == [(22, 64)] * 2


@torch.no_grad()
def test_the_attention_function_is_exchanged_in_place(model: Any, ids: torch.Tensor) -> None:
    before = model(ids).logits
    model.set_attn_implementation("eager")
    assert model.config.text_config._attn_implementation == "eager"
    torch.testing.assert_close(model(ids).logits, before, atol=1e-5, rtol=1e-5)
    model.set_attn_implementation("sdpa")


def test_saving_writes_released_names(model: Any, tmp_path: Path, ids: torch.Tensor) -> None:
    model.save_pretrained(tmp_path)
    with_names = InternS1ProForConditionalGeneration.from_released(tmp_path, dtype=torch.float32)
    with torch.no_grad():
        assert torch.equal(with_names(ids).logits, model(ids).logits)
    written = json.loads((tmp_path / "config.json").read_text())
    assert written["model_type"] == "interns1_pro" and written["vision_config"] == {"depth": 1}


def test_the_loss_is_the_next_token_cross_entropy(model: Any, ids: torch.Tensor) -> None:
    with torch.no_grad():
        out = model(ids, labels=ids)
        balanced = model(ids, labels=ids, output_router_logits=True)
    expected = torch.nn.functional.cross_entropy(out.logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
    torch.testing.assert_close(out.loss, expected)
    torch.testing.assert_close(balanced.loss, expected + 0.001 * balanced.aux_loss)
    routings = tiny_network()(ids).routings
    torch.testing.assert_close(balanced.aux_loss, sum(load_balancing_loss(routing) for routing in routings))


def test_checkpointing_is_switched_on_by_the_library(checkpoint: Path, ids: torch.Tensor) -> None:
    model = transformers.AutoModelForCausalLM.from_pretrained(checkpoint).train()
    model.activation_checkpointing_enable()
    assert model.model.language_model.gradient_checkpointing
    model(ids, labels=ids).loss.backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


@torch.no_grad()
def test_a_recorded_choice_is_replayed(model: Any, ids: torch.Tensor) -> None:
    recorded = torch.arange(8).mul(8).add(3).to(torch.uint16).expand(2, 11, 2, 8)
    out = model(ids, routed_experts=recorded, output_router_logits=True)
    assert (out.logits - model(ids).logits).abs().max() > 0.1


@pytest.mark.parametrize(
    ("kind", "text", "parameters"),
    [
        ("interns1_pro", INTERN_S1_PRO, 916_555_836_928),
        ("interns1", INTERN_S1_MINI, 8_201_221_120),
    ],
)
def test_the_family_stands_on_the_meta_device(kind: str, text: Any, parameters: int) -> None:
    config = transformers.AutoConfig.for_model(kind, text_config=text.to_huggingface())
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(config)
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters
    assert model.model.language_model.text_config == text


def test_the_auto_class_gives_hidden_states(checkpoint: Path, ids: torch.Tensor) -> None:
    base = transformers.AutoModel.from_pretrained(checkpoint).eval()
    assert type(base) is InternS1ProModel
    with torch.no_grad():
        out = base(ids)
        expected = tiny_network().model.language_model(ids).states
    torch.testing.assert_close(out.last_hidden_state, expected)
    assert out.past_key_values.get_seq_length() == 11
