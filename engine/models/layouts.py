"""What a model's folder holds, by its JSON files and the names of its tensors; what is of no use is refused.

sentence-transformers opens any folder as a late-interaction model: where the trained projection is missing, it adds one
with random weights. Two openings then give two different indexes, and both find nothing. So a folder is opened only if
its projection is in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from enum import Enum, auto
from pathlib import Path
from typing import Any

from ..errors import UsageError
from .jina_v4 import spec as jina_v4
from .jina_v4.checkpoint import architectures, check_folder, read_json, shards


class Layout(Enum):
    """How a model's files are arranged."""

    JINA_V4 = auto()
    FOR_RETRIEVAL = auto()
    """transformers' classes for late interaction, whose names end in ForRetrieval."""
    STANFORD_COLBERT = auto()
    """ColBERT as its authors save it: the projection is `linear.weight`, beside BERT's tensors."""
    PYLATE = auto()
    """PyLate's, and older PyLate's, which sentence-transformers reads as well."""
    MULTI_VECTOR = auto()
    """sentence-transformers' `MultiVectorEncoder`."""
    DENSE = auto()
    """One vector per page: sentence-transformers' `SentenceTransformer`, or the two towers of CLIP and SigLIP."""


CONFIG, MODULES, ADAPTER = "config.json", "modules.json", "adapter_config.json"
SENTENCE_TRANSFORMERS = "config_sentence_transformers.json"
SHARDS = "*.safetensors.index.json"
RETRIEVAL_SUFFIX = "ForRetrieval"
"""End of the names of transformers' architectures for late interaction."""
STANFORD = "HF_ColBERT"
RETRIEVAL_HEADS = ("embedding_proj_layer.weight", "multi_vector_head.proj.weight")
"""Projections of the architectures of transformers."""
ENGINE_HEAD = "custom_text_proj"
"""The projection in files of colpali-engine."""
ENGINE_CLASS = re.compile(r"(Col|Bi)[A-Z]\w*")
TWO_TOWERS = re.compile(r"(Siglip2?|CLIP|AltCLIP|ChineseCLIP|MetaClip2|Align|XCLIP)Model")
PYLATE_KEYS = ("query_prefix", "document_prefix", "do_query_expansion", "attend_to_expansion_tokens")
LIBRARIES = ("sentence_transformers.", "pylate.")
CONVERTED = (
    "take the same model in the layout of transformers (its name often ends in -hf) or of sentence-transformers (with "
    "modules.json)"
)
COPY = "copy the whole repository of the model"
OWN_CODE = (
    "docsearch runs no code from a model's folder. Serve the model with vLLM or Infinity, and use --model URL "
    "(docs/models.md)"
)
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.txt", "vocab.json", "spiece.model", "sentencepiece*.model")
"""Files that hold a vocabulary. Without any, transformers makes a tokenizer that knows no word, and says nothing."""
WITHOUT_VOCABULARY = ("ByT5Tokenizer", "CanineTokenizer", "PerceiverTokenizer")
"""Tokenizers of single bytes or characters."""


def recognise(folder: Path) -> Layout:
    """The layout of a folder, from its JSON files alone. Raises UsageError, with cause and remedy, for others."""
    check_folder(folder)
    named = _architectures(folder)
    if jina_v4.ARCHITECTURE in named:
        return Layout.JINA_V4  # its repository has files for sentence-transformers as well
    if (folder / MODULES).is_file():
        return _of_modules(folder)
    if (folder / ADAPTER).is_file():
        raise _adapter_refused(folder)
    if not (folder / CONFIG).is_file():
        raise UsageError(f"{folder}: not a model ({CONFIG} is missing)")
    if STANFORD in named:
        return Layout.STANFORD_COLBERT
    if any(name.endswith(RETRIEVAL_SUFFIX) for name in named):
        return Layout.FOR_RETRIEVAL
    if any(TWO_TOWERS.fullmatch(name) for name in named):
        return Layout.DENSE
    raise _without_head(folder, named)


def check_head(folder: Path, layout: Layout, tensors: Collection[str]) -> None:
    """Raise UsageError unless the trained projection of the model is among its `tensors`, and all its files are there.

    `tensors` are called by file and name: "model.safetensors/linear.weight", "1_Dense/model.safetensors/linear.weight".
    """
    if not tensors:
        pickled = next(folder.rglob("*.bin"), None)
        reason = (
            f"its weights are pickles ({pickled.name}), which may run code; save it again with safetensors"
            if pickled is not None
            else COPY
        )
        raise UsageError(f"{folder}: holds no *.safetensors; {reason}")
    for index in folder.rglob(SHARDS):
        if absent := sorted(file for file in shards(index) if not (index.parent / file).is_file()):
            raise UsageError(f"{folder}: {', '.join(absent)} missing; {COPY}")
    if any(ENGINE_HEAD in name for name in tensors) and layout is not Layout.FOR_RETRIEVAL:
        raise _of_colpali_engine(folder, _architectures(folder))
    root = {name.partition("/")[2] for name in tensors if name.count("/") == 1}
    if layout is Layout.FOR_RETRIEVAL and not any(name.endswith(RETRIEVAL_HEADS) for name in root):
        raise UsageError(
            f"{folder}: the projection to late-interaction vectors ({' or '.join(RETRIEVAL_HEADS)}) is not among its "
            f"weights, so it would be random; {COPY}"
        )
    if layout is Layout.STANFORD_COLBERT and "linear.weight" not in root:
        raise UsageError(f"{folder}: {STANFORD} without linear.weight, its projection, which would be random; {COPY}")
    if layout in (Layout.PYLATE, Layout.MULTI_VECTOR):
        for path in dense_folders(folder):
            if not any(name.startswith(f"{path}/") and name.endswith("linear.weight") for name in tensors):
                raise UsageError(
                    f"{folder}: the projection in {path} has no model.safetensors, so it would be random; {COPY}"
                )


def check_inputs(folder: Path, layout: Layout) -> None:
    """Raise UsageError unless the files that turn text, and for some layouts pictures, into inputs are there."""
    settings = [read_json(file) for file in folder.rglob("tokenizer_config.json")]
    if not any(next(folder.rglob(name), None) for name in TOKENIZERS) and not any(
        each.get("tokenizer_class") in WITHOUT_VOCABULARY for each in settings
    ):
        raise UsageError(f"{folder}: has no tokenizer (tokenizer.json or another vocabulary is missing); {COPY}")
    if layout is Layout.FOR_RETRIEVAL and not _has_image_settings(folder):
        raise UsageError(
            f"{folder}: has no settings for images (preprocessor_config.json or processor_config.json); {COPY}"
        )


def reads_images(folder: Path, layout: Layout) -> bool:
    """Whether the model embeds pictures of pages, not only text: it comes with settings for pictures."""
    if layout is Layout.STANFORD_COLBERT:
        return False
    if layout is Layout.FOR_RETRIEVAL:
        return True
    return _has_image_settings(folder)


def _has_image_settings(folder: Path) -> bool:
    for place in (folder, *(folder / str(each.get("path", "")) for each in modules(folder))):
        processor = place / "processor_config.json"
        if (place / "preprocessor_config.json").is_file():
            return True
        if processor.is_file() and "image_processor" in read_json(processor):
            return True
    return False


def modules(folder: Path) -> Sequence[Mapping[str, Any]]:
    """The modules of sentence-transformers that modules.json lists, in order; none without that file.

    Raises UsageError if it is not such a list.
    """
    if not (folder / MODULES).is_file():
        return []
    try:
        listed = json.loads((folder / MODULES).read_text("utf-8"))
    except (OSError, ValueError) as err:
        raise UsageError(f"{folder / MODULES}: cannot be read: {err}") from err
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise UsageError(f"{folder / MODULES}: holds no list of modules; {COPY}")
    return listed


def dense_folders(folder: Path) -> list[str]:
    """The folders, relative to `folder`, of the linear layers in modules.json, in order."""
    return [str(each.get("path", "")) for each in modules(folder) if str(each.get("type", "")).endswith("Dense")]


def _architectures(folder: Path) -> list[str]:
    return architectures(read_json(folder / CONFIG)) if (folder / CONFIG).is_file() else []


def _of_modules(folder: Path) -> Layout:
    """The layout of a folder with modules.json."""
    listed = [str(module.get("type", "")) for module in modules(folder)]
    if foreign := [kind for kind in listed if not kind.startswith(LIBRARIES)]:
        raise UsageError(f"{folder}: its module {foreign[0]} is code that comes with the model; {OWN_CODE}")
    settings: Mapping[str, Any] = {}
    if (folder / SENTENCE_TRANSFORMERS).is_file():
        settings = read_json(folder / SENTENCE_TRANSFORMERS)
    kind = settings.get("model_type")
    if kind == "MultiVectorEncoder":
        return Layout.MULTI_VECTOR
    is_pylate = kind == "ColBERT" or any(each.startswith("pylate.") for each in listed)
    if is_pylate or any(key in settings for key in PYLATE_KEYS):
        if not dense_folders(folder):
            raise UsageError(f"{folder}: a PyLate model without its projection, which would be random; {COPY}")
        return Layout.PYLATE
    if kind == "CrossEncoder":
        raise _cross_encoder(folder)
    if kind == "SparseEncoder":
        raise UsageError(
            f"{folder}: a sparse model, with a weight for each word of a vocabulary; docsearch searches dense vectors. "
            "For words, use --mode text or hybrid with the model pixel"
        )
    if not reads_images(folder, Layout.DENSE):
        raise UsageError(
            f"{folder}: a dense model with one vector per text, without a trained head for late interaction: its "
            "projection would be random. Take a late-interaction model, or a dense one that embeds images"
        )
    return Layout.DENSE


def _adapter_refused(folder: Path) -> UsageError:
    adapter = read_json(folder / ADAPTER)
    base = adapter.get("base_model_name_or_path") or "a base model that it does not name"
    auto = adapter.get("auto_mapping") or {}
    named = str(auto.get("base_model_class") or "")
    if ENGINE_HEAD in str(adapter.get("target_modules")) or ENGINE_CLASS.fullmatch(named):
        return _of_colpali_engine(folder, [named] if named else [], adapter_of=str(base))
    return UsageError(
        f"{folder}: an adapter (LoRA) of {base}, without a trained head for late interaction. Merge it into its base "
        f"with peft's merge_and_unload and save the whole model, or {CONVERTED}"
    )


def _of_colpali_engine(folder: Path, found: Sequence[str], *, adapter_of: str = "") -> UsageError:
    named = f" ({', '.join(found)})" if found else ""
    what = f"an adapter of {adapter_of}" if adapter_of else "weights"
    return UsageError(
        f"{folder}: {what} in the layout of colpali-engine{named}, whose projection {ENGINE_HEAD} is read by "
        f"colpali-engine only: here it would be random. Instead {CONVERTED}"
    )


def _cross_encoder(folder: Path) -> UsageError:
    return UsageError(
        f"{folder}: a cross-encoder, which reads a question and a text together and makes no vectors of pages"
    )


def needs_own_code(folder: Path) -> UsageError:
    """The error for a model whose network is code in its folder."""
    return UsageError(f"{folder}: needs code that comes with the model; {OWN_CODE}")


def _without_head(folder: Path, found: Sequence[str]) -> UsageError:
    if any(ENGINE_CLASS.fullmatch(name) for name in found):
        return _of_colpali_engine(folder, found)
    if any(name.endswith("ForSequenceClassification") for name in found):
        return _cross_encoder(folder)
    if "auto_map" in read_json(folder / CONFIG):
        return needs_own_code(folder)
    named = ", ".join(found) or "network without a name"
    return UsageError(
        f"{folder}: holds a {named} without a trained head for late interaction: its projection would be random. "
        "Take a model that was trained for late interaction (docs/models.md), or train a head with "
        "sentence-transformers first"
    )
