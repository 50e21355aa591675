"""GradCache: the gradients of a contrastive loss over a large batch, in the memory of a few items.

Gao et al., "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup", 2021: embed the batch without
gradients; differentiate the loss with respect to the vectors; then embed again, a few items at a time, and propagate
the cached gradients through the network. The result equals that of the whole batch at once, up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from .trainee import Input, Trainee, Vectors

LossOf = Callable[[Sequence[Vectors]], tuple[Tensor, dict[str, float]]]


def backward(trainee: Trainee[Input], inputs: Sequence[Input], loss_of: LossOf) -> tuple[float, dict[str, float]]:
    """Accumulate the gradients of `loss_of`, applied to the vectors of all inputs, on the parameters.

    Returns the loss and its parts. If the model gives pages penalties of their own, the loss includes their mean.
    """
    with torch.no_grad():
        found: dict[int, Vectors] = {}
        for places, vectors in trainee.embed(inputs):
            found.update(zip(places, vectors, strict=True))
    leaves = [detached(found[i]) for i in range(len(inputs))]
    loss, parts = loss_of(leaves)
    loss.backward()
    penalties = [each.penalty for each in leaves if each.penalty is not None]
    total = float(loss.detach())
    if penalties:
        parts = parts | {"penalty": float(torch.stack(penalties).mean())}
        total += parts["penalty"]
    for places, vectors in trainee.embed(inputs):
        onward = [
            surrogate(each, leaves[i], penalty_share=1 / max(len(penalties), 1))
            for i, each in zip(places, vectors, strict=True)
            if each.multi.requires_grad
        ]
        if onward:
            torch.stack(onward).sum().backward()
    return total, parts


def detached(vectors: Vectors) -> Vectors:
    """The same vectors, as leaves of a new autograd graph."""
    single = None if vectors.single is None else vectors.single.detach().requires_grad_()
    return replace(vectors, multi=vectors.multi.detach().requires_grad_(), single=single)


def surrogate(vectors: Vectors, found: Vectors, *, penalty_share: float) -> Tensor:
    """A scalar with the same gradient with respect to the parameters as the loss has through these vectors.

    `found` are the detached vectors, which hold the gradients of the loss.
    """
    total = torch.zeros((), device=vectors.multi.device)
    for value, of_loss in ((vectors.multi, found.multi), (vectors.single, found.single)):
        if value is not None and of_loss is not None and of_loss.grad is not None:
            total = total + (value * of_loss.grad).sum()
    return total if vectors.penalty is None else total + penalty_share * vectors.penalty
