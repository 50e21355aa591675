"""A checkpoint of jina-embeddings-v4 goes in, to learn; a folder in the same layout comes out, its weights shared.

Only the adapter of one task learns (the base and the other adapters stay as they are), in float32 over a base in
bfloat16 where the device computes in it.
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
"""Tokens that learn together: the activations of one layer, and the inputs of all, are in memory at a time."""
LAYERS_KEPT = ".lora_"
SMALL_FILES = (checkpoint.CONFIG, checkpoint.TOKENIZER, checkpoint.PREPROCESSOR, checkpoint.INDEX)
BASE_WEIGHTS = checkpoint.WEIGHTS[0]


class JinaV4Trainee:
    """The network with one adapter that learns; layers are computed again on the way back instead of kept."""

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
            parameter.requires_grad_(LAYERS_KEPT in name and f".{encoder.settings.task}." in name)
            if parameter.requires_grad:
                parameter.data = parameter.data.float()
                found[checkpoint.own_name(name)] = parameter
        self.parameters: Mapping[str, nn.Parameter] = found
        compute_layers_again(self._network.get_base_model().vlm)
        self._network.train()

    @staticmethod
    def open(name: str, *, device: str = "auto", dtype: str = "auto", chunk_tokens: int | None = None) -> JinaV4Trainee:
        """Open the checkpoint `name`; the task among its settings is the adapter that learns."""
        return JinaV4Trainee(JinaV4.open(name, device=device, dtype=dtype), chunk_tokens=chunk_tokens)

    @property
    def spec(self) -> EncoderSpec:
        return self.encoder.spec

    def read_query(self, text: str) -> Item:
        """A question behind its prefix."""
        if not text.strip():
            raise UsageError(f"the query {text!r} has nothing to search for")
        return self.encoder.reader.text(text, "query", self.encoder.settings.task)

    def read_page(self, pixels: U8) -> Item:
        """A page in its prompt."""
        return self.encoder.reader.picture(pixels)

    def embed(self, inputs: Sequence[Item]) -> Iterator[tuple[Sequence[int], list[Vectors]]]:
        """Yield vectors in batches of like length; pages have the tokens that the settings keep."""
        batches = batching.pack([len(item) for item in inputs], self._chunk_tokens)
        for batch, patches in self.encoder.prepared(batches, inputs):
            items = [inputs[i] for i in batch]
            means, multi = forward(self._network, items, patches, self.device)
            yield batch, [self._vectors(item, multi[row], means[row]) for row, item in enumerate(items)]

    def _vectors(self, item: Item, multi: Tensor, mean: Tensor) -> Vectors:
        only_vision = item.pixels is not None and self.encoder.settings.tokens == "vision"
        kept = multi[slice(*item.patches)] if only_vision else multi[: len(item)]
        return Vectors(kept, torch.full((len(kept),), 1 / len(kept), device=self.device), mean)

    def match(self, similarities: Tensor) -> Tensor:
        """Cosines count as they are."""
        return similarities

    def save(self, folder: Path) -> None:
        """Write the checkpoint: the base's weights as links where the disk can, every adapter in one file."""
        source = self.encoder.checkpoint
        for name in SMALL_FILES:
            if (source.folder / name).is_file():
                shutil.copyfile(source.folder / name, folder / name)
        for file in sorted(source.folder.glob(BASE_WEIGHTS)):
            share(file.resolve(), folder / file.name)
        (folder / checkpoint.ADAPTERS).mkdir()
        shutil.copyfile(source.folder / checkpoint.ADAPTER_CONFIG, folder / checkpoint.ADAPTER_CONFIG)
        learned = {name: parameter.detach().cpu().contiguous() for name, parameter in self.parameters.items()}
        tensors: dict[str, Tensor] = {}
        for name, stored in source.tensors.items():
            if LAYERS_KEPT not in name:
                continue
            if name in learned:
                tensors[stored.key] = learned[name]
            else:
                with safe_open(stored.file, framework="pt") as opened:
                    tensors[stored.key] = opened.get_tensor(stored.key)
        save_file(tensors, folder / checkpoint.ADAPTERS / "adapter_model.safetensors", metadata={"format": "pt"})


def compute_layers_again(vlm: Any) -> None:
    """Let a network keep the inputs of its layers only, and compute what is inside again on the way back."""
    # transformers 5.23 renamed it, and warns of the old name.
    enable = getattr(vlm, "activation_checkpointing_enable", None) or vlm.gradient_checkpointing_enable
    enable({"use_reentrant": False})


def share(file: Path, link: Path) -> None:
    """Give a file a second place: a hard link, else a symbolic one, else a copy."""
    for way in (os.link, os.symlink):
        try:
            way(file, link)
        except OSError:
            continue
        return
    shutil.copyfile(file, link)
