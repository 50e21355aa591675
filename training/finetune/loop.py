"""The training loop of `docsearch train`: steps, evaluations, checkpoints to resume from, and publishing the model.

OUT/run/state.safetensors, OUT/run/pages/      while the run is in progress
OUT/…, OUT/training.json                       the finished model, and how it was made
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from ...engine.errors import UsageError
from ...engine.store import durable
from . import gradcache, schedule, state
from .evaluation import evaluate, evaluate_pairs, own_scores, read_document, singles
from .objective import Objective, Task, joint, late_scores, pairs_joint
from .pages import PagePictures
from .rows import Document, Row, ScoredPair
from .schedule import Batch, PairBatch, answers_by_query
from .state import Progress
from .trainee import Input, Trainee, Vectors

GRADIENT_NORM_MAX = 1.0
BETAS = (0.9, 0.98)
SAVE_AFTER_S = 600.0
"""A checkpoint is written at least this often, whatever `save_every` says."""
RUN, STATE, PAGES, MODEL = "run", "state.safetensors", "pages", "model"
ABOUT = "training.json"
Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Settings:
    """Hyperparameters: `steps` of `batch` questions, each with up to `negatives` of its row's hard negatives.

    `eval_every` and `save_every` are in steps; a checkpoint is also saved every SAVE_AFTER_S seconds.
    """

    steps: int = 500
    batch: int = 32
    negatives: int = 2
    learning_rate: float | None = None
    objective: Objective = field(default_factory=Objective)
    eval_every: int = 100
    save_every: int = 50
    seed: int = 1


@dataclass(frozen=True)
class Data:
    """Rows to train on, rows to evaluate on (may be empty: no evaluation), and the pictures of all their pages; and
    pairs of texts with scores, to train and to evaluate on.
    """

    rows: Sequence[Row]
    measured: Sequence[Row]
    pictures: PagePictures
    pairs: Sequence[ScoredPair] = ()
    measured_pairs: Sequence[ScoredPair] = ()

    @cached_property
    def answers(self) -> Mapping[str, set[Document]]:
        """What answers each question of the training rows."""
        return answers_by_query(self.rows)

    @property
    def is_measured(self) -> bool:
        """Whether there is something to evaluate on."""
        return bool(self.measured or self.measured_pairs)


def is_finished(out: Path, recorded: Mapping[str, Any]) -> bool:
    """Whether `out` holds the finished model of this very run.

    Raises UsageError if `out` holds a run with other settings, or files that no run wrote.
    """
    if (out / ABOUT).is_file():
        if (out / RUN).is_dir():
            return False  # killed while the model was being moved into place
        state.check_settings(out / RUN / STATE, json.loads((out / ABOUT).read_text("utf-8"))["settings"], recorded)
        return True
    if out.exists() and not (out / RUN).is_dir() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out}: exists already, and holds no run of 'docsearch train'; give another -o")
    return False


def train(
    trainee: Trainee[Input],
    data: Data,
    settings: Settings,
    out: Path,
    recorded: Mapping[str, Any],
    *,
    on_event: Callable[[Event], None] = lambda _event: None,
    clock: Callable[[], float] = time.monotonic,
) -> Progress:
    """Train from the last checkpoint in `out`, or from the start, and write the finished model to `out`.

    `recorded` are the settings that a run must share with the checkpoint it resumes from; UsageError if they differ.
    """
    highest = settings.learning_rate or trainee.learning_rate
    optimizer = torch.optim.AdamW(trainee.parameters.values(), lr=highest, betas=BETAS, weight_decay=0.0)
    file = out / RUN / STATE
    file.parent.mkdir(parents=True, exist_ok=True)
    progress = Progress()
    if file.exists():
        progress = state.restore(file, trainee.parameters, optimizer, recorded)
    begun_at, begun, saved = progress.step, clock(), clock()
    on_event(
        {
            "event": "start",
            "step": progress.step,
            "steps": settings.steps,
            "rows": len(data.rows) + len(data.pairs),
            "pages": len(data.pictures.files),
            "parameters": sum(parameter.numel() for parameter in trainee.parameters.values()),
            "device": trainee.device.type,
        }
    )

    if data.is_measured and not progress.evaluations:
        progress = _measured(trainee, data, progress, on_event)
    with ThreadPoolExecutor(1) as reader:
        following = reader.submit(_prepare, trainee, data, settings, progress.step)
        while progress.step < settings.steps:
            batch, inputs = following.result()
            if progress.step + 1 < settings.steps:
                following = reader.submit(_prepare, trainee, data, settings, progress.step + 1)
            rate = schedule.learning_rate(progress.step, settings.steps, highest)
            started = clock()
            loss, parts = _step(trainee, optimizer, rate, inputs, _loss_of(trainee, batch, settings.objective))
            progress = replace(progress, step=progress.step + 1, seconds=progress.seconds + clock() - started)
            left = (clock() - begun) / (progress.step - begun_at) * (settings.steps - progress.step)
            on_event(
                {
                    "event": "step",
                    "step": progress.step,
                    "steps": settings.steps,
                    "loss": loss,
                    **parts,
                    "learning_rate": rate,
                    "seconds": round(progress.seconds, 3),
                    "eta_s": round(left, 1),
                }
            )
            is_last = progress.step == settings.steps
            if data.is_measured and (progress.step % settings.eval_every == 0 or is_last):
                progress = _measured(trainee, data, progress, on_event)
            if progress.step % settings.save_every == 0 or is_last or clock() - saved > SAVE_AFTER_S:
                state.save(file, trainee.parameters, optimizer, progress, recorded)
                saved = clock()
                on_event({"event": "saved", "step": progress.step})
    publish(trainee, out, progress, recorded)
    on_event({"event": "done", "step": progress.step, "model": str(out)})
    return progress


def _prepare(
    trainee: Trainee[Input], data: Data, settings: Settings, step: int
) -> tuple[Batch | PairBatch, list[Input]]:
    """The batch of a step, and its model inputs: the questions, then the pages; or both sides of pairs."""
    takes_pairs, own_step = schedule.turn(step, len(data.rows), len(data.pairs))
    size = min(settings.batch, len(data.pairs if takes_pairs else data.rows))
    if takes_pairs:
        of_pairs = schedule.pair_batch(data.pairs, own_step, size=size, seed=settings.seed)
        firsts = [trainee.read_query(each.first) for each in of_pairs.pairs]
        return of_pairs, firsts + [trainee.read_text(each.second) for each in of_pairs.pairs]
    batch = schedule.batch(
        data.rows, data.answers, own_step, size=size, negatives=settings.negatives, seed=settings.seed
    )
    queries = [trainee.read_query(query) for query in batch.queries]
    return batch, queries + [read_document(trainee, page, data.pictures) for page in batch.pages]


def _step(
    trainee: Trainee[Input],
    optimizer: torch.optim.Optimizer,
    rate: float,
    inputs: Sequence[Input],
    loss_of: gradcache.LossOf,
) -> tuple[float, dict[str, float]]:
    """Change the parameters by one step at the learning rate `rate`; return the loss before it, and its parts."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    loss, parts = gradcache.backward(trainee, inputs, loss_of)
    torch.nn.utils.clip_grad_norm_(trainee.parameters.values(), GRADIENT_NORM_MAX)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss, parts


def _measured(trainee: Trainee[Input], data: Data, progress: Progress, on_event: Callable[[Event], None]) -> Progress:
    """The progress with an evaluation of the model as it is now."""
    found: dict[str, float] = {"step": progress.step}
    if data.measured:
        found |= evaluate(trainee, data.measured, data.pictures)
    if data.measured_pairs:
        found |= evaluate_pairs(trainee, data.measured_pairs)
    on_event({"event": "evaluation", **found})
    return replace(progress, evaluations=(*progress.evaluations, found))


def _loss_of(trainee: Trainee[Input], batch: Batch | PairBatch, objective: Objective) -> gradcache.LossOf:
    if isinstance(batch, PairBatch):
        return pair_loss_of(trainee, batch.gold, objective)
    return loss_of(trainee, batch.task, objective)


def pair_loss_of(trainee: Trainee[Input], gold: torch.Tensor, objective: Objective) -> gradcache.LossOf:
    """The loss of pairs with the scores `gold` (B,) as a function of the vectors of both sides."""
    gold = gold.to(trainee.device)

    def of_vectors(vectors: Sequence[Vectors]) -> tuple[torch.Tensor, dict[str, float]]:
        return pairs_joint(
            own_scores(trainee, vectors),
            (singles(vectors[: len(gold)]), singles(vectors[len(gold) :])) if trainee.dims else None,
            gold,
            trainee.dims,
            objective,
            temperature=objective.temperature or trainee.temperature,
        )

    return of_vectors


def loss_of(trainee: Trainee[Input], task: Task, objective: Objective) -> gradcache.LossOf:
    """The loss of a batch as a function of its vectors: those of the questions, then those of the pages."""
    task = replace(task, targets=task.targets.to(trainee.device), excluded=task.excluded.to(trainee.device))

    def of_vectors(vectors: Sequence[Vectors]) -> tuple[torch.Tensor, dict[str, float]]:
        queries, pages = vectors[: len(task.targets)], vectors[len(task.targets) :]
        sides = [q.multi for q in queries], [q.weights for q in queries], [p.multi for p in pages]
        return joint(
            late_scores(*sides, trainee.match),
            (singles(queries), singles(pages)) if trainee.dims else None,
            task,
            trainee.dims,
            objective,
            temperature=objective.temperature or trainee.temperature,
            has_floor=trainee.has_floor,
        )

    return of_vectors


def publish(trainee: Trainee[Input], out: Path, progress: Progress, recorded: Mapping[str, Any]) -> None:
    """Move the finished model into `out`, and remove the checkpoint.

    `training.json` comes last: a folder that has it holds a complete model.
    """
    staged = out / RUN / MODEL
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir()
    try:
        trainee.save(staged)
        about = {"settings": recorded, "seconds": round(progress.seconds, 1), "evaluations": progress.evaluations}
        (staged / ABOUT).write_text(json.dumps(about, indent=2), "utf-8")
        durable.sync_tree(staged)
        for entry in sorted(staged.iterdir(), key=lambda entry: entry.name == ABOUT):
            if (out / entry.name).is_dir():
                shutil.rmtree(out / entry.name)
            entry.replace(out / entry.name)
        durable.sync_folder(out)
    except OSError as err:
        raise UsageError(f"{out}: cannot be written: {err}; make room, then run the same command again") from err
    shutil.rmtree(out / RUN)
