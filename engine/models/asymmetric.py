"""Pages of one model, questions of another that was trained to meet its vectors: "PAGES,queries=QUESTIONS".

A small text model asks what a large visual one has indexed; the pages' model need not be loaded for a question. An
index records both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..errors import UsageError
from ..records import U8, PageImage, QueryVectors
from .encoder import EmbeddedPages, EncoderSpec, ImageQueryEncoder, LazyEncoder, TextVectors

SETTING = "queries"
SIGN = f",{SETTING}="


def split(name: str) -> tuple[str, str | None]:
    """The name of the pages' model, and that of the questions' if it is another one.

    >>> split("org/large,dim=64,queries=org/small,dim=64")
    ('org/large,dim=64', 'org/small,dim=64')
    """
    pages, sign, queries = name.partition(SIGN)
    if sign and not queries:
        raise UsageError(f"--model {name}: {SETTING}= must name the model that embeds questions")
    return pages, queries if sign else None


def joint_spec(pages: EncoderSpec, queries: EncoderSpec) -> EncoderSpec:
    """The spec of two models together. Raises UsageError unless their vectors have the same dimensions."""
    for attribute, what in (("dim", "patch vectors"), ("single_dim", "vectors per page")):
        own, other = getattr(pages, attribute), getattr(queries, attribute)
        if own != other and (attribute == "dim" or not own or not other):
            raise UsageError(
                f"--model {pages.name}{SIGN}{queries.name}: {what} have {own} numbers, those of questions {other}; "
                "the two models must share one space"
            )
    settings = (*pages.settings, (SETTING, f"{queries.name}@{queries.revision}"))
    return replace(pages, name=f"{pages.name}{SIGN}{queries.name}", settings=settings, calibration=None)


class Asymmetric:
    """Two models in one space. Each is loaded when it is first needed. May be shared between threads."""

    def __init__(self, pages: LazyEncoder, queries: LazyEncoder) -> None:
        self.spec = joint_spec(pages.spec, queries.spec)
        self._pages = pages
        self._queries = queries

    def prepare(self) -> None:
        """Load the pages' model now."""
        self._pages.prepare()

    def encode_pages(self, pages: Sequence[PageImage]) -> EmbeddedPages:
        """Embed pages."""
        return self._pages.encode_pages(pages)

    def encode_queries(self, texts: Sequence[str]) -> list[QueryVectors]:
        """Embed queries. Raises UsageError for a blank one."""
        return self._queries.encode_queries(texts)

    def encode_query(self, text: str) -> QueryVectors:
        """Embed one query."""
        return self._queries.encode_query(text)

    def encode_image_queries(self, images: Sequence[U8]) -> list[QueryVectors]:
        """Embed images (H, W, 3) uint8 as queries, by the pages' model. Raises UsageError if it embeds text."""
        if not isinstance(self._pages, ImageQueryEncoder):
            raise UsageError(f"this index's model, {self.spec.name}, accepts text queries only")
        return self._pages.encode_image_queries(images)

    def encode_texts(self, texts: Sequence[str]) -> TextVectors:
        """Embed texts as documents, by the pages' model."""
        return self._pages.encode_texts(texts)
