"""The published models that `docsearch models` lists beside `pixel` and jina-embeddings-v4; any other id opens as well.

Licences are those on the models' pages on the hub, numbers of parameters those in mteb's table of models.
"""

from __future__ import annotations

from .encoder import EncoderSpec

RENDER_DPI = 200
MAX_PIXELS = 4_000_000
"""More than any of these models reads of a page: each scales it down in its own way."""


def make_spec(name: str, summary: str, licence: str, parameters: int, *, dim: int = 128) -> EncoderSpec:
    """The spec of a model that renders pages as these models read them; its revision is not known yet."""
    return EncoderSpec(
        name=name,
        revision="",
        summary=summary,
        licence=licence,
        parameters=parameters,
        dim=dim,
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
    make_spec("perplexity-ai/pplx-embed-v2-late-0.6b", "small and strong, in many languages", "MIT", 590_000_000),
    make_spec("vidore/colqwen2.5-v0.2", "Qwen2.5-VL, pages at their own shape", "MIT; its base Qwen's", 3_800_000_000),
)


def named(name: str) -> EncoderSpec | None:
    """The spec of a published model; None for any other id."""
    return next((spec for spec in PUBLISHED if spec.name == name), None)
