"""The network of jina-embeddings-v4: stock Qwen2.5-VL, the multi-vector projector, and a LoRA adapter for each task."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from accelerate import init_empty_weights
from peft import LoraConfig, PeftModel
from torch import Tensor, nn
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLModel

from ...errors import UsageError
from ..device import free_bytes
from . import vision
from .checkpoint import Checkpoint
from .weights import read_tensors

LORA_SETTINGS = ("r", "lora_alpha", "target_modules", "exclude_modules", "use_rslora", "rank_pattern", "alpha_pattern")
LOADER_SETTINGS = ("architectures", "auto_map", "model_type", "torch_dtype", "dtype", "quantization_config")
"""Settings in config.json that say how transformers loads the published model, not what the network is."""
NAMES_SHOWN = 4
"""Tensors that an error message names, at most."""
MEMORY_MARGIN = 1.1
"""Memory that must be free, as a multiple of the weights."""


class JinaV4Network(nn.Module):
    """Qwen2.5-VL without its language-model head, and the linear layer that projects to multi-vectors."""

    def __init__(self, config: Qwen2_5_VLConfig, hidden_dim: int, projector_dim: int) -> None:
        super().__init__()
        self.vlm = Qwen2_5_VLModel(config)
        vision.prepare(self.vlm.visual)
        self.multi_vector_projector = nn.Linear(hidden_dim, projector_dim)

    def forward(
        self,
        input_ids: Tensor,
        position_ids: Tensor,
        patches: Tensor | None,
        grids: Sequence[vision.Grid] = (),
        image_tokens: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Hidden states (B, T, H) after the last norm, and multi-vectors (B, T, D); neither of unit length.

        `input_ids` (B, T) and `position_ids` (3, B, T) are padded at the end. `patches` (P, 1176) are those of all
        images, whose rows and columns are `grids`; `image_tokens` (P / 4,) int64 are the places among the B * T tokens
        that stand for them. Attention is causal, so no token sees the padding after it, and no mask is needed.
        """
        embedded = self.vlm.get_input_embeddings()(input_ids)
        if patches is not None:
            assert image_tokens is not None, "images have tokens"
            seen = vision.features(self.vlm.visual, patches, grids).to(embedded.dtype)
            flat = embedded.flatten(0, 1)
            embedded = flat.index_copy(0, image_tokens, seen).view_as(embedded)
        text: Any = self.vlm.language_model
        hidden = text(inputs_embeds=embedded, position_ids=position_ids, use_cache=False).last_hidden_state
        return hidden, self.multi_vector_projector(hidden)


def load(checkpoint: Checkpoint, device: torch.device, dtype: torch.dtype) -> PeftModel:
    """The network with one adapter for each task, its weights on `device` as `dtype`.

    Raises UsageError, which names them, for tensors that are missing, unexpected or of another shape, and if there is
    too little memory.
    """
    config = network_config(checkpoint)
    with init_empty_weights(include_buffers=False):
        network = JinaV4Network(config, checkpoint.single_dims[-1], checkpoint.projector_dim)
    base = dict(network.state_dict())
    model = with_adapters(network, checkpoint)
    adapters = {name: tensor for name, tensor in network.state_dict().items() if ".lora_" in name}
    check_tensors(checkpoint, base | adapters)
    check_memory(checkpoint, device, dtype)
    # peft moves the weights of an adapted layer to `base_layer`.
    peft_names = {name.replace(".base_layer.", "."): name for name in network.state_dict()}
    try:
        state = {peft_names[name]: tensor for name, tensor in read_tensors(checkpoint.tensors, device, dtype)}
    except (MemoryError, torch.OutOfMemoryError) as err:
        raise UsageError(f"{checkpoint.folder}: the memory of {device.type} ran out while loading it") from err
    network.load_state_dict(state, assign=True)
    network.to(device)  # buffers that are computed rather than stored, such as rotary frequencies
    return model.requires_grad_(False).eval()


def text_layers(network: PeftModel) -> nn.ModuleList:
    """The layers of the language model: four fifths of the arithmetic of a page."""
    base: Any = network.get_base_model()
    layers: nn.ModuleList = base.vlm.language_model.layers
    return layers


def network_config(checkpoint: Checkpoint) -> Qwen2_5_VLConfig:
    """The configuration of the stock network, its text side with the fastest attention that is installed."""
    given = {key: value for key, value in checkpoint.config.items() if key not in LOADER_SETTINGS}
    try:
        config = Qwen2_5_VLConfig.from_dict(given)
    except (TypeError, ValueError, KeyError) as err:
        raise UsageError(f"{checkpoint.folder}: config.json does not describe the network: {err}") from err
    config._attn_implementation = attention_implementation()
    return config


def attention_implementation() -> str:
    """FlashAttention 2 if it is installed and there is a GPU, else torch's own."""
    found = torch.cuda.is_available() and importlib.util.find_spec("flash_attn") is not None
    return "flash_attention_2" if found else "sdpa"


def with_adapters(network: JinaV4Network, checkpoint: Checkpoint) -> PeftModel:
    """`network` with LoRA adapters: a pair of matrices per task, without values yet, in each layer that is adapted."""
    given: Mapping[str, Any] = checkpoint.adapter_config
    settings = {key: given[key] for key in LORA_SETTINGS if given.get(key) is not None}
    first, *others = checkpoint.tasks
    model = PeftModel(
        network, LoraConfig(**settings), adapter_name=first, autocast_adapter_dtype=False, low_cpu_mem_usage=True
    )
    for task in others:
        model.add_adapter(task, LoraConfig(**settings), low_cpu_mem_usage=True)
    return model


def check_tensors(checkpoint: Checkpoint, expected: Mapping[str, Tensor]) -> None:
    """Raise UsageError unless the checkpoint holds exactly the tensors `expected`, with their shapes."""
    stored = checkpoint.tensors
    problems = [
        *problem("missing", sorted(expected.keys() - stored.keys())),
        *problem("not expected", [stored[name].key for name in sorted(stored.keys() - expected.keys())]),
        *problem(
            "of another shape",
            [
                f"{stored[name].key} {list(stored[name].shape)} instead of {list(expected[name].shape)}"
                for name in sorted(expected.keys() & stored.keys())
                if stored[name].shape != tuple(expected[name].shape)
            ],
        ),
    ]
    if problems:
        raise UsageError(f"{checkpoint.folder}: tensors do not match config.json: {'; '.join(problems)}")


def problem(what: str, names: list[str]) -> list[str]:
    """A list with one clause about the tensors `names`; an empty list if there are none."""
    if not names:
        return []
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return [f"{len(names)} {what} ({', '.join(names[:NAMES_SHOWN])}{more})"]


def check_memory(checkpoint: Checkpoint, device: torch.device, dtype: torch.dtype) -> None:
    """Raise UsageError if the weights do not fit into the free memory of the device."""
    needed, free = int(checkpoint.parameters * dtype.itemsize * MEMORY_MARGIN), free_bytes(device)
    if free is not None and needed > free:
        raise UsageError(
            f"{checkpoint.folder}: needs {needed / 1e9:.1f} GB on {device.type} as "
            f"{str(dtype).removeprefix('torch.')}, but only {free / 1e9:.1f} GB are free; "
            "stop other programs, use a larger machine, or use the model 'pixel'"
        )
