"""Train the embedded model: `python -m docsearch.training.pixel.train OUT --pages FOLDER --minutes 90`.

Resumes from OUT/checkpoint.pt; with `--continue-shipped`, a new run starts from the weights in the package. The
learning rate decays with the share of the minutes used, so that a run completes its schedule on any machine.
"""

from __future__ import annotations

import argparse
import logging
import math
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import wordfreq
from torch import nn
from torch.nn import functional

from ...engine.models.pixel.architecture import DIM, STEM
from ...engine.models.pixel.concepts import FIGURE_CONCEPTS, is_concept
from ...engine.models.pixel.words import normal_form
from ...engine.store.durable import atomic_file
from ..synthetic import figures, pages, vocabulary
from . import labelled_pages, loop, losses
from .crops import ALPHABET, Batch, batches
from .export import restore
from .network import PixelNetwork
from .text_tower import TextTower

log = logging.getLogger(__name__)

SCALE_START, SCALE_MAX = 12.0, 22.0
"""Inverse temperature of InfoNCE: where it starts, and its upper bound; it is learned."""
ABSOLUTE_SCALE, ABSOLUTE_BIAS = 20.0, -12.0
"""Where the scale and bias of the sigmoid loss start: even odds at a cosine of 0.6. Both are learned."""
NEGATIVE_WORDS = 1000
"""Random words added to each batch as negatives."""
NUMBER_EDITS = 3
"""Extra hard negatives for each word with digits, which the other words of a batch do not teach to tell apart."""
SOURCE_SHARES = {"synthetic": 0.34, "real": 0.3, "coarse synthetic": 0.18, "coarse real": 0.02, "coarse labelled": 0.16}
"""Sampling weights of the sources of pages; without a folder of real pages, only the synthetic ones are used."""
FIGURE_WEIGHT, CONCEPT_WEIGHT = 1.0, 0.3
RARITY_MAX = 8.5
"""Rarity of words that are in no list."""
READ_WEIGHT_START, READ_WEIGHT_END, READ_FALL_STEPS = 100.0, 20.0, 1000
"""Weight of the reading losses: high at first, because reading characters has to be learned before words match."""
READ_BIAS = -4.0
"""Initial log-odds of a character in a part of a word."""
MATCH_WEIGHT_START, MATCH_RISE_STEPS = 0.1, 600
"""Weight of matching patches to words: low at first, because its gradient is noise before characters are read."""
ABSOLUTE_WEIGHT = 0.5
CENTRES_FROZEN_STEP = 600
"""From this step the running means of both sides' vectors are frozen, as they are at inference."""
CONTINUED_STEP = 1000
"""First step of a run from the shipped weights: after the warm-up of the weights above."""
SPELL_STEPS, SPELL_WORDS, SPELL_LR, SPELL_SCALE = 300, 768, 2e-3, 6.0
"""Pretraining of the text side on spelling: steps, words per step, learning rate, and the scale of vectors."""


class Model(nn.Module):
    """The page network, the text tower, and auxiliary heads that read characters.

    `read_vectors` predicts the PHOC of a word from the unit vector of either side, which aligns the two spaces before
    patches are matched to words.
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
    """Fill the queue with batches, the first of them number `step`; runs in a process of its own."""
    if sys.platform != "win32":
        os.nice(2)
    torch.set_num_threads(1)
    rng = random.Random(seed + step)
    pictures = figures.photos(Path(folder) if folder else None)
    sources: dict[str, Iterator[labelled_pages.LabelledPage]] = {
        "synthetic": pages.synthetic_pages(rng, drawn=step, pictures=pictures),
        "coarse synthetic": pages.synthetic_pages(rng, drawn=step, coarse=True, pictures=pictures),
    }
    if folder:
        sources["real"] = labelled_pages.real_pages(Path(folder), rng)
        sources["coarse real"] = labelled_pages.real_pages(
            Path(folder), rng, dpi=labelled_pages.COARSE_DPI, coarse=True
        )
        if any((Path(folder) / path).is_file() for path, _ in labelled_pages.figure_labels()):
            sources["coarse labelled"] = labelled_pages.figure_labelled_pages(Path(folder), rng)
    for batch in batches([(SOURCE_SHARES[name], stream) for name, stream in sources.items()], size, rng, start=step):
        queue.put(batch)


class Rarity:
    """Rarity of a word: the negative log10 of its highest frequency in the languages of the vocabulary.

    SHORT_WORD_LANGUAGES count only for words that no other language has. Numbers are in no list of words; wordfreq
    estimates their frequency from their form.
    """

    def __init__(self) -> None:
        self.frequency: dict[str, float] = {}
        for code, language in vocabulary.load().items():
            previous = 0.0
            for word, cumulative in zip(language.words, language.cumulative, strict=True):
                share = (cumulative - previous) ** (1 / vocabulary.FREQUENCY_POWER)
                previous = cumulative
                known = self.frequency.get(normal_form(word), 0.0)
                if not (known and code in vocabulary.SHORT_WORD_LANGUAGES):
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
        stem_features = model.pixel.stem(pages)
        features = model.pixel.blocks(stem_features)
        vectors, saliency, figure, boxes = model.pixel.heads(features)
    b, r, c = torch.from_numpy(batch.cells).to(device).T
    patches = functional.normalize(model.pixel.centre(vectors.float()[b, :, r, c]), dim=1)
    b_figure, r_figure, c_figure = torch.from_numpy(batch.figure_cells).to(device).T
    figure_patches = functional.normalize(model.pixel.centre(vectors.float()[b_figure, :, r_figure, c_figure]), dim=1)
    unique = list(dict.fromkeys(batch.words))
    index = {w: i for i, w in enumerate(unique)}
    target = torch.tensor([index[w] for w in batch.words])
    numbers = [w for w in unique if any(c.isdigit() for c in w)]
    extra = {losses.one_edit(w, rng) for w in unique + NUMBER_EDITS * numbers} | set(
        rng.choices(rarity.words, k=NEGATIVE_WORDS)
    )
    negatives = sorted(w for w in extra if w and w not in index) + list(FIGURE_CONCEPTS)
    texts, rare = model.text(unique + negatives)
    scale = model.log_scale.exp().clamp(max=SCALE_MAX)
    match, right = losses.info_nce(patches, texts, target, scale)
    absolute = losses.pairwise_sigmoid(patches, texts, target, model.absolute[0].exp(), model.absolute[1])
    concept = torch.tensor([FIGURE_CONCEPTS.index(name) for name in batch.concepts], dtype=torch.int64)
    concept = concept + len(texts) - len(FIGURE_CONCEPTS)
    seen, seen_right = losses.figure_loss(figure_patches, texts, concept, scale, model.absolute)
    in_figure = losses.saliency_loss(figure.float(), torch.from_numpy(batch.figures).to(device))
    salient = losses.saliency_loss(saliency.float(), torch.from_numpy(batch.saliency).to(device))
    box = functional.smooth_l1_loss(boxes.float()[b, :, r, c], torch.from_numpy(batch.boxes).to(device))
    spelling = torch.from_numpy(np.stack([losses.phoc(w) for w in unique])).to(device)
    read = losses.reading_loss(model.read_features(features.float()[b, :, r, c]), spelling[target])
    read = read + losses.reading_loss(
        model.read_vectors(SPELL_SCALE * torch.cat([patches, texts[: len(unique)]])),
        torch.cat([spelling[target], spelling]),
    )
    known = torch.tensor([rarity(w) for w in unique + negatives if not is_concept(w)])
    rare_loss = functional.smooth_l1_loss(rare[: len(known)], known)
    letters = losses.letters_loss(model.read_letters, stem_features, torch.from_numpy(batch.letters).to(device))
    match_weight = min(1.0, MATCH_WEIGHT_START + step / MATCH_RISE_STEPS)
    read_weight = max(READ_WEIGHT_END, READ_WEIGHT_START * (1 - step / READ_FALL_STEPS))
    loss = (
        match_weight * (match + ABSOLUTE_WEIGHT * absolute)
        + 2.0 * salient
        + FIGURE_WEIGHT * in_figure
        + CONCEPT_WEIGHT * seen
        + 0.5 * box
        + read_weight * (read + letters)
        + 0.1 * rare_loss
    )
    parts = {
        "letters": letters,
        "match": match,
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


def pretrain_spelling(model: Model, words: list[str], rng: random.Random) -> None:
    """Train the text side alone to predict spellings (PHOC), so that similar words have similar vectors from step 1."""
    optimizer = torch.optim.AdamW([*model.text.parameters(), *model.read_vectors.parameters()], lr=SPELL_LR)
    for step in range(SPELL_STEPS):
        batch = rng.choices(words, k=SPELL_WORDS)
        batch += [w for w in (losses.one_edit(w, rng) for w in batch[: SPELL_WORDS // 4]) if w]
        vectors, _ = model.text(batch)
        wanted = torch.from_numpy(np.stack([losses.phoc(w) for w in batch]))
        loss = losses.reading_loss(model.read_vectors(SPELL_SCALE * vectors), wanted)
        optimizer.zero_grad()
        loss.backward()
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
    """Train for `minutes` in total, counting earlier runs into `out`; writes OUT/checkpoint.pt."""
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    model = Model()
    model.pixel.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    groups = loop.parameter_groups(model, without_decay=("bag",))
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
        step = begun_at = CONTINUED_STEP
    queue: multiprocessing.Queue[Batch]
    queue, producer = loop.start_producer(produce, str(pages) if pages else None, batch_size, seed, step)
    rarity = Rarity()
    rng = random.Random(seed + step + 1)
    if step == 0:
        pretrain_spelling(model, rarity.words, rng)
    first = queue.get()
    begin = last_saved = time.monotonic()
    log.info("started at step %d, %.0f s used, batch of %d words", step, used, len(first.words))
    model.train()
    if step >= CENTRES_FROZEN_STEP:
        model.pixel.centre.eval()
        model.text.centre.eval()
    while used + (elapsed := time.monotonic() - begin) < minutes * 60:
        waited = time.monotonic()
        batch = queue.get()
        waited = time.monotonic() - waited
        progress = (used + elapsed) / (minutes * 60)
        for group in optimizer.param_groups:
            group["lr"] = loop.learning_rate(lr, steps=step - begun_at, progress=progress)
        if step == CENTRES_FROZEN_STEP:
            model.pixel.centre.eval()
            model.text.centre.eval()
        loss, parts = step_loss(model, batch, rarity, rng, device, step=step)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        step += 1
        if step % 25 == 0:
            shown = "  ".join(f"{k} {v:.3f}" for k, v in parts.items())
            log.info("step %d  %.0f s  loss %.3f  %s  wait %.2f", step, used + elapsed, loss.item(), shown, waited)
        if time.monotonic() - last_saved > loop.CHECKPOINT_EVERY_S:
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
    with atomic_file(path) as temporary:
        torch.save(state, temporary)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out", type=Path)
    p.add_argument("--pages", type=Path, help="folder of PDFs with text layers, to train on besides synthetic pages")
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
