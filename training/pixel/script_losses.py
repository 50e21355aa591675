"""Losses of the network of other scripts besides those of `losses`: reading thousands of characters."""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor, nn
from torch.nn import functional

from ...engine.models.pixel.architecture import DIM, STEM
from ...engine.models.pixel.units import PAIRED, RUN, clusters, is_unit
from ..synthetic.script_fonts import Face, characters, sized
from .losses import reading_loss

GLYPHS = 16384
"""Rows of the table of glyphs; a cluster or letter has the row of its hash."""
GLYPH_DIM = STEM[-1]
LEVELS = (1, 2, 3)
"""Into how many parts each level of a PHOC divides a word."""
FIRST_LETTER, LAST_LETTER = 0x0590, 0x0BFF
LETTERS = {
    letter: i
    for i, letter in enumerate(
        c for c in map(chr, range(FIRST_LETTER, LAST_LETTER + 1)) if re.fullmatch(RUN, c) and not re.match(PAIRED, c)
    )
}
"""Letters and marks of the scripts that are read as words."""
PHOC_SIZE = len(LETTERS) * sum(LEVELS)
READ_BIAS = -4.0
"""Initial log-odds of a letter in a part of a word."""
VECTOR_SCALE = 6.0
"""Scale of unit vectors before glyphs are read from them."""
OTHER_GLYPHS = 800
"""Random glyphs added to those of a batch as negatives."""
GLYPH_SAMPLES = 2500
"""Glyphs read from the stem in one step, at most."""
ALIKE, ALIKE_PX, ALIKE_CHUNK = 10, 24, 1024
"""How many look-alikes a character has, the size at which they are compared, and how many are compared at a time."""


@lru_cache(maxsize=100_000)
def glyph_id(glyph: str) -> int:
    """The row of a cluster or letter."""
    return zlib.crc32(glyph.encode("utf-8")) % GLYPHS


@lru_cache(maxsize=200_000)
def ends(unit: str) -> tuple[int, int]:
    """The rows of the first and last cluster or letter of a unit."""
    parts = clusters(unit) if re.match(PAIRED, unit) else unit
    return glyph_id(parts[0]), glyph_id(parts[-1])


@lru_cache(maxsize=100_000)
def phoc(word: str) -> NDArray[np.float32]:
    """The pyramidal histogram of characters (PHOC_SIZE,) of a word; see `losses.phoc`."""
    out = np.zeros(PHOC_SIZE, np.float32)
    base = 0
    for level in LEVELS:
        for i, letter in enumerate(word):
            part = min(int((i + 0.5) / len(word) * level), level - 1)
            out[base + part * len(LETTERS) + LETTERS[letter]] = 1
        base += level * len(LETTERS)
    return out


def product(rows: Tensor, columns: Tensor) -> Tensor:
    """All inner products (N, M) of rows (N, D) and columns (M, D), multiplied in bfloat16."""
    return (rows.bfloat16() @ columns.bfloat16().T).float()


def matching_loss(
    patches: Tensor, words: Tensor, target: Tensor, scale: Tensor, steepness: Tensor, bias: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """`losses.info_nce` and `losses.pairwise_sigmoid` from one product, and the accuracy."""
    cosines = product(patches, words)
    logits = scale * cosines
    forward = functional.cross_entropy(logits, target)
    real = int(target.max()) + 1
    first = torch.full((real,), -1, dtype=torch.int64)
    first[target] = torch.arange(len(target))
    same = target[None, :] == torch.arange(real)[:, None]
    same[torch.arange(real), first] = False
    reverse = functional.cross_entropy(logits[:, :real].T.masked_fill(same, -1e4), first)
    pairs = steepness * cosines + bias
    right = pairs[torch.arange(len(target)), target]
    absolute = (functional.softplus(pairs).sum() - right.sum()) / len(patches)
    accuracy = (logits.argmax(1) == target).float().mean()
    return forward + 0.5 * reverse, absolute, accuracy


class Reader(nn.Module):
    """Auxiliary heads that read characters: from the stem under each, from features and vectors the ends of a unit.

    The heads on vectors are the same for pictures and text, which aligns the two before they are matched.
    """

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(GLYPHS, GLYPH_DIM)
        nn.init.normal_(self.table.weight, std=0.1)
        self.stem = nn.Linear(STEM[-1], GLYPH_DIM)
        self.features = nn.ModuleList(nn.Linear(STEM[-1], GLYPH_DIM) for _ in range(2))
        self.vectors = nn.ModuleList(nn.Linear(DIM, GLYPH_DIM) for _ in range(2))
        self.phoc_features = nn.Linear(STEM[-1], PHOC_SIZE)
        self.phoc_vectors = nn.Linear(DIM, PHOC_SIZE)
        for head in (self.phoc_features, self.phoc_vectors):
            nn.init.constant_(head.bias, READ_BIAS)

    def glyph_loss(self, read: Tensor, wanted: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
        """Cross-entropy of glyphs `read` (N, GLYPH_DIM) as the rows `wanted` (N,), among those and `others`.

        Also the accuracy.
        """
        rows, target = torch.unique(torch.cat([wanted, others]), return_inverse=True)
        logits = product(read, self.table(rows))
        target = target[: len(wanted)]
        return functional.cross_entropy(logits, target), (logits.argmax(1) == target).float().mean()

    def ends_loss(self, heads: nn.ModuleList, inputs: Tensor, wanted: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
        """Mean `glyph_loss` of both ends of units, `wanted` (N, 2), and the accuracy."""
        parts = [self.glyph_loss(head(inputs), wanted[:, i], others) for i, head in enumerate(heads)]
        return (parts[0][0] + parts[1][0]) / 2, (parts[0][1] + parts[1][1]) / 2

    def word_loss(self, head: nn.Linear, inputs: Tensor, units: Sequence[str]) -> Tensor:
        """The loss of reading the PHOC of those units (N,) that are words from their `inputs` (N, F)."""
        words = [i for i, unit in enumerate(units) if not re.match(PAIRED, unit)]
        if not words:
            return torch.zeros(())
        wanted = torch.from_numpy(np.stack([phoc(units[i]) for i in words]))
        return reading_loss(head(inputs[words]), wanted)


def look_alikes(faces: Sequence[Face], glyphs: Sequence[str]) -> dict[str, list[str]]:
    """For each single character that a font draws, the ALIKE characters whose pictures are most similar to its own."""
    drawn: dict[str, NDArray[np.float32]] = {}
    for face in faces:
        font, has = sized(face, ALIKE_PX, shaped=False), characters(face)
        for glyph in glyphs:
            if len(glyph) == 1 and glyph not in drawn and ord(glyph) in has:
                image = Image.new("L", (ALIKE_PX + 4, ALIKE_PX + 4))
                ImageDraw.Draw(image).text((2, ALIKE_PX - 1), glyph, 255, font, anchor="ls")
                pixels = np.asarray(image.resize((14, 14), Image.Resampling.BOX), np.float32).ravel()
                drawn[glyph] = pixels / max(float(np.linalg.norm(pixels)), 1.0)
    names = list(drawn)
    pictures = np.stack(list(drawn.values()))
    out: dict[str, list[str]] = {}
    for start in range(0, len(names), ALIKE_CHUNK):
        similar = pictures[start : start + ALIKE_CHUNK] @ pictures.T
        nearest = np.argpartition(-similar, ALIKE + 1, axis=1)[:, : ALIKE + 1]
        for name, row in zip(names[start : start + ALIKE_CHUNK], nearest, strict=True):
            out[name] = [names[i] for i in row.tolist() if names[i] != name]
    return out


def one_edit(unit: str, alike: Mapping[str, Sequence[str]], glyphs: Sequence[str], rng: random.Random) -> str:
    """A unit that differs in one character, by a look-alike if there is one: a hard negative for learning to read."""
    parts = clusters(unit) if re.match(PAIRED, unit) else list(unit)
    i = rng.randrange(len(parts))
    if re.match(PAIRED, unit):
        others = alike.get(parts[i], ()) if rng.random() < 0.7 else ()
        parts[i] = rng.choice(others or glyphs)
        if not re.match(PAIRED, parts[i]):
            return ""
    elif rng.random() < 0.3 and len(parts) > 1:
        del parts[i]
    else:
        script = ord(unit[0]) >> 7
        parts[i] = rng.choice(SCRIPT_LETTERS.get(script) or parts)
    edited = "".join(parts)
    return edited if edited and is_unit(edited) else ""


SCRIPT_LETTERS: dict[int, list[str]] = {}
for _letter in LETTERS:
    SCRIPT_LETTERS.setdefault(ord(_letter) >> 7, []).append(_letter)
