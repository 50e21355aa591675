"""The folder of a model that sentence-transformers opens, on the hub or here, and what its files tell."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

from ..errors import UsageError
from . import hub, layouts, model_names
from .jina_v4.checkpoint import StoredTensor, read_header, read_json, shards, tensor_digests
from .layouts import CONFIG, Layout
from .model_names import ModelName

SETTINGS = ("dim",)
"""Settings that follow a model's name: `dim` keeps the first numbers of each vector (Matryoshka)."""
SMALL_FILES = ("*.json", "*.jinja", "*.txt", "artifact.metadata", "*/*.json", "*/*.jinja", "*/*.txt")
"""Patterns of the files that tell what a model is: settings, prompts, chat templates, processors, tokenizers."""
FILES = (*SMALL_FILES, "*.model", "*.safetensors", "*/*.model", "*/*.safetensors")
"""Patterns of all files that are downloaded; no pickles and no code."""
TEXT_PATTERNS = ("*.json", "*.jinja", "artifact.metadata")
"""Patterns of the files that count towards a model's revision, beside its weights."""
DEFAULT_DIM = 128


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A model that can be opened: its `name`, `folder`, `layout`, and `tensors` by file and name."""

    name: ModelName
    folder: Path
    layout: Layout
    tensors: Mapping[str, StoredTensor]

    @property
    def parameters(self) -> int:
        return sum(prod(stored.shape) for stored in self.tensors.values())

    @property
    def revision(self) -> str:
        """A hash of 16 hex digits over settings, prompts and tokenizer, and each tensor's name, shape and beginning."""
        # Folders for transformers' own classes were indexed before prompts in other files counted; those have none.
        patterns = TEXT_PATTERNS[:1] if self.layout is Layout.FOR_RETRIEVAL else TEXT_PATTERNS
        digest = hashlib.sha256()
        for file in sorted({file for pattern in patterns for file in self.folder.rglob(pattern)}):
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        for part in tensor_digests(self.tensors):
            digest.update(part)
        return digest.hexdigest()[:16]

    @property
    def width(self) -> int:
        """The dimension of the vectors that the model computes, before `dim` truncates them."""
        dense = layouts.dense_folders(self.folder)
        if dense and (out := _settings(self.folder / dense[-1] / CONFIG).get("out_features")):
            return int(str(out))
        if self.layout is Layout.DENSE and (pooled := self._pooled_width):
            return pooled
        if self.layout is Layout.STANFORD_COLBERT:
            return next(each.shape[0] for name, each in self.tensors.items() if name.endswith("/linear.weight"))
        for place in (self.folder, *(self.folder / path for path in _paths(self.folder))):
            config = _settings(place / CONFIG)
            inner = config.get("text_config")
            text = inner if isinstance(inner, dict) else {}
            for value in (config.get("embedding_dim"), config.get("hidden_size"), text.get("hidden_size")):
                if value:
                    return int(str(value))
        return DEFAULT_DIM

    @property
    def _pooled_width(self) -> int | None:
        """The dimension of the pooled vector, or of the common space of two towers; None if the files tell none."""
        for file in sorted(self.folder.glob("*_Pooling/config.json")):
            pooling = read_json(file)
            if found := pooling.get("embedding_dimension") or pooling.get("word_embedding_dimension"):
                return int(found)
        heads = ("text_projection.weight", "text_model.head.weight")
        rows = (each.shape[0] for name, each in self.tensors.items() if name.endswith(heads))
        return next(rows, None)

    @property
    def dim(self) -> int:
        """The dimension of its vectors as they are stored. Raises UsageError if `dim=` asks for more than there are."""
        asked = self.name.number("dim")
        if asked is not None and asked > self.width:
            raise UsageError(f"--model {self.name.full}: dim={asked}, but its vectors have {self.width} numbers")
        return asked or self.width


def find(name: str, *, download: bool = False) -> ModelFolder:
    """The folder of a model by its name. Small files that tell what it is are downloaded first, then its weights.

    Raises UsageError if it is not there, has no trained projection, or is of another revision than `name` asks for.
    """
    asked = model_names.parse(name, SETTINGS)
    if not asked.is_hub_id:
        return _checked(asked, asked.folder.resolve())
    cached = hub.cached_folder(asked.base, FILES, asked.revision)
    if cached is not None and not _is_complete(cached):
        cached = None
    if cached is None and download:
        layout(asked, download=True)
    folder = hub.find_folder(asked.base, FILES, cached=cached, download=download, revision=asked.revision)
    return _checked(asked, folder)


def layout(asked: ModelName, *, download: bool = False) -> Layout:
    """The layout of a model, of which small files alone are downloaded. Raises UsageError if it cannot be used."""
    if not asked.is_hub_id:
        return layouts.recognise(asked.folder)
    cached = hub.cached_folder(asked.base, SMALL_FILES, asked.revision)
    folder = hub.find_folder(asked.base, SMALL_FILES, cached=cached, download=download, revision=asked.revision)
    return layouts.recognise(folder)


def is_cached(name: str) -> bool:
    """Whether a model of the hub is on this machine with its weights."""
    folder = hub.cached_folder(name, FILES)
    return folder is not None and _is_complete(folder)


def _checked(asked: ModelName, folder: Path) -> ModelFolder:
    """The model in a folder, after its weights were checked; of these, headers are read."""
    found = layouts.recognise(folder)
    tensors: dict[str, StoredTensor] = {}
    for file in sorted(folder.rglob("*.safetensors")):
        tensors |= {f"{file.relative_to(folder).as_posix()}/{stored.key}": stored for stored in read_header(file)}
    layouts.check_head(folder, found, tensors)
    layouts.check_inputs(folder, found)
    model = ModelFolder(asked, folder, found, tensors)
    if asked.revision and not asked.is_hub_id and not model.revision.startswith(asked.revision):
        raise UsageError(
            f"--model {asked.base}@{asked.revision}: this folder is of revision {model.revision}; leave @ out to use it"
        )
    return model


def _is_complete(folder: Path) -> bool:
    """Whether all weights of a model are in its folder in the hub's cache, rather than its small files only."""
    indexes = list(folder.rglob(layouts.SHARDS))
    listed = [index.parent / file for index in indexes for file in shards(index)]
    dense = [folder / path / "model.safetensors" for path in layouts.dense_folders(folder)]
    found = next(folder.glob("*.safetensors"), None) or next(folder.rglob("*.safetensors"), None)
    return found is not None and all(file.is_file() for file in (*listed, *dense))


def _settings(file: Path) -> Mapping[str, object]:
    return read_json(file) if file.is_file() else {}


def _paths(folder: Path) -> list[str]:
    return [str(each.get("path", "")) for each in layouts.modules(folder)]
