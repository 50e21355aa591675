"""What late-interaction models that sentence-transformers opens have in common: loading, and the queries."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UsageError
from ..records import BOX_SCALE, F32, QueryVectors
from . import layouts
from .encoder import EncoderSpec, contextual_query, shown
from .folders import ModelFolder
from .jina_v4.checkpoint import read_json
from .layouts import ADAPTER, Layout

QUERY_BATCH = 32
WHOLE_PAGE = (0, 0, BOX_SCALE, BOX_SCALE)
NO_SINGLE: F32 = np.zeros(0, np.float32)
MIN_NORM = np.float32(1e-12)
"""Vectors of padding are all zero, and stay so."""
OPENING_ERRORS = (OSError, ValueError, TypeError, KeyError, ImportError, RuntimeError, AttributeError)
UNUSED_PARTS = ("pooler", "lm_head", "vision_model.head")
"""Parts of a network that late interaction does not use, and that checkpoints may leave out."""


class LateInteraction:
    """A model in a folder. Its network is loaded when it is first needed. May be shared between threads."""

    def __init__(self, found: ModelFolder, spec: EncoderSpec, *, device: str) -> None:
        self.spec = spec
        self._found = found
        self._device = device
        self._using_model = threading.Lock()

    @cached_property
    def model(self) -> Any:
        """The `MultiVectorEncoder` of sentence-transformers on its device. Raises UsageError if it cannot be loaded."""
        from sentence_transformers import MultiVectorEncoder

        from . import device as devices

        chosen, folder = devices.choose(self._device), self._found.folder
        try:
            model = MultiVectorEncoder(
                str(folder),
                device=str(chosen),
                local_files_only=not _has_adapter(self._found),  # an adapter's base model is in another folder
                model_kwargs={"dtype": devices.compute_dtype(chosen), "use_safetensors": True},
            )
        except OPENING_ERRORS as err:
            raise cannot_open(self._found, err) from err
        if (error := untrained_error(model, folder)) is not None:
            raise error
        self.check(model)
        return model

    def check(self, model: Any) -> None:
        """Raise UsageError if a model that was loaded is not one of this class."""

    def prepare(self) -> None:
        """Load the network now, rather than at the first use."""
        with self._using_model:
            _ = self.model

    def encode_queries(self, texts: Sequence[str]) -> list[QueryVectors]:
        """Embed queries; all tokens of one weigh the same. Raises UsageError for a blank query.

        A special token that is spelled out in a query is read as text: a space is put into it.
        """
        if blank := [text for text in texts if not text.strip()]:
            raise UsageError(f"the query {shown(blank[0])} has nothing to search for")
        with self._using_model:
            tokenizer = self.model.tokenizer
            plain = [without_special_tokens(text, tokenizer) for text in texts]
            raw = self.model.encode_query(plain, batch_size=QUERY_BATCH, output_value=None, show_progress_bar=False)
        out = []
        for vectors, ids in (unmasked(each, self.spec.dim) for each in raw):
            tokens = tuple(tokenizer.decode([token]) for token in ids.tolist())
            out.append(contextual_query(vectors, NO_SINGLE, tokens))
        return out

    def encode_query(self, text: str) -> QueryVectors:
        """Embed one query."""
        (query,) = self.encode_queries([text])
        return query


def without_special_tokens(text: str, tokenizer: Any) -> str:
    """A text in which no special token of a tokenizer is spelled out: a space is put into each."""
    for special in tokenizer.all_special_tokens:
        text = text.replace(special, f"{special[:1]} {special[1:]}")
    return text


def unmasked(raw: Mapping[str, Any], dim: int) -> tuple[F32, np.ndarray]:
    """The unmasked vectors (T, `dim`) of one output of sentence-transformers, of unit length, and their token ids (T,).

    Vectors that are longer are truncated first (Matryoshka).
    """
    kept = raw["attention_mask"].bool().cpu()
    vectors: F32 = raw["token_embeddings"].cpu()[kept].float().numpy()[:, :dim]
    ids: np.ndarray = raw["input_ids"].cpu()[kept].numpy()
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), MIN_NORM), ids


def untrained_error(model: Any, folder: Path, *, unused: Sequence[str] = UNUSED_PARTS) -> UsageError | None:
    """The error for a network with tensors that transformers found in no file and filled with random numbers, if any.

    Tensors with one of `unused` in their names do not count. transformers marks those that it read; a network without a
    mark was loaded by a version that sets none.
    """
    network = model.transformers_model
    tensors = {} if network is None else dict(network.named_parameters())
    missing = [name for name, tensor in tensors.items() if not getattr(tensor, "_is_hf_initialized", False)]
    random = [name for name in missing if not any(part in name for part in unused)]
    if not random or len(missing) == len(tensors):
        return None
    return UsageError(
        f"{folder}: {len(random)} tensors are not in its files and would be random, such as {random[0]}; {layouts.COPY}"
    )


def cannot_open(found: ModelFolder, err: Exception) -> UsageError:
    """The error for a model that sentence-transformers cannot load, with the cause in its words."""
    text, config = str(err), read_json(found.folder / layouts.CONFIG)
    if "trust_remote_code" in text:
        return layouts.needs_own_code(found.folder)
    if "ignore_mismatched_sizes" in text:
        return UsageError(
            f"{found.folder}: its weights have other shapes than {layouts.CONFIG} says: it is of another model or "
            f"another size; {layouts.COPY}"
        )
    if "does not recognize this architecture" in text:
        if "auto_map" in config:
            return layouts.needs_own_code(found.folder)
        return UsageError(
            f"{found.folder}: its model_type {config.get('model_type')!r} is not known to the installed transformers; "
            "'pip install -U transformers' may bring it, or take another model (docs/models.md)"
        )
    reason = text.strip().partition("\n")[0]
    return UsageError(f"{found.folder}: sentence-transformers cannot open it: {reason}")


def _has_adapter(found: ModelFolder) -> bool:
    return found.layout is not Layout.FOR_RETRIEVAL and any(True for _ in found.folder.rglob(ADAPTER))
