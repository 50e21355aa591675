"""Why a hit has its score: which words matched on the page's picture and in its text, and what the score is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from . import threads
from .explain.text_matches import find
from .kernels import proximity
from .maxsim_cache import MaxSimCache
from .models.pixel.words import composed
from .query.terms import terms_of
from .ranking import rerank
from .ranking.prior import Parts, ScoreParts
from .records import Hit, Mode, QueryVectors, SoughtWord
from .scoring import FIRST_PAGE_WEIGHT, score_tokens
from .store import Snapshot

DIGITS = 4


@dataclass(frozen=True, slots=True)
class ExplainedWord:
    """A word of a question on a page.

    `weight` is its share of the question for pictures, and `picture` its match with the page's, 0..1; `first_page` what
    counts of its match with the first page of the document. `text_weight` is its share of the question for text, and
    `text` how much the text layer has it, 0..1, less in another spelling, in `times` places. `is_implied` tells words
    that the question does not say, such as the parts of a ratio.
    """

    word: str
    weight: float = 0.0
    picture: float = 0.0
    first_page: float = 0.0
    text_weight: float = 0.0
    text: float = 0.0
    times: int = 0
    is_implied: bool = False


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the `score` of a hit is made of: it is the sum of `from_picture`, `from_text`, `from_document`, `prior`,
    `from_passages` and `from_kinds`. `from_passages` is what a page has for the meaning of its passages, `from_kinds`
    what it has for figures of the kinds and colours that a question describes.

    `picture` is the score of the page's picture alone, 0..1, of which neighbouring words that stand together give
    `pairs`. `from_document` is what the name and the first words of the document give, and `prior` what the page has
    for being short and, if a number is asked for, for having numbers. `words` are those of the question, then those
    that it implies.
    """

    score: float
    mode: Mode
    picture: float
    pairs: float
    from_picture: float
    from_text: float
    from_document: float
    prior: float
    from_passages: float
    from_kinds: float
    words: tuple[ExplainedWord, ...]

    def as_dict(self) -> dict[str, object]:
        """The explanation as a JSON object, numbers with DIGITS decimals."""
        return {name: _rounded(value) for name, value in asdict(self).items()}


def explain(
    snapshot: Snapshot,
    cache: MaxSimCache,
    query: QueryVectors,
    rescored: ScoreParts | None,
    sought: tuple[Sequence[SoughtWord], Mapping[str, str]],
    hits: Sequence[Hit],
    mode: Mode,
) -> list[Explanation]:
    """Explain hits of a question that were found in this `mode`, weighed and with its implied words as `query`.

    `rescored` turns scores of pictures into the hits'; None where they are the same. `sought` is what texts are
    searched for, and the words that were corrected. Raises UsageError for a page that is not in the index.
    """
    rows = np.array([snapshot.row(hit.ref) for hit in hits], np.int64)
    if not len(rows):
        return []
    first_pages = snapshot.first_pages()[rows]
    with threads.no_blas_threads():
        every = np.unique(np.concatenate([rows, first_pages]))
        maxima = cache.of(query.every, every)
        (ranked,) = rerank.rank(snapshot, [query], rows=every, k=len(every), maxima_of=cache.of)
    visual = dict(zip(ranked.pages.tolist(), ranked.scores.tolist(), strict=True))
    own, token_scores = score_tokens(
        maxima[np.searchsorted(every, rows)], maxima[np.searchsorted(every, first_pages)], query
    )
    # As in rerank.with_pairs: a score is the sum of tokens and pairs over the sum of their weights.
    total = 1 + float(proximity.pair_weights(query.weights, query.pairs).sum())
    first, _ = score_tokens(
        maxima[np.searchsorted(every, first_pages)], maxima[np.searchsorted(every, first_pages)], query
    )
    found = []
    for at, (hit, row) in enumerate(zip(hits, rows.tolist(), strict=True)):
        picture = visual.get(row, 0.0)
        if mode == "text":
            parts = Parts(0.0, hit.score)
        else:
            parts = Parts(picture) if rescored is None else rescored.parts(picture, row)
        raised = np.zeros(len(query.weights)) if row == first_pages[at] else FIRST_PAGE_WEIGHT * first[at]
        words = _words(query, own[at].tolist(), raised.tolist(), snapshot.text(row), sought)
        found.append(
            Explanation(
                hit.score, mode, picture, max(0.0, picture - float(token_scores[at]) / total), *parts, tuple(words)
            )
        )
    return found


def _words(
    query: QueryVectors,
    own: Sequence[float],
    first_page: Sequence[float],
    text: str,
    sought: tuple[Sequence[SoughtWord], Mapping[str, str]],
) -> list[ExplainedWord]:
    """The words of a question as the picture of a page, its document's first page, and its text have them."""
    asked, corrections = sought
    matches = find(composed(text), asked)
    instead = {term: terms_of(correction) for typed, correction in corrections.items() for term in terms_of(typed)}
    left = dict(enumerate(asked))
    found = []
    for token, (word, weight) in enumerate(zip(query.words, query.weights.tolist(), strict=True)):
        terms = {each for term in terms_of(query.tokens[token]) for each in (term, *instead.get(term, ()))}
        its = [place for place, each in enumerate(asked) if not terms.isdisjoint(each.terms)]
        for place in its:
            left.pop(place, None)
        found.append(_word(word, asked, its, matches, weight, own[token], first_page[token]))
    found += [_word(" ".join(each.terms), asked, [place], matches) for place, each in left.items()]
    return found


def _word(
    word: str,
    asked: Sequence[SoughtWord],
    places: Sequence[int],
    matches: Sequence[tuple[int, int, int, float]],
    weight: float = 0.0,
    picture: float = 0.0,
    first_page: float = 0.0,
) -> ExplainedWord:
    its = [(start, end, strength) for start, end, place, strength in matches if place in places]
    return ExplainedWord(
        word,
        weight,
        picture,
        first_page,
        sum(asked[place].weight for place in places),
        max((strength for _, _, strength in its), default=0.0),
        len({(start, end) for start, end, _ in its}),
        bool(places) and all(asked[place].is_implied for place in places),
    )


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, (list, tuple)) else value
