"""The encoder of jina-embeddings-v4: pages, queries, images and texts to single vectors and multi-vectors."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
import torch
from peft import PeftModel
from torch import Tensor
from torch.nn import functional

from ... import threads
from ...errors import UsageError
from ...records import F32, U8, U16, WHOLE_PAGE, PageImage, PageRef, PageVectors, QueryVectors, Ragged
from .. import compiled
from .. import device as devices
from ..encoder import BATCH_PAGES, EmbeddedPages, EncoderSpec, TextVectors, contextual_query, shown
from . import adapters, batching, spec
from .checkpoint import Checkpoint
from .description import describe
from .forward import forward
from .inputs import Item, Processor, boxes
from .network import load, text_layers
from .spec import Settings

log = logging.getLogger(__name__)

BATCH_TOKENS = {"cuda": 8448, "cpu": 2048}
"""Tokens of a batch, including padding, by device. On a GPU they are eight pages of 1,024 visual tokens: half of what
the indexer passes at a time, so that one half is preprocessed while the other is computed.
"""
BATCHES_AHEAD = 2
"""Batches whose images are preprocessed while another one is computed."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """An embedded item of T tokens: `multi` (T, D) float32 and `single` (S,) float32, all of unit length."""

    multi: F32
    single: F32


class PreparedPages(NamedTuple):
    """Pages as the network reads them: an item and a task for each, and batches of indices with the images' patches."""

    refs: tuple[PageRef, ...]
    items: list[Item]
    tasks: list[str]
    batches: list[tuple[Sequence[int], Tensor | None]]


class Started(NamedTuple):
    """A batch that is being computed: the indices of its items, and where their vectors will be in main memory.

    On a GPU the vectors are there once the event `done` has happened.
    """

    batch: Sequence[int]
    singles: Tensor
    multi: Tensor
    done: torch.cuda.Event | None

    @staticmethod
    def of(batch: Sequence[int], singles: Tensor, multi: Tensor) -> Started:
        """Start to copy what is computed, right behind it in the queue of the GPU."""
        if singles.device.type != "cuda":
            return Started(batch, singles, multi, None)
        copies = [torch.empty(each.shape, dtype=each.dtype, pin_memory=True) for each in (singles, multi)]
        for copy, each in zip(copies, (singles, multi), strict=True):
            copy.copy_(each, non_blocking=True)
        done = torch.cuda.Event()
        done.record()
        return Started(batch, copies[0], copies[1], done)

    def fetch(self, items: Sequence[Item]) -> dict[int, Encoded]:
        """Wait for the vectors; return those of each item by its index."""
        if self.done is not None:
            self.done.synchronize()
        singles, multi = self.singles.numpy(), self.multi.numpy()
        return {i: Encoded(multi[row, : len(items[i])].copy(), singles[row]) for row, i in enumerate(self.batch)}


class JinaV4:
    """A checkpoint with settings. Its network is loaded when it is first needed. May be shared between threads.

    `merges_adapters` says whether the adapter of a task becomes part of the weights while pages are prepared and
    encoded for it; by default in float32. In bfloat16 a weight has three digits, and most of what an adapter adds to
    it may be rounded away: it has not been measured with the published weights.
    """

    def __init__(
        self, checkpoint: Checkpoint, spec: EncoderSpec, settings: Settings, *, device: str, dtype: str
    ) -> None:
        self.spec = spec
        self.checkpoint = checkpoint
        self.settings = settings
        self.device = devices.choose(device)
        self._dtype = devices.compute_dtype(self.device) if dtype == "auto" else getattr(torch, dtype)
        self._using_network = threading.Lock()
        self._merged: str | None = None  # the task whose adapter is part of the weights
        self.merges_adapters = self._dtype == torch.float32

    @staticmethod
    def open(name: str, *, device: str = "auto", dtype: str = "auto", download: bool = False) -> JinaV4:
        """Open the checkpoint `name` (see `spec`); `dtype` is "auto", "float32" or "bfloat16".

        Raises UsageError if the checkpoint is not there, or is another model's.
        """
        if dtype not in ("auto", "float32", "bfloat16"):
            raise ValueError(f"dtype {dtype!r} is not auto, float32 or bfloat16")
        checkpoint, description, settings = describe(name, download=download)
        return JinaV4(checkpoint, description, settings, device=device, dtype=dtype)

    @cached_property
    def network(self) -> PeftModel:
        """The network on its device, its text layers compiled if the environment asks for it (`models.compiled`).

        Raises UsageError if its tensors do not match, or there is too little memory.
        """
        mode = compiled.requested_mode()
        log_licence_notice()
        network = load(self.checkpoint, self.device, self._dtype)
        if mode is not None:
            compiled.compile_layers(text_layers(network), mode)
        return network

    @cached_property
    def processor(self) -> Processor:
        return Processor.load(self.checkpoint.folder, self.checkpoint.config, max_pixels=self.settings.max_pixels)

    def prepare(self) -> None:
        """Load the network now, rather than at the first use."""
        with self._using_network:
            _ = self.network

    @property
    def batch_pages(self) -> int:
        """See `PreparingEncoder`: two batches of the network, on a GPU."""
        return BATCH_PAGES

    def encode_pages(self, pages: Sequence[PageImage], *, task: str | Sequence[str] | None = None) -> EmbeddedPages:
        """Embed pages: the tokens that the settings keep. Those of the prompt have the whole page as their box.

        Passages of text files, and with the setting pages=text pages that have a text layer, are embedded as
        `encode_texts` does.
        """
        tasks = self._tasks(task, len(pages))
        items = [self._item(page, each) for page, each in zip(pages, tasks, strict=True)]
        return self._embedded(tuple(page.ref for page in pages), items, self.encode(items, tasks))

    def prepare_pages(self, pages: Sequence[PageImage]) -> PreparedPages:
        """Resize pages and cut them into patches; on the way to a GPU these lie in pinned memory."""
        tasks = self._tasks(None, len(pages))
        items = [self._item(page, each) for page, each in zip(pages, tasks, strict=True)]
        chosen = batching.pack([len(item) for item in items], BATCH_TOKENS[self.device.type])
        batches = []
        for batch, patches in self.prefetch(chosen, items):
            together = torch.from_numpy(np.concatenate(patches)) if patches else None
            pinned = together if together is None or self.device.type != "cuda" else together.pin_memory()
            batches.append((batch, pinned))
        return PreparedPages(tuple(page.ref for page in pages), items, tasks, batches)

    def encode_prepared(self, prepared: object) -> EmbeddedPages:
        """Embed pages that `prepare_pages` prepared. See `merges_adapters`."""
        assert isinstance(prepared, PreparedPages), "what prepare_pages returned"
        if self.merges_adapters and prepared.tasks:
            with self._using_network:
                self._activate(prepared.tasks[0], merged=True)
        encoded = self._encode_batches(prepared.items, prepared.tasks, prepared.batches)
        return self._embedded(prepared.refs, prepared.items, encoded)

    def _embedded(self, refs: tuple[PageRef, ...], items: Sequence[Item], encoded: Sequence[Encoded]) -> EmbeddedPages:
        only_vision = self.settings.tokens == "vision"
        kept = [slice(*item.image_span) if only_vision and item.pixels is not None else slice(None) for item in items]
        vectors = Ragged.of([each.multi[keep].astype(np.float16) for each, keep in zip(encoded, kept, strict=True)])
        page_boxes = np.concatenate([_boxes(item)[keep] for item, keep in zip(items, kept, strict=True)])
        single = np.stack([each.single for each in encoded]).astype(np.float16)
        return EmbeddedPages(PageVectors(refs, vectors, page_boxes, single), words=None)

    def _item(self, page: PageImage, task: str) -> Item:
        """The input of the network for a page."""
        if (page.is_passage or self.settings.pages == "text") and page.text.strip():
            return self.processor.text(page.text, "passage", task)
        return self.processor.picture(page.pixels)

    def encode_queries(self, texts: Sequence[str], *, task: str | Sequence[str] | None = None) -> list[QueryVectors]:
        """Embed queries, each with its prefix; all tokens of one weigh the same. Raises UsageError for a blank one."""
        if blank := [text for text in texts if not text.strip()]:
            raise UsageError(f"the query {shown(blank[0])} has nothing to search for")
        tasks = self._tasks(task, len(texts))
        items = [self.processor.text(text, "query", each) for text, each in zip(texts, tasks, strict=True)]
        tokens = [self.processor.words(item) for item in items]
        encoded = self.encode(items, tasks)
        return [contextual_query(each.multi, each.single, own) for each, own in zip(encoded, tokens, strict=True)]

    def encode_query(self, text: str) -> QueryVectors:
        """Embed one query."""
        (query,) = self.encode_queries([text])
        return query

    def encode_image_queries(
        self, images: Sequence[U8], *, task: str | Sequence[str] | None = None
    ) -> list[QueryVectors]:
        """Embed images (H, W, 3) as queries, for pages that look like them or have the same content."""
        items = [self.processor.picture(pixels) for pixels in images]
        encoded = self.encode(items, self._tasks(task, len(items)))
        out = []
        for item, each in zip(items, encoded, strict=True):
            vectors = each.multi[slice(*item.image_span)]  # without the prompt, which is the same for every image
            out.append(contextual_query(vectors, each.single, ("",) * len(vectors)))
        return out

    def encode_texts(
        self, texts: Sequence[str], *, prompt: str = "passage", task: str | Sequence[str] | None = None
    ) -> TextVectors:
        """Embed one or more texts as documents, or with `prompt` "query" as queries."""
        tasks = self._tasks(task, len(texts))
        encoded = self.encode(
            [self.processor.text(text, prompt, each) for text, each in zip(texts, tasks, strict=True)], tasks
        )
        return TextVectors(Ragged.of([each.multi for each in encoded]), np.stack([each.single for each in encoded]))

    def encode(self, items: Sequence[Item], tasks: Sequence[str]) -> list[Encoded]:
        """Embed texts and images, each with the adapter of its task, in batches by length; returned in the order given.

        An item's vectors do not depend on the others, up to rounding.
        """
        batches = batching.pack([len(item) for item in items], BATCH_TOKENS[self.device.type])
        return self._encode_batches(items, tasks, self.prefetch(batches, items))

    def _encode_batches(
        self,
        items: Sequence[Item],
        tasks: Sequence[str],
        batches: Iterable[tuple[Sequence[int], Sequence[F32] | Tensor | None]],
    ) -> list[Encoded]:
        """Embed batches of `items`. Each one is started before the vectors of the one before it are fetched."""
        out: dict[int, Encoded] = {}
        started: Started | None = None
        for batch, patches in batches:
            chosen = [items[i] for i in batch]
            computed = self._compute(chosen, [tasks[i] for i in batch], [] if patches is None else patches)
            if started is not None:
                out.update(started.fetch(items))
            started = Started.of(batch, *computed)
        if started is not None:
            out.update(started.fetch(items))
        return [out[i] for i in range(len(items))]

    def prefetch(
        self, batches: Sequence[Sequence[int]], items: Sequence[Item]
    ) -> Iterator[tuple[Sequence[int], list[F32]]]:
        """Yield each batch of indices of `items` with the patches of its images, which threads preprocess ahead."""
        waiting: deque[tuple[Sequence[int], list[Future[F32]]]] = deque()
        for batch in batches:
            images = [items[i] for i in batch if items[i].pixels is not None]
            waiting.append((batch, [preprocessing_pool().submit(self.processor.patches, item) for item in images]))
            if len(waiting) > BATCHES_AHEAD:
                ready, futures = waiting.popleft()
                yield ready, [future.result() for future in futures]
        for ready, futures in waiting:
            yield ready, [future.result() for future in futures]

    def _compute(
        self, items: Sequence[Item], tasks: Sequence[str], patches: Sequence[F32] | Tensor
    ) -> tuple[Tensor, Tensor]:
        """One forward pass over a batch: single vectors (B, S), multi-vectors (B, T, D), both on the device."""
        with self._using_network, torch.inference_mode():
            if len(set(tasks)) == 1:
                self._activate(tasks[0])
                means, multi = forward(self.network, items, patches, self.device)
            else:
                self._activate(None)
                means, multi = forward(self.network, items, patches, self.device, adapters=tasks)
            return functional.normalize(means[:, : self.spec.single_dim], dim=1), multi

    def _activate(self, task: str | None, *, merged: bool = False) -> None:
        """Make a task's adapter the active one, and part of the weights if `merged`; None: each row has its own."""
        if self._merged is not None and self._merged != task:
            adapters.restore(self.network, self.checkpoint)
            self._merged = None
        if task is not None and self.network.active_adapter != task:
            self.network.set_adapter(task, inference_mode=True)
        if merged and task is not None and self._merged is None:
            adapters.merge(self.network, task)
            self._merged = task

    def _tasks(self, task: str | Sequence[str] | None, count: int) -> list[str]:
        """The task of each of `count` items. Raises ValueError for one that the checkpoint has no adapter for."""
        tasks = [task or self.settings.task] * count if task is None or isinstance(task, str) else list(task)
        if len(tasks) != count:
            raise ValueError(f"{len(tasks)} tasks for {count} items")
        if unknown := set(tasks) - set(self.checkpoint.tasks):
            raise ValueError(f"no task {', '.join(sorted(unknown))}; the tasks are {', '.join(self.checkpoint.tasks)}")
        return tasks


def _boxes(item: Item) -> U16:
    """The boxes (T, 4) of an item's tokens; those of a text have the whole page."""
    return boxes(item) if item.pixels is not None else np.tile(WHOLE_PAGE, (len(item), 1))


@threads.one_per_process
def preprocessing_pool() -> ThreadPoolExecutor:
    """Threads that resize images and cut them into patches, one per core."""
    return ThreadPoolExecutor(threads.available())


@lru_cache(maxsize=1)
def log_licence_notice() -> None:
    """Log the terms of the weights' licence, once per process."""
    log.warning(spec.NOTICE)
