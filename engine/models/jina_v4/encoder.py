"""Pages, questions and texts go in; single vectors and multi-vectors in one space come out, from one pass each."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import torch
from peft import PeftModel
from torch.nn import functional

from ... import threads
from ...errors import UsageError
from ...records import F32, U8, PageImage, PageVectors, QueryVectors, Ragged
from .. import device as devices
from ..encoder import EmbeddedPages, EncoderSpec, TextVectors, equal_tokens
from . import batching, spec
from .checkpoint import Checkpoint
from .description import describe
from .forward import forward
from .inputs import Item, Reader, boxes
from .network import load
from .spec import Settings

log = logging.getLogger(__name__)

BATCH_TOKENS = {"cuda": 8448, "cpu": 2048}
"""Tokens computed together, padding included: on a GPU eight pages of 1,024 visual tokens, half of what the indexer
hands over at a time, so that the other half is prepared meanwhile.
"""
BATCHES_AHEAD = 2
"""While one batch is computed, the pictures of so many others are prepared."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """One item of T tokens: `multi` (T, D) float32 and `single` (S,) float32, all of unit length."""

    multi: F32
    single: F32


class JinaV4:
    """A checkpoint with its settings; the network is loaded when it is first needed. May be shared between threads."""

    def __init__(
        self, checkpoint: Checkpoint, spec: EncoderSpec, settings: Settings, *, device: str, dtype: str
    ) -> None:
        self.spec = spec
        self.checkpoint = checkpoint
        self.settings = settings
        self.device = devices.choose(device)
        self._dtype = devices.compute_dtype(self.device) if dtype == "auto" else getattr(torch, dtype)
        self._one_at_a_time = threading.Lock()

    @staticmethod
    def open(name: str, *, device: str = "auto", dtype: str = "auto", download: bool = False) -> JinaV4:
        """Open the checkpoint `name`, see `spec`; `dtype` is "auto", "float32" or "bfloat16".

        Raises UsageError when the checkpoint is not there, or is another model's.
        """
        if dtype not in ("auto", "float32", "bfloat16"):
            raise ValueError(f"dtype {dtype!r} is not auto, float32 or bfloat16")
        checkpoint, description, settings = describe(name, download=download)
        return JinaV4(checkpoint, description, settings, device=device, dtype=dtype)

    @cached_property
    def network(self) -> PeftModel:
        """The network on its device; raises UsageError where its tensors or the memory do not suffice."""
        say_licence()
        return load(self.checkpoint, self.device, self._dtype)

    @cached_property
    def reader(self) -> Reader:
        return Reader.load(self.checkpoint.folder, self.checkpoint.config, max_pixels=self.settings.max_pixels)

    def prepare(self) -> None:
        """Load the network now, rather than when something is first embedded."""
        with self._one_at_a_time:
            _ = self.network

    def encode_pages(self, pages: Sequence[PageImage], *, task: str | Sequence[str] | None = None) -> EmbeddedPages:
        """Embed pages, with the tokens that the settings keep; those of the prompt have the whole page as their box."""
        items = [self.reader.picture(page.pixels) for page in pages]
        kept = [slice(*item.patches) if self.settings.tokens == "vision" else slice(None) for item in items]
        encoded = self.encode(items, self._tasks(task, len(items)))
        vectors = Ragged.of([each.multi[keep].astype(np.float16) for each, keep in zip(encoded, kept, strict=True)])
        places = np.concatenate([boxes(item)[keep] for item, keep in zip(items, kept, strict=True)])
        single = np.stack([each.single for each in encoded]).astype(np.float16)
        return EmbeddedPages(PageVectors(tuple(page.ref for page in pages), vectors, places, single), words=None)

    def encode_queries(self, texts: Sequence[str], *, task: str | Sequence[str] | None = None) -> list[QueryVectors]:
        """Embed questions, each with its prefix; all their tokens count alike. Raises UsageError on an empty one."""
        if blank := [text for text in texts if not text.strip()]:
            raise UsageError(f"the query {blank[0]!r} has nothing to search for")
        tasks = self._tasks(task, len(texts))
        items = [self.reader.text(text, "query", each) for text, each in zip(texts, tasks, strict=True)]
        words = [self.reader.words(item) for item in items]
        encoded = self.encode(items, tasks)
        return [equal_tokens(each.multi, each.single, told) for each, told in zip(encoded, words, strict=True)]

    def encode_query(self, text: str) -> QueryVectors:
        """Embed one question."""
        (query,) = self.encode_queries([text])
        return query

    def encode_image_queries(
        self, images: Sequence[U8], *, task: str | Sequence[str] | None = None
    ) -> list[QueryVectors]:
        """Embed pictures (H, W, 3) as questions: pages that look like them, or say what they say."""
        items = [self.reader.picture(pixels) for pixels in images]
        encoded = self.encode(items, self._tasks(task, len(items)))
        out = []
        for item, each in zip(items, encoded, strict=True):
            seen = slice(*item.patches)  # the words of the prompt are the same in every picture
            out.append(equal_tokens(each.multi[seen], each.single, ("",) * len(each.multi[seen])))
        return out

    def encode_texts(
        self, texts: Sequence[str], *, prompt: str = "passage", task: str | Sequence[str] | None = None
    ) -> TextVectors:
        """Embed texts as documents, or with `prompt` "query" as questions; at least one text."""
        tasks = self._tasks(task, len(texts))
        encoded = self.encode(
            [self.reader.text(text, prompt, each) for text, each in zip(texts, tasks, strict=True)], tasks
        )
        return TextVectors(Ragged.of([each.multi for each in encoded]), np.stack([each.single for each in encoded]))

    def encode(self, items: Sequence[Item], tasks: Sequence[str]) -> list[Encoded]:
        """Embed items of any kinds, each with the adapter of its task: in batches by length, in the order given.

        An item's vectors do not depend on the others, up to rounding.
        """
        out: dict[int, Encoded] = {}
        batches = batching.pack([len(item) for item in items], BATCH_TOKENS[self.device.type])
        for batch, patches in self.prepared(batches, items):
            chosen = [items[i] for i in batch]
            out.update(zip(batch, self._compute(chosen, [tasks[i] for i in batch], patches), strict=True))
        return [out[i] for i in range(len(items))]

    def prepared(
        self, batches: Sequence[Sequence[int]], items: Sequence[Item]
    ) -> Iterator[tuple[Sequence[int], list[F32]]]:
        """Yield batches with the patches of their pictures, which threads prepare ahead."""
        waiting: deque[tuple[Sequence[int], list[Future[F32]]]] = deque()
        for batch in batches:
            pictures = [items[i] for i in batch if items[i].pixels is not None]
            waiting.append((batch, [preparers().submit(self.reader.patches, item) for item in pictures]))
            if len(waiting) > BATCHES_AHEAD:
                ready, futures = waiting.popleft()
                yield ready, [future.result() for future in futures]
        for ready, futures in waiting:
            yield ready, [future.result() for future in futures]

    def _compute(self, items: Sequence[Item], tasks: Sequence[str], patches: Sequence[F32]) -> list[Encoded]:
        """One pass over one batch."""
        with self._one_at_a_time, torch.inference_mode():
            if len(set(tasks)) == 1:
                if self.network.active_adapter != tasks[0]:
                    self.network.set_adapter(tasks[0], inference_mode=True)
                means, multi = forward(self.network, items, patches, self.device)
            else:
                means, multi = forward(self.network, items, patches, self.device, adapters=tasks)
            singles = functional.normalize(means[:, : self.spec.single_dim], dim=1).cpu().numpy()
            units = multi.cpu().numpy()
        return [Encoded(units[row, : len(item)].copy(), singles[row]) for row, item in enumerate(items)]

    def _tasks(self, task: str | Sequence[str] | None, count: int) -> list[str]:
        """One task an item; ValueError for one that the checkpoint has no adapter for."""
        asked = [task or self.settings.task] * count if task is None or isinstance(task, str) else list(task)
        if len(asked) != count:
            raise ValueError(f"{len(asked)} tasks for {count} items")
        if unknown := set(asked) - set(self.checkpoint.tasks):
            raise ValueError(f"no task {', '.join(sorted(unknown))}; there are {', '.join(self.checkpoint.tasks)}")
        return asked


@lru_cache(maxsize=1)
def preparers() -> ThreadPoolExecutor:
    """Threads that scale pictures and cut them into patches, one a core."""
    return ThreadPoolExecutor(threads.available())


@lru_cache(maxsize=1)
def say_licence() -> None:
    """Say once in a process what the weights may be used for."""
    log.warning(spec.NOTICE)
