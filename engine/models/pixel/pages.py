"""The page side of the embedded model, in torch: images of pages to patch vectors, boxes and visual words.

A page is read at up to three resolutions, chosen from its pixels. The base pass reads ordinary print. A coarse pass, on
the same image at a third of the size, reads headings too large for the base pass, and detects figures. Where the base
pass finds small print, a fine pass reads those bands of the page again, at the resolution at which it was rendered. An
upside-down page is rotated by 180° first, and blocks of text rotated by 90° are read from a sheet of upright copies.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from ... import threads
from ...compression.visual_words import VisualWords
from ...records import BOX_SCALE, F16, F32, U8, U16, PageImage, PageVectors, Ragged
from ..device import INT8, choose, compute_dtype
from ..encoder import EmbeddedPages, EncoderSpec
from . import heads, rotation, spec
from .assignment import CentroidAssignment
from .concepts import FAMILIES, FIGURE_NAMES, MARK, PAGE_CONCEPTS
from .detections import NO_DETECTIONS, Detections, bands, concatenated, detect_words
from .features import COLOURS_START, FIGURE_CELLS, HUES, PassOutput, block_statistics, page_statistics
from .heads import MAX_PER_VECTOR, ConceptHead
from .inference import PageNetwork, prepare_for_inference
from .network import STRIDE_PX, PixelNetwork
from .page_scaling import BASE_PIXELS, ink_box, pad_to_cells, paper_shade, read_grey, resized
from .text import load_visual_words

COARSE_FACTOR = 3
"""The coarse pass reads the image of the base pass reduced by this factor."""
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
PRINT_SALIENCY, PRINT_SIMILARITY = 0.6, 0.79
"""Least mean saliency of the words in a rotated block, and least mean cosine with their visual words, which is 0.65 to
0.78 for letters in another orientation.
"""
FIGURE_MIN, FIGURE_FULL = 0.3, 0.8
"""Probabilities of a kind of figure at which a block begins to match the words that name it, and matches them fully."""
KIND_MIN, KIND_FULL = 0.35, 0.85
"""The same for kinds of pages."""
COVER = PAGE_CONCEPTS.index(MARK + "page cover")
COVER_LOG_ODDS = (1.6, -1.4)
"""Added to the logit of "cover" on the first page of a document, and on other pages: log likelihood ratios. Of 13
labelled covers 11 are page 1, and of 1,145 other pages 183 (each count plus one).
"""
COLOUR_MIN, COLOUR_FULL = 0.005, 0.08
"""Shares of a page at which a colour begins to match the words that name it, and matches them fully, on a log scale."""
GROUP_BLOCKS = 2
"""Side of a group of blocks, in blocks; the blocks of a group share the vectors of the figures that they show."""
BEYOND_PAGE = 1 << 30
"""A coordinate larger than that of any block."""
IN_FAMILY = np.array([[name in kinds for _, kinds in FAMILIES.values()] for name in FIGURE_NAMES], np.float32)
"""Whether a kind of figure belongs to a family, (K, F)."""
TINY = 1e-9
MAX_PATCHES = 3000
"""Words and figures of a page, at most; the least salient ones are dropped."""
CROP_STEP_PX = 128
"""Sizes of parts of a page are rounded up to multiples of this, so that few different ones occur."""
WHOLE_PAGE = np.array([0, 0, 1, 1], np.float32)
"""The box of vectors for the page as a whole."""
MARGIN_PX = 48
"""Margin of a pass around the part of a page that it reads: half the receptive field of a cell."""


class BasePass(NamedTuple):
    """The base pass over a page.

    The page in `grey` as it was rendered; the `image` that was read, which is that at `scale`; the `output` of the
    network, the `words` detected, and whether the page `is_blank`.
    """

    grey: Image.Image
    scale: float
    image: Image.Image
    output: PassOutput
    words: Detections
    is_blank: bool


@dataclass(frozen=True)
class PixelPages:
    """The page encoder of the model: the network on its device, and the heads."""

    network: PageNetwork
    figure_head: ConceptHead
    page_head: ConceptHead
    visual_words: VisualWords
    assignment: CentroidAssignment
    device: torch.device
    spec: EncoderSpec

    @staticmethod
    def load(folder: Path | None = None, *, device: str = "auto") -> PixelPages:
        """Read the weights that ship with the package, or those in the `folder` of a fine-tuned model.

        The network computes in the arithmetic that the environment requests (`device.ARITHMETIC_VARIABLE`), else in
        8-bit integers if it can, else in bfloat16 if the device computes in it.
        """
        described = spec.SPEC if folder is None else spec.describe(folder)
        chosen = choose(device)
        network = prepare_for_inference(load_network(folder), chosen)
        visual_words = load_visual_words(folder)
        integers = network.arithmetic == INT8
        # Integers are always made from float32, so that processors with and without bfloat16 assign the same words.
        dtype = torch.float32 if integers else compute_dtype(chosen)
        assignment = CentroidAssignment(visual_words.centroids, chosen, dtype, integers=integers)
        return PixelPages(network, *heads.load(folder), visual_words, assignment, chosen, described)

    def encode_pages(self, pages: Sequence[PageImage]) -> EmbeddedPages:
        """Embed one or more pages; a blank page has no patches.

        On a CPU, each core reads one page at a time, which uses the cores better than sharing a page. A single page is
        read by one core too, because sums in float32 depend on the number of threads.
        """
        if self.device.type != "cpu":
            parts = [self.encode_page(page) for page in pages]
        else:
            before = torch.get_num_threads()
            try:
                parts = list(page_pool().map(self.encode_page, pages))
            finally:
                torch.set_num_threads(before)  # the pool's threads changed the default of threads started later
        boxes, halves, words = zip(*parts, strict=True)
        vectors, every_word = Ragged.of(halves), np.concatenate(words)
        single = self.visual_words.page_vectors(Ragged(every_word, vectors.offsets))
        refs = tuple(page.ref for page in pages)
        return EmbeddedPages(PageVectors(refs, vectors, np.concatenate(boxes), single), every_word)

    def encode_page(self, page: PageImage) -> tuple[U16, F16, U16]:
        """The boxes (T, 4), vectors (T, D) and visual words (T,) of a page."""
        found = self.read(page)
        vectors = found.vectors.astype(np.float16)
        return np.rint(found.boxes.clip(0, 1) * BOX_SCALE).astype(np.uint16), vectors, self.assign(vectors)

    def assign(self, vectors: F16) -> U16:
        """The nearest visual word of each vector (T, D), as (T,) uint16."""
        return self.assignment.assign(vectors)

    def read(self, page: PageImage) -> Detections:
        """The words and figures on a page, most salient first, then the concepts of the page as a whole.

        None on a blank page. An upside-down page is turned over.
        """
        first = self.base_pass(page.pixels)
        if len(first.words.heights) >= ORIENTATION_WORDS:
            similarity = self.word_similarity(first.words)
            if similarity < UPRIGHT_SIMILARITY:
                over = replace(page, pixels=np.ascontiguousarray(page.pixels[::-1, ::-1]))
                other = self.base_pass(over.pixels)
                enough = len(other.words.heights) >= ORIENTATION_WORDS
                if enough and self.word_similarity(other.words) > similarity + ORIENTATION_MARGIN:
                    found = self.read_rest(over, other)
                    return found._replace(boxes=1 - found.boxes[:, [2, 3, 0, 1]])
        return self.read_rest(page, first)

    def base_pass(self, pixels: U8) -> BasePass:
        """The base pass over a page (H, W, 3)."""
        grey, scale = read_grey(pixels)
        image = resized(grey, scale)
        box = ink_box(image)
        output = self.run_pass_over(image, box[None])
        return BasePass(grey, scale, image, output, detect_words(output, image.size), is_blank=not box.any())

    def read_rest(self, page: PageImage, base: BasePass) -> Detections:
        """All detections on a page, given its base pass: runs the coarse and fine passes, reads rotated text."""
        if base.is_blank:
            return NO_DETECTIONS
        grey, scale, words = base.grey, base.scale, base.words
        coarse = self.coarse_pass(base.image)
        parts = [words.select(words.heights < LARGE_PX * OVERLAP), self.detect_figures(coarse, base.output)]
        large = detect_words(coarse, coarse.size)
        parts.append(large.select(large.heights * COARSE_FACTOR > LARGE_PX))
        small = words.heights < SMALL_PX
        if small.sum() > SMALL_SHARE * len(small) and scale * FINE_GAIN <= 1:
            bands_of_print = bands(words.boxes[small], BAND_GAP_PX / grey.height)
            fine = concatenated([detect_words(self.run_pass_over(grey, band), grey.size) for band in bands_of_print])
            parts[0] = parts[0].select(parts[0].heights >= SMALL_PX)
            parts.append(fine.select(fine.heights * scale < SMALL_PX * OVERLAP))
        upright = concatenated(parts[:1] + parts[2:])
        parts.append(self.rotated_words(np.asarray(base.image), upright.boxes[upright.saliency > UPRIGHT_SALIENCY]))
        merged = concatenated(parts)
        order = np.argsort(-merged.saliency, kind="stable")[:MAX_PATCHES]
        statistics = self.page_statistics(coarse, page.pixels, words)
        return concatenated([merged.select(order), self.classify_page(page.ref.page, statistics)])

    def rotated_words(self, page: U8, upright: F32) -> Detections:
        """The words in blocks of text rotated by 90° on a grey page (H, W), outside the boxes `upright` (T, 4)."""
        parts, regions = [NO_DETECTIONS], rotation.find_regions(page, upright)
        size = np.array(page.shape[::-1] * 2, np.float32)
        for upwards in (True, False):
            unread = []
            for sheet, strips in rotation.upright_sheets(page, regions, paper_shade(page), upwards=upwards):
                on_sheet = detect_words(self.run_pass(Image.fromarray(sheet)), (1, 1))
                middles = on_sheet.boxes[:, 1::2].mean(axis=1)
                for region, strip in strips:
                    words = on_sheet.select((middles >= strip.y) & (middles < strip.y + len(strip.pixels)))
                    if self.is_print(words):
                        parts.append(words._replace(boxes=strip.on_page(words.boxes) / size))
                    else:
                        unread.append(region)
            regions = unread
        return concatenated(parts)

    def is_print(self, words: Detections) -> bool:
        """Whether detections are printed words; strokes, and letters in another orientation, match no visual word."""
        if not len(words.heights) or words.saliency.mean() < PRINT_SALIENCY:
            return False
        return self.word_similarity(words) >= PRINT_SIMILARITY

    def word_similarity(self, words: Detections) -> float:
        """The mean cosine of the most salient words with their visual words."""
        vectors = words.vectors[np.argsort(-words.saliency, kind="stable")[:SIMILARITY_WORDS]]
        nearest = self.visual_words.centroids[self.assign(vectors.astype(np.float16))]
        return float((nearest * vectors).sum(axis=1).mean())

    def coarse_pass(self, image: Image.Image) -> PassOutput:
        """The coarse pass, given the grey image of the base pass."""
        return self.run_pass(resized(image, 1 / COARSE_FACTOR))

    def run_pass_over(self, grey: Image.Image, boxes: F32) -> PassOutput:
        """One pass over the part of a grey page that holds `boxes` (B, 4), page fractions, with a margin."""
        size = np.array([grey.width, grey.height], np.float64)
        left, top = (int(v) for v in np.maximum(np.floor(boxes[:, :2].min(axis=0) * size) - MARGIN_PX, 0))
        end = np.ceil(boxes[:, 2:].max(axis=0) * size) + MARGIN_PX
        # Few different sizes: libraries compile, and cache, kernels for each.
        end = (left, top) + np.ceil((end - (left, top)) / CROP_STEP_PX) * CROP_STEP_PX
        right, bottom = (int(v) for v in np.minimum(end, size))
        return self.run_pass(grey.crop((left, top, right, bottom)), (left, top))

    def run_pass(self, grey: Image.Image, corner: tuple[int, int] = (0, 0)) -> PassOutput:
        """One pass over a grey image, which begins at `corner` of a page."""
        with torch.inference_mode():
            features = self.network.features(pad_to_cells(grey))
            vectors, words, figures, boxes = self.network.heads(features)
            words, figures = (torch.sigmoid(logits[0].float()) for logits in (words, figures))
            return PassOutput(features, vectors, words, figures, boxes, grey.size, corner)

    def block_statistics(self, coarse: PassOutput, base: PassOutput) -> Tensor:
        """The input of the head for figures, (rows, columns, BLOCK_STATISTICS)."""
        with torch.inference_mode():
            return block_statistics(coarse, base, COARSE_FACTOR).cpu()

    def page_statistics(self, coarse: PassOutput, pixels: U8, words: Detections) -> F32:
        """The input (PAGE_STATISTICS,) of the head for pages; `pixels` (H, W, 3) and `words` are those of the page."""
        with torch.inference_mode():
            return page_statistics(coarse.features[0], coarse.words, coarse.figures, pixels, words.boxes)

    def detect_figures(self, coarse: PassOutput, base: PassOutput) -> Detections:
        """The figures on a page, of kinds and families that are named by concepts."""
        statistics = self.block_statistics(coarse, base)
        with torch.inference_mode():
            probabilities = torch.softmax(self.figure_head(statistics.flatten(0, 1)), dim=1)[:, 1:].numpy()
        probabilities = np.concatenate([probabilities, probabilities @ IN_FAMILY], axis=1)
        strengths = ((probabilities - FIGURE_MIN) / (FIGURE_FULL - FIGURE_MIN)).clip(0, 1).astype(np.float32)
        grouped, boxes = group_blocks(strengths.reshape(*statistics.shape[:2], -1))
        groups, vectors = self.figure_head.concept_vectors(grouped, per_vector=MAX_PER_VECTOR)
        side = FIGURE_CELLS * STRIDE_PX
        corners = boxes[groups] * side / np.array(coarse.size * 2, np.float32)
        heights = np.full(len(groups), side, np.float32)
        return Detections(vectors, corners.astype(np.float32), heights, grouped.max(axis=1, initial=0)[groups])

    def classify_page(self, number: int, statistics: F32) -> Detections:
        """The kinds and colours of page `number` of a document, as detections whose box is the page."""
        with torch.inference_mode():
            logits = self.page_head(torch.from_numpy(statistics)[None])[0]
            logits[COVER] += COVER_LOG_ODDS[number != 1]
            probabilities = torch.sigmoid(logits).numpy()
        kinds = (probabilities - KIND_MIN) / (KIND_FULL - KIND_MIN)
        shares = statistics[COLOURS_START : COLOURS_START + len(HUES)]
        colours = np.log(np.maximum(shares, TINY) / COLOUR_MIN) / np.log(COLOUR_FULL / COLOUR_MIN)
        strengths = np.concatenate([kinds, colours]).clip(0, 1).astype(np.float32)
        _, vectors = self.page_head.concept_vectors(strengths[None])
        ones = np.ones(len(vectors), np.float32)
        boxes = np.tile(WHOLE_PAGE, (len(vectors), 1))
        return Detections(vectors, boxes, ones * BASE_PIXELS**0.5, ones * strengths.max())


def group_blocks(strengths: F32) -> tuple[F32, F32]:
    """Concept strengths of blocks (R, C, M), 0 to 1, as their maxima (G, M) over groups of GROUP_BLOCKS a side.

    Also the box (G, 4) of the blocks of each group that show a concept, as x0, y0, x1, y1 in blocks.
    """
    rows, columns, concepts = strengths.shape
    down, across = -(-rows // GROUP_BLOCKS), -(-columns // GROUP_BLOCKS)
    whole = np.zeros((down * GROUP_BLOCKS, across * GROUP_BLOCKS, concepts), np.float32)
    whole[:rows, :columns] = strengths
    parts = whole.reshape(down, GROUP_BLOCKS, across, GROUP_BLOCKS, concepts).swapaxes(1, 2)
    row, column = np.mgrid[: len(whole), : whole.shape[1]].reshape(2, down, GROUP_BLOCKS, across, GROUP_BLOCKS)
    shown = parts.any(axis=4)
    ends = []
    for place in (column.swapaxes(1, 2), row.swapaxes(1, 2)):
        first = np.where(shown, place, BEYOND_PAGE).min(axis=(2, 3))
        ends.append((first, np.where(shown, place + 1, 0).max(axis=(2, 3))))
    (x0, x1), (y0, y1) = ends
    boxes = np.stack([x0, y0, x1, y1], axis=-1).reshape(-1, 4).astype(np.float32)
    return parts.max(axis=(2, 3)).reshape(-1, concepts), boxes


def load_network(folder: Path | None = None) -> PixelNetwork:
    """The trained network in float32, with the weights that ship with the package or those in `folder`."""
    network = PixelNetwork()
    weights = {name: value.float() for name, value in load_file((folder or spec.FOLDER) / spec.FILES[0]).items()}
    weights.setdefault("ranges", network.ranges)  # older versions wrote none
    network.load_state_dict(weights)
    return network


@threads.one_per_process
def page_pool() -> ThreadPoolExecutor:
    """Threads that read pages, one per core, each computing with one torch thread."""
    return ThreadPoolExecutor(threads.available(), initializer=torch.set_num_threads, initargs=(1,))
