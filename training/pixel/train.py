"""Train the embedded model: `python -m docsearch.training.pixel.train OUT --pages FOLDER --minutes 90`.

Resumes from OUT/checkpoint.pt; with `--continue-shipped` a new run starts from the weights in the package. The learning
rate follows the share of the minutes used, so a run ends where it should on any machine.
"""

from __future__ import annotations

import argparse
import logging
import math
import multiprocessing
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import wordfreq
from torch import nn
from torch.nn import functional

from ...engine.models.pixel.concepts import CONCEPTS, is_concept
from ...engine.models.pixel.network import DIM, STEM, PixelNetwork
from ...engine.models.pixel.words import normal_form
from ..synthetic import figures, pages, vocabulary
from . import losses, page_pool
from .crops import ALPHABET, Batch, batches
from .export import restore
from .text_tower import TextTower

log = logging.getLogger(__name__)

WARM_UP_STEPS = 150
CHECKPOINT_EVERY_S = 240
QUEUE_BATCHES = 6
SCALE_START, SCALE_MAX = 12.0, 22.0
ABSOLUTE_SCALE, ABSOLUTE_BIAS = 20.0, -12.0
"""A cosine of 0.6 is even odds at the start; both are learned."""
NEGATIVE_WORDS = 1000
NUMBER_EDITS = 3
"""More neighbours of words with digits: no other word of the page helps to tell them apart."""
SHARES = {"synthetic": 0.34, "real": 0.3, "coarse synthetic": 0.18, "coarse real": 0.02, "coarse labelled": 0.16}
"""Shares of the batches' pages; without real ones the others share theirs."""
FIGURE_WEIGHT, CONCEPT_WEIGHT = 1.0, 0.3
RARITY_MAX = 8.5
READ_START, READ_END, READ_FALL_STEPS = 100.0, 20.0, 1000
"""Weight of reading characters: it gets learning started, and then only helps."""
READ_BIAS = -4.0
"""Log-odds of one character in one part of a word, before anything is known."""
MEET_START, MEET_FULL_STEPS = 0.1, 600
"""Meeting words comes in slowly: before letters are read, its gradient is noise."""
ABSOLUTE_WEIGHT = 0.5
CENTRES_SETTLE_STEPS = 600
"""From here on the centres of both sides' vectors stay fixed, as they are when the model is used."""
SHIPPED_STEP = 1000
"""Where a run from the shipped weights sets in: past all that only gets learning started."""
SPELL_STEPS, SPELL_WORDS, SPELL_LR, SPELL_SCALE = 300, 768, 2e-3, 6.0


class Model(nn.Module):
    """Both sides and the auxiliary character heads.

    `read_vectors` spells from a unit vector of either side, which gives both one space before any picture met its word.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pixel = PixelNetwork()
        self.text = TextTower()
        self.read_features = nn.Linear(STEM[-1], losses.PHOC_SIZE)
        self.read_letters = nn.Linear(STEM[-1], len(ALPHABET))
        self.read_vectors = nn.Linear(DIM, losses.PHOC_SIZE)
        for head in (self.read_features, self.read_letters, self.read_vectors):
            nn.init.constant_(head.bias, READ_BIAS)
        self.log_scale = nn.Parameter(torch.tensor(math.log(SCALE_START)))
        self.absolute = nn.Parameter(torch.tensor([math.log(ABSOLUTE_SCALE), ABSOLUTE_BIAS]))


def produce(queue: multiprocessing.Queue[Batch], folder: str | None, size: int, seed: int, step: int) -> None:
    """Fill the queue with the batches from `step` on; runs in its own process."""
    os.nice(2)
    torch.set_num_threads(1)
    rng = random.Random(seed + step)
    pictures = figures.photos(Path(folder) if folder else None)
    sources: dict[str, Iterator[page_pool.LabelledPage]] = {
        "synthetic": pages.synthetic_pages(rng, drawn=step, pictures=pictures),
        "coarse synthetic": pages.synthetic_pages(rng, drawn=step, coarse=True, pictures=pictures),
    }
    if folder:
        sources["real"] = page_pool.real_pages(Path(folder), rng)
        sources["coarse real"] = page_pool.real_pages(Path(folder), rng, dpi=page_pool.COARSE_DPI, coarse=True)
        if any((Path(folder) / path).is_file() for path, _ in page_pool.figure_labels()):
            sources["coarse labelled"] = page_pool.labelled_pages(Path(folder), rng)
    for batch in batches([(SHARES[name], pages) for name, pages in sources.items()], size, rng, start=step):
        queue.put(batch)


class Rarity:
    """Negative log10 frequency of a word in the languages of the vocabulary, the smallest of all but those `APART`.

    Numbers are in no list of words; wordfreq estimates them from their form, years among them.
    """

    def __init__(self) -> None:
        self.frequency: dict[str, float] = {}
        for code, language in vocabulary.load().items():
            previous = 0.0
            for word, cumulative in zip(language.words, language.cumulative, strict=True):
                share = (cumulative - previous) ** (1 / vocabulary.FREQUENCY_POWER)
                previous = cumulative
                known = self.frequency.get(normal_form(word), 0.0)
                if not (known and code in vocabulary.APART):
                    self.frequency[normal_form(word)] = max(known, share)
        self.words = list(self.frequency)

    def __call__(self, word: str) -> float:
        share = self.frequency.get(word, 0.0)
        if not share and any(c.isdigit() for c in word):
            share = wordfreq.word_frequency(word, "en")
        return min(-math.log10(share), RARITY_MAX) if share > 0 else RARITY_MAX


def step_loss(
    model: Model, batch: Batch, rarity: Rarity, rng: random.Random, device: str, *, step: int
) -> tuple[torch.Tensor, dict[str, float]]:
    """The loss of one batch and its parts."""
    pages = torch.from_numpy(batch.pixels).to(device).float()[:, None] / 127.5 - 1
    pages = pages.contiguous(memory_format=torch.channels_last)
    with torch.autocast(device, torch.bfloat16):
        early = model.pixel.stem(pages)
        features = model.pixel.blocks(early)
        vectors, saliency, figure, boxes = model.pixel.heads(features)
    b, r, c = torch.from_numpy(batch.cells).to(device).T
    pictures = functional.normalize(model.pixel.centre(vectors.float()[b, :, r, c]), dim=1)
    b_figure, r_figure, c_figure = torch.from_numpy(batch.figure_cells).to(device).T
    shown = functional.normalize(model.pixel.centre(vectors.float()[b_figure, :, r_figure, c_figure]), dim=1)
    unique = list(dict.fromkeys(batch.words))
    index = {w: i for i, w in enumerate(unique)}
    target = torch.tensor([index[w] for w in batch.words])
    numbers = [w for w in unique if any(c.isdigit() for c in w)]
    extra = {losses.one_edit(w, rng) for w in unique + NUMBER_EDITS * numbers} | set(
        rng.choices(rarity.words, k=NEGATIVE_WORDS)
    )
    negatives = sorted(w for w in extra if w and w not in index) + list(CONCEPTS)
    texts, rare = model.text(unique + negatives)
    scale = model.log_scale.exp().clamp(max=SCALE_MAX)
    meet, right = losses.contrast(pictures, texts, target, scale)
    absolute = losses.absolute(pictures, texts, target, model.absolute[0].exp(), model.absolute[1])
    concept = torch.tensor([CONCEPTS.index(name) for name in batch.concepts], dtype=torch.int64)
    concept = concept + len(texts) - len(CONCEPTS)
    seen, seen_right = losses.recognise(shown, texts, concept, scale, model.absolute)
    in_figure = losses.saliency_loss(figure.float(), torch.from_numpy(batch.figures).to(device))
    salient = losses.saliency_loss(saliency.float(), torch.from_numpy(batch.saliency).to(device))
    box = functional.smooth_l1_loss(boxes.float()[b, :, r, c], torch.from_numpy(batch.boxes).to(device))
    spelling = torch.from_numpy(np.stack([losses.phoc(w) for w in unique])).to(device)
    read = losses.reading_loss(model.read_features(features.float()[b, :, r, c]), spelling[target])
    read = read + losses.reading_loss(
        model.read_vectors(SPELL_SCALE * torch.cat([pictures, texts[: len(unique)]])),
        torch.cat([spelling[target], spelling]),
    )
    known = torch.tensor([rarity(w) for w in unique + negatives if not is_concept(w)])
    rare_loss = functional.smooth_l1_loss(rare[: len(known)], known)
    letters = losses.letters_loss(model.read_letters, early, torch.from_numpy(batch.letters).to(device))
    meet_weight = min(1.0, MEET_START + step / MEET_FULL_STEPS)
    read_weight = max(READ_END, READ_START * (1 - step / READ_FALL_STEPS))
    loss = (
        meet_weight * (meet + ABSOLUTE_WEIGHT * absolute)
        + 2.0 * salient
        + FIGURE_WEIGHT * in_figure
        + CONCEPT_WEIGHT * seen
        + 0.5 * box
        + read_weight * (read + letters)
        + 0.1 * rare_loss
    )
    parts = {
        "letters": letters,
        "meet": meet,
        "absolute": absolute,
        "right": right,
        "salient": salient,
        "figure": in_figure,
        "seen": seen,
        "seen_right": seen_right,
        "box": box,
        "read": read,
        "rare": rare_loss,
        "scale": scale,
    }
    return loss, {k: float(v.detach()) for k, v in parts.items()}


def learn_spelling(model: Model, words: list[str], rng: random.Random) -> None:
    """Teach the text side alone to spell, so that pictures find their words' vectors in order from the first step."""
    optimizer = torch.optim.AdamW([*model.text.parameters(), *model.read_vectors.parameters()], lr=SPELL_LR)
    for step in range(SPELL_STEPS):
        batch = rng.choices(words, k=SPELL_WORDS)
        batch += [w for w in (losses.one_edit(w, rng) for w in batch[: SPELL_WORDS // 4]) if w]
        vectors, _ = model.text(batch)
        wanted = torch.from_numpy(np.stack([losses.phoc(w) for w in batch]))
        loss = losses.reading_loss(model.read_vectors(SPELL_SCALE * vectors), wanted)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if step % 50 == 0:
            log.info("spelling, step %d: loss %.4f", step, loss.item())


def train(
    out: Path,
    *,
    pages: Path | None,
    minutes: float,
    batch_size: int,
    lr: float,
    seed: int,
    device: str,
    threads: int,
    continue_shipped: bool,
) -> None:
    """Train until `minutes` are used, over all runs into `out`; ends with OUT/checkpoint.pt."""
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    model = Model()
    model.pixel.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    decay = [p for n, p in model.named_parameters() if p.ndim > 1 and "bag" not in n]
    rest = [p for n, p in model.named_parameters() if p.ndim <= 1 or "bag" in n]
    groups = [{"params": decay, "weight_decay": 0.01}, {"params": rest, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.98), eps=1e-6)
    step, begun_at, used = 0, 0, 0.0
    out.mkdir(parents=True, exist_ok=True)
    checkpoint = out / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        step, begun_at, used = state["step"], state["begun_at"], state["seconds"]
    elif continue_shipped:
        restore(model.pixel, model.text)
        step = begun_at = SHIPPED_STEP
    context = multiprocessing.get_context("fork")
    queue: multiprocessing.Queue[Batch] = context.Queue(QUEUE_BATCHES)
    producer = context.Process(
        target=produce, args=(queue, str(pages) if pages else None, batch_size, seed, step), daemon=True
    )
    producer.start()
    rarity = Rarity()
    rng = random.Random(seed + step + 1)
    if step == 0:
        learn_spelling(model, rarity.words, rng)
    first = queue.get()
    begin = last_saved = time.monotonic()
    log.info("started at step %d, %.0f s used, batch of %d words", step, used, len(first.words))
    model.train()
    if step >= CENTRES_SETTLE_STEPS:
        model.pixel.centre.eval()
        model.text.centre.eval()
    while used + (elapsed := time.monotonic() - begin) < minutes * 60:
        waited = time.monotonic()
        batch = queue.get()
        waited = time.monotonic() - waited
        progress = (used + elapsed) / (minutes * 60)
        for group in optimizer.param_groups:
            group["lr"] = (
                lr * min(1, (step - begun_at + 1) / WARM_UP_STEPS) * (0.5 + 0.5 * math.cos(math.pi * progress) + 0.01)
            )
        if step == CENTRES_SETTLE_STEPS:
            model.pixel.centre.eval()
            model.text.centre.eval()
        loss, parts = step_loss(model, batch, rarity, rng, device, step=step)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        step += 1
        if step % 25 == 0:
            shown = "  ".join(f"{k} {v:.3f}" for k, v in parts.items())
            log.info("step %d  %.0f s  loss %.3f  %s  wait %.2f", step, used + elapsed, loss.item(), shown, waited)
        if time.monotonic() - last_saved > CHECKPOINT_EVERY_S:
            save(checkpoint, model, optimizer, step, begun_at, used + time.monotonic() - begin)
            last_saved = time.monotonic()
    save(checkpoint, model, optimizer, step, begun_at, used + time.monotonic() - begin)
    producer.terminate()


def save(path: Path, model: Model, optimizer: torch.optim.Optimizer, step: int, begun_at: int, seconds: float) -> None:
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": step,
        "begun_at": begun_at,
        "seconds": seconds,
    }
    torch.save(state, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").replace(path)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out", type=Path)
    p.add_argument("--pages", type=Path, help="folder of PDFs with text layers to learn from beside synthetic pages")
    p.add_argument("--minutes", type=float, default=90)
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--continue-shipped", action="store_true", help="start a new run from the weights in the package")
    a = p.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    train(
        a.out,
        pages=a.pages,
        minutes=a.minutes,
        batch_size=a.batch,
        lr=a.lr,
        seed=a.seed,
        device=a.device,
        threads=a.threads,
        continue_shipped=a.continue_shipped,
    )


if __name__ == "__main__":
    main()
