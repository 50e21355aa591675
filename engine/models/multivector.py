"""Late-interaction models opened with sentence-transformers: ColPali, ColQwen2, ColModernVBERT and others like them.

Any folder that its `MultiVectorEncoder` loads and that embeds images will do. Such models have no single vector per
page: stage 1 looks patches up in an inverted index, whose visual words are learned from the patches of each index.
Faysse et al., "ColPali: Efficient Document Retrieval with Vision Language Models", 2024.
"""

from __future__ import annotations

import hashlib
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
from .encoder import EmbeddedPages, EncoderSpec, TextVectors, contextual_query
from .grid_boxes import grid_boxes
from .jina_v4 import spec as jina_v4
from .jina_v4.checkpoint import StoredTensor, read_header, read_json, tensor_digests

RENDER_DPI = 200
MAX_PIXELS = 4_000_000
"""More than any of these models reads of a page: each scales it down in its own way."""
PAGE_BATCH, QUERY_BATCH = 4, 32
FILES = ("*.json", "*.safetensors", "*.txt", "*.model", "*/*.json", "*/*.safetensors")
"""Patterns of the files that are downloaded; no pickles."""
CONFIG, MODULES, ADAPTER = "config.json", "modules.json", "adapter_config.json"
RETRIEVAL_SUFFIX = "ForRetrieval"
"""End of the names of transformers' architectures for late interaction."""
WHOLE_PAGE = (0, 0, BOX_SCALE, BOX_SCALE)
NO_SINGLE: F32 = np.zeros(0, np.float32)


def make_spec(name: str, summary: str, licence: str, parameters: int) -> EncoderSpec:
    """The spec of a model with vectors of 128 dimensions."""
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
    make_spec("vidore/colpali-v1.3", "PaliGemma, 448 x 448 px", "MIT; its base is under Gemma's terms", 2_920_000_000),
    make_spec(
        "vidore/colqwen2-v1.0-hf", "Qwen2-VL, pages at their own shape", "MIT; its base Apache-2.0", 2_210_000_000
    ),
    make_spec("ModernVBERT/colmodernvbert-merged", "small, English, in tiles of 512 px", "MIT", 252_002_304),
)
"""Licences are those on the models' pages on the hub, parameters those in mteb's table of models."""


def published_specs() -> list[EncoderSpec]:
    """The published models; `present` says whether they are in the hub's cache."""
    return [replace(spec, present=hub.cached_folder(spec.name, FILES) is not None) for spec in PUBLISHED]


def matches(name: str) -> bool:
    """Whether a name is that of a published model, or of a folder that sentence-transformers may open."""
    if any(name == spec.name for spec in PUBLISHED):
        return True
    folder = Path(name).expanduser()
    architectures = (read_json(folder / CONFIG).get("architectures") or ()) if (folder / CONFIG).is_file() else ()
    if jina_v4.ARCHITECTURE in architectures:
        return False  # its repository has files for sentence-transformers as well
    if (folder / MODULES).is_file() or (folder / ADAPTER).is_file():
        return True
    return any(architecture.endswith(RETRIEVAL_SUFFIX) for architecture in architectures)


def find_folder(name: str, *, download: bool) -> Path:
    """The folder of a model: `name` itself, or that of the published model. Raises UsageError if it is not there."""
    if any(name == spec.name for spec in PUBLISHED):
        return hub.find_folder(name, FILES, cached=hub.cached_folder(name, FILES), download=download)
    return Path(name).expanduser().resolve()


def describe(name: str, *, download: bool = False) -> tuple[Path, EncoderSpec]:
    """The folder of a model and its spec, from its JSON files and the headers of its weights.

    Raises UsageError if there is no such folder, or no weights in it.
    """
    folder = find_folder(name, download=download)
    tensors: dict[str, StoredTensor] = {}
    for file in sorted(folder.rglob("*.safetensors")):
        tensors |= {f"{file.relative_to(folder)}/{stored.key}": stored for stored in read_header(file)}
    if not tensors:
        raise UsageError(f"{folder}: holds no *.safetensors; copy the whole repository of the model")
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.json")):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    for part in tensor_digests(tensors):
        digest.update(part)
    published = next((spec for spec in PUBLISHED if spec.name == name), None)
    spec = published or make_spec(str(folder), "opened with sentence-transformers", "see the model's own page", 0)
    parameters = spec.parameters or sum(prod(stored.shape) for stored in tensors.values())
    dim = embedding_dim(folder)
    return folder, replace(spec, revision=digest.hexdigest()[:16], parameters=parameters, dim=dim, present=True)


def embedding_dim(folder: Path) -> int:
    """The dimension of a model's vectors, from config.json or the last layer of sentence-transformers' pipeline."""
    if (folder / CONFIG).is_file() and (dim := read_json(folder / CONFIG).get("embedding_dim")):
        return int(dim)
    layers = [read_json(file).get("out_features") for file in sorted(folder.glob("*_Dense/config.json"))]
    if layers and layers[-1]:
        return int(layers[-1])
    return 128


class MultiVector:
    """A model in a folder. Its network is loaded when it is first needed. May be shared between threads."""

    def __init__(self, folder: Path, spec: EncoderSpec, *, device: str) -> None:
        self.spec = spec
        self._folder = folder
        self._device = device
        self._using_model = threading.Lock()

    @staticmethod
    def open(name: str, *, device: str = "auto") -> MultiVector:
        """Open the model `name`, which is on this machine; UsageError if it is not. Needs sentence-transformers."""
        return MultiVector(*describe(name), device=device)

    @cached_property
    def model(self) -> Any:
        """The `MultiVectorEncoder` of sentence-transformers on its device. Raises UsageError if it cannot be loaded."""
        from sentence_transformers import MultiVectorEncoder
        from transformers import ColModernVBertProcessor

        from . import device as devices
        from .tiles import PromptedProcessor

        chosen = devices.choose(self._device)
        try:
            model = MultiVectorEncoder(
                str(self._folder),
                device=chosen.type,
                local_files_only=not (self._folder / ADAPTER).is_file(),  # an adapter's base model is in another folder
                model_kwargs={"dtype": devices.compute_dtype(chosen), "use_safetensors": True},
            )
        except (OSError, ValueError, TypeError, KeyError, ImportError, RuntimeError) as err:
            reason = str(err).strip().partition("\n")[0]
            raise UsageError(f"{self._folder}: sentence-transformers cannot open it: {reason}") from err
        if not model.supports("image"):
            raise UsageError(f"{self._folder}: this model embeds text only; docsearch needs one that embeds images")
        if not (self._folder / MODULES).is_file() and isinstance(model.processor, ColModernVBertProcessor):
            first: Any = model[0]
            first.processor = PromptedProcessor.from_pretrained(self._folder)
        return model

    def prepare(self) -> None:
        """Load the network now, rather than at the first use."""
        with self._using_model:
            _ = self.model

    def encode_pages(self, pages: Sequence[PageImage]) -> EmbeddedPages:
        """Embed pages. Vectors whose place on the page is unknown have the whole page as their box."""
        encoded = self._encode_images([page.pixels for page in pages])
        boxes = [self._boxes(page.pixels, ids) for page, (_, ids) in zip(pages, encoded, strict=True)]
        vectors = Ragged.of([rows.astype(np.float16) for rows, _ in encoded])
        refs = tuple(page.ref for page in pages)
        none: F16 = np.zeros((len(pages), 0), np.float16)
        return EmbeddedPages(PageVectors(refs, vectors, np.concatenate(boxes), none), words=None)

    def encode_queries(self, texts: Sequence[str]) -> list[QueryVectors]:
        """Embed queries; all tokens of one weigh the same. Raises UsageError for a blank query.

        A special token that is spelled out in a query is read as text: a space is put into it.
        """
        if blank := [text for text in texts if not text.strip()]:
            raise UsageError(f"the query {blank[0]!r} has nothing to search for")
        with self._using_model:
            tokenizer = self.model.tokenizer
            plain = [*texts]
            for special in tokenizer.all_special_tokens:
                plain = [text.replace(special, f"{special[:1]} {special[1:]}") for text in plain]
            raw = self.model.encode_query(plain, batch_size=QUERY_BATCH, output_value=None, show_progress_bar=False)
        out = []
        for vectors, ids in map(unmasked, raw):
            tokens = tuple(tokenizer.decode([token]) for token in ids.tolist())
            out.append(contextual_query(vectors, NO_SINGLE, tokens))
        return out

    def encode_query(self, text: str) -> QueryVectors:
        """Embed one query."""
        (query,) = self.encode_queries([text])
        return query

    def encode_image_queries(self, images: Sequence[U8]) -> list[QueryVectors]:
        """Embed images (H, W, 3) as queries: their image tokens, without those of the prompt."""
        out = []
        for vectors, ids in self._encode_images(images):
            is_image = ids == self._image_token
            kept = vectors[is_image] if is_image.any() else vectors
            out.append(contextual_query(kept, NO_SINGLE, ("",) * len(kept)))
        return out

    def encode_texts(self, texts: Sequence[str]) -> TextVectors:
        """Raises UsageError: these models have no prompt for documents that are text."""
        raise UsageError(f"{self.spec.name} embeds images of pages only; render the {len(texts)} texts as pages")

    def _encode_images(self, images: Sequence[U8]) -> list[tuple[F32, np.ndarray]]:
        """Of each image, vectors (T, D) of unit length and the token ids (T,) that they belong to."""
        from PIL import Image

        pictures = [Image.fromarray(pixels) for pixels in images]
        with self._using_model:
            raw = self.model.encode_document(
                pictures, batch_size=PAGE_BATCH, output_value=None, show_progress_bar=False
            )
        return [unmasked(each) for each in raw]

    @cached_property
    def _image_token(self) -> int:
        return int(getattr(self.model.processor, "image_token_id", -1))

    @cached_property
    def _tiles(self) -> dict[int, tuple[int, int]]:
        from .tiles import tile_tokens

        return tile_tokens(self.model.tokenizer.get_vocab())

    def _boxes(self, pixels: U8, ids: np.ndarray) -> U16:
        """The boxes (T, 4) uint16 of a page's tokens `ids` (T,), if the model reads the page as a grid or in tiles.

        Other tokens, such as those of the prompt, have the whole page as their box.
        """
        from sentence_transformers.multi_vector_encoder.interpretability import get_n_patches

        from .tiles import tile_boxes

        out = np.tile(np.array(WHOLE_PAGE, np.uint16), (len(ids), 1))
        try:
            if self._tiles:
                image_tokens, boxes = tile_boxes(ids, self._image_token, self._tiles)
                out[image_tokens] = boxes
                return out
            columns, rows = get_n_patches(self.model, (pixels.shape[1], pixels.shape[0]))
        except (NotImplementedError, ValueError):
            return out
        image_tokens = np.flatnonzero(ids == self._image_token)
        if len(image_tokens) == rows * columns:
            out[image_tokens] = grid_boxes(rows, columns)
        return out


def unmasked(raw: Mapping[str, Any]) -> tuple[F32, np.ndarray]:
    """The unmasked vectors (T, D) of one output of sentence-transformers, of unit length, and their token ids (T,)."""
    kept = raw["attention_mask"].bool().cpu()
    vectors: F32 = raw["token_embeddings"].cpu()[kept].float().numpy()
    ids: np.ndarray = raw["input_ids"].cpu()[kept].numpy()
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), ids
