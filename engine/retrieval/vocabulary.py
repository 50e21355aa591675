"""The words of a part of the text index: those that begin in some way, and those that are spelled almost like one.

Words are sorted by their UTF-8 bytes, in one array. The nearest are found by the optimal string alignment distance
(Damerau, 1964: insertions, deletions, substitutions and transpositions of neighbours), which is computed for those few
words at once whose length and letters allow it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..records import I64, U8
from ..store.checksums import DerivedFolder

U32 = NDArray[np.uint32]
Letters = NDArray[np.uint8] | NDArray[np.uint32]
BYTES, LENGTHS, PAGES, LETTERS = "word_bytes.npy", "word_lengths.npy", "word_pages.npy", "word_letters.npy"
MAX_BYTES = 255
"""Longer words are left out; a term has 40 characters at most."""
LETTER_CODES = 32
"""Letters are told apart by this many bits: those of the Latin alphabet each have one."""


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The V words of a part, sorted: their `encoded` UTF-8 (B,), and the length of each in bytes, `lengths` (V,).

    `pages` (V,) are the numbers of pages that have them; bit c of `letters` (V,) tells that a byte of the word is c
    modulo 32.
    """

    encoded: U8
    lengths: U8
    pages: U32
    letters: U32

    @cached_property
    def _starts(self) -> I64:
        starts: I64 = np.concatenate([[0], np.cumsum(self.lengths, dtype=np.int64)])
        return starts

    def word(self, number: int) -> str:
        """A word by its place."""
        first, last = self._starts[number : number + 2].tolist()
        return self.encoded[first:last].tobytes().decode("utf-8")

    def beginning_with(self, prefix: str) -> Iterator[tuple[str, int]]:
        """The words that begin with `prefix`, in order, and how many pages have each."""
        for number in range(*self._range(prefix)):
            yield self.word(number), int(self.pages[number])

    def containing(self, part: str) -> Iterator[tuple[str, int]]:
        """The words that have `part` within them, in order, and how many pages have each."""
        encoded, wanted = self.encoded.tobytes(), part.encode("utf-8", "replace")
        at = encoded.find(wanted)
        while at >= 0:
            number = int(np.searchsorted(self._starts, at, "right")) - 1
            end = int(self._starts[number + 1])
            if at + len(wanted) <= end:
                yield self.word(number), int(self.pages[number])
                at = end - 1
            at = encoded.find(wanted, at + 1)

    def near(self, word: str, distance: int, beginning: str = "") -> Iterator[tuple[str, int, int]]:
        """The words within an edit `distance` of a word: each, its distance in letters, and how many pages have it.

        Only words that begin with `beginning` are compared. Letters that take more bytes than any of the word's, those
        of another script, may be missed.
        """
        first, last = self._range(beginning)
        encoded = np.frombuffer(word.encode("utf-8", "replace"), np.uint8)
        lengths = self.lengths[first:last].astype(np.int16)
        letter_bytes = max(len(letter.encode("utf-8", "replace")) for letter in word)
        far = distance * letter_bytes  # in bytes
        numbers = np.flatnonzero(np.abs(lengths - len(encoded)) <= far) + first
        flipped = np.bitwise_count(self.letters[numbers] ^ _letters(encoded, np.array([len(encoded)]))[0])
        numbers = numbers[flipped <= 2 * far]
        found = edit_distances(encoded, self._matrix(numbers), self.lengths[numbers].astype(np.int64))
        numbers = numbers[
            found <= (far if letter_bytes == 1 else 2 * far)
        ]  # two letters of several bytes may be swapped
        words = [self.word(number) for number in numbers.tolist()]
        letters = _code_points([word, *words])
        found = edit_distances(letters[0, : len(word)], letters[1:], np.array([*map(len, words)], np.int64))
        for each, number, away in zip(words, numbers.tolist(), found.tolist(), strict=True):
            if away <= distance:
                yield each, away, int(self.pages[number])

    def _range(self, prefix: str) -> tuple[int, int]:
        """The first of the words that begin with `prefix`, and the one after the last."""
        encoded = prefix.encode("utf-8", "replace")
        return self._place(encoded), self._place(encoded + b"\xff")

    def _place(self, encoded: bytes) -> int:
        """How many words sort before one."""
        low, high = 0, len(self.lengths)
        while low < high:
            middle = (low + high) // 2
            first, last = self._starts[middle : middle + 2].tolist()
            if self.encoded[first:last].tobytes() < encoded:
                low = middle + 1
            else:
                high = middle
        return low

    def _matrix(self, numbers: I64) -> U8:
        """The bytes of words (n,) as rows (n, most), padded with zeros."""
        lengths = self.lengths[numbers].astype(np.int64)
        columns = np.arange(int(lengths.max(initial=0)))
        places = np.minimum(self._starts[numbers][:, None] + columns, max(0, len(self.encoded) - 1))
        found: U8 = np.where(columns < lengths[:, None], self.encoded[places], np.uint8(0))
        return found


def edit_distances(word: Letters, others: Letters, lengths: I64) -> I64:
    """The optimal string alignment distance of a `word` (m,) to each of `others` (n, most) with `lengths` (n,)."""
    n, most = others.shape
    before_last = last = np.zeros((0, n), np.int16)
    row = np.repeat(np.arange(most + 1, dtype=np.int16)[:, None], n, axis=1)
    for i, letter in enumerate(word.tolist()):
        before_last, last, row = last, row, np.empty((most + 1, n), np.int16)
        row[0] = i + 1
        for j in range(most):
            same = others[:, j] == letter
            row[j + 1] = np.minimum(np.minimum(last[j + 1], row[j]) + 1, last[j] + (~same).astype(np.int16))
            if i and j:
                swapped = (others[:, j - 1] == letter) & (others[:, j] == word[i - 1])
                row[j + 1] = np.where(swapped, np.minimum(row[j + 1], before_last[j - 1] + 1), row[j + 1])
    return row[lengths, np.arange(n)].astype(np.int64)


def _code_points(words: Sequence[str]) -> U32:
    """The code points of words as rows, padded with zeros."""
    most = max(map(len, words))
    return np.frombuffer("".join(word.ljust(most, "\0") for word in words).encode("utf-32-le"), np.uint32).reshape(
        -1, most
    )


def collect(counts: Iterable[tuple[str, int]]) -> Vocabulary:
    """The vocabulary of distinct words, each with the number of pages that have it."""
    encoded = sorted((word.encode("utf-8", "replace"), pages) for word, pages in counts)
    encoded = [(word, pages) for word, pages in encoded if 0 < len(word) <= MAX_BYTES]
    lengths = np.array([len(word) for word, _ in encoded], np.uint8)
    joined = np.frombuffer(b"".join(word for word, _ in encoded), np.uint8)
    pages = np.array([pages for _, pages in encoded], np.uint32)
    return Vocabulary(joined, lengths, pages, _letters(joined, lengths.astype(np.int64)))


def _letters(encoded: U8, lengths: I64) -> U32:
    """Which bytes, modulo LETTER_CODES, each of the words has, one bit for each: (V,)."""
    bits = np.left_shift(np.uint32(1), (encoded % LETTER_CODES).astype(np.uint32))
    starts = np.cumsum(lengths) - lengths
    found: U32 = np.bitwise_or.reduceat(bits, starts) if len(lengths) else np.zeros(0, np.uint32)
    return found


def save(vocabulary: Vocabulary, folder: Path) -> None:
    """Write the files of a vocabulary. Raises OSError."""
    for name, array in _files(vocabulary):
        np.save(folder / name, array)


def load(folder: DerivedFolder) -> Vocabulary:
    """Read the files of a vocabulary. Raises what reading a damaged file raises (`tiers.UNUSABLE`)."""
    encoded, lengths, pages, letters = (folder.load(name) for name in (BYTES, LENGTHS, PAGES, LETTERS))
    if not lengths.shape == pages.shape == letters.shape or encoded.shape != (lengths.sum(dtype=np.int64),):
        raise ValueError("the files of the vocabulary do not fit each other")
    return Vocabulary(encoded, lengths, pages, letters)


def _files(vocabulary: Vocabulary) -> tuple[tuple[str, NDArray[np.generic]], ...]:
    return (
        (BYTES, vocabulary.encoded),
        (LENGTHS, vocabulary.lengths),
        (PAGES, vocabulary.pages),
        (LETTERS, vocabulary.letters),
    )
