"""Mines translations of frequent words: writes `engine/query/mined_translations.tsv`.

    npm pack cldr-annotations-full
    python -m docsearch.training.mined_translations --annotations FOLDER --work FOLDER

Two sources, which name different words: Universal Sentence Encoder Multilingual 3, which was trained on translations,
has for each frequent word its nearest English ones, by cross-domain similarity local scaling (CSLS; Conneau et al.
2018, arXiv 1710.04087); and Unicode's CLDR has the names of pictographs, countries and languages. Vectors and
translations are kept in the `--work` folder, files for each language, so that a run which was interrupted goes on
there. Needs the extras `cross-language` and `train`, and babel.
"""

from __future__ import annotations

import argparse
import difflib
import json
import re
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..engine.models.pixel.words import split_words
from ..engine.models.sentences import load_sentence_encoder
from ..engine.query.characters import folded
from ..engine.query.mined_translations import FILE
from ..engine.records import F32, I64

WORDS = {
    "en": 18000,
    "de": 14000,
    "fr": 12000,
    "es": 12000,
    "ru": 12000,
    "it": 12000,
    "pt": 12000,
    "nl": 12000,
    "pl": 12000,
    "zh": 12000,
    "ja": 12000,
    "ko": 10000,
    "tr": 10000,
    "ar": 10000,
}
"""How many of the most frequent words of the encoder's languages are encoded."""
NEIGHBOURS = 10
"""Words of the other language over which CSLS takes the mean, as in its paper."""
NEAR, MUTUAL, MUTUAL_COSINE = 0.2, 0.12, 0.7
"""Least CSLS of a translation; of one where each word is the other's nearest, if their cosine is at least the last."""
OTHERS, OTHER_NEAR, OTHER_COSINE, BEHIND = 2, 0.25, 0.8, 0.08
"""Most further translations of a word, and how near they have to be, also compared with the nearest."""
ALIKE, ALIKE_NEAR, ALIKE_COSINE = 0.6, 0.3, 0.8
"""Words that are spelled alike are often near for that only: from this ratio on, one of the others has to hold."""
PART_COSINE = 0.95
"""Least cosine with a word that is spelled within the other one: "lübeck" is no "beck"."""
FREQUENT = 120
"""English words that are translations of nothing: they build sentences."""
MIN_ENGLISH = 3
NAMES = 2
"""Most names of a word in the file, the nearest."""
BATCH, ROWS = 256, 1000
LANGUAGES = (
    *("de", "fr", "es", "it", "pt", "nl", "sv", "pl", "ru", "tr", "zh", "ja", "ko", "ar", "da", "nb", "fi", "cs", "hu"),
    *("ro", "uk", "el", "vi", "id", "he", "hi", "th"),
)
CLDR_NAMES = {"nb": "no"}
"""Languages that CLDR calls otherwise."""
KEYWORD_ASSOCIATION, KEYWORD_TIMES, NAME_BONUS = 0.34, 3, 0.5
PICTOGRAPH_WORDS = 2
"""Most words of a pictograph's name."""
SYMBOL = re.compile(
    r"\b(?:face|arrow|sign|button|square|circle|triangle|symbol|emoji|hand|skin|hollow|filled|person|woman|man|"
    r"bracket|heart|clock|\d+.*)\b"
)
"""English names of pictographs that are shapes and gestures."""


class Vectors(NamedTuple):
    """Words (n) of a language, and their vectors (n, dim) of unit length, less their mean."""

    words: list[str]
    rows: F32


Pairs = dict[str, dict[str, float]]
"""English names of words of another language, with how near they are, nearest first."""


def frequent_words(language: str, count: int) -> list[str]:
    """The most frequent words of a language that are letters only."""
    import wordfreq

    found = (word for word in wordfreq.top_n_list(language, 2 * count) if _is_word(word, language))
    return [word for word, _ in zip(found, range(count), strict=False)]


def _is_word(word: str, language: str) -> bool:
    if any(unicodedata.category(letter)[0] not in "LM" for letter in word):
        return False
    if language in {"zh", "ja", "ko", "ru", "ar"} and word.isascii():
        return False
    if language in {"zh", "ja"}:
        return len(word) >= (1 if word[0] >= "\u4e00" else 2)
    return len(word) >= (2 if language == "ko" else 3)


def vectors(language: str, work: Path) -> Vectors:
    """The words of a language with their vectors, encoded unless they are in the `work` folder."""
    file = work / f"{language}.npz"
    if not file.exists():
        encoder = load_sentence_encoder()
        words = frequent_words(language, WORDS[language])
        parts = [encoder.encode(words[at : at + BATCH]).astype(np.float16) for at in range(0, len(words), BATCH)]
        begun = work / "begun.npz"
        np.savez(begun, words=np.array(words), X=np.concatenate(parts))
        begun.rename(file)
    with np.load(file) as stored:
        count = WORDS[language]
        words, rows = stored["words"][:count].tolist(), stored["X"][:count].astype(np.float32)
    rows -= rows.mean(0)
    return Vectors(words, rows / np.linalg.norm(rows, axis=1, keepdims=True))


def nearest(own: Vectors, english: Vectors) -> Iterator[tuple[str, list[tuple[str, float, float, bool]]]]:
    """Each word with its nearest English ones: these, their CSLS, cosine, and whether each is the other's nearest."""
    count = len(own.words)
    cosines = np.empty((count, len(english.words)), np.float16)
    own_mean, english_best = np.empty(count, np.float32), np.full((NEIGHBOURS, len(english.words)), -1, np.float32)
    for at in range(0, count, ROWS):
        part = own.rows[at : at + ROWS] @ english.rows.T
        cosines[at : at + ROWS] = part
        own_mean[at : at + ROWS] = np.partition(part, -NEIGHBOURS, axis=1)[:, -NEIGHBOURS:].mean(1)
        english_best = np.partition(np.concatenate([english_best, part]), -NEIGHBOURS, axis=0)[-NEIGHBOURS:]
    english_mean = english_best.mean(0)
    found: list[I64] = []
    scores: list[F32] = []
    best, best_row = np.full(len(english.words), -np.inf, np.float32), np.zeros(len(english.words), np.int64)
    for at in range(0, count, ROWS):
        csls = 2 * cosines[at : at + ROWS].astype(np.float32) - own_mean[at : at + ROWS, None] - english_mean
        top = np.argpartition(-csls, OTHERS + 1, axis=1)[:, : OTHERS + 1]
        rows = np.arange(len(top))[:, None]
        order = np.argsort(-csls[rows, top], axis=1)
        found += list(top[rows, order])
        scores += list(csls[rows, top[rows, order]])
        better = csls.max(0) > best
        best_row[better] = csls.argmax(0)[better] + at
        best = np.maximum(best, csls.max(0))
    for row, word in enumerate(own.words):
        yield (
            word,
            [
                (english.words[other], float(score), float(cosines[row, other]), bool(best_row[other] == row))
                for other, score in zip(found[row], scores[row], strict=True)
            ],
        )


def mined_pairs(own: Vectors, english: Vectors) -> Pairs:
    """The translations that the vectors tell."""
    frequent = set(english.words[:FREQUENT])
    pairs: Pairs = {}
    for word, others in nearest(own, english):
        first = others[0][1]
        for place, (name, csls, cosine, is_mutual) in enumerate(others):
            if place and (csls < max(OTHER_NEAR, first - BEHIND) or cosine < OTHER_COSINE):
                break
            is_near = csls >= NEAR or (is_mutual and csls >= MUTUAL and cosine >= MUTUAL_COSINE)
            is_name = name not in frequent and len(name) >= MIN_ENGLISH
            if not (is_near and is_name and is_meant(word, name, csls, cosine)):
                break
            pairs.setdefault(word, {})[name] = cosine
    return pairs


def is_meant(word: str, name: str, csls: float, cosine: float) -> bool:
    """Whether two words are near for their meaning, as far as their spelling tells.

    >>> is_meant("lübeck", "beck", 0.8, 0.84), is_meant("logistik", "logistics", 0.83, 0.89)
    (False, True)
    """
    word, name = folded(word), folded(name)
    if word == name or (cosine < PART_COSINE and (name in word or word in name)):
        return False
    is_alike = difflib.SequenceMatcher(None, word, name).ratio() > ALIKE
    return not is_alike or csls >= ALIKE_NEAR or cosine >= ALIKE_COSINE


def pictographs(file: Path) -> dict[str, tuple[set[str], str]]:
    """The keywords and the name of each pictograph in a language, from a file of CLDR's annotations."""
    annotations = json.loads(file.read_text("utf-8"))["annotations"]["annotations"]
    return {
        sign: ({_plain(word) for word in its.get("default", [])} - {""}, _plain(its.get("tts", [""])[0]))
        for sign, its in annotations.items()
    }


def _plain(name: str) -> str:
    """A name without what is in brackets, and without the article or "to" before it."""
    return re.sub(r"\s*\(.*?\)|^(?:to|an?|the) ", "", name.strip().replace("’", "'")).strip().casefold()


def pictograph_pairs(own: Mapping[str, tuple[set[str], str]], english: Mapping[str, tuple[set[str], str]]) -> Pairs:
    """The translations that pictographs tell: their names, and keywords that always come together."""
    together, of_english, of_own, names = Counter[tuple[str, str]](), Counter[str](), Counter[str](), set()
    for sign, (keywords, name) in own.items():
        if sign in english:
            words, english_words = keywords | {name}, english[sign][0] | {english[sign][1]}
            of_own.update(words)
            of_english.update(english_words)
            together.update((mine, theirs) for mine in words for theirs in english_words)
            names.add((name, english[sign][1]))
    scores = {
        pair: times * times / (of_own[pair[0]] * of_english[pair[1]]) + NAME_BONUS * (pair in names)
        for pair, times in together.items()
        if times >= KEYWORD_TIMES or pair in names
    }
    best: dict[tuple[int, str], float] = defaultdict(float)
    for pair, score in scores.items():
        for side in (0, 1):
            best[side, pair[side]] = max(best[side, pair[side]], score)
    pairs: Pairs = {}
    for (mine, theirs), score in scores.items():
        is_short = all(0 < len(split_words(name)) <= PICTOGRAPH_WORDS for name in (mine, theirs))
        is_best = score >= max(best[0, mine], best[1, theirs])
        if score >= KEYWORD_ASSOCIATION and is_best and is_short and not SYMBOL.search(theirs):
            pairs.setdefault(mine, {})[theirs] = score
    return pairs


def place_pairs(language: str) -> Pairs:
    """The names of countries and languages, from CLDR."""
    from babel import Locale

    own, english = Locale.parse(language), Locale.parse("en")
    pairs: Pairs = {}
    for mine, its in ((own.territories, english.territories), (own.languages, english.languages)):
        for code, name in mine.items():
            theirs = its.get(code, "")
            if theirs and code.isalpha() and len(code) == 2 and "(" not in name + theirs:
                pairs.setdefault(name.casefold(), {})[theirs.casefold()] = 1.0
    return pairs


def lines_of(pairs: Mapping[str, Pairs]) -> list[str]:
    """The lines of the file, sorted by their bytes: from each language to English, and from English to all."""
    found: list[str] = []
    from_english: dict[str, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for language, its in pairs.items():
        merged: dict[str, dict[str, float]] = defaultdict(dict)
        for word, names in its.items():
            for name, near in names.items():
                key, english = _key(word), _key(name)
                if key and english and key != english:
                    merged[key][english] = max(near, merged[key].get(english, 0))
                    from_english[english][language][key] = near
        for key, names in merged.items():
            found.append(f"{key}\t{language}\t{'/'.join(_nearest(names))}")
    for name, languages in from_english.items():
        cells = (f"{language}:{'/'.join(_nearest(words))}" for language, words in sorted(languages.items()))
        found.append(f"{name}\ten\t{'|'.join(cells)}")
    return sorted(found, key=str.encode)


def _nearest(names: Mapping[str, float]) -> Sequence[str]:
    return sorted(names, key=lambda name: (-names[name], name))[:NAMES]


def _key(name: str) -> str:
    """A name as the file has it; "" for one that cannot be in it, and for numbers, which are the same everywhere."""
    key = folded(" ".join(split_words(name)))
    return "" if set(key) & set("\t\n|/:") or any(letter.isdigit() for letter in key) else key


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description="Mine translations of frequent words.")
    parser.add_argument("--annotations", type=Path, required=True, help="'annotations' of the npm package of CLDR")
    parser.add_argument("--work", type=Path, required=True, help="a folder for vectors")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    english_vectors = vectors("en", options.work)
    english_pictographs = pictographs(options.annotations / "en" / "annotations.json")
    pairs: dict[str, Pairs] = {}
    for language in LANGUAGES:
        file = options.annotations / CLDR_NAMES.get(language, language) / "annotations.json"
        found = pictograph_pairs(pictographs(file), english_pictographs) | place_pairs(language)
        if language in WORDS:
            kept = options.work / f"{language}.json"
            if not kept.exists():
                mined = mined_pairs(vectors(language, options.work), english_vectors)
                begun = options.work / "begun.json"
                begun.write_text(json.dumps(mined, ensure_ascii=False), "utf-8")
                begun.rename(kept)
            for word, names in json.loads(kept.read_text("utf-8")).items():
                found[word] = {**names, **found.get(word, {})}
        pairs[language] = found
        print(f"{language}: {len(found)} words", file=sys.stderr, flush=True)
    FILE.write_text("\n".join(lines_of(pairs)) + "\n", "utf-8", newline="\n")


if __name__ == "__main__":
    main()
