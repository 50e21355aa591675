"""The page side of the embedded model: images of pages to patch vectors, boxes and visual words.

A page is read at up to three resolutions, chosen from its pixels. The base pass reads ordinary print. A coarse pass, on
the same image at a third of the size, reads headings too large for the base pass, and detects figures. Where the base
pass finds small print, a fine pass reads those bands of the page again, at the resolution at which it was rendered. An
upside-down page is rotated by 180° first, and blocks of text rotated by 90° are read from a sheet of upright copies.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from ... import threads
from ...compression.visual_words import VisualWords
from ...records import BOX_SCALE, F16, F32, U8, U16, PageImage, PageRef, PageVectors, Ragged
from ..encoder import EmbeddedPages, EncoderSpec
from . import heads, spec
from .architecture import STRIDE_PX
from .assignment import TwoAssignments
from .concept_detections import classify_page, detect_figures
from .detail import PATCHES_PER_PIXEL, read_tiles
from .detections import NO_DETECTIONS, Detections, bands, concatenated, detect_words, taller
from .features import PassOutput, block_statistics, page_statistics
from .heads import ConceptHead
from .inference import PageNetwork
from .inked_parts import MARGIN_PX, InkedParts, inked_parts
from .page_scaling import pad_to_cells, read_grey, resized
from .regions import paper_shade
from .rotated_words import read_rotated
from .scripts import ScriptPages, read_pass
from .spaced_letters import read_spaced
from .text import load_visual_words
from .weights import PageWeights

BATCH_PAGES_MIN = 4
"""Pages that are given to the cores at a time, or as many as there are cores."""
COARSE_FACTOR = 3
"""The coarse pass reads the image of the base pass reduced by this factor."""
HUGE_FACTOR, HUGE_SALIENCY = 9, 0.6
"""Titles of posters are read in one more pass on an image reduced by this factor, where they are as salient as this."""
HUGE_CONTRAST, HUGE_MIN_PIXELS = 128, 20
"""Ordinary print is pale in so small an image; where this many pixels differ from the paper by more, print is huge."""
LARGE_PX = 40.0
"""Words taller than this in the base pass are read in the coarse pass."""
OVERLAP = 1.3
"""Factor by which the ranges of word heights that two passes read overlap."""
SMALL_PX = 11.5
"""Words shorter than this (in height) in the base pass are read in the fine pass."""
SMALL_SHARE = 0.02
"""The fine pass is worth its time if more than this share of a page's words is small."""
BAND_GAP_PX = 192
"""Bands of small print that are further apart than this are read separately."""
FINE_GAIN = 1.15
"""The fine pass is worth its time if it enlarges the image of the base pass at least by this factor."""
SIMILARITY_WORDS = 128
"""Words of which the similarity with their visual words is averaged, at most: the most salient ones."""
ORIENTATION_WORDS = 20
"""A page with fewer words is taken to be upright."""
UPRIGHT_SIMILARITY, ORIENTATION_MARGIN = 0.8, 0.02
"""Mean cosine of a page's words with their visual words from which it is upright; below that, it is turned over if they
are more similar upside down by this margin. Of 79 pages, all are more similar upright, by at least 0.035, and 10 are
below 0.8.
"""
UPRIGHT_SALIENCY = 0.7
"""Where a word of a higher saliency was read upright, there is no rotated text. Single rotated letters look like words,
too, so MIN_SALIENCY is not enough.
"""
MAX_PATCHES = 3000
"""Words and figures of a page, at most; the least salient ones are dropped."""
BLANK_SAMPLE = (7, 15)
"""Rows and columns of blank cells that are read to know what the middle one of them looks like."""


class PagesBeingRead(NamedTuple):
    """Pages that the threads of `page_pool` read, or will read: what `PixelPages.encode_counted` returns of each."""

    refs: tuple[PageRef, ...]
    pages: list[Future[tuple[U16, F16, U16, int]]]


class BasePass(NamedTuple):
    """The base pass over a page.

    The page in `grey` as it was rendered; the `image` that was read, which is that at `scale`; the `outputs` of the
    network for the parts of it that are not blank, and the `words` detected.
    """

    grey: Image.Image
    scale: float
    image: Image.Image
    outputs: list[PassOutput]
    words: Detections


class PageWords(NamedTuple):
    """The detections on a page that were kept, and the number of words that were left out because it has too many."""

    found: Detections
    left_out: int


@dataclass(frozen=True)
class PixelPages:
    """The page encoder of the model: the network, and the heads. It computes on the CPU."""

    network: PageNetwork
    figure_head: ConceptHead
    page_head: ConceptHead
    visual_words: VisualWords
    assignment: TwoAssignments
    spec: EncoderSpec
    scripts: ScriptPages

    @staticmethod
    def load(folder: Path | None = None) -> PixelPages:
        """Read the weights that ship with the package, or those in the `folder` of a fine-tuned model.

        The network computes in the arithmetic that the environment requests (`arithmetic.ARITHMETIC_VARIABLE`), else in
        8-bit integers if its weights have the ranges that these need.
        """
        described = spec.SPEC if folder is None else spec.describe(folder)
        network = PageNetwork.of(PageWeights.load(folder))
        visual_words = load_visual_words(folder)
        assignment = TwoAssignments.of(visual_words.centroids, spec.FIRST_SCRIPT_WORD)
        return PixelPages(network, *heads.load(folder), visual_words, assignment, described, ScriptPages.load())

    @property
    def batch_pages(self) -> int:
        """As few as keep all cores busy, if the next ones are prepared: pages that wait take memory."""
        return max(BATCH_PAGES_MIN, threads.available())

    def encode_pages(self, pages: Sequence[PageImage]) -> EmbeddedPages:
        """Embed one or more pages; a blank page has no patches.

        Each core reads one page at a time, which uses the cores better than sharing a page.
        """
        return self.encode_prepared(self.prepare_pages(pages))

    def prepare_pages(self, pages: Sequence[PageImage]) -> PagesBeingRead:
        """Have the cores begin with one or more pages, as soon as they have read those that they were given before."""
        return PagesBeingRead(
            tuple(page.ref for page in pages), [page_pool().submit(self._encode_alone, page) for page in pages]
        )

    def encode_prepared(self, prepared: object) -> EmbeddedPages:
        """Wait for pages that `prepare_pages` began with."""
        assert isinstance(prepared, PagesBeingRead), "what prepare_pages returned"
        try:
            boxes, halves, words, left_out = zip(*(each.result() for each in prepared.pages), strict=True)
        finally:  # after an error, or Ctrl-C, nobody begins another page of these
            for each in prepared.pages:
                each.cancel()
        vectors, every_word = Ragged.of(halves), np.concatenate(words)
        single = self.visual_words.page_vectors(Ragged(every_word, vectors.offsets))
        return EmbeddedPages(
            PageVectors(prepared.refs, vectors, np.concatenate(boxes), single), every_word, tuple(left_out)
        )

    def _encode_alone(self, page: PageImage) -> tuple[U16, F16, U16, int]:
        """As `encode_counted`, on one of several threads."""
        with threads.no_blas_threads():
            return self.encode_counted(page)

    def encode_counted(self, page: PageImage) -> tuple[U16, F16, U16, int]:
        """The boxes (T, 4), vectors (T, D) and visual words (T,) of a page, and how many of its words were left out."""
        found, left_out = self.read_counted(page)
        vectors = found.vectors.astype(np.float16)
        words = self.assignment.assign_parts(vectors, found.is_unit)
        return np.rint(found.boxes.clip(0, 1) * BOX_SCALE).astype(np.uint16), vectors, words, left_out

    def assign(self, vectors: F16) -> U16:
        """The nearest visual word of each vector (T, D), as (T,) uint16."""
        return self.assignment.assign(vectors)

    def read(self, page: PageImage) -> Detections:
        """The words and figures on a page, most salient first, then the concepts of the page as a whole.

        None on a blank page. An upside-down page is turned over.
        """
        return self.read_counted(page).found

    def read_counted(self, page: PageImage) -> PageWords:
        """As `read`, with the number of words that were left out."""
        first = self.base_pass(page.pixels)
        if len(first.words.heights) >= ORIENTATION_WORDS:
            similarity = self.word_similarity(first.words)
            if similarity < UPRIGHT_SIMILARITY:
                detail = None if page.detail is None else np.ascontiguousarray(page.detail[::-1, ::-1])
                over = replace(page, pixels=np.ascontiguousarray(page.pixels[::-1, ::-1]), detail=detail)
                other = self.base_pass(over.pixels)
                enough = len(other.words.heights) >= ORIENTATION_WORDS
                if enough and self.word_similarity(other.words) > similarity + ORIENTATION_MARGIN:
                    found = self.read_rest(over, other)
                    boxes = 1 - found.found.boxes[:, [2, 3, 0, 1]]
                    return found._replace(found=found.found._replace(boxes=boxes))
        return self.read_rest(page, first)

    def base_pass(self, pixels: U8) -> BasePass:
        """The base pass over a page (H, W, 3)."""
        grey, scale = read_grey(pixels)
        image = resized(grey, scale)
        outputs = self.read_inked(image)
        words = concatenated([NO_DETECTIONS, *(detect_words(output, image.size) for output in outputs)])
        return BasePass(grey, scale, image, outputs, words)

    def read_rest(self, page: PageImage, base: BasePass) -> PageWords:
        """All detections on a page, given its base pass: runs the other passes."""
        if not base.outputs:
            return PageWords(NO_DETECTIONS, 0)
        coarse, most = self.coarse_pass(base.image), MAX_PATCHES
        image, grey = np.asarray(base.image), np.asarray(base.grey)
        other = self.scripts.read_print(base.outputs, base.grey, base.scale)
        parts = self.upright_words(base, coarse, has_detail=page.detail is not None)
        parts = [*(other.without(part, base.image.size) for part in parts), other.units]
        words = other.without(base.words, base.image.size)
        upright = concatenated(parts)
        seen = upright.boxes[upright.saliency > UPRIGHT_SALIENCY]
        parts += [read_rotated(self, image, seen, grey), read_spaced(self, image, words)]
        parts.append(self.huge_words(base.image))
        if page.detail is not None:
            parts = [taller(concatenated(parts), LARGE_PX / len(page.detail)), read_tiles(page.detail, self.read_tile)]
            most = max(most, int(PATCHES_PER_PIXEL * page.detail.size))
        figures = detect_figures(self.figure_head, self.block_statistics(coarse, base.outputs), coarse.size)
        merged = concatenated([parts[0], figures, *parts[1:]])
        order = np.argsort(-merged.saliency, kind="stable")[:most]
        statistics = page_statistics(coarse, page.pixels, grey, base.words.boxes)
        found = concatenated([merged.select(order), classify_page(self.page_head, page.ref.page, statistics)])
        return PageWords(found, len(merged.heights) - len(order))

    def upright_words(self, base: BasePass, coarse: PassOutput, *, has_detail: bool) -> list[Detections]:
        """The upright words of a page: those of the base pass, of the coarse pass, and of a fine pass where there is
        small print and no detail that shows it larger still.
        """
        grey, scale, words = base.grey, base.scale, base.words
        large = detect_words(coarse, coarse.size)
        parts = [words.select(words.heights < LARGE_PX * OVERLAP)]
        parts.append(large.select(large.heights * COARSE_FACTOR > LARGE_PX))
        small = words.heights < SMALL_PX
        if not has_detail and small.sum() > SMALL_SHARE * len(small) and scale * FINE_GAIN <= 1:
            bands_of_print = bands(words.boxes[small], BAND_GAP_PX / grey.height)
            fine = concatenated([detect_words(self.run_pass_over(grey, band), grey.size) for band in bands_of_print])
            parts[0] = parts[0].select(parts[0].heights >= SMALL_PX)
            parts.append(fine.select(fine.heights * scale < SMALL_PX * OVERLAP))
        return parts

    def read_tile(self, tile: U8) -> Detections:
        """The words in a tile of a large page, grey (H, W), upright ones and those in blocks rotated by 90°."""
        image = Image.fromarray(tile)
        parts = inked_parts(tile)
        outputs = [] if parts is None else self.read_parts(parts)
        words = concatenated([NO_DETECTIONS, *(detect_words(output, image.size) for output in outputs)])
        upright = words.select(words.heights < LARGE_PX * OVERLAP)
        other = self.scripts.read_print(outputs, image)
        upright = concatenated([other.without(upright, image.size), other.units])
        seen = upright.boxes[upright.saliency > UPRIGHT_SALIENCY]
        return concatenated([upright, read_rotated(self, tile, seen, tile)])

    def word_similarity(self, words: Detections) -> float:
        """The mean cosine of the most salient words with their visual words."""
        vectors = words.vectors[np.argsort(-words.saliency, kind="stable")[:SIMILARITY_WORDS]]
        nearest = self.visual_words.centroids[self.assignment.first.assign(vectors.astype(np.float16))]
        return float((nearest * vectors).sum(axis=1).mean())

    def huge_words(self, image: Image.Image) -> Detections:
        """The words too large for the coarse pass on the image of the base pass; none where no print is as bold."""
        pixels = np.asarray(image.reduce(HUGE_FACTOR))
        bold = np.abs(pixels.astype(np.int16) - paper_shade(pixels)) > HUGE_CONTRAST
        if np.count_nonzero(bold) < HUGE_MIN_PIXELS:
            return NO_DETECTIONS
        small = resized(image, 1 / HUGE_FACTOR)
        found = detect_words(self.run_pass(pad_to_cells(small)), small.size)
        is_huge = (found.heights * HUGE_FACTOR > LARGE_PX * COARSE_FACTOR) & (found.saliency > HUGE_SALIENCY)
        return found.select(is_huge)

    def coarse_pass(self, image: Image.Image) -> PassOutput:
        """The coarse pass, given the grey image of the base pass."""
        small = resized(image, 1 / COARSE_FACTOR)
        return self.run_pass(pad_to_cells(small))._replace(size=small.size)

    def read_inked(self, image: Image.Image) -> list[PassOutput]:
        """Passes over the parts of a grey page, at any resolution, that have ink; before them, one that stands for the
        blank cells between them. None for a blank page.
        """
        parts = inked_parts(np.asarray(image))
        if parts is None:
            return []
        blank = self.blank_output(parts.paper, parts.size, parts.corner)
        return [blank, *self.read_parts(parts)]

    def read_parts(self, parts: InkedParts) -> list[PassOutput]:
        """Passes over parts of a page."""
        return [self.run_pass(*part) for part in parts.parts]

    def blank_output(self, paper: int, cells: tuple[int, int], corner: tuple[int, int]) -> PassOutput:
        """What a pass over blank paper of a shade has, for rows and columns of `cells` that begin at `corner`."""
        rows, columns = BLANK_SAMPLE
        sample = self.run_pass(np.full((rows * STRIDE_PX, columns * STRIDE_PX), paper, np.uint8))
        middle = (rows // 2, columns // 2)
        features = np.broadcast_to(sample.features[middle], (*cells, sample.features.shape[2]))
        words, figures = (np.full(cells, each[middle], np.float32) for each in (sample.words, sample.figures))
        none = np.zeros(0, np.int64)
        size = (cells[1] * STRIDE_PX, cells[0] * STRIDE_PX)
        return PassOutput(features, words, figures, (none, none), sample.vectors[:0], sample.boxes[:0], size, corner)

    def run_pass_over(self, grey: Image.Image, boxes: F32) -> PassOutput:
        """One pass over the part of a grey page that holds `boxes` (B, 4), page fractions, with a margin."""
        size = np.array([grey.width, grey.height], np.float64)
        left, top = (int(v) for v in np.maximum(np.floor(boxes[:, :2].min(axis=0) * size) - MARGIN_PX, 0))
        right, bottom = (int(v) for v in np.minimum(np.ceil(boxes[:, 2:].max(axis=0) * size) + MARGIN_PX, size))
        return self.run_pass(pad_to_cells(grey.crop((left, top, right, bottom))), (left, top))

    def run_pass(self, pixels: U8, corner: tuple[int, int] = (0, 0)) -> PassOutput:
        """One pass over a grey image (H, W), both multiples of 16, which begins at `corner` of a page."""
        return read_pass(self.network, pixels, corner)

    def block_statistics(self, coarse: PassOutput, base: Sequence[PassOutput]) -> F32:
        """The input of the head for figures, (rows, columns, BLOCK_STATISTICS)."""
        return block_statistics(coarse, base, COARSE_FACTOR)


@threads.one_per_process
def page_pool() -> ThreadPoolExecutor:
    """Threads that read pages, one per core; the kernels of searches have others, and need not wait for pages."""
    return ThreadPoolExecutor(threads.available())
