"""Fine-tuning of jina-embeddings-v4: the LoRA adapter of one task is trained, everything else is frozen.

The adapter is in float32; the base is in bfloat16 on devices that compute in it. The result is a folder in the
published layout, in which the base's weights are links. LoRA: Hu et al., "LoRA: Low-Rank Adaptation of Large Language
Models", 2021.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ...engine.errors import UsageError
from ...engine.models.encoder import EncoderSpec
from ...engine.models.jina_v4 import batching, checkpoint
from ...engine.models.jina_v4.encoder import JinaV4
from ...engine.models.jina_v4.forward import forward
from ...engine.models.jina_v4.inputs import Item
from ...engine.records import U8
from .trainee import Vectors

LEARNING_RATE, TEMPERATURE = 1e-4, 0.02
CHUNK_TOKENS = {"cuda": 8448, "cpu": 2048}
"""Tokens embedded with gradients at a time, by device: memory holds one layer's activations and all layers' inputs."""
LORA_MARK = ".lora_"
"""Part of the name of every adapter weight."""
SMALL_FILES = (checkpoint.CONFIG, checkpoint.TOKENIZER, checkpoint.PREPROCESSOR, checkpoint.INDEX)
BASE_WEIGHTS = checkpoint.WEIGHTS[0]


class JinaV4Trainee:
    """The network with one trainable adapter; activations are recomputed in the backward pass instead of stored."""

    learning_rate, temperature, has_floor = LEARNING_RATE, TEMPERATURE, False

    def __init__(self, encoder: JinaV4, *, chunk_tokens: int | None = None) -> None:
        self.encoder = encoder
        self.device = encoder.device
        self.dims = encoder.checkpoint.single_dims
        self._chunk_tokens = chunk_tokens or CHUNK_TOKENS[encoder.device.type]
        self._network = encoder.network
        self._network.set_adapter(encoder.settings.task)
        found: dict[str, nn.Parameter] = {}
        for name, parameter in self._network.named_parameters():
            parameter.requires_grad_(LORA_MARK in name and f".{encoder.settings.task}." in name)
            if parameter.requires_grad:
                parameter.data = parameter.data.float()
                found[checkpoint.network_name(name)] = parameter
        self.parameters: Mapping[str, nn.Parameter] = found
        enable_activation_checkpointing(self._network.get_base_model().vlm)
        self._network.train()

    @staticmethod
    def open(name: str, *, device: str = "auto", dtype: str = "auto", chunk_tokens: int | None = None) -> JinaV4Trainee:
        """Open the checkpoint `name`; its `task` setting chooses the adapter to train."""
        return JinaV4Trainee(JinaV4.open(name, device=device, dtype=dtype), chunk_tokens=chunk_tokens)

    @property
    def spec(self) -> EncoderSpec:
        return self.encoder.spec

    def read_query(self, text: str) -> Item:
        """The tokens of a question with its prefix."""
        if not text.strip():
            raise UsageError(f"the query {text!r} has nothing to search for")
        return self.encoder.processor.text(text, "query", self.encoder.settings.task)

    def read_page(self, pixels: U8) -> Item:
        """The tokens and patches of a page in its prompt."""
        return self.encoder.processor.picture(pixels)

    def read_text(self, text: str) -> Item:
        """The tokens of a passage with its prefix."""
        if not text.strip():
            raise UsageError("a passage is blank")
        return self.encoder.processor.text(text, "passage", self.encoder.settings.task)

    def embed(self, inputs: Sequence[Item]) -> Iterator[tuple[Sequence[int], list[Vectors]]]:
        """Yield vectors in batches of similar length; a page has the tokens that the `tokens` setting keeps."""
        batches = batching.pack([len(item) for item in inputs], self._chunk_tokens)
        for batch, patches in self.encoder.prefetch(batches, inputs):
            items = [inputs[i] for i in batch]
            means, multi = forward(self._network, items, patches, self.device)
            yield batch, [self._vectors(item, multi[row], means[row]) for row, item in enumerate(items)]

    def _vectors(self, item: Item, multi: Tensor, mean: Tensor) -> Vectors:
        only_vision = item.pixels is not None and self.encoder.settings.tokens == "vision"
        kept = multi[slice(*item.image_span)] if only_vision else multi[: len(item)]
        return Vectors(kept, torch.full((len(kept),), 1 / len(kept), device=self.device), mean)

    def match(self, similarities: Tensor) -> Tensor:
        """The cosines themselves: this model has no floor or ceiling."""
        return similarities

    def save(self, folder: Path) -> None:
        """Write the checkpoint: the base's weights as links if the file system allows, all adapters in one file."""
        source = self.encoder.checkpoint
        for name in SMALL_FILES:
            if (source.folder / name).is_file():
                shutil.copyfile(source.folder / name, folder / name)
        for file in sorted(source.folder.glob(BASE_WEIGHTS)):
            link_or_copy(file.resolve(), folder / file.name)
        (folder / checkpoint.ADAPTERS).mkdir()
        shutil.copyfile(source.folder / checkpoint.ADAPTER_CONFIG, folder / checkpoint.ADAPTER_CONFIG)
        learned = {name: parameter.detach().cpu().contiguous() for name, parameter in self.parameters.items()}
        tensors: dict[str, Tensor] = {}
        for name, stored in source.tensors.items():
            if LORA_MARK not in name:
                continue
            if name in learned:
                tensors[stored.key] = learned[name]
            else:
                with safe_open(stored.file, framework="pt") as opened:
                    tensors[stored.key] = opened.get_tensor(stored.key)
        save_file(tensors, folder / checkpoint.ADAPTERS / "adapter_model.safetensors", metadata={"format": "pt"})


def enable_activation_checkpointing(vlm: Any) -> None:
    """Keep only the inputs of the network's layers, and recompute their activations in the backward pass.

    Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016.
    """
    # transformers 5.23 renamed the method, and warns about the old name.
    enable = getattr(vlm, "activation_checkpointing_enable", None) or vlm.gradient_checkpointing_enable
    enable({"use_reentrant": False})


def link_or_copy(file: Path, link: Path) -> None:
    """Create `link` as a hard link to `file`; failing that a symbolic link; failing that a copy."""
    for way in (os.link, os.symlink):
        try:
            way(file, link)
        except OSError:
            continue
        return
    shutil.copyfile(file, link)
