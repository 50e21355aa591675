"""The embedded model's page side: page pictures to patch vectors, with torch.

A page is read at up to three resolutions, chosen from its pixels. The base pass reads ordinary print. A coarse pass, on
the same picture at a third of the size, reads headings too large for the base pass, and sees what figures show. Where
the base pass finds small print, a fine pass reads the bands of the page that hold it once more, at the resolution it
was rendered at. A page on its head is turned over first, and blocks of text turned by 90° are read from a sheet of
upright copies.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from ... import threads
from ...compression.visual_words import PageCode
from ...records import BOX_SCALE, F16, F32, U8, U16, PageImage, PageVectors, Ragged
from ..device import INT8, choose, compute_dtype
from ..encoder import EmbeddedPages, EncoderSpec
from . import rotation, spec
from .assignment import Filing
from .concepts import FAMILIES, MARK, NAMES, WHOLE_PAGE
from .detections import NOTHING, Found, bands, found_in, joined
from .features import COLOUR_AT, FIGURE_CELLS, HUES, Pass, block_statistics, page_statistics
from .heads import MOST_TOGETHER, Readout
from .heads import load as load_readouts
from .inference import Looking, ready
from .network import STRIDE_PX, PixelNetwork
from .pictures import BASE_PIXELS, inked, paper_of, read_grey, resized, whole_cells
from .text import load_code

COARSE_FACTOR = 3
LARGE_PX = 40.0
"""Words taller than this in the base pass are read in the coarse pass."""
OVERLAP = 1.3
SMALL_PX = 11.5
"""Words lower than this in the base pass are read in the fine pass."""
SMALL_SHARE = 0.02
"""The least share of a page's words that are small for which the fine pass pays."""
BAND_GAP_PX = 192
"""Small print further apart is read in parts of its own."""
FINE_GAIN = 1.15
"""The least enlargement for which the fine pass pays."""
LIKENESS_WORDS = 128
HEAD_WORDS = 20
"""With fewer words it is not asked whether a page stands on its head."""
SURELY_UPRIGHT, CLEARLY = 0.8, 0.02
"""Mean cosines of a page's words with their visual words: from the first it is upright, and else by so much the better
of both ways. Of 79 pages all are more alike upright, by 0.035 at least, and 10 have less than 0.8.
"""
UPRIGHT = 0.7
"""The saliency of a word from which what it stands on is no turned text: single turned letters look like words, too."""
PRINT_SALIENT, PRINT_SIMILAR = 0.6, 0.79
"""The least mean saliency of words in a turned block, and cosine with their visual words: letters the wrong way up
have 0.65 to 0.78.
"""
FIGURE_LEAST, FIGURE_FULL = 0.3, 0.8
"""Chances from which a block is told to be in a figure of a kind, and from which it matches the kind's word fully."""
KIND_LEAST, KIND_FULL = 0.35, 0.85
"""The same for kinds of pages."""
COVER = WHOLE_PAGE.index(MARK + "page cover")
COVER_ODDS = (1.6, -1.4)
"""What the first page of a document, and any other, adds to the log-odds that it is a cover: 11 of 13 labelled covers
are page 1, and 183 of the 1,145 other pages (plus one each).
"""
COLOUR_LEAST, COLOUR_FULL = 0.005, 0.08
"""Shares of a page from which a colour is told, and from which it matches fully; between them by their logarithm."""
TOLD_BLOCKS = 2
"""What figures show is told once in so many blocks a side."""
FAR_OFF = 1 << 30
"""Beyond every block of a page."""
IN_FAMILY = np.array([[name in kinds for _, kinds in FAMILIES.values()] for name in NAMES], np.float32)
"""Which families (F) the kinds (K) of figures belong to, (K, F)."""
TINY = 1e-9
MAX_PATCHES = 3000
PART_STEP_PX = 128
"""Parts of a page are rounded up to it: few different sizes."""
EVERYWHERE = np.array([0, 0, 1, 1], np.float32)
"""The box of what is said of a page as a whole."""
MARGIN_PX = 48
"""What a pass over a part of the page sees around it: half of what a cell looks at."""


class Sight(NamedTuple):
    """The base pass over a page: the page in `grey` as it was rendered, and at `scale`, the `picture` that was looked
    at; what was `seen`, and the words in it.
    """

    grey: Image.Image
    scale: float
    picture: Image.Image
    seen: Pass
    base: Found
    is_blank: bool


@dataclass(frozen=True)
class PixelPages:
    """The network on its device, ready to embed pages."""

    network: Looking
    figure_readout: Readout
    page_readout: Readout
    code: PageCode
    filing: Filing
    device: torch.device
    spec: EncoderSpec

    @staticmethod
    def load(folder: Path | None = None, *, device: str = "auto") -> PixelPages:
        """Read the weights that ship with the package, or those in the `folder` of a fine-tuned model.

        The network computes in what the environment asks for (`device.SWITCH`), else in 8-bit integers where it can,
        else in bfloat16 where the device computes in it.
        """
        described = spec.SPEC if folder is None else spec.describe(folder)
        chosen = choose(device)
        network, code = ready(trained_network(folder), chosen), load_code(folder)
        integers = network.arithmetic == INT8
        # Integers are made of float32, on processors with bfloat16 and without: patches are filed alike on both.
        dtype = torch.float32 if integers else compute_dtype(chosen)
        filing = Filing(code.centroids, chosen, dtype, integers=integers)
        return PixelPages(network, *load_readouts(folder), code, filing, chosen, described)

    def encode_pages(self, pages: Sequence[PageImage]) -> EmbeddedPages:
        """Embed pages, on a CPU one a core at a time, which keeps the cores busier than one page can. A single page has
        one core, too: sums in float32 depend on how many share them.

        A blank page has no patches.
        """
        if self.device.type != "cpu":
            parts = [self.encode_page(page) for page in pages]
        else:
            before = torch.get_num_threads()
            try:
                parts = list(readers().map(self.encode_page, pages))
            finally:
                torch.set_num_threads(before)  # what the readers set is what later threads of the process start with
        boxes, halves, words = zip(*parts, strict=True)
        vectors, every_word = Ragged.of(halves), np.concatenate(words)
        single = self.code.page_vectors(Ragged(every_word, vectors.offsets))
        refs = tuple(page.ref for page in pages)
        return EmbeddedPages(PageVectors(refs, vectors, np.concatenate(boxes), single), every_word)

    def encode_page(self, page: PageImage) -> tuple[U16, F16, U16]:
        """One page's boxes (T, 4), its vectors (T, D) and their visual words (T,)."""
        found = self.read(page)
        vectors = found.vectors.astype(np.float16)
        return np.rint(found.boxes.clip(0, 1) * BOX_SCALE).astype(np.uint16), vectors, self.assign(vectors)

    def assign(self, vectors: F16) -> U16:
        """The nearest visual word of each vector (T, D), as (T,) uint16."""
        return self.filing.words(vectors)

    def read(self, page: PageImage) -> Found:
        """What is on one page, by saliency: words, from the base pass and the coarse and fine passes it asks for, and
        figures; then what the page is as a whole. Nothing on a blank page. One that stands on its head is turned.
        """
        sight = self.sight_of(page.pixels)
        if len(sight.base.heights) >= HEAD_WORDS and (alike := self.likeness(sight.base)) < SURELY_UPRIGHT:
            over = replace(page, pixels=np.ascontiguousarray(page.pixels[::-1, ::-1]))
            other = self.sight_of(over.pixels)
            if len(other.base.heights) >= HEAD_WORDS and self.likeness(other.base) > alike + CLEARLY:
                found = self.read_on(over, other)
                return found._replace(boxes=1 - found.boxes[:, [2, 3, 0, 1]])
        return self.read_on(page, sight)

    def sight_of(self, pixels: U8) -> Sight:
        """The base pass over a page (H, W, 3)."""
        grey, scale = read_grey(pixels)
        picture = resized(grey, scale)
        box = inked(picture)
        seen = self.look_at(picture, box[None])
        return Sight(grey, scale, picture, seen, found_in(seen, picture.size), is_blank=not box.any())

    def read_on(self, page: PageImage, sight: Sight) -> Found:
        """The rest of a page after its base pass."""
        if sight.is_blank:
            return NOTHING
        grey, scale, picture, first, base, _ = sight
        overview = self.overview(picture)
        parts = [base.only(base.heights < LARGE_PX * OVERLAP), self.figures(overview, first)]
        coarse = found_in(overview, overview.size)
        parts.append(coarse.only(coarse.heights * COARSE_FACTOR > LARGE_PX))
        small = base.heights < SMALL_PX
        if small.sum() > SMALL_SHARE * len(small) and scale * FINE_GAIN <= 1:
            parted = bands(base.boxes[small], BAND_GAP_PX / grey.height)
            fine = joined([found_in(self.look_at(grey, band), grey.size) for band in parted])
            parts[0] = parts[0].only(parts[0].heights >= SMALL_PX)
            parts.append(fine.only(fine.heights * scale < SMALL_PX * OVERLAP))
        upright = joined(parts[:1] + parts[2:])
        parts.append(self.turned_words(np.asarray(picture), upright.boxes[upright.saliency > UPRIGHT]))
        merged = joined(parts)
        order = np.argsort(-merged.saliency, kind="stable")[:MAX_PATCHES]
        return joined(
            [merged.only(order), self.whole(page.ref.page, self.page_statistics(overview, page.pixels, base))]
        )

    def turned_words(self, page: U8, read: F32) -> Found:
        """Words in blocks of text turned by 90° on a grey page (H, W), beside those that were `read`, (T, 4)."""
        parts, regions = [NOTHING], rotation.regions(page, read)
        size = np.array(page.shape[::-1] * 2, np.float32)
        for rises in (True, False):
            others = []
            for sheet, strips in rotation.sheets(page, regions, paper_of(page), rises=rises):
                seen = found_in(self.look(Image.fromarray(sheet)), (1, 1))
                middles = seen.boxes[:, 1::2].mean(axis=1)
                for region, strip in strips:
                    words = seen.only((middles >= strip.y) & (middles < strip.y + len(strip.pixels)))
                    if self.is_print(words):
                        parts.append(words._replace(boxes=strip.on_page(words.boxes) / size))
                    else:
                        others.append(region)
            regions = others
        return joined(parts)

    def is_print(self, words: Found) -> bool:
        """Whether words are more than strokes, or letters the wrong way up, which meet no visual word."""
        if not len(words.heights) or words.saliency.mean() < PRINT_SALIENT:
            return False
        return self.likeness(words) >= PRINT_SIMILAR

    def likeness(self, words: Found) -> float:
        """The mean cosine of the most salient words with their visual words."""
        vectors = words.vectors[np.argsort(-words.saliency, kind="stable")[:LIKENESS_WORDS]]
        nearest = self.code.centroids[self.assign(vectors.astype(np.float16))]
        return float((nearest * vectors).sum(axis=1).mean())

    def overview(self, picture: Image.Image) -> Pass:
        """The coarse pass over a grey picture of the base pass."""
        return self.look(resized(picture, 1 / COARSE_FACTOR))

    def look_at(self, grey: Image.Image, boxes: F32) -> Pass:
        """One pass over the part of a grey page that holds `boxes` (B, 4), page fractions, and a margin."""
        size = np.array([grey.width, grey.height], np.float64)
        left, top = (int(v) for v in np.maximum(np.floor(boxes[:, :2].min(axis=0) * size) - MARGIN_PX, 0))
        end = np.ceil(boxes[:, 2:].max(axis=0) * size) + MARGIN_PX
        # Few different sizes: libraries compile, and keep, something for each.
        end = (left, top) + np.ceil((end - (left, top)) / PART_STEP_PX) * PART_STEP_PX
        right, bottom = (int(v) for v in np.minimum(end, size))
        return self.look(grey.crop((left, top, right, bottom)), (left, top))

    def look(self, grey: Image.Image, corner: tuple[int, int] = (0, 0)) -> Pass:
        """One pass over a grey picture, which begins at `corner` of a page."""
        with torch.inference_mode():
            features = self.network.features(whole_cells(grey))
            vectors, words, figures, boxes = self.network.heads(features)
            words, figures = (torch.sigmoid(logits[0].float()) for logits in (words, figures))
            return Pass(features, vectors, words, figures, boxes, grey.size, corner)

    def block_statistics(self, overview: Pass, base: Pass) -> Tensor:
        """What tells the kinds of figures, (rows, columns, BLOCK_STATISTICS)."""
        with torch.inference_mode():
            return block_statistics(overview, base, COARSE_FACTOR).cpu()

    def page_statistics(self, overview: Pass, pixels: U8, base: Found) -> F32:
        """What tells the kind of a page `pixels` (H, W, 3), (PAGE_STATISTICS,); `base` is what the base pass found."""
        with torch.inference_mode():
            return page_statistics(overview.features[0], overview.words, overview.figures, pixels, base.boxes)

    def figures(self, overview: Pass, base: Pass) -> Found:
        """What figures of known kinds the page shows."""
        seen = self.block_statistics(overview, base)
        with torch.inference_mode():
            chances = torch.softmax(self.figure_readout(seen.flatten(0, 1)), dim=1)[:, 1:].numpy()
        chances = np.concatenate([chances, chances @ IN_FAMILY], axis=1)
        sure = ((chances - FIGURE_LEAST) / (FIGURE_FULL - FIGURE_LEAST)).clip(0, 1).astype(np.float32)
        told, boxes = grouped(sure.reshape(*seen.shape[:2], -1))
        groups, vectors = self.figure_readout.tell(told, together=MOST_TOGETHER)
        side = FIGURE_CELLS * STRIDE_PX
        corners = boxes[groups] * side / np.array(overview.size * 2, np.float32)
        heights = np.full(len(groups), side, np.float32)
        return Found(vectors, corners.astype(np.float32), heights, told.max(axis=1, initial=0)[groups])

    def whole(self, number: int, seen: F32) -> Found:
        """What page `number` of a document, with these statistics, is: its kinds and its colours, at a box that is the
        page.
        """
        with torch.inference_mode():
            odds = self.page_readout(torch.from_numpy(seen)[None])[0]
            odds[COVER] += COVER_ODDS[number != 1]
            chances = torch.sigmoid(odds).numpy()
        kinds = (chances - KIND_LEAST) / (KIND_FULL - KIND_LEAST)
        shares = seen[COLOUR_AT : COLOUR_AT + len(HUES)]
        colours = np.log(np.maximum(shares, TINY) / COLOUR_LEAST) / np.log(COLOUR_FULL / COLOUR_LEAST)
        told = np.concatenate([kinds, colours]).clip(0, 1).astype(np.float32)
        _, vectors = self.page_readout.tell(told[None])
        ones = np.ones(len(vectors), np.float32)
        return Found(vectors, np.tile(EVERYWHERE, (len(vectors), 1)), ones * BASE_PIXELS**0.5, ones * told.max())


def grouped(sure: F32) -> tuple[F32, F32]:
    """What blocks (R, C, M) surely show, 0 to 1, once for all in a group of TOLD_BLOCKS a side: (G, M), and the boxes
    (G, 4) of the blocks of each that show anything, as x0, y0, x1, y1 in blocks.
    """
    rows, columns, told = sure.shape
    down, across = -(-rows // TOLD_BLOCKS), -(-columns // TOLD_BLOCKS)
    whole = np.zeros((down * TOLD_BLOCKS, across * TOLD_BLOCKS, told), np.float32)
    whole[:rows, :columns] = sure
    parts = whole.reshape(down, TOLD_BLOCKS, across, TOLD_BLOCKS, told).swapaxes(1, 2)
    row, column = np.mgrid[: len(whole), : whole.shape[1]].reshape(2, down, TOLD_BLOCKS, across, TOLD_BLOCKS)
    shown = parts.any(axis=4)
    ends = []
    for place in (column.swapaxes(1, 2), row.swapaxes(1, 2)):
        first = np.where(shown, place, FAR_OFF).min(axis=(2, 3))
        ends.append((first, np.where(shown, place + 1, 0).max(axis=(2, 3))))
    (x0, x1), (y0, y1) = ends
    boxes = np.stack([x0, y0, x1, y1], axis=-1).reshape(-1, 4).astype(np.float32)
    return parts.max(axis=(2, 3)).reshape(-1, told), boxes


def trained_network(folder: Path | None = None) -> PixelNetwork:
    """The network as it is trained, with the shipped weights or those in `folder`, float32."""
    network = PixelNetwork()
    weights = {name: value.float() for name, value in load_file((folder or spec.FOLDER) / spec.FILES[0]).items()}
    weights.setdefault("ranges", network.ranges)  # folders that older versions wrote hold none
    network.load_state_dict(weights)
    return network


@lru_cache(maxsize=1)
def readers() -> ThreadPoolExecutor:
    """Threads that read pages, one a core, each with one torch thread."""
    return ThreadPoolExecutor(threads.available(), initializer=torch.set_num_threads, initargs=(1,))
