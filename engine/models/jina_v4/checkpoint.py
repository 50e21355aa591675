"""Checkpoints of jina-embeddings-v4 in the published layout: their settings, and where in the files each tensor lies.

    config.json, tokenizer.json, preprocessor_config.json
    model.safetensors, or shards and model.safetensors.index.json
    adapters/adapter_config.json, adapters/adapter_model.safetensors     all tasks in one file

Reads headers only, without torch.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

from ...errors import UsageError
from . import spec

CONFIG = "config.json"
TOKENIZER = "tokenizer.json"
PREPROCESSOR = "preprocessor_config.json"
ADAPTERS = "adapters"
ADAPTER_CONFIG = f"{ADAPTERS}/adapter_config.json"
WEIGHTS = ("model*.safetensors", f"{ADAPTERS}/*.safetensors")
INDEX = "model.safetensors.index.json"
FILES = (CONFIG, TOKENIZER, PREPROCESSOR, INDEX, "*.safetensors", f"{ADAPTERS}/*")
"""Patterns of the files that are read, and downloaded."""
HEADER_MAX_BYTES = 100 << 20
SAMPLE_BYTES = 4096
"""Bytes at the start of each tensor that count towards the revision: training changes all of a tensor or none of it."""
NAME_PATTERNS = (
    (re.compile(r"^base_model\.model\."), ""),
    (re.compile(r"^(?:model\.)?visual\."), "vlm.visual."),
    (re.compile(r"^model\.(?:language_model\.)?"), "vlm.language_model."),
)
"""Substitutions from tensor names in files, in both styles that are in use, to those in `network.JinaV4Network`."""
UNUSED_TENSOR = "lm_head.weight"
"""The head that generates text, which some exports include."""


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """Where a tensor lies: its `key` and `shape` in `file`, its first byte `start`, and its `size` in bytes."""

    file: Path
    key: str
    shape: tuple[int, ...]
    start: int
    size: int


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint: `config` and `adapter_config` as they are in the files, and `tensors` by their network names."""

    folder: Path
    config: Mapping[str, Any]
    adapter_config: Mapping[str, Any]
    tensors: Mapping[str, StoredTensor]

    @property
    def parameters(self) -> int:
        return sum(prod(tensor.shape) for tensor in self.tensors.values())

    @property
    def projector_dim(self) -> int:
        """The dimension of the multi-vectors."""
        return int(self.config.get("multi_vector_projector_dim", 128))

    @property
    def tasks(self) -> tuple[str, ...]:
        return tuple(self.config.get("task_names", spec.TASKS))

    @property
    def single_dims(self) -> tuple[int, ...]:
        """The dimensions to which single vectors may be truncated (Matryoshka), ascending."""
        whole = int((self.config.get("text_config") or self.config)["hidden_size"])
        return tuple(sorted({int(dim) for dim in self.config.get("matryoshka_dims", ())} | {whole}))

    @cached_property
    def revision(self) -> str:
        """A hash of 16 hex digits over the settings, the tokenizer, and each tensor's name, shape and first bytes."""
        digest = hashlib.sha256()
        for name in (CONFIG, TOKENIZER, PREPROCESSOR, ADAPTER_CONFIG):
            file = self.folder / name
            digest.update(hashlib.sha256(file.read_bytes() if file.is_file() else b"").digest())
        for part in tensor_digests(self.tensors):
            digest.update(part)
        return digest.hexdigest()[:16]


def read(folder: Path) -> Checkpoint:
    """Read the headers of a checkpoint. Raises UsageError if a file is missing, or it is another model's."""
    check_folder(folder)
    if not (folder / CONFIG).is_file():
        raise UsageError(f"{folder}: not a model ({CONFIG} is missing)")
    config = read_json(folder / CONFIG)
    if spec.ARCHITECTURE not in (found := architectures(config) or ["unknown"]):
        raise UsageError(f"{folder}: holds a {', '.join(found)}; docsearch opens {spec.ARCHITECTURE} from folders")
    adapter_config = read_json(folder / ADAPTER_CONFIG)
    if not (folder / TOKENIZER).is_file():
        raise UsageError(f"{folder}: {TOKENIZER} is missing; copy the whole repository of the model")
    files = sorted(file for pattern in WEIGHTS for file in folder.glob(pattern))
    if (folder / INDEX).is_file() and (absent := sorted(shards(folder / INDEX) - {file.name for file in files})):
        raise UsageError(f"{folder}: {', '.join(absent)} missing; copy the whole repository of the model")
    tensors: dict[str, StoredTensor] = {}
    for file in files:
        for stored in read_header(file):
            name = network_name(stored.key)
            if name in tensors:
                raise UsageError(
                    f"{folder}: tensor {stored.key} is in two files: {tensors[name].file.name} and {file.name}"
                )
            if name != UNUSED_TENSOR:
                tensors[name] = stored
    return Checkpoint(folder, config, adapter_config, tensors)


def check_folder(folder: Path) -> None:
    """Raise UsageError unless the folder of a model is there, and this user may read it and all its files."""
    if folder.is_file():
        raise UsageError(f"{folder}: a file; a model is the folder of a checkpoint, with {CONFIG} and all its files")
    if not folder.is_dir():
        raise UsageError(
            f"{folder}: no such folder; a model is a name listed by 'docsearch models', an id on the hub or "
            "the folder of a checkpoint, which must not be moved"
        )
    for path in (folder, *folder.rglob("*")):
        if not os.access(path, os.R_OK | os.X_OK if path.is_dir() else os.R_OK):
            raise UsageError(f"{path}: this user may not read it; change its permissions ('chmod -R a+rX {folder}')")


def architectures(config: Mapping[str, Any]) -> list[str]:
    """The names of the networks that a configuration is for, none if it says nothing of them."""
    named = config.get("architectures") or []
    return [named] if isinstance(named, str) else [str(name) for name in named]


def shards(index: Path) -> set[str]:
    """The names of the files that an index of shards (model.safetensors.index.json) lists. Raises UsageError."""
    listed = read_json(index).get("weight_map")
    if not isinstance(listed, dict):
        raise UsageError(f"{index}: lists no files of weights (weight_map is missing); copy it again")
    return {str(file) for file in listed.values()}


def network_name(key: str) -> str:
    """A tensor's name in the network, from its name in a file.

    >>> network_name("visual.blocks.0.norm1.weight"), network_name("model.norm.weight")
    ('vlm.visual.blocks.0.norm1.weight', 'vlm.language_model.norm.weight')
    """
    for pattern, replacement in NAME_PATTERNS:
        key = pattern.sub(replacement, key)
    return key


def read_json(file: Path) -> Mapping[str, Any]:
    """The object in a JSON file. Raises UsageError if it cannot be read, or is no object."""
    try:
        content = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{file}: missing; it belongs to a checkpoint of {spec.HUB_NAME}") from None
    except (OSError, ValueError) as err:
        raise UsageError(f"{file}: cannot be read: {err}") from err
    if not isinstance(content, dict):
        raise UsageError(f"{file}: does not contain a JSON object")
    return content


def tensor_digests(tensors: Mapping[str, StoredTensor]) -> Iterator[bytes]:
    """Yield, in the order of their names, each tensor's name, shape, and a hash of its first SAMPLE_BYTES."""
    for name, stored in sorted(tensors.items()):
        with stored.file.open("rb") as stream:
            stream.seek(stored.start)
            sample = stream.read(min(stored.size, SAMPLE_BYTES))
        yield f"{name} {stored.shape}\n".encode() + hashlib.sha256(sample).digest()


def read_header(file: Path) -> Iterable[StoredTensor]:
    """Yield the tensors of a safetensors file. Raises UsageError if it is truncated, or not such a file."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        head = stream.read(8)
        length = struct.unpack("<Q", head)[0] if len(head) == 8 else HEADER_MAX_BYTES + 1
        try:
            header = json.loads(stream.read(length)) if length <= HEADER_MAX_BYTES else None
        except ValueError:
            header = None
    if not isinstance(header, dict):
        raise UsageError(f"{file}: not a safetensors file; it may be a Git LFS pointer instead of the weights")
    for key, entry in header.items():
        if key == "__metadata__":
            continue
        try:
            (start, end), shape = entry["data_offsets"], tuple(int(size) for size in entry["shape"])
            ends_inside = 8 + length + end > size
        except (KeyError, TypeError, ValueError):
            raise UsageError(f"{file}: its header does not say where tensor {key} is; copy it again") from None
        if ends_inside:
            raise UsageError(f"{file}: ends at {size:,} bytes, inside tensor {key}; copy it again")
        yield StoredTensor(file, key, shape, 8 + length + start, end - start)
