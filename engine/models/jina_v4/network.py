"""Token ids and pixels go in; the hidden state and the multi-vector of every token come out, from one pass."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import Any

import torch
from accelerate import init_empty_weights
from peft import LoraConfig, PeftModel
from torch import Tensor, nn
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLModel

from ...errors import UsageError
from ..device import free_bytes
from .checkpoint import Checkpoint
from .weights import read_tensors

LORA_SETTINGS = ("r", "lora_alpha", "target_modules", "exclude_modules", "use_rslora", "rank_pattern", "alpha_pattern")
NOT_THE_MODEL = ("architectures", "auto_map", "model_type", "torch_dtype", "dtype", "quantization_config")
"""Settings in config.json that say how somebody else loads it."""
NAMES_SHOWN = 4
SPARE = 1.1
"""Memory that is asked for, relative to the weights."""


class JinaV4Network(nn.Module):
    """Qwen2.5-VL without its head that generates text, and the projector of multi-vectors."""

    def __init__(self, config: Qwen2_5_VLConfig, hidden_dim: int, projector_dim: int) -> None:
        super().__init__()
        self.vlm = Qwen2_5_VLModel(config)
        self.multi_vector_projector = nn.Linear(hidden_dim, projector_dim)

    def forward(
        self, input_ids: Tensor, position_ids: Tensor, pixel_values: Tensor | None, image_grid_thw: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """`input_ids` (B, T), `position_ids` (3, B, T), the patches of all pictures (P, 1176) and their grids (I, 3).

        Returns (B, T, H) after the last norm and (B, T, D), neither of unit length. Rows are filled up at their ends:
        attention is causal, so tokens do not see what is behind them, and no mask is needed.
        """
        hidden = self.vlm(
            input_ids=input_ids,
            position_ids=position_ids,
            pixel_values=pixel_values,
            image_grid_thw=image_grid_thw,
            use_cache=False,
        ).last_hidden_state
        return hidden, self.multi_vector_projector(hidden)


def load(checkpoint: Checkpoint, device: torch.device, dtype: torch.dtype) -> PeftModel:
    """The network with one adapter a task, its weights on `device` as `dtype`.

    Raises UsageError that names tensors which are missing, left over or of another shape, and when memory is short.
    """
    config = network_config(checkpoint)
    with init_empty_weights(include_buffers=False):
        network = JinaV4Network(config, checkpoint.single_dims[-1], checkpoint.projector_dim)
    base = dict(network.state_dict())
    model = with_adapters(network, checkpoint)
    adapters = {name: tensor for name, tensor in network.state_dict().items() if ".lora_" in name}
    check_tensors(checkpoint, base | adapters)
    check_memory(checkpoint, device, dtype)
    # peft keeps an adapted layer's own weights under `base_layer`.
    placed = {name.replace(".base_layer.", "."): name for name in network.state_dict()}
    try:
        state = {placed[name]: tensor for name, tensor in read_tensors(checkpoint.tensors, device, dtype)}
    except (MemoryError, torch.OutOfMemoryError) as err:
        raise UsageError(f"{checkpoint.folder}: the memory of {device.type} was used up while it was loaded") from err
    network.load_state_dict(state, assign=True)
    network.to(device)  # what is computed and not stored, such as the frequencies of positions
    return model.requires_grad_(False).eval()


def network_config(checkpoint: Checkpoint) -> Qwen2_5_VLConfig:
    """The settings of the stock network, with the fastest attention that is installed."""
    given = {key: value for key, value in checkpoint.config.items() if key not in NOT_THE_MODEL}
    try:
        config = Qwen2_5_VLConfig.from_dict(given)
    except (TypeError, ValueError, KeyError) as err:
        raise UsageError(f"{checkpoint.folder}: config.json does not describe the network: {err}") from err
    config._attn_implementation = attention()
    return config


def attention() -> str:
    """FlashAttention 2 where it is installed beside a GPU, else what torch has."""
    found = torch.cuda.is_available() and importlib.util.find_spec("flash_attn") is not None
    return "flash_attention_2" if found else "sdpa"


def with_adapters(network: JinaV4Network, checkpoint: Checkpoint) -> PeftModel:
    """Each adapted layer gets one pair of matrices a task, without values yet."""
    given: Mapping[str, Any] = checkpoint.adapter_config
    settings = {key: given[key] for key in LORA_SETTINGS if given.get(key) is not None}
    first, *others = checkpoint.tasks
    model = PeftModel(
        network, LoraConfig(**settings), adapter_name=first, autocast_adapter_dtype=False, low_cpu_mem_usage=True
    )
    for task in others:
        model.add_adapter(task, LoraConfig(**settings), low_cpu_mem_usage=True)
    return model


def check_tensors(checkpoint: Checkpoint, wanted: Mapping[str, Tensor]) -> None:
    """Raise UsageError unless the checkpoint holds exactly the tensors `wanted`, each of its shape."""
    there = checkpoint.tensors
    problems = [
        *told("missing", sorted(wanted.keys() - there.keys())),
        *told("not expected", [there[name].key for name in sorted(there.keys() - wanted.keys())]),
        *told(
            "of another shape",
            [
                f"{there[name].key} {list(there[name].shape)} instead of {list(wanted[name].shape)}"
                for name in sorted(wanted.keys() & there.keys())
                if there[name].shape != tuple(wanted[name].shape)
            ],
        ),
    ]
    if problems:
        raise UsageError(f"{checkpoint.folder}: tensors do not fit config.json: {'; '.join(problems)}")


def told(what: str, names: list[str]) -> list[str]:
    """One clause about tensors, or none."""
    if not names:
        return []
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return [f"{len(names)} {what} ({', '.join(names[:NAMES_SHOWN])}{more})"]


def check_memory(checkpoint: Checkpoint, device: torch.device, dtype: torch.dtype) -> None:
    """Raise UsageError when the weights do not fit into what is free on the device."""
    needed, free = int(checkpoint.parameters * dtype.itemsize * SPARE), free_bytes(device)
    if free is not None and needed > free:
        raise UsageError(
            f"{checkpoint.folder}: needs {needed / 1e9:.1f} GB on {device.type} as "
            f"{str(dtype).removeprefix('torch.')}, "
            f"{free / 1e9:.1f} GB are free; stop other programs, or use a larger machine or the model 'pixel'"
        )
