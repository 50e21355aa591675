"""Patch similarities to a picture: the page with what matches a query marked on it, or the marks alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from ..kernels import maxsim, proximity
from ..records import BOX_SCALE, F32, U8, U16, WHOLE_PAGE, FloatBox, QueryVectors

MARK = (255, 196, 0)
"""Marker yellow, multiplied into the page as a highlighter would: print under it stays readable."""
EDGE = (214, 64, 0)
UNSURE = 0.5
"""Matches below this are not marked: they may be something else."""
STRONG = 0.5
LEAST_RISE = 1e-6
"""Where similarities differ by less, all patches are alike."""
AREA_SHARE, AREA_TINT = 0.1, 0.3
"""What is higher than this share of the page is an area of a figure, not a word: it is only tinted, to stay visible."""
OTHERS_AREA_SHARE = 0.03
"""The same for what no word of the query matches itself, only something else that it looks for, such as a figure."""
REACH = 0.07
"""How far a match warms its surroundings, as a share of the page's width and height: half of it remains at 1.2 of this.
docs/log.md compares 0.02 to 0.2."""
LIT_FROM = 0.6
"""Share of a page's highest heat from which a place is lit."""
GLOW_TINT = 0.8
GLOW_CELLS = 64
"""The light is computed for this many places across and down, and drawn smoothly between them."""
PAD_SHARE = 0.18
BLUR_SHARE = 0.0015
SOFT_BLUR_SHARE = 0.01


def patch_matches(vectors: F32, query: QueryVectors) -> F32:
    """How much each patch (T, D) tells of the query, (T,) float32 in 0..1.

    A patch counts for the query word it matches best, by its match above the floor, times the word's weight relative to
    the heaviest word. Tokens of a query that is `in_context` are alike everywhere on a page: there a patch counts by
    how far its mean similarity rises from the page's median to its highest.
    """
    if not len(vectors):
        return np.zeros(0, np.float32)
    if query.in_context:
        mean = (vectors @ query.vectors.T) @ query.weights
        middle = np.median(mean)
        rise: F32 = ((mean - middle) / max(mean.max() - middle, LEAST_RISE)).astype(np.float32)
        return np.where(rise < UNSURE, np.float32(0), rise)
    matches = maxsim.match(vectors @ query.every.T, query)
    matches[matches < UNSURE] = 0
    shares = query.weights / query.weights.max()
    best: F32 = (matches * shares).max(axis=1).astype(np.float32)
    return best


def patch_heat(vectors: F32, boxes: U16, query: QueryVectors) -> F32:
    """How much of the query is found about each patch (T, D) at `boxes` (T, 4), (T,) float32 in 0..1.

    Every word of the query gives its weight times its best match near the patch, less the further away: an answer
    stands where the words of the question come together, rarely on the heaviest of them. Doubtful matches count by what
    they are. Vectors whose box is the whole page stand for no place. In a query that is `in_context` a patch speaks for
    itself, as in `patch_matches`.
    """
    placed = (boxes != WHOLE_PAGE).any(axis=1)
    heat = np.zeros(len(vectors), np.float32)
    if query.in_context:
        heat[placed] = patch_matches(vectors[placed], query)
        return heat
    places = (boxes[placed] / BOX_SCALE).astype(np.float32)
    heat[placed] = heat_at(places, vectors[placed], places, query)
    return heat


def heat_at(where: F32, vectors: F32, places: F32, query: QueryVectors) -> F32:
    """How much of the query is found about each of the boxes `where` (N, 4), (N,) float32: what `patch_heat` tells of
    patches. Points are boxes too. `vectors` (T, D) lie at `places` (T, 4); both in page fractions.
    """
    matches = maxsim.match(vectors @ query.every.T, query)
    heat = np.zeros(len(where), np.float32)
    for word, weight in enumerate(query.weights):
        found = np.flatnonzero(matches[:, word])
        if len(found):
            near = np.exp(-np.square(proximity.gaps(where[:, None], places[found][None])).sum(axis=2) / (2 * REACH**2))
            heat += weight * (near * matches[found, word]).max(axis=1)
    return heat


@dataclass(frozen=True, slots=True)
class WordMarks:
    """Where a page matches one `word` of a query: its `weight` (those of a query sum to 1), its `score` 0..1, which is
    the word's best match on the page, and the `boxes` x0, y0, x1, y1 in page fractions that match, with how well, best
    first.
    """

    word: str
    weight: float
    score: float
    boxes: tuple[tuple[FloatBox, float], ...]


def word_marks(vectors: F32, boxes: U16, query: QueryVectors) -> list[WordMarks]:
    """What each word of the query finds on a page of patches `vectors` (T, D) at `boxes` (T, 4), in query order.

    What is said of the page as a whole counts for the score, and is no box.
    """
    placed = (boxes != WHOLE_PAGE).any(axis=1)
    out = []
    for i, (word, weight) in enumerate(zip(query.tokens, query.weights.tolist(), strict=True)):
        strengths = patch_matches(vectors, only_word(query, i))
        best = np.argsort(-strengths, kind="stable")[: np.count_nonzero(strengths)]
        best = best[placed[best]]
        places = np.round(boxes[best] / BOX_SCALE, 5).tolist()
        marked = tuple(
            ((x0, y0, x1, y1), round(s, 4))
            for (x0, y0, x1, y1), s in zip(places, strengths[best].tolist(), strict=True)
        )
        out.append(WordMarks(word, weight, float(strengths.max(initial=0)), marked))
    return out


def only_word(query: QueryVectors, word: int) -> QueryVectors:
    """The query as if its row `word` were all that counts."""
    weights = np.zeros_like(query.weights)
    weights[word] = 1
    return replace(query, weights=weights)


def draw(pixels: U8, vectors: F32, boxes: U16, query: QueryVectors) -> U8:
    """Mark on a page `pixels` (H, W, 3) the patches `vectors` (T, D) at `boxes` (T, 4) that match the query.

    Vectors whose box is the whole page stand for no place. Returns a new picture (H, W, 3) uint8: marker over every
    match, stronger where it counts more, and a glow where the words of the query come together (`patch_heat`).
    """
    heat, edge = marks(pixels.shape[0], pixels.shape[1], vectors, boxes, query)
    share = heat[:, :, None].astype(np.float32) / 255
    marked = pixels * (1 - share * (1 - np.array(MARK, np.float32) / 255))
    marked[edge] = EDGE
    return marked.astype(np.uint8)


def overlay(height: int, width: int, vectors: F32, boxes: U16, query: QueryVectors) -> U8:
    """What `draw` marks, alone on a transparent ground, (H, W, 4) uint8: multiplied over the page it is `draw`'s."""
    heat, edge = marks(height, width, vectors, boxes, query)
    picture = np.empty((height, width, 4), np.uint8)
    picture[:, :, :3] = MARK
    picture[:, :, 3] = heat
    picture[edge] = (*EDGE, 255)
    return picture


def marks(height: int, width: int, vectors: F32, boxes: U16, query: QueryVectors) -> tuple[U8, NDArray[np.bool_]]:
    """How strongly each pixel of a page is marked, (H, W) uint8, and which belong to an outline, (H, W) bool."""
    placed = (boxes != WHOLE_PAGE).any(axis=1)
    vectors, places = vectors[placed], (boxes[placed] / BOX_SCALE).astype(np.float32)
    frames = places * np.array((width, height, width, height), np.float32)
    words, soft = np.zeros((2, height, width), np.float32)
    strong = np.zeros((height, width), bool)
    strengths = patch_matches(vectors, query)
    by_others = strengths > patch_matches(vectors, replace(query, others=None))
    least = np.where(by_others, OTHERS_AREA_SHARE, AREA_SHARE) * height
    for i in np.argsort(strengths):
        if strengths[i] <= 0:
            continue
        if frames[i, 3] - frames[i, 1] > least[i]:
            inside = _pixels(frames[i], 0, height, width)
            soft[inside] = np.maximum(soft[inside], strengths[i] * AREA_TINT)
            continue
        inside = _pixels(frames[i], PAD_SHARE, height, width)
        words[inside] = np.maximum(words[inside], strengths[i])
        if strengths[i] >= STRONG:
            strong[inside] = True
    marked = _blurred(words, width * BLUR_SHARE)
    if not query.in_context and np.count_nonzero(query.weights) > 1:  # one word comes together with nothing
        soft = np.maximum(soft, glow(height, width, vectors, places, query))
    return np.maximum(marked, _blurred(soft, width * SOFT_BLUR_SHARE)), rim(strong, max(1, round(width / 800)))


def glow(height: int, width: int, vectors: F32, places: F32, query: QueryVectors) -> F32:
    """A light over the hottest places of the page, stronger the more of the query is there, (H, W) float32 in 0..1."""
    middles = ((np.arange(GLOW_CELLS) + 0.5) / GLOW_CELLS).astype(np.float32)
    across, down = np.meshgrid(middles, middles)
    points = np.stack([across, down, across, down], axis=2).reshape(-1, 4).astype(np.float32)
    heat = heat_at(points, vectors, places, query).reshape(GLOW_CELLS, GLOW_CELLS)
    hottest = heat.max()
    light = Image.fromarray(heat).resize((width, height), Image.Resampling.BICUBIC)
    lit: F32 = np.clip((np.asarray(light) - LIT_FROM * hottest) / (1 - LIT_FROM), 0, hottest) * np.float32(GLOW_TINT)
    return lit


def _pixels(frame: F32, pad_share: float, height: int, width: int) -> tuple[slice, slice]:
    """The rows and columns of a picture that a frame x0, y0, x1, y1 covers, padded by a share of its height."""
    x0, y0, x1, y1 = frame.tolist()
    pad = (y1 - y0) * pad_share
    rows = slice(max(0, round(y0 - pad)), min(height, round(y1 + pad)))
    return rows, slice(max(0, round(x0 - pad)), min(width, round(x1 + pad)))


def _blurred(share: F32, radius: float) -> U8:
    picture = Image.fromarray((share * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(radius))
    return np.asarray(picture, np.uint8)


def rim(area: NDArray[np.bool_], line: int) -> NDArray[np.bool_]:
    """The outermost `line` pixels of an area (H, W), also where it meets the border: neighbours share one outline."""
    inner = np.pad(area, line)
    for axis in (0, 1):
        inner = inner & np.roll(inner, line, axis) & np.roll(inner, -line, axis)
    return area & ~inner[line:-line, line:-line]
