"""Recall at 1 and nDCG at 5 of the model being trained, over the rows of a file; rank correlation over its pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ...evaluation.metrics import mean, ndcg, success
from .objective import cosines, late_scores
from .pages import PagePictures
from .rows import Document, Passage, Row, ScoredPair
from .schedule import answers_by_query
from .trainee import Input, Trainee, Vectors

NDCG_AT = 5


def read_document(trainee: Trainee[Input], document: Document, pictures: PagePictures) -> Input:
    """A page or a passage as input of the model."""
    if isinstance(document, Passage):
        return trainee.read_text(document.text)
    return trainee.read_page(pictures.pixels(document))


def evaluate_pairs(trainee: Trainee[Input], pairs: Sequence[ScoredPair]) -> dict[str, float]:
    """Spearman's rank correlation of the pairs' scores with late-interaction scores, and with cosines of single vectors
    if the model has them.
    """
    texts = [trainee.read_query(each.first) for each in pairs] + [trainee.read_text(each.second) for each in pairs]
    with torch.no_grad():
        found: dict[int, Vectors] = {}
        for places, vectors in trainee.embed(texts):
            found.update(zip(places, vectors, strict=True))
        vectors = [found[i] for i in range(len(texts))]
        gold = [each.score for each in pairs]
        measured = {"spearman": spearman(own_scores(trainee, vectors).tolist(), gold)}
        if trainee.dims:
            cosine = torch.cosine_similarity(singles(vectors[: len(pairs)]), singles(vectors[len(pairs) :]), dim=1)
            measured["single_spearman"] = spearman(cosine.tolist(), gold)
    return {"pairs": float(len(pairs)), **measured}


def own_scores(trainee: Trainee[Input], vectors: Sequence[Vectors]) -> Tensor:
    """The late-interaction score (B,) of the first text of each of B pairs for the second; `vectors` are those of all
    first texts, then of all second ones.
    """
    half = len(vectors) // 2
    return torch.cat(
        [
            late_scores([first.multi], [first.weights], [second.multi], trainee.match)[0]
            for first, second in zip(vectors[:half], vectors[half:], strict=True)
        ]
    )


def spearman(one: Sequence[float], other: Sequence[float]) -> float:
    """Spearman's rank correlation; equal values share a rank, and a constant has none: 0.

    >>> spearman([1, 2, 3], [10, 20, 40]), spearman([1, 2, 3], [5, 5, 5])
    (1.0, 0.0)
    """
    ranks = []
    for values in (one, other):
        _, place, counts = np.unique(np.asarray(values, np.float64), return_inverse=True, return_counts=True)
        ranks.append((np.cumsum(counts) - (counts + 1) / 2)[place])
    first, second = (each - each.mean() for each in ranks)
    spread = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / spread if spread else 0.0


def evaluate(trainee: Trainee[Input], rows: Sequence[Row], pictures: PagePictures) -> dict[str, float]:
    """Recall at 1 and nDCG at 5 of the late-interaction scores, and of the single vectors if the model has them.

    Every distinct question is ranked once against all pages and passages that the rows name.
    """
    answers = answers_by_query(rows)
    pages = list(dict.fromkeys(page for row in rows for page in row.documents))
    questions = list(answers)
    relevant = torch.tensor([[page in answers[question] for page in pages] for question in questions])
    with torch.no_grad():
        queries: dict[int, Vectors] = {}
        for places, vectors in trainee.embed([trainee.read_query(question) for question in questions]):
            queries.update(zip(places, vectors, strict=True))
        asked = [queries[i] for i in range(len(questions))]
        late = torch.zeros(len(questions), len(pages))
        dense = torch.zeros(len(questions), len(pages)) if trainee.dims else None
        for places, vectors in trainee.embed([read_document(trainee, page, pictures) for page in pages]):
            columns = torch.tensor(places)
            sides = [each.multi for each in asked], [each.weights for each in asked], [each.multi for each in vectors]
            scores = late_scores(*sides, trainee.match)
            late[:, columns] = scores.cpu()
            if dense is not None:
                dense[:, columns] = cosines(singles(asked), singles(vectors), trainee.dims[-1]).cpu()
    found = {"queries": float(len(questions)), "pages": float(len(pages)), **metrics(late, relevant)}
    if dense is not None:
        found |= {f"single_{name}": value for name, value in metrics(dense, relevant).items()}
    return found


def singles(vectors: Sequence[Vectors]) -> Tensor:
    """The single vectors (N, S) of a model that has one vector a text or page."""
    return torch.stack([each.single for each in vectors if each.single is not None])


def metrics(scores: Tensor, relevant: Tensor) -> dict[str, float]:
    """Mean recall at 1 (a relevant page comes first) and mean nDCG at 5, from scores and relevance, both (Q, P)."""
    ranked = torch.argsort(scores, dim=1, descending=True, stable=True).tolist()
    wanted = [set(torch.nonzero(row)[:, 0].tolist()) for row in relevant]
    firsts = [success(pages, own, 1) for pages, own in zip(ranked, wanted, strict=True)]
    ndcgs = [ndcg(pages, own, NDCG_AT) for pages, own in zip(ranked, wanted, strict=True)]
    return {"recall_at_1": mean(firsts), f"ndcg_at_{NDCG_AT}": mean(ndcgs)}
