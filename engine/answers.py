"""The answer to a query: its hits, with the confidence in the best one and the letters that the model does not read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from . import confidence, threads
from .hits import Hits
from .maxsim_cache import MaxSimCache
from .models.encoder import EncoderSpec
from .models.pixel.function_words import ENGLISH, by_language, function_words
from .query.terms import terms_of
from .query.weighting import Weighting
from .ranking import rerank
from .ranking.cross_language import nearness
from .records import F32, F64, Hit, Mode, Query, QueryVectors, Ranking
from .retrieval.first_stage import FirstStage
from .scoring import rise, score_tokens
from .store import Snapshot


class Answers:
    """Makes the answers of one snapshot, with the model of `spec`. May be shared between threads."""

    def __init__(
        self,
        snapshot: Snapshot,
        cache: MaxSimCache,
        weighting: Weighting,
        spec: EncoderSpec,
        first_stage: FirstStage,
    ) -> None:
        """`first_stage` tells what texts and passages have of a question."""
        self._snapshot = snapshot
        self._cache = cache
        self._weighting = weighting
        self._spec = spec
        self._first_stage = first_stage

    def answer(
        self,
        query: Query,
        hits: Sequence[Hit],
        encoded: QueryVectors | None,
        weighed: QueryVectors | None,
        ranking: Ranking | None,
        mode: Mode,
    ) -> Hits:
        """The `hits` of a query, whose `ranking` begins with the best page, as an answer.

        `encoded` and `weighed` are the query before and after its weights were adjusted to the collection; all three
        are None where there was nothing to search for. `mode` is what pages were found by; queries by an image alone or
        a page are always found by pictures.
        """
        calibration = self._spec.calibration
        unread = self._spec.unread_letters(query.text)
        if query.image is not None or query.like is not None:
            return Hits(hits, query.text, unread_letters=unread, mode=mode)
        advised: Mode | None = "semantic" if mode != "semantic" and self._snapshot.cross_language is not None else None
        if calibration is None:
            return Hits(hits, query.text, unread_letters=unread, mode=mode, try_mode=None if hits else advised)
        if mode == "semantic" and calibration.by_meaning is not None:
            calibration = calibration.by_meaning
        found = 0.0
        is_found = encoded is not None and weighed is not None and ranking is not None and len(ranking.pages)
        if is_found and not self._spec.reads_nothing_of(query.text):
            assert encoded is not None
            assert weighed is not None
            assert ranking is not None
            features = self.features(query, encoded, weighed, ranking, mode)
            found = calibration.confidence(features[: len(calibration.weights)])  # fewer where meaning was not measured
            if _says_nothing(query, encoded):
                idf, _ = self._weighting.statistics(encoded)
                found *= confidence.chance_of_choice(idf, len(self._snapshot))
            if self._first_stage.is_named(query.text, int(ranking.pages[0])):
                found = max(found, calibration.no_good_match)  # what its page shows says nothing of that
        is_weak = found < calibration.no_good_match
        return Hits(
            hits,
            query.text,
            confidence=found,
            no_good_match=is_weak,
            unread_letters=unread,
            mode=mode,
            try_mode=advised if is_weak else None,
        )

    def features(
        self, asked: Query, encoded: QueryVectors, weighed: QueryVectors, ranking: Ranking, mode: Mode = "visual"
    ) -> F64:
        """The features (5,) of the best page of a ranking of at least one for a question; see `confidence.features`.

        Where text was searched, too, a token that the page's text layer has matches as well as it can. In the mode
        semantic `confidence.meaning_features` follow, (7,) in all.
        """
        best = int(ranking.pages[0])
        rows = np.unique([best, self._snapshot.first_pages()[best]])
        with threads.no_blas_threads():
            maxima = self._cache.of(weighed.every, rows)
        own, token_scores = score_tokens(
            maxima[np.searchsorted(rows, [best])],
            maxima[np.searchsorted(rows, [self._snapshot.first_pages()[best]])],
            weighed,
        )
        idf, expected = self._weighting.statistics(encoded)
        matches, token_score = own[0], float(token_scores[0])
        score = self._visual_score(weighed, best) if ranking.best_visual is None else ranking.best_visual
        evidence = self._evidence(weighed, maxima[np.searchsorted(rows, best)], matches, expected)
        if mode != "visual":
            pairs = score - token_score
            is_printed = self._is_printed(asked, weighed, best)
            matches, evidence = np.maximum(matches, is_printed), np.maximum(evidence, is_printed)
            token_score = max(token_score, float(weighed.weights @ matches))
            score = token_score + pairs
        found = confidence.features(
            score=score,
            token_score=token_score,
            matches=matches,
            evidence=evidence,
            weights=weighed.weights,
            idf=idf,
            pages=len(self._snapshot),
        )
        return found if mode != "semantic" else np.concatenate([found, self._meaning(asked.text, best)])

    def _meaning(self, question: str, row: int) -> F64:
        cosines = self._first_stage.cosines(question)
        if cosines is None or np.isnan(cosines[row]):
            return confidence.meaning_features(0.0, 0.0)
        return confidence.meaning_features(float(nearness(cosines)[row]), float(cosines[row]))

    def _evidence(self, query: QueryVectors, maxima: F32, matches: F32, expected: F32) -> F32:
        """How surely a page prints each token, 0..1 (Q,), from its `maxima` (Q + A,) with `query.every`.

        `matches` (Q,) are the page's, which count where expansion terms made them, and `expected` (Q,) what the tokens
        are expected to match by chance. Without the model's `chance`, all matches count.
        """
        chance = self._spec.chance
        if chance is None:
            return matches
        own = maxima[: len(matches)]
        through_expansion = matches > rise(own, query.floors, query.ceilings)
        return np.maximum(chance.evidence(own, expected), np.where(through_expansion, matches, np.float32(0)))

    def _visual_score(self, query: QueryVectors, row: int) -> float:
        (alone,) = rerank.rank(self._snapshot, [query], rows=np.array([row], np.int64), k=1, maxima_of=self._cache.of)
        return float(alone.scores[0]) if len(alone.scores) else 0.0

    def _is_printed(self, asked: Query, query: QueryVectors, row: int) -> F32:
        """1 for the tokens of a question that the text layer of a page has in any spelling, 0 for the others, (Q,)."""
        printed = set(self._first_stage.printed(asked.corrected, row, asked.operators.beginnings))
        for typed, instead in asked.corrections:
            if printed.issuperset(terms_of(instead)):
                printed.update(terms_of(typed))
        found = [bool(terms := terms_of(token)) and printed.issuperset(terms) for token in query.tokens]
        return np.array(found, np.float32)


def _says_nothing(asked: Query, query: QueryVectors) -> bool:
    """Whether a question consists of function words alone, which most pages have: "the of and".

    Words in capitals ("WHO"), phrases in quotes and the beginnings of longer words say something.
    """
    if asked.operators.phrases or asked.operators.beginnings:
        return False
    empty = function_words(query.tokens) | by_language()[ENGLISH].keys()
    in_capitals = any(len(word) > 1 and word.isupper() for word in query.spelled)
    return bool(query.tokens) and not in_capitals and empty.issuperset(query.tokens)
