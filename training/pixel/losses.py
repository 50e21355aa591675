"""Losses of pixel's training: word spotting, detection of words and figures, and reading characters."""

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
"""Into how many parts each level of a PHOC divides a word."""
PHOC_SIZE = len(ALPHABET) * sum(LEVELS)
POSITIVE_WEIGHT = 4.0
"""Weight of a character that is present against one that is absent: few are present."""
EDIT_LETTERS = "abcdefghijklmnopqrstuvwxyz"
EDIT_DIGITS = "0123456789"


@lru_cache(maxsize=100_000)
def phoc(word: str) -> NDArray[np.float32]:
    """The pyramidal histogram of characters (PHOC_SIZE,) of a word: which characters occur in which part of it.

    Almazán et al., "Word Spotting and Recognition with Embedded Attributes", 2014. A concept's word has no characters.
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
    """A word at edit distance 1: a hard negative for learning to read."""
    i = rng.randrange(len(word))
    letters = EDIT_DIGITS if word[i].isdigit() else EDIT_LETTERS
    kind = rng.random()
    if kind < 0.6 or len(word) == 1:
        return word[:i] + rng.choice(letters) + word[i + 1 :]
    if kind < 0.8:
        return word[:i] + word[i + 1 :]
    return word[:i] + rng.choice(letters) + word[i:]


def info_nce(patches: Tensor, words: Tensor, target: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """InfoNCE from patches (M, D) to words (U, D), plus the reverse at half weight; and the accuracy of the former.

    `target` (M,) int64 is the word of each patch; words beyond its largest value are negatives only. Van den Oord et
    al., "Representation Learning with Contrastive Predictive Coding", 2018.
    """
    logits = scale * patches @ words.T  # (M, U)
    forward = functional.cross_entropy(logits, target)
    real = int(target.max()) + 1
    # In the reverse direction, one patch is the positive of each word; its other patches are masked.
    first = torch.full((real,), -1, dtype=torch.int64)
    first[target] = torch.arange(len(target))
    reverse_logits = logits[:, :real].T.clone()  # (real, M)
    same = target[None, :] == torch.arange(real)[:, None]
    same[torch.arange(real), first] = False
    reverse = functional.cross_entropy(reverse_logits.masked_fill(same, -1e4), first)
    accuracy = (logits.argmax(1) == target).float().mean()
    return forward + 0.5 * reverse, accuracy


def pairwise_sigmoid(patches: Tensor, words: Tensor, target: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    """Binary cross-entropy of "this patch shows this word" for every pair, summed over words, averaged over patches.

    InfoNCE only ranks the words of one patch. The score of a page compares the cosines of one word with many patches to
    one floor, which needs a common scale. Zhai et al., "Sigmoid Loss for Language Image Pre-Training", 2023.
    """
    logits = scale * patches @ words.T + bias  # (M, U)
    same = functional.one_hot(target, len(words)).to(logits.dtype)
    return functional.binary_cross_entropy_with_logits(logits, same, reduction="sum") / len(patches)


def figure_loss(
    figures: Tensor, words: Tensor, target: Tensor, scale: Tensor, absolute_scale: Tensor
) -> tuple[Tensor, Tensor]:
    """The loss of matching figure patches (F, D) to their concepts among all words, and the accuracy.

    Cross-entropy plus `pairwise_sigmoid` at half weight.
    """
    if not len(figures):
        return torch.zeros((), device=words.device), torch.zeros(())
    logits = scale * figures @ words.T
    relative = functional.cross_entropy(logits, target)
    accuracy = (logits.argmax(1) == target).float().mean()
    return relative + 0.5 * pairwise_sigmoid(
        figures, words, target, absolute_scale[0].exp(), absolute_scale[1]
    ), accuracy


def saliency_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Binary cross-entropy over the cells that are not IGNORE; `logits` and `target` int8 are (B, h, w)."""
    known = target != IGNORE
    if not known.any():
        return torch.zeros((), device=logits.device)
    return functional.binary_cross_entropy_with_logits(logits[known], target[known].float())


def reading_loss(logits: Tensor, present: Tensor) -> Tensor:
    """Binary cross-entropy over characters (N, C); those that are present weigh POSITIVE_WEIGHT."""
    weight = torch.tensor(POSITIVE_WEIGHT, device=logits.device)
    return functional.binary_cross_entropy_with_logits(logits, present, pos_weight=weight)


def letters_loss(head: torch.nn.Module, stem_features: Tensor, letters: Tensor) -> Tensor:
    """Loss of reading the characters in each cell from the stem's features (B, C, h, w).

    The task is local, and therefore the first that is learned. `letters` (L, 4) int64 are crop, row, column, character.
    """
    cells, inverse = torch.unique(letters[:, :3], dim=0, return_inverse=True)
    present = torch.zeros(len(cells), len(ALPHABET), device=stem_features.device)
    present[inverse, letters[:, 3]] = 1
    b, r, c = cells.T
    return reading_loss(head(stem_features[b, :, r, c].float()), present)
