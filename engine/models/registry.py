"""Names to models: what is known, and how to open it."""

from __future__ import annotations

from enum import Enum, auto
from pathlib import Path

from ..errors import UsageError
from . import multivector
from .encoder import Encoder, EncoderSpec, PageEncoder, PreparedEncoder, QueryEncoder
from .jina_v4 import description as jina_description
from .jina_v4 import spec as jina_spec
from .pixel import spec as pixel_spec

DEFAULT_MODEL = "pixel"


class Family(Enum):
    """What opens a model."""

    PIXEL = auto()
    JINA_V4 = auto()
    MULTI_VECTOR = auto()


def known_models() -> list[EncoderSpec]:
    """Every model that can be named; those whose weights are not on this machine too."""
    return [pixel_spec.SPEC, jina_description.listed(), *multivector.known()]


def family(name: str) -> Family:
    """What opens the model of a name, or the checkpoint in a folder; UsageError names those there are."""
    if name == pixel_spec.SPEC.name or pixel_spec.is_held_by(Path(name).expanduser()):
        return Family.PIXEL
    if multivector.is_meant(name):
        return Family.MULTI_VECTOR
    if jina_spec.is_meant(name):
        return Family.JINA_V4
    published = ", ".join(spec.name for spec in multivector.PUBLISHED)
    raise UsageError(
        f"model {name!r} is not known; known: {pixel_spec.SPEC.name}, {jina_spec.HUB_NAME}, {published}, and folders "
        "that hold a checkpoint (see 'docsearch models')"
    )


def find_spec(name: str) -> EncoderSpec:
    """The description of a model, or of the checkpoint in a folder; UsageError names those there are.

    What is not on this machine is downloaded where that is possible.
    """
    kind = family(name)
    if kind is Family.MULTI_VECTOR:
        return multivector.describe(name, download=True)[1]
    if kind is Family.JINA_V4:
        return jina_description.describe(name, download=True)[1]
    return pixel_spec.SPEC if (folder := pixel_folder(name)) is None else pixel_spec.describe(folder)


def load_query_encoder(name: str) -> QueryEncoder:
    """Open what questions need of a model; of the embedded one that needs no torch, until a picture is asked for."""
    if family(name) is not Family.PIXEL:
        return load_encoder(name)
    from .pixel.queries import PixelQueries
    from .pixel.text import PixelText

    folder = pixel_folder(name)
    return PixelQueries(PixelText.load(folder), folder)


def load_page_encoder(name: str, *, device: str = "auto") -> PageEncoder:
    """Open a model's page side on `device`: "auto", "cpu" or "cuda"."""
    if family(name) is Family.PIXEL:
        from .pixel.pages import PixelPages

        return PixelPages.load(pixel_folder(name), device=device)
    encoder = load_language_model(name, device=device)
    encoder.prepare()  # what is wrong with it ends a run, rather than failing each page
    return encoder


def load_encoder(name: str = DEFAULT_MODEL, *, device: str = "auto") -> Encoder:
    """Open both sides of a model: `encode_pages`, `encode_queries` and `encode_texts`.

    >>> load_encoder().encode_queries(["revenue chart"])[0].tokens
    ('revenue', 'chart')
    """
    if family(name) is Family.PIXEL:
        from .pixel.encoder import Pixel

        return Pixel.load(pixel_folder(name), device=device)
    return load_language_model(name, device=device)


def load_language_model(name: str, *, device: str) -> PreparedEncoder:
    """Open a model that is loaded when it is first needed, or asked to be."""
    find_spec(name)
    if family(name) is Family.MULTI_VECTOR:
        return multivector.MultiVector.open(name, device=device)
    from .jina_v4.encoder import JinaV4

    return JinaV4.open(name, device=device)


def pixel_folder(name: str) -> Path | None:
    """The folder of a fine-tuned `pixel`; None for the one that ships with the package."""
    return None if name == pixel_spec.SPEC.name else Path(name).expanduser()
