"""docsearch as a search model of mteb, whose `SearchProtocol` takes whole engines rather than encoders.

>>> import mteb  # doctest: +SKIP
>>> model = MtebSearch("indexes")  # doctest: +SKIP
>>> mteb.evaluate(model, tasks=mteb.get_benchmark("ViDoRe(v3)").tasks)  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Unpack

from PIL import Image

from ... import __version__
from ...engine.errors import UsageError
from ..datasets.collection import Corpus, CorpusPage
from .engine import CorpusSearch, SearchOptions, encoded


class MtebSearch:
    """The whole engine, with its stages and codecs, for `mteb.evaluate`; `options` are those of `CorpusSearch`.

    Pictures of a corpus are indexed under its ids; languages of a task that have the same pages share an index. Texts
    of pages are indexed `with_text` only. Every query gets as many pages as mteb asks for, usually 1,000.
    """

    def __init__(
        self,
        folder: Path | str | None = None,
        *,
        with_text: bool = False,
        **options: Unpack[SearchOptions],
    ) -> None:
        self._with_text = with_text
        self._search = CorpusSearch(folder, **options)

    @cached_property
    def mteb_model_meta(self) -> Any:
        """The `ModelMeta` under which mteb files results: docsearch with the model and its revision."""
        from mteb.models.model_meta import ModelMeta, ScoringFunction

        spec = self._search.spec
        facts: dict[str, Any] = {
            "name": f"docsearch/{spec.name.replace('/', '__')}",
            "revision": f"{__version__}-{spec.revision}",
            "n_parameters": spec.parameters or None,
            "embed_dim": spec.dim,
            "license": spec.licence.lower(),
            "open_weights": True,
            "model_type": ["late-interaction"],
            "modalities": ["text", "image"],
            "similarity_fn_name": ScoringFunction.MAX_SIM,
            "use_instructions": False,
        }
        return ModelMeta.create_empty(overwrites=facts)

    def index(self, corpus: Any, *, task_metadata: Any, **_: Any) -> None:
        """Index a `datasets.Dataset` with the columns `id` and `image`, and `text` if texts are wanted.

        Raises UsageError where it has no pictures, or the first page that cannot be read.
        """
        if "image" not in corpus.column_names:
            raise UsageError(f"{task_metadata.name}: the corpus has no column 'image'; docsearch searches pages")
        name = f"{task_metadata.name}{'-text' if self._with_text else ''}"
        ids = tuple(map(str, corpus["id"]))
        self._search.index(name, Corpus(ids, lambda: _pages(corpus, with_text=self._with_text), self._with_text))

    def search(
        self,
        queries: Any,
        *,
        top_k: int,
        top_ranked: Mapping[str, Sequence[str]] | None = None,
        **_: Any,
    ) -> dict[str, dict[str, float]]:
        """The scores of the best `top_k` pages of each query, of those in `top_ranked` if it is given."""
        asked = list(zip(map(str, queries["id"]), queries["text"], strict=True))
        if top_ranked is not None:
            return self._search.rerank(asked, top_ranked, top_k)
        return self._search.search(asked, top_k)

    def close(self) -> None:
        """Close the index that is open, and delete temporary ones."""
        self._search.close()


def _pages(corpus: Any, *, with_text: bool) -> Iterator[CorpusPage]:
    """The pages of a dataset, with pictures as they are stored: decoding and encoding them would take longer."""
    from datasets import Image as ImageFeature

    if isinstance(corpus.features.get("image"), ImageFeature):
        corpus = corpus.cast_column("image", ImageFeature(decode=False))
    texts = with_text and "text" in corpus.column_names
    for row in corpus:
        yield CorpusPage(str(row["id"]), _content(row["image"], row["id"]), (row["text"] or "") if texts else "")


def _content(image: Any, page_id: object) -> bytes:
    if isinstance(image, Image.Image):
        return encoded(image)
    if isinstance(image, Mapping) and image.get("bytes"):
        return bytes(image["bytes"])
    if isinstance(image, Mapping) and image.get("path"):
        try:
            return Path(image["path"]).read_bytes()
        except OSError as err:
            raise UsageError(f"page {page_id}: {image['path']} cannot be read: {err.strerror or err}") from err
    raise UsageError(f"page {page_id} has no picture")
