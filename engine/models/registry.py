"""The models that docsearch knows, by name or folder, and how each is opened.

The modules of language models are imported when a name may be one of them: a question to `pixel` needs none.
"""

from __future__ import annotations

from enum import Enum, auto
from pathlib import Path

from ..errors import UsageError
from . import extras
from .encoder import Encoder, EncoderSpec, LazyEncoder, PageEncoder, QueryEncoder
from .pixel import spec as pixel_spec

DEFAULT_MODEL = "pixel"


class Family(Enum):
    """The code that opens a model."""

    PIXEL = auto()
    JINA_V4 = auto()
    MULTI_VECTOR = auto()


PACKAGES = {
    Family.PIXEL: (),
    Family.JINA_V4: ("accelerate", "huggingface_hub", "peft", "tokenizers", "torch", "transformers"),
    Family.MULTI_VECTOR: ("huggingface_hub", "sentence_transformers", "torch", "transformers"),
}
"""Import names of the optional packages that each family uses."""


def known_models() -> list[EncoderSpec]:
    """Every model that has a name, including those whose weights are not on this machine."""
    from . import multivector
    from .jina_v4 import description as jina_description

    return [pixel_spec.SPEC, jina_description.published_spec(), *multivector.published_specs()]


def family(name: str) -> Family:
    """The family of a model, given by its name or the folder of a checkpoint. Raises UsageError for unknown names."""
    if name == pixel_spec.SPEC.name or pixel_spec.is_model_folder(Path(name).expanduser()):
        return Family.PIXEL
    from . import multivector
    from .jina_v4 import spec as jina_spec

    if multivector.matches(name):
        return Family.MULTI_VECTOR
    if jina_spec.matches(name):
        return Family.JINA_V4
    published = ", ".join(spec.name for spec in multivector.PUBLISHED)
    raise UsageError(
        f"model {name!r} is not known; known: {pixel_spec.SPEC.name}, {jina_spec.HUB_NAME}, {published}, and folders "
        "that hold a checkpoint (see 'docsearch models')"
    )


def find_spec(name: str) -> EncoderSpec:
    """The spec of a model, given by its name or the folder of a checkpoint; a published model is downloaded if need be.

    Raises UsageError if the name is not known, the checkpoint cannot be used, or a package that it needs is missing.
    """
    kind = family(name)
    if kind is Family.PIXEL:
        return pixel_spec.SPEC if (folder := pixel_folder(name)) is None else pixel_spec.describe(folder)
    from . import multivector
    from .jina_v4 import description as jina_description

    if is_published(name):
        extras.require(PACKAGES[kind], name)  # before gigabytes are downloaded
    describe = multivector.describe if kind is Family.MULTI_VECTOR else jina_description.describe
    spec = describe(name, download=True)[1]
    extras.require(PACKAGES[kind], name)  # a folder that holds no checkpoint is reported before missing packages
    return spec


def is_published(name: str) -> bool:
    """Whether a name, with settings or without, is that of a model on the hub rather than a folder."""
    from . import multivector
    from .jina_v4 import spec as jina_spec

    return name.partition(",")[0] in {jina_spec.HUB_NAME, *(spec.name for spec in multivector.PUBLISHED)}


def load_query_encoder(name: str) -> QueryEncoder:
    """Open the part of a model that embeds queries; `pixel` loads its page side for the first image among them."""
    if family(name) is not Family.PIXEL:
        return load_encoder(name)
    from .pixel.queries import PixelQueries
    from .pixel.text import PixelText

    folder = pixel_folder(name)
    return PixelQueries(PixelText.load(folder), folder)


def load_page_encoder(name: str, *, device: str = "auto") -> PageEncoder:
    """Open the part of a model that embeds pages, on `device`: "auto", "cpu" or "cuda"."""
    if family(name) is Family.PIXEL:
        from .pixel.pages import PixelPages

        _refuse_gpu(name, device)
        return PixelPages.load(pixel_folder(name))
    encoder = load_language_model(name, device=device)
    encoder.prepare()  # weights that cannot be loaded end the run, instead of failing every page
    return encoder


def load_encoder(name: str = DEFAULT_MODEL, *, device: str = "auto") -> Encoder:
    """Open a model with all its methods: `encode_pages`, `encode_queries` and `encode_texts`.

    >>> load_encoder().encode_queries(["revenue chart"])[0].tokens
    ('revenue', 'chart')
    """
    if family(name) is Family.PIXEL:
        from .pixel.encoder import Pixel

        _refuse_gpu(name, device)
        return Pixel.load(pixel_folder(name))
    return load_language_model(name, device=device)


def _refuse_gpu(name: str, device: str) -> None:
    """Raise UsageError if a GPU is asked for by name for `pixel`, which computes on the CPU."""
    if device == "cuda":
        raise UsageError(f"--device cuda: the model {name} computes on the CPU; leave --device out")


def load_language_model(name: str, *, device: str) -> LazyEncoder:
    """Open a model other than `pixel`; its weights are loaded when they are first needed, or by `prepare`."""
    find_spec(name)
    if family(name) is Family.MULTI_VECTOR:
        from .multivector import MultiVector

        return MultiVector.open(name, device=device)
    from .jina_v4.encoder import JinaV4

    return JinaV4.open(name, device=device)


def pixel_folder(name: str) -> Path | None:
    """The folder of a fine-tuned `pixel`; None for the one in the package."""
    return None if name == pixel_spec.SPEC.name else Path(name).expanduser()
