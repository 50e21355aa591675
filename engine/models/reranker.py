"""Cross-encoders, which read a question and a page together: stage 3, over the first hits of an answer.

sentence-transformers opens them. They read the text layers of pages, or their pictures. Nogueira and Cho,
"Passage Re-ranking with BERT", 2019.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UsageError
from ..records import F32, U8
from . import extras, folders, hub, layouts, model_names
from .jina_v4.checkpoint import read_json
from .late_interaction import without_special_tokens
from .loading import load

PACKAGES = ("huggingface_hub", "sentence_transformers", "torch", "transformers")
BATCH = 16
PICTURES_BATCH = 4
"""Pictures that are read together; each may take some thousand tokens."""
UNUSED = ("vision_model.head",)
"""Parts of a network that no cross-encoder uses, and that checkpoints may leave out."""
MAX_CHARS = 8_000
"""Characters of a text that are given to the tokenizer; the model truncates to what it reads, which is less."""


class Reranker:
    """A cross-encoder in a folder. Its network is loaded when it is first needed. May be shared between threads."""

    def __init__(self, name: str, folder: Path, *, device: str) -> None:
        self.name = name
        self._folder = folder
        self._device = device
        self._using_model = threading.Lock()

    @staticmethod
    def open(name: str, *, device: str = "auto") -> Reranker:
        """Open the cross-encoder `name`, an id on the hub with @REVISION or without, or a folder.

        It is downloaded if need be. Raises UsageError if it is not there, or is another kind of model.
        """
        extras.require(PACKAGES, name)
        asked = model_names.parse(name)
        if asked.is_hub_id:
            small = hub.cached_folder(asked.base, folders.SMALL_FILES, asked.revision)
            where = (asked.base, folders.SMALL_FILES)
            _check(hub.find_folder(*where, cached=small, download=True, revision=asked.revision))
            cached = hub.cached_folder(asked.base, folders.FILES, asked.revision)
            whole = cached if cached is not None and next(cached.glob("*.safetensors"), None) else None
            folder = hub.find_folder(asked.base, folders.FILES, cached=whole, download=True, revision=asked.revision)
        else:
            folder = asked.folder.resolve()
        _check(folder)
        if next(folder.rglob("*.safetensors"), None) is None:
            raise UsageError(f"{folder}: holds no *.safetensors; {layouts.COPY}")
        return Reranker(asked.full, folder, device=device)

    @cached_property
    def model(self) -> Any:
        """The `CrossEncoder` of sentence-transformers on its device. Raises UsageError if it cannot be loaded."""
        from sentence_transformers import CrossEncoder

        model = load(CrossEncoder, self._folder, device=self._device, unused=UNUSED)
        if model.num_labels != 1:
            raise UsageError(f"{self._folder}: a classifier of {model.num_labels} classes, not a reranker")
        return model

    @property
    def reads_pictures(self) -> bool:
        """Whether the model reads pictures of pages, not only their texts. Loads the network."""
        with self._using_model:
            return bool(self.model.supports("image"))

    def scores(self, question: str, pages: Sequence[str | U8]) -> F32:
        """How well each of the pages answers the question, (N,) in 0..1; 0 for a blank text.

        A page is its text or, if the model `reads_pictures`, its picture (H, W, 3) uint8.
        """
        from PIL import Image

        found = np.zeros(len(pages), np.float32)
        texts = {i: page[:MAX_CHARS] for i, page in enumerate(pages) if isinstance(page, str) and page.strip()}
        pictures = {i: Image.fromarray(page) for i, page in enumerate(pages) if not isinstance(page, str)}
        with self._using_model:
            if (texts or pictures) and self.model.supports("image"):
                # A placeholder for a picture that is spelled out would be counted as a picture.
                question = without_special_tokens(question, self.model.tokenizer)
                texts = {i: without_special_tokens(text, self.model.tokenizer) for i, text in texts.items()}
            self._fill(found, question, texts, BATCH)
            self._fill(found, question, pictures, PICTURES_BATCH)
        return found

    def _fill(self, found: F32, question: str, pages: Mapping[int, Any], batch: int) -> None:
        """Write the scores of `pages`, which are texts or PIL images, to their places in `found` (N,)."""
        if not pages:
            return
        import torch

        pairs = [(question, page) for page in pages.values()]
        scores = self.model.predict(pairs, batch_size=batch, activation_fn=torch.nn.Sigmoid(), show_progress_bar=False)
        found[list(pages)] = np.asarray(scores, np.float32).reshape(len(pages))


def _check(folder: Path) -> None:
    """Raise UsageError for a folder that does not hold a cross-encoder, from its JSON files."""
    if not folder.is_dir():
        raise UsageError(f"--rerank {folder}: no such folder, nor an id on the hub (OWNER/NAME)")
    settings = folder / layouts.SENTENCE_TRANSFORMERS
    kind = read_json(settings).get("model_type") if settings.is_file() else None
    config = read_json(folder / layouts.CONFIG) if (folder / layouts.CONFIG).is_file() else {}
    classes = [str(name) for name in config.get("architectures") or ()]
    if kind != "CrossEncoder" and not any(name.endswith("ForSequenceClassification") for name in classes):
        named = ", ".join(classes) or "nothing that can be opened"
        raise UsageError(
            f"{folder}: holds {named}; --rerank takes a cross-encoder (…ForSequenceClassification, or one that "
            "sentence-transformers saved as a CrossEncoder)"
        )
