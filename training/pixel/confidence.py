"""Fit the calibration of confidences: `python -m docsearch.training.pixel.confidence INDEX --questions FILE.jsonl …`.

Questions are made from the text layers of the pages of an index: lines, keywords, sentences, and short and long ones
of whose words up to two thirds are replaced by synonyms or by words from elsewhere. FILEs have more, with "path" and
"pages". Some of the questions are asked of an index from which the documents that answer them were taken out, and some
are numbers and names that no page has; these get half of the weight. A question is right if the best hit is a page
that answers it. The regression is fitted on four fifths of the documents and measured on the rest, in turn, and at last
fitted on all. No document of an evaluation set may be in INDEX.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from ...engine.models.pixel.text import PixelText
from ...engine.models.pixel.thesaurus import synonyms
from ...engine.models.pixel.words import split_words
from ...engine.records import F64, Mode, Query
from ...engine.searcher import open_searcher
from ...engine.store import open_snapshot, open_writer
from . import drawn_words

Page = tuple[str, int]
"""The path of a document and a page number that counts from 1."""
Bools = NDArray[np.bool_]

FOLDS = 5
SHARES = (1.0, 0.12, 0.02)
"""Shares of the documents that are left in the index, so that small collections count, too."""
QUESTIONS = 90
"""Questions of each kind of answer, with and without one, that are made for each fold and share."""
WRITTEN = 180
"""Questions of the files that are asked for each fold and share, at most."""
DRAWN = 20
"""Numbers, codes and names that no page has, for each fold and share."""
MIN_PAGE_WORDS = 20
LONG_SPAN, LONG_RARITY = 90, 2.8
"""Words of running text from which a long question takes its words, and the rarity that these exceed."""
SAME_FAMILY = 0.3
"""Documents that have this share of their distinct words in common answer each other's questions: one fold has both."""
CONTENT_RARITY = 3.3
PRINTED = re.compile(r"[0-9.,'&’\u0041-\u024f\u0370-\u03ff\u0400-\u052f\u1e00-\u1fff]{2,}")
TEMPLATES = (
    "{}",
    "What is the {}?",
    "How much is {}",
    "What does it say about {}?",
    "where can I find {}",
    "Which {} are there?",
    "who is responsible for {}?",
    "explain {}",
    "Was ist {}?",
    "Quel est {} ?",
)
REFUSED_ANSWERABLE = 0.05
"""Share of the questions with an answer, and with the right page as the best hit, that may be told of no good match."""
RIDGE = 0.1
NEWTON_STEPS = 50
BINS = 15


@dataclass(frozen=True, slots=True)
class Question:
    """A question about `document`: its `kind`, and the `answers`; `words` are those taken from the page."""

    text: str
    kind: str
    document: str
    answers: frozenset[Page]
    words: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Examples:
    """N best hits: their `features` (N, F), whether each is `right` and its question `answerable`, and its `fold`."""

    features: F64
    right: Bools
    answerable: Bools
    fold: NDArray[np.int64]


class Collection:
    """The text of an index's pages, from which questions are made."""

    def __init__(self, index: Path) -> None:
        with open_snapshot(index) as snapshot:
            refs = snapshot.refs(range(len(snapshot)))
            texts = {(ref.path, ref.page): snapshot.text(row) for row, ref in enumerate(refs)}
        self.documents = sorted({path for path, _ in texts})
        self.texts = {page: text for page, text in texts.items() if len(text.split()) >= MIN_PAGE_WORDS}
        self.words = {page: split_words(text) for page, text in self.texts.items()}
        self.distinct = {page: frozenset(words) for page, words in self.words.items()}
        self.pages_of: dict[str, list[Page]] = {}
        for page in self.texts:
            self.pages_of.setdefault(page[0], []).append(page)
        self._pages = sorted(self.texts)

    def folds(self, rng: random.Random) -> dict[str, int]:
        """The fold of each document; documents of one family are in one fold."""
        words = {path: frozenset().union(*(self.distinct[p] for p in pages)) for path, pages in self.pages_of.items()}
        family = {path: path for path in self.documents}
        for i, one in enumerate(sorted(words)):
            for other in sorted(words)[:i]:
                if len(words[one] & words[other]) > SAME_FAMILY * len(words[one] | words[other]):
                    old, new = family[one], family[other]
                    family = {path: new if each == old else each for path, each in family.items()}
        names = sorted(set(family.values()))
        rng.shuffle(names)
        return {path: names.index(family[path]) % FOLDS for path in self.documents}

    def make(self, page: Page, text_model: PixelText, rng: random.Random) -> tuple[str, str, frozenset[str]] | None:
        """A question about a page: its text, its kind, and those of its words that are on the page; None if none was
        found.
        """
        kind = rng.choice(("line", "keywords", "sentence", "mismatch", "mismatch", "long", "long"))
        if kind == "line":
            lines = [line.split() for line in self.texts[page].splitlines()]
            lines = [line for line in lines if sum(bool(PRINTED.fullmatch(word)) for word in line) >= 3]
            if not lines:
                return None
            line = rng.choice(lines)
            count = min(len(line), rng.randint(2, 8))
            start = rng.randint(0, len(line) - count)
            text = " ".join(line[start : start + count])
            return (text, kind, frozenset(split_words(text))) if any(map(str.isalpha, text)) else None
        start = rng.randrange(len(self.words[page]))
        span = LONG_SPAN if kind == "long" else 25
        near = self.words[page][start : start + span] if kind == "long" or rng.random() < 0.5 else self.words[page]
        found = [word for word in dict.fromkeys(near) if PRINTED.fullmatch(word)]
        if not found:
            return None
        rarity = LONG_RARITY if kind == "long" else CONTENT_RARITY
        found = [word for word, rare in zip(found, text_model.embed(found)[1], strict=True) if rare > rarity]
        fewest, most = {"keywords": (1, 6), "long": (7, 20)}.get(kind, (2, 6))
        if len(found) < max(2, fewest):
            return None
        shown = rng.sample(found, min(len(found), rng.randint(fewest, most)))
        kept = list(shown)
        if kind in ("mismatch", "long"):
            for i in rng.sample(range(len(shown)), rng.randint(1, (2 * len(shown) + 1) // 3)):
                others = sorted(synonyms(shown[i]))
                shown[i] = rng.choice(others) if others and rng.random() < 0.5 else self._any_word(rng)
                kept[i] = ""
        text = " ".join(shown)
        words = frozenset(word for word in kept if word)
        return text if kind == "keywords" else rng.choice(TEMPLATES).format(text), kind, words

    def _any_word(self, rng: random.Random) -> str:
        """A word as frequent as it is on the pages."""
        while True:
            word = rng.choice(self.words[rng.choice(self._pages)])
            if PRINTED.fullmatch(word):
                return word

    def answers(self, page: Page, kind: str, words: AbstractSet[str], present: AbstractSet[str]) -> frozenset[Page]:
        """The pages of documents `present` that answer a question about `page`: it, and those with all its words."""
        own = {page} if page[0] in present else set()
        if kind in ("mismatch", "long") and len(words) < 3:
            return frozenset(own)
        return frozenset(own | {each for each, found in self.distinct.items() if each[0] in present and words <= found})


def read_questions(files: Sequence[Path], documents: Sequence[str]) -> list[Question]:
    """The questions of JSON lines with "query", "path", "pages" and perhaps "also", about `documents`."""
    found = []
    for file in files:
        for line in file.read_text("utf-8").splitlines():
            row = json.loads(line)
            paths = [path for path in documents if f"/{path}".endswith(f"/{row['path']}")]
            answers = {
                (path, page)
                for at in (row, *row.get("also", ()))
                for path in documents
                if f"/{path}".endswith(f"/{at['path']}")
                for page in at["pages"]
            }
            found += [Question(row["query"], "written", path, frozenset(answers)) for path in paths[:1]]
    return found


def collect(index: Path, written: Sequence[Question], seed: int, mode: Mode | None = None) -> Examples:
    """Ask questions of copies of the index that lack some documents, in a `mode`."""
    rng = random.Random(seed)
    collection, text_model = Collection(index), PixelText.load()
    fold_of = collection.folds(rng)
    rows: list[tuple[F64, bool, bool, int]] = []
    for fold in range(FOLDS):
        rest = [path for path in collection.documents if fold_of[path] != fold]
        for share in SHARES:
            present = frozenset(rng.sample(rest, max(1, round(share * len(rest)))))
            asked = list(_questions(collection, present, fold_of, fold, text_model, rng))
            about = [each for each in written if each.document in present or fold_of[each.document] == fold]
            asked += [
                Question(each.text, each.kind, each.document, frozenset(p for p in each.answers if p[0] in present))
                for each in rng.sample(about, min(len(about), WRITTEN))
            ]
            asked += _drawn(collection, rest, rng)
            with tempfile.TemporaryDirectory() as folder:
                smaller = Path(folder) / "index"
                shutil.copytree(index, smaller)
                with open_writer(smaller, fingerprint=None, create=False) as writer:
                    writer.remove([path for path in writer.documents() if path not in present])
                rows += [(*found, fold_of[q.document]) for q, found in _ask(smaller, asked, mode)]
            print(f"fold {fold}, {len(present)} documents: {len(rows):,} examples", flush=True)
    features, right, answerable, folds = zip(*rows, strict=True)
    return Examples(np.stack(features), np.array(right), np.array(answerable), np.array(folds))


def _questions(
    collection: Collection,
    present: AbstractSet[str],
    fold_of: dict[str, int],
    fold: int,
    text_model: PixelText,
    rng: random.Random,
) -> Iterator[Question]:
    """QUESTIONS about documents that are `present`, and as many about those of the `fold`, which are not."""
    for is_present in (True, False):
        pool = [path for path in collection.pages_of if (path in present if is_present else fold_of[path] == fold)]
        made = tried = 0
        while made < QUESTIONS and tried < 20 * QUESTIONS:
            tried += 1
            page = rng.choice(collection.pages_of[rng.choice(pool)])
            if (found := collection.make(page, text_model, rng)) is None:
                continue
            text, kind, words = found
            answers = collection.answers(page, kind, words, present)
            if bool(answers) == is_present:
                made += 1
                yield Question(text, kind, page[0], answers, words)


def _drawn(collection: Collection, documents: Sequence[str], rng: random.Random) -> Iterator[Question]:
    """DRAWN numbers, codes and names that no page has; each counts for the fold of one of the `documents`."""
    known = frozenset[str]().union(*collection.distinct.values())
    made = 0
    while made < DRAWN:
        text = drawn_words.KINDS[rng.choice(sorted(drawn_words.KINDS))](rng)
        if known.isdisjoint(split_words(text)):
            made += 1
            yield Question(text, "drawn", rng.choice(documents), frozenset())


def _ask(
    index: Path, asked: Sequence[Question], mode: Mode | None
) -> Iterator[tuple[Question, tuple[F64, bool, bool]]]:
    """The features of the best hit of each question, whether it is right, and whether the question has an answer."""
    with open_searcher(index) as searcher:
        found = searcher.search_many([Query("", each.text) for each in asked], k=1, mode=mode)
        for question, (_, hits) in zip(asked, found, strict=True):
            if hits:
                ref = hits[0].ref
                features = searcher.best_hit_features(question.text, hits[0], hits.mode)
                yield question, (features, (ref.path, ref.page) in question.answers, bool(question.answers))


def fit(features: F64, right: Bools, weights: F64) -> F64:
    """The bias and the coefficients (1 + F,) of a logistic regression on features (N, F), by Newton's method."""
    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-9
    rows = np.column_stack([np.ones(len(features)), (features - mean) / spread])
    ridge = RIDGE * np.diag([0.0, *np.ones(features.shape[1])])
    found = np.zeros(rows.shape[1])
    for _ in range(NEWTON_STEPS):
        p = 1 / (1 + np.exp(-rows @ found))
        gradient = rows.T @ (weights * (p - right)) + ridge @ found
        step = np.linalg.solve((rows * (weights * p * (1 - p))[:, None]).T @ rows + ridge, gradient)
        found = found - step
        if np.abs(step).max() < 1e-9:
            break
    slopes = found[1:] / spread
    return np.concatenate([[found[0] - slopes @ mean], slopes])


def predict(coefficients: F64, features: F64) -> F64:
    """The confidences (N,) of features (N, F)."""
    logits = coefficients[0] + features @ coefficients[1:]
    return np.asarray(1 / (1 + np.exp(-logits)), np.float64)


def balanced(answerable: Bools) -> F64:
    """Weights (N,) by which questions with an answer count as much as those without; their mean is 1."""
    share = answerable.mean()
    return np.asarray(np.where(answerable, 0.5 / share, 0.5 / (1 - share)), np.float64)


def calibration_error(confidence: F64, right: Bools, weights: F64) -> float:
    """The expected calibration error, 0..1, over BINS equally full bins (Naeini et al., 2015)."""
    edges = np.quantile(confidence, np.linspace(0, 1, BINS + 1))
    bins = np.clip(np.searchsorted(edges, confidence, side="right") - 1, 0, BINS - 1)
    gaps = [abs((weights * (confidence - right))[bins == each].sum()) for each in range(BINS)]
    return float(np.sum(gaps) / weights.sum())


def main() -> None:
    """Print the calibration and how well it does on documents that it was not fitted on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("index", type=Path)
    parser.add_argument("--questions", type=Path, nargs="*", default=[])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mode", choices=get_args(Mode), help="in which the questions are asked")
    parser.add_argument("--save", type=Path, help="an .npz of the examples")
    arguments = parser.parse_args()
    with open_snapshot(arguments.index) as snapshot:
        documents = sorted(snapshot.documents())
    found = collect(arguments.index, read_questions(arguments.questions, documents), arguments.seed, arguments.mode)
    if arguments.save is not None:
        np.savez(
            arguments.save, features=found.features, right=found.right, answerable=found.answerable, fold=found.fold
        )
    report(found)


def report(found: Examples) -> None:
    """Print what `main` prints."""
    weights = balanced(found.answerable)
    held_out = np.zeros(len(found.right))
    for fold in range(FOLDS):
        test = found.fold == fold
        fitted = fit(found.features[~test], found.right[~test], weights[~test])
        held_out[test] = predict(fitted, found.features[test])
    print(f"{len(found.right):,} questions, {found.answerable.mean():.0%} of them with an answer")
    print(f"right among those: {found.right[found.answerable].mean():.3f}")
    print(f"expected calibration error on held-out documents: {calibration_error(held_out, found.right, weights):.4f}")
    for name, among in (("all", found.answerable), ("right", found.right)):
        limit = float(np.quantile(held_out[among], REFUSED_ANSWERABLE))
        refused = float((held_out[~found.answerable] < limit).mean())
        print(f"below {limit:.4f}: 5% of answerable questions ({name}), {refused:.3f} of those without an answer")
    coefficients = fit(found.features, found.right, weights)
    print("bias, weights:", ", ".join(f"{each:.4f}" for each in coefficients))


if __name__ == "__main__":
    main()
