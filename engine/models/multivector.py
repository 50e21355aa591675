"""Pages and questions go in; the multi-vectors of a model that sentence-transformers opens come out.

ColPali, ColQwen2, ColModernVBERT and any folder that its `MultiVectorEncoder` loads and that sees pictures. Such models
have no single vector: stage 1 looks through patches filed under visual words that are learned from each index.
"""

from __future__ import annotations

import hashlib
import importlib.util
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UsageError
from ..records import BOX_SCALE, F16, F32, U8, U16, PageImage, PageVectors, QueryVectors, Ragged
from . import hub
from .encoder import EmbeddedPages, EncoderSpec, TextVectors, equal_tokens
from .grid import grid_boxes
from .jina_v4 import spec as jina_v4
from .jina_v4.checkpoint import Stored, read_header, read_json, samples

RENDER_DPI = 200
MAX_PIXELS = 4_000_000
"""More than these models read of a page: each scales it down in its own way."""
PAGES_AT_ONCE, QUERIES_AT_ONCE = 4, 32
FILES = ("*.json", "*.safetensors", "*.txt", "*.model", "*/*.json", "*/*.safetensors")
"""Patterns of every file that may be read; no pickles."""
CONFIG, MODULES, ADAPTER = "config.json", "modules.json", "adapter_config.json"
RETRIEVAL = "ForRetrieval"
"""Ends the architectures that transformers has for late interaction."""
WHOLE_PAGE = (0, 0, BOX_SCALE, BOX_SCALE)
NO_SINGLE: F32 = np.zeros(0, np.float32)


def listed(name: str, summary: str, licence: str, parameters: int) -> EncoderSpec:
    """A published model with vectors of 128 numbers."""
    return EncoderSpec(
        name=name,
        revision="",
        summary=summary,
        licence=licence,
        parameters=parameters,
        dim=128,
        single_dim=0,
        vocabulary=0,
        render_dpi=RENDER_DPI,
        max_pixels=MAX_PIXELS,
        present=False,
    )


PUBLISHED = (
    listed("vidore/colpali-v1.3", "PaliGemma, 448 x 448 px", "MIT; its base is under Gemma's terms", 2_920_000_000),
    listed("vidore/colqwen2-v1.0-hf", "Qwen2-VL, pages at their own shape", "MIT; its base Apache-2.0", 2_210_000_000),
    listed("ModernVBERT/colmodernvbert-merged", "small, English, in tiles of 512 px", "MIT", 252_002_304),
)
"""Licences as their pages on the hub say, sizes from mteb's table of models."""


def known() -> list[EncoderSpec]:
    """The published models, each with whether it is in the hub's cache."""
    return [replace(spec, present=hub.cached(spec.name, FILES) is not None) for spec in PUBLISHED]


def is_meant(name: str) -> bool:
    """Whether a name is a published model's, or that of a folder that sentence-transformers may open."""
    if any(name == spec.name for spec in PUBLISHED):
        return True
    folder = Path(name).expanduser()
    architectures = (read_json(folder / CONFIG).get("architectures") or ()) if (folder / CONFIG).is_file() else ()
    if jina_v4.ARCHITECTURE in architectures:
        return False  # it has files for sentence-transformers, too
    if (folder / MODULES).is_file() or (folder / ADAPTER).is_file():
        return True
    return any(architecture.endswith(RETRIEVAL) for architecture in architectures)


def find(name: str, *, download: bool) -> Path:
    """The folder of a model, given itself or by a published name; UsageError when it is not to be had."""
    if any(name == spec.name for spec in PUBLISHED):
        return hub.find(name, FILES, here=hub.cached(name, FILES), download=download)
    return Path(name).expanduser().resolve()


def describe(name: str, *, download: bool = False) -> tuple[Path, EncoderSpec]:
    """Find a model and describe it from its small files and the headers of its weights."""
    folder = find(name, download=download)
    tensors: dict[str, Stored] = {}
    for file in sorted(folder.rglob("*.safetensors")):
        tensors |= {f"{file.relative_to(folder)}/{stored.key}": stored for stored in read_header(file)}
    if not tensors:
        raise UsageError(f"{folder}: holds no *.safetensors; copy the whole repository of the model")
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.json")):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    for part in samples(tensors):
        digest.update(part)
    base = next((spec for spec in PUBLISHED if spec.name == name), None)
    described = base or listed(str(folder), "opened with sentence-transformers", "see the model's own page", 0)
    parameters = described.parameters or sum(prod(stored.shape) for stored in tensors.values())
    return folder, replace(
        described, revision=digest.hexdigest()[:16], parameters=parameters, dim=width(folder), present=True
    )


def width(folder: Path) -> int:
    """Numbers in a vector: of the architecture, or of the last layer of sentence-transformers' pipeline."""
    if (folder / CONFIG).is_file() and (dim := read_json(folder / CONFIG).get("embedding_dim")):
        return int(dim)
    layers = [read_json(file).get("out_features") for file in sorted(folder.glob("*_Dense/config.json"))]
    if layers and layers[-1]:
        return int(layers[-1])
    return 128


class MultiVector:
    """A model in a folder; the network is loaded when it is first needed. May be shared between threads."""

    def __init__(self, folder: Path, spec: EncoderSpec, *, device: str) -> None:
        self.spec = spec
        self._folder = folder
        self._device = device
        self._one_at_a_time = threading.Lock()

    @staticmethod
    def open(name: str, *, device: str = "auto") -> MultiVector:
        """Open the model `name`; UsageError when it is not there, or sentence-transformers is not installed."""
        if importlib.util.find_spec("sentence_transformers") is None:
            raise UsageError(f"{name} is opened with sentence-transformers: pip install 'docsearch[models]'")
        return MultiVector(*describe(name), device=device)

    @cached_property
    def model(self) -> Any:
        """sentence-transformers' `MultiVectorEncoder` on its device; UsageError says why it cannot be loaded."""
        from sentence_transformers import MultiVectorEncoder
        from transformers import ColModernVBertProcessor

        from . import device as devices
        from .tiles import PromptedProcessor

        chosen = devices.choose(self._device)
        try:
            model = MultiVectorEncoder(
                str(self._folder),
                device=chosen.type,
                local_files_only=not (self._folder / ADAPTER).is_file(),  # the base of an adapter lies elsewhere
                model_kwargs={"dtype": devices.compute_dtype(chosen), "use_safetensors": True},
            )
        except (OSError, ValueError, TypeError, KeyError, ImportError, RuntimeError) as err:
            reason = str(err).strip().partition("\n")[0]
            raise UsageError(f"{self._folder}: sentence-transformers cannot open it: {reason}") from err
        if not model.supports("image"):
            raise UsageError(f"{self._folder}: reads texts only; docsearch needs a model that sees pictures")
        if not (self._folder / MODULES).is_file() and isinstance(model.processor, ColModernVBertProcessor):
            first: Any = model[0]
            first.processor = PromptedProcessor.from_pretrained(self._folder)
        return model

    def prepare(self) -> None:
        """Load the network now, rather than when something is first embedded."""
        with self._one_at_a_time:
            _ = self.model

    def encode_pages(self, pages: Sequence[PageImage]) -> EmbeddedPages:
        """Embed pages; vectors whose place on the page is not known have the whole page as their box."""
        encoded = self._see([page.pixels for page in pages])
        places = [self._boxes(page.pixels, ids) for page, (_, ids) in zip(pages, encoded, strict=True)]
        vectors = Ragged.of([found.astype(np.float16) for found, _ in encoded])
        refs = tuple(page.ref for page in pages)
        none: F16 = np.zeros((len(pages), 0), np.float16)
        return EmbeddedPages(PageVectors(refs, vectors, np.concatenate(places), none), words=None)

    def encode_queries(self, texts: Sequence[str]) -> list[QueryVectors]:
        """Embed questions, all their tokens alike, as published; raises UsageError on an empty one.

        What looks like a special token in a question is split by a space and so read as text.
        """
        if blank := [text for text in texts if not text.strip()]:
            raise UsageError(f"the query {blank[0]!r} has nothing to search for")
        with self._one_at_a_time:
            tokenizer = self.model.tokenizer
            plain = [*texts]
            for special in tokenizer.all_special_tokens:
                plain = [text.replace(special, f"{special[:1]} {special[1:]}") for text in plain]
            raw = self.model.encode_query(plain, batch_size=QUERIES_AT_ONCE, output_value=None, show_progress_bar=False)
        out = []
        for vectors, ids in map(scored, raw):
            tokens = tuple(tokenizer.decode([token]) for token in ids.tolist())
            out.append(equal_tokens(vectors, NO_SINGLE, tokens))
        return out

    def encode_query(self, text: str) -> QueryVectors:
        """Embed one question."""
        (query,) = self.encode_queries([text])
        return query

    def encode_image_queries(self, images: Sequence[U8]) -> list[QueryVectors]:
        """Embed pictures (H, W, 3) as questions, by the vectors of their parts."""
        out = []
        for vectors, ids in self._see(images):
            seen = vectors[ids == self._image_token] if (ids == self._image_token).any() else vectors
            out.append(equal_tokens(seen, NO_SINGLE, ("",) * len(seen)))
        return out

    def encode_texts(self, texts: Sequence[str]) -> TextVectors:
        """Refused: these models have questions and pictures, and no prompt for documents that are text."""
        raise UsageError(f"{self.spec.name} embeds pictures of pages only; draw the {len(texts)} texts")

    def _see(self, images: Sequence[U8]) -> list[tuple[F32, np.ndarray]]:
        """Each picture's vectors (T, D) and the ids (T,) of the tokens that they belong to."""
        from PIL import Image

        pictures = [Image.fromarray(pixels) for pixels in images]
        with self._one_at_a_time:
            raw = self.model.encode_document(
                pictures, batch_size=PAGES_AT_ONCE, output_value=None, show_progress_bar=False
            )
        return [scored(each) for each in raw]

    @cached_property
    def _image_token(self) -> int:
        return int(getattr(self.model.processor, "image_token_id", -1))

    @cached_property
    def _tiles(self) -> dict[int, tuple[int, int]]:
        from .tiles import tile_tokens

        return tile_tokens(self.model.tokenizer.get_vocab())

    def _boxes(self, pixels: U8, ids: np.ndarray) -> U16:
        """Where on a page (H, W, 3) each of its tokens `ids` (T,) lies, (T, 4), if it is read as a grid or in tiles."""
        from sentence_transformers.multi_vector_encoder.interpretability import get_n_patches

        from .tiles import tile_boxes

        out = np.tile(np.array(WHOLE_PAGE, np.uint16), (len(ids), 1))
        try:
            if self._tiles:
                seen, boxes = tile_boxes(ids, self._image_token, self._tiles)
                out[seen] = boxes
                return out
            columns, rows = get_n_patches(self.model, (pixels.shape[1], pixels.shape[0]))
        except (NotImplementedError, ValueError):
            return out
        seen = np.flatnonzero(ids == self._image_token)
        if len(seen) == rows * columns:
            out[seen] = grid_boxes(rows, columns)
        return out


def scored(raw: Mapping[str, Any]) -> tuple[F32, np.ndarray]:
    """The vectors that count of one item as sentence-transformers returns it, of unit length, and their tokens' ids."""
    kept = raw["attention_mask"].bool().cpu()
    vectors: F32 = raw["token_embeddings"].cpu()[kept].float().numpy()
    ids: np.ndarray = raw["input_ids"].cpu()[kept].numpy()
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), ids
