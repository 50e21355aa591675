"""Heat maps: a page with the patches that match a query highlighted, or the highlights alone.

ColPali calls them similarity maps and has one for each token: Faysse et al., "ColPali: efficient document retrieval
with vision language models", 2024. Here the tokens of a query are also shown together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from ..kernels import proximity
from ..records import BOX_SCALE, F32, U8, U16, WHOLE_PAGE, FloatBox, QueryVectors
from ..scoring import match
from .patches import MIN_MATCH
from .printed import PrintedMatches

MARK = (255, 196, 0)
"""Colour of matches: yellow, multiplied with the page as a highlighter would, so that print under it stays readable."""
EDGE = (214, 64, 0)
"""Colour of the outline around strong matches."""
OUTLINED_MATCH = 0.5
"""Matches from this on get an outline."""
MIN_RISE = 1e-6
"""Similarities on a page that differ by less count as equal."""
AREA_SHARE, AREA_TINT = 0.1, 0.3
"""Patches higher than this share of the page are areas of a figure, not words; and how strongly they are tinted."""
EXPANSION_AREA_SHARE = 0.03
"""The same share for patches that only expansion terms match, such as the drawing of a chart."""
UNPRINTED_SHARE = 0.5
"""Share of a patch's match with a token that counts where the text layer has another word, and the token elsewhere.

docs/log.md#text-layers-in-heat-maps measures it.
"""
REACH = 0.07
"""Standard deviation of the Gaussian by which a match heats its surroundings, as a share of the page's width and
height: half of the heat remains at 1.2 of this distance. docs/log.md#heat-maps compares 0.02 to 0.2.
"""
LIT_FROM = 0.6
"""Share of a page's highest heat from which a place glows."""
GLOW_TINT = 0.8
"""Strength of the glow at the hottest place, as a share of a full mark."""
GLOW_CELLS = 64
"""The glow is computed at this many points across and down, and interpolated between them."""
PAD_SHARE = 0.18
"""Padding around a marked word, as a share of its height."""
PASSAGE_TINT, PASSAGE_PAD_SHARE = 0.4, 0.12
"""Strength of the mark on the lines of a passage, as a share of a full mark, and their padding as a share of their
height.
"""
BLUR_SHARE = 0.0015
"""Blur radius of marked words, as a share of the page's width."""
SOFT_BLUR_SHARE = 0.01
"""Blur radius of tinted areas and of the glow, as a share of the page's width."""


def patch_matches(vectors: F32, query: QueryVectors) -> F32:
    """How well each patch (T, D) matches the query, (T,) float32 in 0..1.

    A patch counts for the token with the best weighted match: its match (`scoring.match`) times the token's weight, as
    a share of the heaviest token's. A `contextual` query is similar to every patch of a page: there a patch counts by
    how far its weighted mean similarity rises from the page's median to its maximum. Matches below MIN_MATCH are 0.
    """
    if not len(vectors):
        return np.zeros(0, np.float32)
    if query.contextual:
        mean = (vectors @ query.vectors.T) @ query.weights
        middle = np.median(mean)
        rise: F32 = ((mean - middle) / max(mean.max() - middle, MIN_RISE)).astype(np.float32)
        return np.where(rise < MIN_MATCH, np.float32(0), rise)
    return _strengths(match(vectors @ query.every.T, query), query)


def _strengths(matches: F32, query: QueryVectors) -> F32:
    """The best of the matches (n, Q) of each place, by their tokens' weights, (n,); 0 below MIN_MATCH."""
    shares = query.weights / query.weights.max()
    best: F32 = (np.where(matches < MIN_MATCH, 0, matches) * shares).max(axis=1, initial=0).astype(np.float32)
    return best


class PlacedMatches(NamedTuple):
    """The matches of a page with a query: `places` (n, 4) float32 in page fractions, of its T patches, then of words of
    its text layer; `matches` (n, Q) float32, those with each token, of a `contextual` query (n, 1) with all of it; and
    whether a place's best match is by an expansion term, `by_expansion` (n,).
    """

    places: F32
    matches: F32
    by_expansion: NDArray[np.bool_]
    strengths: F32
    """The best of the matches, (n,) float32; see `patch_matches`."""


def placed_matches(
    vectors: F32, boxes: U16, query: QueryVectors, printed: PrintedMatches | None = None
) -> PlacedMatches:
    """The matches of a page's patches `vectors` (T, D) at `boxes` (T, 4), and of its text layer if that is `printed`.

    The text layer knows where a token stands: a patch on another of its words counts for UNPRINTED_SHARE of its match
    with the token. Patches on no word, such as those of figures, count as they are, and so do tokens that the text
    layer has nowhere on the page, as where it is broken. Vectors whose box is the whole page match nothing.
    """
    placed = (boxes != WHOLE_PAGE).any(axis=1)
    places = (boxes / BOX_SCALE).astype(np.float32)
    if query.contextual:
        strengths = np.zeros(len(vectors), np.float32)
        strengths[placed] = patch_matches(vectors[placed], query)
        return PlacedMatches(places, strengths[:, None], np.zeros(len(vectors), bool), strengths)
    similarities = vectors @ query.every.T
    matches = match(similarities, query) * placed[:, None]
    own = match(similarities[:, : len(query.weights)], replace(query, expansion=None)) * placed[:, None]
    by_expansion = _strengths(matches, query) > _strengths(own, query)
    if printed is not None and len(printed.places):
        is_printed = printed.matches.max(axis=0) > 0
        matches[np.ix_(printed.covers(boxes), is_printed)] *= np.float32(UNPRINTED_SHARE)
        places, matches = np.concatenate([places, printed.places]), np.concatenate([matches, printed.matches])
        by_expansion = np.concatenate([by_expansion, np.zeros(len(printed.places), bool)])
    return PlacedMatches(places, matches, by_expansion, _strengths(matches, query))


def heat(found: PlacedMatches, query: QueryVectors) -> F32:
    """How much of the query is found around each place of a page, (n,) float32 in 0..1.

    Each token adds its weight times its best match nearby, which counts less with distance: an answer stands where the
    words of a question come together, rarely on the heaviest of them. Matches below MIN_MATCH count, too. For a
    `contextual` query these are the matches.
    """
    return found.strengths if query.contextual else heat_at(found.places, found.places, found.matches, query)


def heat_at(where: F32, places: F32, matches: F32, query: QueryVectors) -> F32:
    """How much of the query is found around each of the boxes `where` (N, 4), (N,) float32; see `heat`.

    `matches` (n, Q) lie at `places` (n, 4). Boxes are in page fractions; a point is a box without extent.
    """
    heat = np.zeros(len(where), np.float32)
    for token, weight in enumerate(query.weights):
        found = np.flatnonzero(matches[:, token])
        if len(found):
            near = np.exp(-np.square(proximity.gaps(where[:, None], places[found][None])).sum(axis=2) / (2 * REACH**2))
            heat += weight * (near * matches[found, token]).max(axis=1)
    return heat


@dataclass(frozen=True, slots=True)
class WordMarks:
    """Where a page matches one `word` of a query, as it is spelled there.

    `weight` is the word's (the weights of a query sum to 1), `score` in 0..1 its best match on the page. `boxes` are
    the patches that match, x0, y0, x1, y1 in page fractions, each with its match, best first.
    """

    word: str
    weight: float
    score: float
    boxes: tuple[tuple[FloatBox, float], ...]


def word_marks(vectors: F32, boxes: U16, query: QueryVectors, printed: PrintedMatches | None = None) -> list[WordMarks]:
    """Where each word of the query matches a page of patches `vectors` (T, D) at `boxes` (T, 4), in query order, or its
    text layer. Vectors whose box is the whole page count for the score, but give no box.
    """
    out = []
    for i, (word, weight) in enumerate(zip(query.words, query.weights.tolist(), strict=True)):
        alone = only_word(query, i)
        found = placed_matches(vectors, boxes, alone, None if printed is None else printed.only_token(i))
        best = np.argsort(-found.strengths, kind="stable")[: np.count_nonzero(found.strengths)]
        score = max(float(patch_matches(vectors, alone).max(initial=0)), float(found.strengths.max(initial=0)))
        places = np.round(found.places[best].astype(np.float64), 5).tolist()
        marked = tuple(
            ((x0, y0, x1, y1), round(s, 4))
            for (x0, y0, x1, y1), s in zip(places, found.strengths[best].tolist(), strict=True)
        )
        out.append(WordMarks(word, weight, score, marked))
    return out


def only_word(query: QueryVectors, word: int) -> QueryVectors:
    """The query with all weight on its token `word`."""
    weights = np.zeros_like(query.weights)
    weights[word] = 1
    return replace(query, weights=weights)


def draw(
    pixels: U8,
    vectors: F32,
    boxes: U16,
    query: QueryVectors,
    printed: PrintedMatches | None = None,
    passage: F32 | None = None,
) -> U8:
    """A copy of the page `pixels` (H, W, 3), with what matches highlighted: patches `vectors` (T, D) at `boxes` (T, 4),
    and the words of its text layer that are `printed`.

    Every match is marked, the stronger the more it counts, and there is a glow where the words of the query come
    together (`heat`). Vectors whose box is the whole page are not shown. The lines of a `passage` (L, 4), boxes in page
    fractions, are tinted and outlined. Returns (H, W, 3) uint8.
    """
    found = placed_matches(vectors, boxes, query, printed)
    heat, edge = marks(pixels.shape[0], pixels.shape[1], found, query, passage)
    share = heat[:, :, None].astype(np.float32) / 255
    marked = pixels * (1 - share * (1 - np.array(MARK, np.float32) / 255))
    marked[edge] = EDGE
    return marked.astype(np.uint8)


def overlay(
    height: int,
    width: int,
    vectors: F32,
    boxes: U16,
    query: QueryVectors,
    printed: PrintedMatches | None = None,
    passage: F32 | None = None,
) -> U8:
    """The marks of `draw` on a transparent ground, (H, W, 4) uint8; multiplied with the page they give its picture."""
    heat, edge = marks(height, width, placed_matches(vectors, boxes, query, printed), query, passage)
    picture = np.empty((height, width, 4), np.uint8)
    picture[:, :, :3] = MARK
    picture[:, :, 3] = heat
    picture[edge] = (*EDGE, 255)
    return picture


def marks(
    height: int, width: int, found: PlacedMatches, query: QueryVectors, passage: F32 | None = None
) -> tuple[U8, NDArray[np.bool_]]:
    """How strongly each pixel of a page is marked, (H, W) uint8, and which pixels are outline, (H, W) bool.

    The lines of a `passage` (L, 4) are marked too.
    """
    strengths = found.strengths
    extent = np.array((width, height, width, height), np.float32)
    frames = found.places * extent
    words, soft = np.zeros((2, height, width), np.float32)
    strong = np.zeros((height, width), bool)
    max_height = np.where(found.by_expansion, EXPANSION_AREA_SHARE, AREA_SHARE) * height
    for i in np.argsort(strengths):
        if strengths[i] <= 0:
            continue
        if frames[i, 3] - frames[i, 1] > max_height[i]:
            inside = _pixels(frames[i], 0, height, width)
            soft[inside] = np.maximum(soft[inside], strengths[i] * AREA_TINT)
            continue
        inside = _pixels(frames[i], PAD_SHARE, height, width)
        words[inside] = np.maximum(words[inside], strengths[i])
        if strengths[i] >= OUTLINED_MATCH:
            strong[inside] = True
    marked = _blurred(words, width * BLUR_SHARE)
    if not query.contextual and np.count_nonzero(query.weights) > 1:  # a single word has nothing to come together with
        soft = np.maximum(soft, glow(height, width, found, query))
    line = max(1, round(width / 800))
    edge = outline(strong, line)
    if passage is not None and len(passage):
        area = np.zeros((height, width), bool)
        for frame in passage * extent:
            area[_pixels(frame, PASSAGE_PAD_SHARE, height, width)] = True
        marked = np.maximum(marked, _blurred(np.float32(PASSAGE_TINT) * area, width * BLUR_SHARE))
        edge |= outline(area, line)
    return np.maximum(marked, _blurred(soft, width * SOFT_BLUR_SHARE)), edge


def glow(height: int, width: int, found: PlacedMatches, query: QueryVectors) -> F32:
    """The glow over the hottest places of a page, the stronger the more of the query is there, (H, W) in 0..1."""
    middles = ((np.arange(GLOW_CELLS) + 0.5) / GLOW_CELLS).astype(np.float32)
    across, down = np.meshgrid(middles, middles)
    points = np.stack([across, down, across, down], axis=2).reshape(-1, 4).astype(np.float32)
    heat = heat_at(points, found.places, found.matches, query).reshape(GLOW_CELLS, GLOW_CELLS)
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
    """Shares in 0..1 as uint8, blurred by a Gaussian of `radius` pixels."""
    picture = Image.fromarray((share * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(radius))
    return np.asarray(picture, np.uint8)


def outline(area: NDArray[np.bool_], line: int) -> NDArray[np.bool_]:
    """The outermost `line` pixels of an area (H, W), also at the picture's border; adjacent marks share one outline."""
    inner = np.pad(area, line)
    for axis in (0, 1):
        inner = inner & np.roll(inner, line, axis) & np.roll(inner, -line, axis)
    return area & ~inner[line:-line, line:-line]
