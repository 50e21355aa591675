"""What a batch must get right: each question scores its own page above all others, by one vector and by many.

The joint objective of jina-embeddings-v4 (arXiv 2506.18902, section 5; equations 2 to 6), as means over the questions
instead of sums, so that weights do not depend on the batch: InfoNCE on the cosines of single vectors, InfoNCE on late
scores, and the divergence between the two. Single vectors take part at each of their Matryoshka lengths.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

EVEN = 0.5
EXCLUDED = -1e4
"""Stands for the logarithm of no chance at all, and stays finite."""


@dataclass(frozen=True, slots=True)
class Objective:
    """Weights of the three parts, and the temperature, by default the model's; the paper names 0.02, for code alone."""

    single: float = 1.0
    multi: float = 1.0
    agreement: float = 1.0
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """Which of P pages answers each of Q questions, `targets` (Q,) int64, and the pages that count neither way,
    `excluded` (Q, P) bool: other pages that answer the question, too.
    """

    targets: Tensor
    excluded: Tensor


def late_scores(
    queries: Sequence[Tensor],
    weights: Sequence[Tensor],
    pages: Sequence[Tensor],
    match: Callable[[Tensor], Tensor] = lambda similarities: similarities,
) -> Tensor:
    """Σ_i w_i m(max_j q_i · p_j) of each question (T_q, D) with weights (T_q,) and each page (T_p, D), as (Q, P).

    With equal weights that sum to 1, and the similarity itself as the `match` m, it is the paper's score for training,
    the sum divided by the question's length (equation 2). A page without vectors has similarity 0.
    """
    tokens = torch.cat(list(queries))
    shares = torch.zeros(len(queries), len(tokens), device=tokens.device)
    start = 0
    for row, weight in enumerate(weights):
        shares[row, start : start + len(weight)] = weight
        start += len(weight)
    best = [
        (tokens @ page.T).amax(dim=1) if len(page) else torch.zeros(len(tokens), device=tokens.device) for page in pages
    ]
    return shares @ match(torch.stack(best, dim=1))


def cosines(queries: Tensor, pages: Tensor, dim: int) -> Tensor:
    """Cosines (Q, P) of single vectors (Q, S) and (P, S) cut to `dim` numbers."""
    return functional.normalize(queries[:, :dim], dim=1) @ functional.normalize(pages[:, :dim], dim=1).T


def info_nce(scores: Tensor, task: Task, temperature: float) -> Tensor:
    """The mean negative logarithm of the chance that softmax gives each question's own page (equations 3 and 4).

    Pages beside the positives are hard negatives: the denominator runs over all (the paper's NCE+).
    """
    logits = (scores / temperature).masked_fill(task.excluded, EXCLUDED)
    return functional.cross_entropy(logits, task.targets)


def divergence(dense: Tensor, late: Tensor, task: Task, temperature: float) -> Tensor:
    """KL(softmax(dense / τ) ‖ softmax(late / τ)), the mean over questions (equation 5)."""
    logs = [
        functional.log_softmax((scores / temperature).masked_fill(task.excluded, EXCLUDED), dim=1)
        for scores in (late, dense)
    ]
    return functional.kl_div(logs[0], logs[1], reduction="batchmean", log_target=True)


def absolute(late: Tensor, task: Task, temperature: float) -> Tensor:
    """Binary cross-entropy of "this page answers", at even odds for a score of EVEN; answers weigh as much as others.

    Softmax only compares: it is content with answers that score low, if all others score lower.
    """
    answers = functional.one_hot(task.targets, late.shape[1]).bool()
    losses = functional.binary_cross_entropy_with_logits(
        (late - EVEN) / temperature, answers.to(late), reduction="none"
    )
    others = losses[~answers & ~task.excluded]
    return (losses[answers].mean() + (others.mean() if len(others) else 0)) / 2


def joint(
    late: Tensor,
    singles: tuple[Tensor, Tensor] | None,
    task: Task,
    dims: Sequence[int],
    objective: Objective,
    *,
    temperature: float,
    has_floor: bool = False,
) -> tuple[Tensor, dict[str, float]]:
    """The loss of one batch and its parts, from late scores (Q, P) and the single vectors of both sides (equation 6).

    The parts on single vectors are means over `dims`; models without any learn from their late scores alone. Where
    similarities below a floor count nothing, scores have to be high, not only higher than others.
    """
    parts = {"multi": info_nce(late, task, temperature)}
    if has_floor:
        parts["absolute"] = absolute(late, task, temperature)
    loss = objective.multi * torch.stack([*parts.values()]).sum()
    if singles is not None:
        cut = [cosines(*singles, dim) for dim in dims]
        parts["single"] = torch.stack([info_nce(dense, task, temperature) for dense in cut]).mean()
        parts["agreement"] = torch.stack([divergence(dense, late, task, temperature) for dense in cut]).mean()
        loss = loss + objective.single * parts["single"] + objective.agreement * parts["agreement"]
    return loss, {name: float(part.detach()) for name, part in parts.items()}
