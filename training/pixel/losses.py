"""What a batch must get right: word pictures meet their words, cells know what they hold, characters are read."""

from __future__ import annotations

import random
import unicodedata
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ...engine.models.pixel.concepts import is_concept
from .crops import ALPHABET, IGNORE, LETTER

LEVELS = (1, 2, 3, 4, 5)
PHOC_SIZE = len(ALPHABET) * sum(LEVELS)
RARE_WEIGHT = 4.0
"""A character that is there counts this much more than one that is not: few of the many are."""
EDIT_LETTERS = "abcdefghijklmnopqrstuvwxyz"
EDIT_DIGITS = "0123456789"


@lru_cache(maxsize=100_000)
def phoc(word: str) -> NDArray[np.float32]:
    """Pyramidal histogram of characters (PHOC_SIZE,): which characters lie in which part of the word, 1 to 5 parts.

    Almazán et al., "Word Spotting and Recognition with Embedded Attributes", 2014. A concept has no characters.
    """
    bare = [c for c in unicodedata.normalize("NFD", word) if c in LETTER and not is_concept(word)]
    out = np.zeros(PHOC_SIZE, np.float32)
    base = 0
    for level in LEVELS:
        for i, c in enumerate(bare):
            part = min(int((i + 0.5) / len(bare) * level), level - 1)
            out[base + part * len(ALPHABET) + LETTER[c]] = 1
        base += level * len(ALPHABET)
    return out


def one_edit(word: str, rng: random.Random) -> str:
    """A word one character away: the hard negative that teaches reading."""
    i = rng.randrange(len(word))
    letters = EDIT_DIGITS if word[i].isdigit() else EDIT_LETTERS
    kind = rng.random()
    if kind < 0.6 or len(word) == 1:
        return word[:i] + rng.choice(letters) + word[i + 1 :]
    if kind < 0.8:
        return word[:i] + word[i + 1 :]
    return word[:i] + rng.choice(letters) + word[i:]


def contrast(pictures: Tensor, texts: Tensor, target: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """InfoNCE from word pictures (M, D) to texts (U, D), the reverse at half weight, and the share that is right.

    `target` (M,) int64 names the text of each picture; texts beyond its largest value are negatives only.
    """
    logits = scale * pictures @ texts.T  # (M, U)
    forward = functional.cross_entropy(logits, target)
    real = int(target.max()) + 1
    # One picture stands for each text; the other pictures of the same text are left out of the reverse direction.
    first = torch.full((real,), -1, dtype=torch.int64)
    first[target] = torch.arange(len(target))
    reverse_logits = logits[:, :real].T.clone()  # (real, M)
    same = target[None, :] == torch.arange(real)[:, None]
    same[torch.arange(real), first] = False
    reverse = functional.cross_entropy(reverse_logits.masked_fill(same, -1e4), first)
    right = (logits.argmax(1) == target).float().mean()
    return forward + 0.5 * reverse, right


def absolute(pictures: Tensor, texts: Tensor, target: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    """Binary cross-entropy of "this picture shows this word" for every pair, summed over texts, mean over pictures.

    InfoNCE only ranks the words of one picture; the score of a page compares the cosines of one word over many pictures
    with one floor, and so needs them on one scale. Zhai et al., "Sigmoid Loss for Language Image Pre-Training", 2023.
    """
    logits = scale * pictures @ texts.T + bias  # (M, U)
    same = functional.one_hot(target, len(texts)).to(logits.dtype)
    return functional.binary_cross_entropy_with_logits(logits, same, reduction="sum") / len(pictures)


def recognise(
    figures: Tensor, texts: Tensor, target: Tensor, scale: Tensor, absolute_scale: Tensor
) -> tuple[Tensor, Tensor]:
    """Figures (F, D) meet their concepts among all texts, by rank and absolutely: the loss, and the share right."""
    if not len(figures):
        return torch.zeros((), device=texts.device), torch.zeros(())
    logits = scale * figures @ texts.T
    relative = functional.cross_entropy(logits, target)
    right = (logits.argmax(1) == target).float().mean()
    return relative + 0.5 * absolute(figures, texts, target, absolute_scale[0].exp(), absolute_scale[1]), right


def saliency_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Binary cross-entropy over the cells that are not ignored; `target` (B, h, w) int8."""
    known = target != IGNORE
    if not known.any():
        return torch.zeros((), device=logits.device)
    return functional.binary_cross_entropy_with_logits(logits[known], target[known].float())


def reading_loss(logits: Tensor, present: Tensor) -> Tensor:
    """Binary cross-entropy over characters (N, C), those that are there weighted up."""
    weight = torch.tensor(RARE_WEIGHT, device=logits.device)
    return functional.binary_cross_entropy_with_logits(logits, present, pos_weight=weight)


def letters_loss(head: torch.nn.Module, early: Tensor, letters: Tensor) -> Tensor:
    """Which characters lie in a cell, from early features (B, C, h, w): local, and so the first thing that is learned.

    `letters` (L, 4) int64 as crop, row, column, character.
    """
    cells, inverse = torch.unique(letters[:, :3], dim=0, return_inverse=True)
    present = torch.zeros(len(cells), len(ALPHABET), device=early.device)
    present[inverse, letters[:, 3]] = 1
    b, r, c = cells.T
    return reading_loss(head(early[b, :, r, c].float()), present)
