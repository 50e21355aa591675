"""Names to models: what is known, and how to open it."""

from __future__ import annotations

from ..errors import UsageError
from .encoder import EncoderSpec, PageEncoder, QueryEncoder
from .pixel import spec as pixel_spec

DEFAULT_MODEL = "pixel"


def known_models() -> list[EncoderSpec]:
    """Every model this installation can open."""
    return [pixel_spec.SPEC]


def find_spec(name: str) -> EncoderSpec:
    """The description of a model; UsageError names those there are."""
    for spec in known_models():
        if spec.name == name:
            return spec
    names = ", ".join(spec.name for spec in known_models())
    raise UsageError(f"model {name!r} is not known; known: {names} (see 'docsearch models')")


def load_query_encoder(name: str) -> QueryEncoder:
    """Open a model's text side; the embedded model's needs no torch."""
    find_spec(name)
    from .pixel.text import PixelText

    return PixelText.load()


def load_page_encoder(name: str, *, device: str = "auto") -> PageEncoder:
    """Open a model's page side on `device`: "auto", "cpu" or "cuda"."""
    find_spec(name)
    from .pixel.pages import PixelPages

    return PixelPages.load(device=device)
