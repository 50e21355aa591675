"""Rows go in; how well a model finds their pages among all pages of the rows comes out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .objective import cosines, late_scores
from .pages import PagePictures
from .rows import Row
from .schedule import answering
from .trainee import Input, Trainee, Vectors

NDCG_AT = 5


def evaluate(trainee: Trainee[Input], rows: Sequence[Row], pictures: PagePictures) -> dict[str, float]:
    """Recall at 1 and nDCG at 5 of the late score, and of the single vectors where there are any, over the questions.

    Each question is asked once, among all pages that the rows name.
    """
    answers = answering(rows)
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
    """The single vectors (N, S) of a model that has them."""
    return torch.stack([each.single for each in vectors if each.single is not None])


def metrics(scores: Tensor, relevant: Tensor) -> dict[str, float]:
    """Recall at 1 (a relevant page is first) and nDCG at 5, over Q questions, from scores and relevance (Q, P)."""
    order = torch.argsort(scores, dim=1, descending=True, stable=True)
    gains = torch.gather(relevant, 1, order).double()
    discounts = 1 / torch.log2(torch.arange(2, NDCG_AT + 2).double())
    best = torch.sort(relevant.double(), dim=1, descending=True).values

    def dcg(values: Tensor) -> Tensor:
        first = values[:, :NDCG_AT]
        return (first * discounts[: first.shape[1]]).sum(dim=1)

    return {"recall_at_1": float(gains[:, 0].mean()), f"ndcg_at_{NDCG_AT}": float((dcg(gains) / dcg(best)).mean())}
