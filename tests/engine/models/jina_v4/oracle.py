"""A slow reference of jina-embeddings-v4, from its published description: one item at a time, adapters merged."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLModel
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

PROMPT = "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Describe the image.<|im_end|>\n"


@cache
def merged(folder: Path, task: str) -> tuple[Qwen2_5_VLModel, Tensor, Tensor]:
    """The stock network, and the projector's weight and bias; adapted W replaced by W + B A alpha / r (LoRA)."""
    config = json.loads((folder / "config.json").read_text("utf-8"))
    stored: dict[str, Tensor] = {}
    for file in folder.glob("model*.safetensors"):
        stored |= {key: value.float() for key, value in load_file(file).items()}
    lora = json.loads((folder / "adapters/adapter_config.json").read_text("utf-8"))
    pairs = {key: value.float() for key, value in load_file(folder / "adapters/adapter_model.safetensors").items()}
    own = {key.removeprefix("model.").replace("language_model.", ""): value for key, value in stored.items()}
    for key, a in pairs.items():
        if f".lora_A.{task}." in key:
            layer = key.removeprefix("base_model.model.").split(".lora_A.")[0]
            name = layer.removeprefix("model.language_model.") + ".weight"
            b = pairs[key.replace("lora_A", "lora_B")]
            own[name] = own[name] + b @ a * (lora["lora_alpha"] / lora["r"])
    projector = own.pop("multi_vector_projector.weight"), own.pop("multi_vector_projector.bias")
    network = Qwen2_5_VLModel(
        Qwen2_5_VLConfig.from_dict({k: v for k, v in config.items() if k != "architectures"})
    ).float()
    network.load_state_dict({k if k.startswith("visual.") else f"language_model.{k}": v for k, v in own.items()})
    return network.eval(), *projector


def text(folder: Path, words: str, task: str, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """A text with its prefix, `words`, to a multi-vector (T, D) and a single vector (dim,)."""
    network, weight, bias = merged(folder, task)
    ids = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(words).ids
    with torch.no_grad():
        hidden = network(input_ids=torch.tensor([ids])).last_hidden_state[0]
    return unit(hidden @ weight.T + bias), unit(hidden.mean(0)[:dim])


def picture(folder: Path, pixels: np.ndarray, task: str, dim: int, max_pixels: int) -> tuple[np.ndarray, np.ndarray]:
    """An image (H, W, 3) to a multi-vector of 11 + h w / 4 tokens and a single vector."""
    network, weight, bias = merged(folder, task)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    processor = Qwen2VLImageProcessorPil(size={"shortest_edge": 3136, "longest_edge": max_pixels})
    read = processor(pixels, return_tensors="pt", input_data_format="channels_last")
    grid = read["image_grid_thw"]
    pads = int(grid[0].prod()) // 4
    ids = torch.tensor([tokenizer.encode(PROMPT.replace("<|image_pad|>", "<|image_pad|>" * pads)).ids])
    pad, start, end = (tokenizer.token_to_id(f"<|{name}|>") for name in ("image_pad", "vision_start", "vision_end"))
    with torch.no_grad():
        hidden = network(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            pixel_values=read["pixel_values"],
            image_grid_thw=grid,
            mm_token_type_ids=(ids == pad).int(),
        ).last_hidden_state[0]
    first, last = (ids[0].tolist().index(token) for token in (start, end))
    return unit(hidden @ weight.T + bias), unit(hidden[first : last + 1].mean(0)[:dim])


def unit(values: Tensor) -> np.ndarray:
    return (values / values.norm(dim=-1, keepdim=True)).numpy()
