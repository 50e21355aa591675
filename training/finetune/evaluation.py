"""Recall at 1 and nDCG at 5 of the model being trained, over the rows of a file."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...evaluation.metrics import mean, ndcg, success
from .objective import cosines, late_scores
from .pages import PagePictures
from .rows import Row
from .schedule import answers_by_query
from .trainee import Input, Trainee, Vectors

NDCG_AT = 5


def evaluate(trainee: Trainee[Input], rows: Sequence[Row], pictures: PagePictures) -> dict[str, float]:
    """Recall at 1 and nDCG at 5 of the late-interaction scores, and of the single vectors if the model has them.

    Every distinct question is ranked once against all pages that the rows name.
    """
    answers = answers_by_query(rows)
    pages = list(dict.fromkeys(page for row in rows for page in row.pages))
    questions = list(answers)
    relevant = torch.tensor([[page in answers[question] for page in pages] for question in questions])
    with torch.no_grad():
        queries: dict[int, Vectors] = {}
        for places, vectors in trainee.embed([trainee.read_query(question) for question in questions]):
            queries.update(zip(places, vectors, strict=True))
        asked = [queries[i] for i in range(len(questions))]
        late = torch.zeros(len(questions), len(pages))
        dense = torch.zeros(len(questions), len(pages)) if trainee.dims else None
        for places, vectors in trainee.embed([trainee.read_page(pictures.pixels(page)) for page in pages]):
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
