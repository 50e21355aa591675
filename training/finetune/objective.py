"""The contrastive objective of fine-tuning: InfoNCE on single vectors and on multi-vectors, and their KL divergence.

The joint objective of jina-embeddings-v4 (Günther et al., 2025, arXiv 2506.18902, section 5, equations 2 to 6), with
means over the questions instead of sums, so that the weights do not depend on the batch size. Single vectors count at
each of their Matryoshka lengths (Kusupati et al., 2022). InfoNCE: van den Oord et al., 2018.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

EVEN_ODDS_SCORE = 0.5
"""The score at which a page is as likely as not to answer, in `binary_loss`."""
EXCLUDED = -1e4
"""The logit of an excluded page: a finite stand-in for minus infinity."""


@dataclass(frozen=True, slots=True)
class Objective:
    """Weights of the three parts, and the temperature; None is the model's own. The paper gives 0.02, for code only."""

    single: float = 1.0
    multi: float = 1.0
    agreement: float = 1.0
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """Labels of a batch of Q questions and P pages.

    `targets` (Q,) int64 is the page that answers each question. `excluded` (Q, P) bool marks the other pages that also
    answer it: they are neither positives nor negatives.
    """

    targets: Tensor
    excluded: Tensor


def late_scores(
    queries: Sequence[Tensor],
    weights: Sequence[Tensor],
    pages: Sequence[Tensor],
    match: Callable[[Tensor], Tensor] = lambda similarities: similarities,
) -> Tensor:
    """Late-interaction scores (Q, P): Σ_i w_i m(max_j q_i · p_j).

    Questions are (T_q, D) with weights (T_q,), pages (T_p, D); m is `match`. With equal weights that sum to 1 and the
    identity as `match`, this is the paper's training score, MaxSim divided by the question's length (equation 2). A
    page without vectors has similarity 0.
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
    """Cosines (Q, P) of single vectors (Q, S) and (P, S), truncated to their first `dim` components."""
    return functional.normalize(queries[:, :dim], dim=1) @ functional.normalize(pages[:, :dim], dim=1).T


def info_nce(scores: Tensor, task: Task, temperature: float) -> Tensor:
    """InfoNCE: the mean cross-entropy of a softmax over the pages, with each question's own page as the target.

    Equations 3 and 4. The denominator includes the hard negatives of all rows (the paper's NCE+).
    """
    logits = (scores / temperature).masked_fill(task.excluded, EXCLUDED)
    return functional.cross_entropy(logits, task.targets)


def divergence(dense: Tensor, late: Tensor, task: Task, temperature: float) -> Tensor:
    """KL(softmax(dense / τ) ‖ softmax(late / τ)), averaged over questions (equation 5)."""
    logs = [
        functional.log_softmax((scores / temperature).masked_fill(task.excluded, EXCLUDED), dim=1)
        for scores in (late, dense)
    ]
    return functional.kl_div(logs[0], logs[1], reduction="batchmean", log_target=True)


def binary_loss(late: Tensor, task: Task, temperature: float) -> Tensor:
    """Binary cross-entropy of "this page answers the question"; positives and negatives have equal total weight.

    A softmax only compares pages, and is satisfied by answers that score low if all others score lower. This loss also
    pushes answers above EVEN_ODDS_SCORE and other pages below.
    """
    answers = functional.one_hot(task.targets, late.shape[1]).bool()
    losses = functional.binary_cross_entropy_with_logits(
        (late - EVEN_ODDS_SCORE) / temperature, answers.to(late), reduction="none"
    )
    others = losses[~answers & ~task.excluded]
    return (losses[answers].mean() + (others.mean() if len(others) else 0)) / 2


def cosent(scores: Tensor, gold: Tensor, temperature: float) -> Tensor:
    """CoSENT: ln(1 + Σ exp((s_j − s_i) / τ)) over all i, j with a higher `gold` score of pair i than of pair j.

    `scores` and `gold` (B,). Su, "CoSENT", 2022; the loss of the paper's text-matching adapter.
    """
    above = gold[:, None] > gold[None, :]
    differences = ((scores[None, :] - scores[:, None]) / temperature)[above]
    return torch.logsumexp(torch.cat([scores.new_zeros(1), differences]), dim=0)


def pairs_joint(
    late: Tensor,
    singles: tuple[Tensor, Tensor] | None,
    gold: Tensor,
    dims: Sequence[int],
    objective: Objective,
    *,
    temperature: float,
) -> tuple[Tensor, dict[str, float]]:
    """The loss of a batch of B pairs and its parts: CoSENT on late scores (B,), and on single vectors (B, S) of both
    sides, as the mean over `dims`. `gold` (B,) are the pairs' scores.
    """
    parts = {"multi": cosent(late, gold, temperature)}
    loss = objective.multi * parts["multi"]
    if singles is not None:
        cut = [functional.cosine_similarity(singles[0][:, :dim], singles[1][:, :dim], dim=1) for dim in dims]
        parts["single"] = torch.stack([cosent(cosine, gold, temperature) for cosine in cut]).mean()
        loss = loss + objective.single * parts["single"]
    return loss, {name: float(part.detach()) for name, part in parts.items()}


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

    The parts on single vectors are means over `dims`; for a model without single vectors only the late scores count.
    `has_floor` adds `binary_loss`: if similarities below a floor count as 0, scores must be high, not merely higher
    than others.
    """
    parts = {"multi": info_nce(late, task, temperature)}
    if has_floor:
        parts["absolute"] = binary_loss(late, task, temperature)
    loss = objective.multi * torch.stack([*parts.values()]).sum()
    if singles is not None:
        cut = [cosines(*singles, dim) for dim in dims]
        parts["single"] = torch.stack([info_nce(dense, task, temperature) for dense in cut]).mean()
        parts["agreement"] = torch.stack([divergence(dense, late, task, temperature) for dense in cut]).mean()
        loss = loss + objective.single * parts["single"] + objective.agreement * parts["agreement"]
    return loss, {name: float(part.detach()) for name, part in parts.items()}
