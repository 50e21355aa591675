"""The scan of posting lists patch by patch, from its definition: slow, and what the fast forms are tested against."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...compression.residual import LEVELS
from ...records import F32, I64
from .scan import BLOCK, HEAD_BYTES, I32, Postings


def update_maxima(
    postings: Postings, vector: F32, words: I64, products: F32, floor: float, page_rows: I32, best: F32
) -> None:
    """Raise `best[page_rows[p]]` to the similarity of `vector` (D,) with each patch of page p, if it is above `floor`.

    The patches are those in the lists of the visual words `words` (n,). A patch stored as p·c + s·σ, with the centroid
    c, whose product ⟨q, c⟩ with the vector q is in `products` (n,), and signs σ, has the similarity p·⟨q, c⟩ + s·⟨q,
    σ⟩. This is IVFADC, an inverted file with asymmetric distances: Jégou, Douze and Schmid, "Product quantization for
    nearest neighbor search", 2011. Pages that `page_rows` (P,) does not have are skipped.
    """
    for word, product in zip(words.tolist(), products.tolist(), strict=True):
        for page, coefficient, step, signs in patches(postings, word):
            similarity = np.float32(coefficient * product + step * float(vector @ signs))
            if similarity > floor and page < len(page_rows):
                row = page_rows[page]
                best[row] = max(best[row], similarity)


def patches(postings: Postings, word: int) -> Iterator[tuple[int, float, float, F32]]:
    """Page, coefficient p, step s and signs σ (D,), -1 or 1, of each patch in the list of one visual word."""
    first, last = postings.starts[word : word + 2].tolist()
    dim = postings.codebook.centroids.shape[1]
    for start in range(first, last, BLOCK):
        size = min(BLOCK, last - start)
        block = postings.lists[start * postings.patch_bytes :].tobytes()
        for i in range(size):
            sign_bytes = [block[(HEAD_BYTES + d // 8) * size + i] for d in range(dim)]
            signs = np.array([1 if byte >> d % 8 & 1 else -1 for d, byte in enumerate(sign_bytes)], np.float32)
            page = int.from_bytes(block[4 * i : 4 * i + 4], "little")
            yield page, float(LEVELS[block[4 * size + i]]), float(LEVELS[block[5 * size + i]]), signs
