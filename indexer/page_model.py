"""The model that embeds the pages of a run, with the pooling factor of the index: what it is, and how it is opened."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..engine.compression.residual import Codebook
from ..engine.compression.visual_words import VisualWords
from ..engine.errors import UsageError
from ..engine.models.encoder import EncoderSpec, PageEncoder
from ..engine.models.pooled import pooled_encoder, pooled_spec
from ..engine.models.registry import find_spec, load_page_encoder, load_query_encoder
from ..engine.store import Fingerprint


@dataclass(frozen=True, slots=True)
class PageModel:
    """The model `name`, opened on `device`, or in its place the opened `encoder`; its pages are pooled by `factor`.

    `spec` describes the model without pooling.
    """

    name: str
    device: str
    encoder: PageEncoder | None
    spec: EncoderSpec
    factor: int = 1

    @classmethod
    def find(cls, name: str, device: str, encoder: PageEncoder | None) -> PageModel:
        """The model without pooling. Raises UsageError for a name that is not known, unless there is an `encoder`."""
        return cls(name, device, encoder, find_spec(name) if encoder is None else encoder.spec)

    def pooled(self, asked: int | None, recorded: int) -> PageModel:
        """The model with the token pooling factor that is `asked` for, by default the one `recorded` in the index.

        Raises UsageError for a factor below 1.
        """
        factor = recorded if asked is None else asked
        if factor < 1:
            raise UsageError(f"pool {factor}: the pooling factor must be at least 1; 1 keeps all vectors")
        return replace(self, factor=factor)

    @property
    def fingerprint(self) -> Fingerprint:
        """What an index records of the model and the pooling factor."""
        return pooled_spec(self.spec, self.factor).fingerprint

    def codebook(self, codec: str | None) -> Codebook | None:
        """The codebook of the model's visual words, which the codec "residual" needs; None for another codec, and for a
        model that has no visual words.
        """
        if codec != "residual" or not self.spec.vocabulary:
            return None
        words: VisualWords | None = getattr(self.encoder or load_query_encoder(self.name), "visual_words", None)
        return None if words is None else words.codebook

    def load(self) -> PageEncoder:
        """Open the model for pages. Raises what `load_page_encoder` raises."""
        return pooled_encoder(self.encoder or load_page_encoder(self.name, device=self.device), self.factor)
