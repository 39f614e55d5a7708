"""The network as Hugging Face's library knows models: `AutoModelForCausalLM`, `generate`, `save_pretrained`.

Importing this module registers the configurations and models. Checkpoints are read and written under released names.
`from_pretrained` works for bfloat16 ones; `from_released` also reads block FP8, and never holds the weights twice.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    DynamicCache,
    GenerationConfig,
    GenerationMixin,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers import initialization as init
from transformers.configuration_utils import SubConfigSpec
from transformers.conversion_mapping import register_checkpoint_conversion_mapping
from transformers.core_model_loading import Concatenate, MergeModulelist, WeightConverter, WeightRenaming
from transformers.masking_utils import create_causal_mask
from transformers.modeling_outputs import MoeCausalLMOutputWithPast, MoeModelOutputWithPast
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.utils.output_capturing import OutputRecorder, capture_outputs

from benchmate.model.architecture.attention import Attention, eager_attention
from benchmate.model.architecture.config import TextConfig
from benchmate.model.architecture.conversion import load_released
from benchmate.model.architecture.decoder import DecoderLayer
from benchmate.model.architecture.fope import FourierPositionEmbedding
from benchmate.model.architecture.model import Decoded, TextModel, head_logits, initialise_part
from benchmate.model.architecture.router import Router
from benchmate.model.architecture.router_losses import router_loss


class InternS1ProTextConfig(PreTrainedConfig):
    """`text_config` of a release; `TextConfig` says what each field means."""

    model_type = "interns1_pro_text"
    base_config_key = "text_config"
    keys_to_ignore_at_inference = ["past_key_values"]  # noqa: RUF012
    ignore_keys_at_rope_validation = {"fope_init_factor", "fope_sep_head", "num_inv_freq"}  # noqa: RUF012

    hidden_size: int = 4096
    num_hidden_layers: int = 94
    num_attention_heads: int = 64
    num_key_value_heads: int = 4
    head_dim: int | None = None
    vocab_size: int = 155008
    max_position_embeddings: int = 262144
    intermediate_size: int = 12288
    num_experts: int = 0
    num_experts_per_tok: int = 0
    moe_intermediate_size: int = 0
    router_n_groups: int | None = None
    norm_topk_prob: bool = True
    decoder_sparse_step: int = 1
    mlp_only_layers: list[int] | None = None
    hidden_act: str = "silu"
    rms_norm_eps: float = 1e-6
    attention_bias: bool = False
    attention_dropout: float = 0.0
    initializer_range: float = 0.02
    router_aux_loss_coef: float = 0.001
    output_router_logits: bool = False
    use_cache: bool = True
    tie_word_embeddings: bool = False
    rope_parameters: dict[str, Any] | None = None
    bos_token_id: int | None = 151643
    eos_token_id: int | list[int] | None = 151645
    pad_token_id: int | None = None


class InternS1ProConfig(PreTrainedConfig):
    """`config.json` of a release. The encoders' configurations are kept as they are."""

    model_type = "interns1_pro"
    keys_to_ignore_at_inference = ["past_key_values"]  # noqa: RUF012
    sub_configs_defaults = {"text_config": SubConfigSpec(InternS1ProTextConfig)}  # noqa: RUF012

    text_config: Any = None
    vision_config: dict[str, Any] | None = None
    ts_config: dict[str, Any] | None = None
    tie_word_embeddings: bool = False


class InternS1Config(InternS1ProConfig):
    """The same for Intern-S1 and Intern-S1-mini."""

    model_type = "interns1"


class InternS1ProPreTrainedModel(PreTrainedModel):
    """What both models share."""

    config_class = InternS1ProConfig
    base_model_prefix = "model"
    supports_gradient_checkpointing = True
    _no_split_modules = ["DecoderLayer"]  # noqa: RUF012
    _skip_keys_device_placement = ["past_key_values"]  # noqa: RUF012
    _supports_flash_attn = True
    _supports_sdpa = True
    _supports_flex_attn = True
    _supports_attention_backend = True
    _keep_in_fp32_modules_strict = ["rotary_emb"]  # noqa: RUF012
    _keys_to_ignore_on_load_unexpected = [  # noqa: RUF012
        r"rotary_emb\.inv_freq",
        r"^model\.(visual|time_series|vision_tower|multi_modal_projector)\.",
    ]
    _can_record_outputs = {  # noqa: RUF012
        "router_logits": OutputRecorder(Router, index=0),
        "hidden_states": DecoderLayer,
        "attentions": Attention,
    }

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        initialise_part(module, self.config.get_text_config().initializer_range)
        if isinstance(module, FourierPositionEmbedding):
            for coefficients, first in zip(module.coefficients(), module.first_coefficients(), strict=True):
                init.copy_(coefficients, first)


class InternS1ProModel(InternS1ProPreTrainedModel):
    """The language model without its head."""

    def __init__(self, config: InternS1ProConfig) -> None:
        super().__init__(config)
        text = config.get_text_config()
        text._attn_implementation = (
            config._attn_implementation
        )  # which the library sets on a model's own only
        self.language_model = TextModel(TextConfig.from_huggingface(text.to_dict()))
        for part in self.language_model.modules():
            if isinstance(part, Attention):
                part.config = text
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        """Return the token embedding."""
        return self.language_model.embed_tokens

    def set_input_embeddings(self, value: Any) -> None:
        """Replace the token embedding."""
        self.language_model.embed_tokens = value

    def states(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Any = None,
        inputs_embeds: Tensor | None = None,
        use_cache: bool | None = None,
        routed_experts: Tensor | None = None,
        **kwargs: Any,
    ) -> tuple[Decoded, Any]:
        """Return hidden states with the routing, and the cache. `routed_experts` as in `TextModel`."""
        text = self.config.get_text_config()
        if use_cache is None:
            use_cache = text.use_cache and not self.training
        if use_cache and past_key_values is None:
            past_key_values = DynamicCache(config=text)
        if inputs_embeds is None:
            inputs_embeds = self.language_model.embed_tokens(input_ids)
        if position_ids is None:
            past = 0 if past_key_values is None else past_key_values.get_seq_length()
            position_ids = torch.arange(past, past + inputs_embeds.shape[1], device=inputs_embeds.device)[
                None
            ]
        mask = create_causal_mask(
            config=text,
            inputs_embeds=inputs_embeds,
            attention_mask=attention_mask,
            past_key_values=past_key_values,
            position_ids=position_ids,
        )
        decoded = self.language_model(
            inputs_embeds=inputs_embeds,
            position_ids=position_ids,
            cache=past_key_values,
            routed_experts=routed_experts,
            attention_mask=mask,
            attention_function=ALL_ATTENTION_FUNCTIONS.get_interface(
                text._attn_implementation, eager_attention
            ),
        )
        return decoded, past_key_values

    @capture_outputs
    def forward(self, input_ids: Tensor | None = None, **inputs: Any) -> MoeModelOutputWithPast:
        """Return the last hidden states and the cache; inputs as for Hugging Face's decoders."""
        decoded, cache = self.states(input_ids, **inputs)
        return MoeModelOutputWithPast(last_hidden_state=decoded.states, past_key_values=cache)


class InternS1ProForConditionalGeneration(InternS1ProPreTrainedModel, GenerationMixin):
    """The language model with its head."""

    def __init__(self, config: InternS1ProConfig) -> None:
        super().__init__(config)
        text = config.get_text_config()
        self.model = InternS1ProModel(config)
        self.lm_head = nn.Linear(text.hidden_size, text.vocab_size, bias=False)
        self.post_init()

    @classmethod
    def from_released(
        cls, folder: Path, *, device: torch.device | str = "cpu", dtype: torch.dtype = torch.bfloat16
    ) -> InternS1ProForConditionalGeneration:
        """Read a released checkpoint tensor by tensor, dequantising block FP8; errors are `load_released`'s."""
        config = AutoConfig.from_pretrained(folder)
        if hasattr(config, "quantization_config"):
            del config.quantization_config  # the weights in memory are not quantised
        with torch.device("meta"):
            model = cls(config)
        load_released(model, folder, device=device, dtype=dtype)
        if (folder / "generation_config.json").is_file():
            model.generation_config = GenerationConfig.from_pretrained(folder)
        return model.eval()

    @capture_outputs
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Any = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        use_cache: bool | None = None,
        output_router_logits: bool | None = None,
        logits_to_keep: int | Tensor = 0,
        routed_experts: Tensor | None = None,
        **kwargs: Any,
    ) -> MoeCausalLMOutputWithPast:
        """Return logits, the cache, and, with `labels` [batch, tokens] (−100: not counted), the loss.

        With `output_router_logits` the load-balancing loss, which counts the choice that was made, is `aux_loss`, and
        `router_aux_loss_coef` times it is in the loss.
        """
        (states, routings), cache = self.model.states(
            input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            use_cache=use_cache,
            routed_experts=routed_experts,
        )
        kept = slice(-logits_to_keep, None) if isinstance(logits_to_keep, int) else logits_to_keep
        text = self.model.language_model.text_config
        logits = head_logits(self.lm_head, states[:, kept], float32=text.float32_head)
        loss = aux_loss = None
        if labels is not None:
            loss = self.loss_function(logits=logits, labels=labels, vocab_size=text.vocab_size, **kwargs)
        if output_router_logits and routings:
            real = attention_mask if attention_mask is not None and attention_mask.ndim == 2 else None
            if real is not None:
                real = real[:, -states.shape[1] :]
            aux_loss = router_loss(routings, balance=1.0, mask=real)
            loss = None if loss is None else loss + text.router_aux_loss_coef * aux_loss
        return MoeCausalLMOutputWithPast(loss=loss, aux_loss=aux_loss, logits=logits, past_key_values=cache)

    def prepare_inputs_for_generation(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Let positions count from the cache, padding included, as the release does."""
        library: Any = super()
        inputs: dict[str, Any] = library.prepare_inputs_for_generation(*args, **kwargs)
        inputs["position_ids"] = None
        return inputs


class InternS1Model(InternS1ProModel):
    """The same for Intern-S1 and Intern-S1-mini."""

    config_class = InternS1Config


class InternS1ForConditionalGeneration(InternS1ProForConditionalGeneration):
    """The same for Intern-S1 and Intern-S1-mini."""

    config_class = InternS1Config


def fuse_experts() -> list[WeightConverter | WeightRenaming]:
    """Return how the library makes a layer's fused experts of the released tensors, and back."""
    return [
        WeightConverter(
            source_patterns=["mlp.experts.*.gate_proj.weight", "mlp.experts.*.up_proj.weight"],
            target_patterns="mlp.experts.gate_up_proj",
            operations=[MergeModulelist(dim=0), Concatenate(dim=1)],
        ),
        WeightConverter(
            source_patterns="mlp.experts.*.down_proj.weight",
            target_patterns="mlp.experts.down_proj",
            operations=[MergeModulelist(dim=0)],
        ),
    ]


def register() -> None:
    """Make the Auto classes know the family; doing it again changes nothing."""
    for config, base, head in (
        (InternS1ProConfig, InternS1ProModel, InternS1ProForConditionalGeneration),
        (InternS1Config, InternS1Model, InternS1ForConditionalGeneration),
    ):
        AutoConfig.register(config.model_type, config, exist_ok=True)
        AutoModel.register(config, base, exist_ok=True)
        AutoModelForCausalLM.register(config, head, exist_ok=True)
        register_checkpoint_conversion_mapping(config.model_type, fuse_experts(), overwrite=True)


register()
