"""Names to models: what is known, and how to open it."""

from __future__ import annotations

from ..errors import UsageError
from .encoder import Encoder, EncoderSpec, PageEncoder, QueryEncoder
from .jina_v4 import description as jina_description
from .jina_v4 import spec as jina_spec
from .pixel import spec as pixel_spec

DEFAULT_MODEL = "pixel"


def known_models() -> list[EncoderSpec]:
    """Every model that can be named; those whose weights are not on this machine too."""
    return [pixel_spec.SPEC, jina_description.listed()]


def find_spec(name: str) -> EncoderSpec:
    """The description of a model, or of the checkpoint in a folder; UsageError names those there are.

    What is not on this machine is downloaded where that is possible.
    """
    if name == pixel_spec.SPEC.name:
        return pixel_spec.SPEC
    if jina_spec.is_meant(name):
        return jina_description.describe(name, download=True)[1]
    raise UsageError(
        f"model {name!r} is not known; known: {pixel_spec.SPEC.name}, {jina_spec.HUB_NAME}, and folders that hold a "
        "checkpoint of the latter (see 'docsearch models')"
    )


def load_query_encoder(name: str) -> QueryEncoder:
    """Open what questions need of a model; of the embedded one that needs no torch, until a picture is asked for."""
    if name != pixel_spec.SPEC.name:
        return load_encoder(name)
    from .pixel.queries import PixelQueries
    from .pixel.text import PixelText

    return PixelQueries(PixelText.load())


def load_page_encoder(name: str, *, device: str = "auto") -> PageEncoder:
    """Open a model's page side on `device`: "auto", "cpu" or "cuda"."""
    find_spec(name)
    if name != pixel_spec.SPEC.name:
        from .jina_v4.encoder import JinaV4

        encoder = JinaV4.open(name, device=device)
        encoder.prepare()  # what is wrong with it ends a run, rather than failing each page
        return encoder
    from .pixel.pages import PixelPages

    return PixelPages.load(device=device)


def load_encoder(name: str = DEFAULT_MODEL, *, device: str = "auto") -> Encoder:
    """Open both sides of a model: `encode_pages`, `encode_queries` and `encode_texts`.

    >>> load_encoder().encode_queries(["revenue chart"])[0].tokens
    ('revenue', 'chart')
    """
    find_spec(name)
    if name == pixel_spec.SPEC.name:
        from .pixel.encoder import Pixel

        return Pixel.load(device=device)
    from .jina_v4.encoder import JinaV4

    return JinaV4.open(name, device=device)
