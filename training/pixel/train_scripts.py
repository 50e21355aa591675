"""Train the network of other scripts: `python -m docsearch.training.pixel.train_scripts OUT --pages FOLDER`.

Its vision side starts from the shipped network, which already sees strokes. The vectors of the shipped network, of
words and of patches of the pages below FOLDER, are negatives: both networks' vectors are in one index, and neither's
words may match the other's print. Resumes from OUT/checkpoint.pt; OUT/latin.npz keeps those vectors. The checkpoint has
the exponential moving average of the weights (`averaged`), which is what `export_scripts` writes.
"""

from __future__ import annotations

import argparse
import logging
import math
import multiprocessing
import os
import random
import re
import sys
import time
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ...engine.models.pixel import spec
from ...engine.models.pixel.detections import concatenated
from ...engine.models.pixel.pages import PixelPages
from ...engine.models.pixel.text import PixelText
from ...engine.models.pixel.units import BUCKETS, PAIRED, clusters, unit_features
from ...engine.models.pixel.words import normal_form
from ...engine.records import F32
from ...engine.store.durable import atomic_file
from ..synthetic import script_words, vocabulary
from ..synthetic.script_fonts import Fonts
from ..synthetic.script_pages import synthetic_pages
from . import labelled_pages, loop, losses, script_losses
from .export import restore
from .labelled_pages import as_image
from .network import PixelNetwork
from .script_crops import ScriptBatch, batches
from .text_tower import UNIT_BAG_DIM, TextTower
from .train import (
    ABSOLUTE_BIAS,
    ABSOLUTE_SCALE,
    ABSOLUTE_WEIGHT,
    CENTRES_FROZEN_STEP,
    MATCH_RISE_STEPS,
    MATCH_WEIGHT_START,
    SCALE_MAX,
    SCALE_START,
)

log = logging.getLogger(__name__)

NEGATIVE_UNITS = 900
"""Random units added to each batch as negatives."""
LATIN_PAGES, LATIN_WORDS = 60, 6000
"""Pages and words whose vectors, by the shipped network, are kept as negatives."""
LATIN_PAGES_STEP, LATIN_WORDS_STEP = 800, 500
"""Of those, in each step."""
READ_WEIGHTS = (1.0, 0.25)
"""Weight of the reading losses: at first, and after READ_FALL_STEPS."""
READ_FALL_STEPS = 3000
PHOC_WEIGHT = 40.0
AVERAGE_DECAY, AVERAGE_EVERY = 0.999, 8
SPELL_STEPS, SPELL_UNITS, SPELL_LR = 300, 768, 2e-3
"""Pretraining of the text side on spelling: steps, units per step, learning rate."""


class ScriptModel(nn.Module):
    """The page network, the text tower, and auxiliary heads that read characters."""

    def __init__(self) -> None:
        super().__init__()
        self.pixel = PixelNetwork()
        self.text = TextTower(unit_features, BUCKETS, UNIT_BAG_DIM)
        self.reader = script_losses.Reader()
        self.log_scale = nn.Parameter(torch.tensor(math.log(SCALE_START)))
        self.absolute = nn.Parameter(torch.tensor([math.log(ABSOLUTE_SCALE), ABSOLUTE_BIAS]))


class Units:
    """What training knows about units: their rarity, those of each language to sample, glyphs and their look-alikes."""

    def __init__(self) -> None:
        self.rarity = script_words.Rarity()
        self.languages = list(script_words.LANGUAGE_WEIGHT)
        self.weights = list(script_words.LANGUAGE_WEIGHT.values())
        seen = [unit for units in self.rarity.seen.values() for unit in units]
        self.glyphs = sorted({part for unit in seen if re.match(PAIRED, unit) for part in clusters(unit)})
        letters = {letter for unit in seen if not re.match(PAIRED, unit) for letter in unit}
        self.ids = sorted({script_losses.glyph_id(glyph) for glyph in [*self.glyphs, *letters]})
        fonts = Fonts.load(("zh-hans", "ja", "ko"))
        faces = [
            fonts.families[c][f"Noto Sans CJK {r}"][-1] for c, r in zip(fonts.families, ("SC", "JP", "KR"), strict=True)
        ]
        self.alike = script_losses.look_alikes(faces, self.glyphs)

    def sample(self, count: int, rng: random.Random) -> list[str]:
        """Random units; one in eight of two random glyphs."""
        chosen = rng.choices(self.languages, self.weights, k=count)
        return [
            "".join(rng.choices(self.glyphs, k=2)) if rng.random() < 0.125 else rng.choice(self.rarity.seen[code])
            for code in chosen
        ]

    def edit(self, unit: str, rng: random.Random) -> str:
        """A unit at edit distance 1, or an empty string."""
        return script_losses.one_edit(unit, self.alike, self.glyphs, rng)


def latin_vectors(folder: Path, kept: Path, seed: int) -> tuple[F32, F32]:
    """Vectors of words (W, 128) and of patches of pages (P, 128) by the shipped network; `kept` is read or written."""
    if not kept.exists():
        rng, dpi = random.Random(seed), spec.SPEC.render_dpi
        text, pages = PixelText.load(), PixelPages.load()
        languages = vocabulary.load()
        words = [rng.choice(rng.choice(list(languages.values())).words) for _ in range(LATIN_WORDS)]
        numbers = [vocabulary.number(rng) for _ in range(LATIN_WORDS // 6)]
        names = dict.fromkeys(w for word in words + numbers for w in [normal_form(word)] if w)
        vectors = np.concatenate([text.embed(list(names))[0], np.stack(list(text.concepts.values()))])
        read = islice(labelled_pages.real_pages(folder, rng, dpi=(dpi, dpi)), LATIN_PAGES)
        found = concatenated([pages.read(as_image(page, dpi)) for page in read])
        patches = found.vectors[~found.is_unit]
        np.savez(kept, words=vectors.astype(np.float32), pages=patches.astype(np.float32))
    stored = np.load(kept)
    return stored["words"], stored["pages"]


def produce(queue: multiprocessing.Queue[ScriptBatch], size: int, seed: int, step: int) -> None:
    """Fill the queue with batches, the first of them number `step`; runs in a process of its own."""
    if sys.platform != "win32":
        os.nice(2)
    torch.set_num_threads(1)
    rng = random.Random(seed + step)
    for batch in batches(synthetic_pages(rng, drawn=step), size, rng, start=step):
        queue.put(batch)


def ends_of(units: list[str]) -> Tensor:
    """The rows (N, 2) of the first and last glyph of units."""
    return torch.tensor([script_losses.ends(unit) for unit in units])


def step_loss(
    model: ScriptModel,
    batch: ScriptBatch,
    units: Units,
    latin: tuple[Tensor, Tensor],
    rng: random.Random,
    *,
    step: int,
) -> tuple[Tensor, dict[str, float]]:
    """The loss of one batch and its parts; `latin` are the vectors of words and patches of the shipped network."""
    pages = torch.from_numpy(batch.pixels).float()[:, None] / 127.5 - 1
    pages = pages.contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        stem_features = pages
        for layer in model.pixel.stem:
            with torch.set_grad_enabled(next(layer.parameters()).requires_grad):
                stem_features = layer(stem_features)
        features = model.pixel.blocks(stem_features)
        vectors, saliency, _, boxes = model.pixel.heads(features)
    b, r, c = torch.from_numpy(batch.cells).T
    patches = functional.normalize(model.pixel.centre(vectors.float()[b, :, r, c]), dim=1)
    unique = list(dict.fromkeys(batch.units))
    index = {unit: i for i, unit in enumerate(unique)}
    target = torch.tensor([index[unit] for unit in batch.units])
    extra = {units.edit(unit, rng) for unit in unique} | set(units.sample(NEGATIVE_UNITS, rng))
    negatives = sorted(unit for unit in extra if unit and unit not in index)
    texts, rare = model.text(unique + negatives)
    latin_words = latin[0][torch.randint(len(latin[0]), (LATIN_WORDS_STEP,))]
    latin_patches = latin[1][torch.randint(len(latin[1]), (LATIN_PAGES_STEP,))]
    scale = model.log_scale.exp().clamp(max=SCALE_MAX)
    everything = torch.cat([texts, latin_words])
    steepness, bias = model.absolute[0].exp(), model.absolute[1]
    match, absolute, right = script_losses.matching_loss(patches, everything, target, scale, steepness, bias)
    strange = script_losses.product(latin_patches, texts)
    strangers = functional.softplus(steepness * strange + bias).sum() / len(latin_patches)
    salient = losses.saliency_loss(saliency.float(), torch.from_numpy(batch.saliency))
    box = functional.smooth_l1_loss(boxes.float()[b, :, r, c], torch.from_numpy(batch.boxes))
    others = torch.tensor(rng.sample(units.ids, script_losses.OTHER_GLYPHS))
    wanted = ends_of(unique)
    of_cells, reader = features.float()[b, :, r, c], model.reader
    chosen = torch.randperm(len(batch.glyphs))[: script_losses.GLYPH_SAMPLES]
    bg, rg, cg = torch.from_numpy(batch.glyphs)[chosen].T
    names = torch.tensor([script_losses.glyph_id(batch.glyph_names[i]) for i in chosen.tolist()])
    letters, letters_right = reader.glyph_loss(reader.stem(stem_features.float()[bg, :, rg, cg]), names, others)
    read, read_right = reader.ends_loss(reader.features, of_cells, wanted[target], others)
    spoken = script_losses.VECTOR_SCALE * torch.cat([patches, texts[: len(unique)]])
    spell, spell_right = reader.ends_loss(reader.vectors, spoken, torch.cat([wanted[target], wanted]), others)
    of_units = [*batch.units, *unique]
    words = reader.word_loss(reader.phoc_features, of_cells, batch.units)
    words = words + reader.word_loss(reader.phoc_vectors, spoken, of_units)
    rare_loss = functional.smooth_l1_loss(rare, torch.tensor([units.rarity(unit) for unit in unique + negatives]))
    match_weight = min(1.0, MATCH_WEIGHT_START + step / MATCH_RISE_STEPS)
    fall = min(1.0, step / READ_FALL_STEPS)
    read_weight = READ_WEIGHTS[0] + (READ_WEIGHTS[1] - READ_WEIGHTS[0]) * fall
    loss = (
        match_weight * (match + ABSOLUTE_WEIGHT * (absolute + 0.5 * strangers))
        + 2.0 * salient
        + 0.5 * box
        + read_weight * (letters + read + spell + PHOC_WEIGHT * words)
        + 0.1 * rare_loss
    )
    parts = {
        "match": match,
        "absolute": absolute,
        "strangers": strangers,
        "right": right,
        "letters": letters,
        "letters_right": letters_right,
        "read_right": read_right,
        "spell_right": spell_right,
        "words": words,
        "salient": salient,
        "box": box,
        "rare": rare_loss,
        "scale": scale,
    }
    return loss, {k: float(v.detach()) for k, v in parts.items()}


def pretrain_spelling(model: ScriptModel, units: Units, rng: random.Random) -> None:
    """Train the text side alone to say how units are spelled, so that similar ones have similar vectors from step 1."""
    reader = model.reader
    heads = [*reader.vectors.parameters(), *reader.phoc_vectors.parameters(), *reader.table.parameters()]
    optimizer = torch.optim.AdamW([*model.text.parameters(), *heads], lr=SPELL_LR)
    for step in range(SPELL_STEPS):
        batch = units.sample(SPELL_UNITS, rng)
        vectors = script_losses.VECTOR_SCALE * model.text(batch)[0]
        others = torch.tensor(rng.sample(units.ids, script_losses.OTHER_GLYPHS))
        spell, right = reader.ends_loss(reader.vectors, vectors, ends_of(batch), others)
        loss = spell + PHOC_WEIGHT * reader.word_loss(reader.phoc_vectors, vectors, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 0:
            log.info("spelling, step %d: loss %.4f, right %.3f", step, loss.item(), right.item())


def train(
    out: Path, *, pages: Path, minutes: float, batch_size: int, lr: float, seed: int, threads: int, frozen: int
) -> None:
    """Train for `minutes` in total, counting earlier runs into `out`; writes OUT/checkpoint.pt.

    The learning rate falls to 0 over the minutes. The first `frozen` layers of the stem stay as they are.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    out.mkdir(parents=True, exist_ok=True)
    model = ScriptModel()
    restore(model.pixel, None)
    model.pixel.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    groups = loop.parameter_groups(model, without_decay=("bag", "table"))
    optimizer = torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.98), eps=1e-6, fused=True)
    step, used, averaged = 0, 0.0, {}
    checkpoint = out / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        for group in optimizer.param_groups:
            group["fused"] = True
        step, used, averaged = state["step"], state["seconds"], state["averaged"]
    queue: multiprocessing.Queue[ScriptBatch]
    queue, producer = loop.start_producer(produce, batch_size, seed, step)
    units, rng = Units(), random.Random(seed + step + 1)
    latin_words, latin_pages = (torch.from_numpy(part) for part in latin_vectors(pages, out / "latin.npz", seed))
    if step == 0:
        pretrain_spelling(model, units, rng)
    queue.get()
    begin = last_saved = time.monotonic()
    log.info("started at step %d, %.0f s used", step, used)
    model.train()
    model.pixel.figure.requires_grad_(False)
    for layer in [*model.pixel.stem][:frozen]:
        layer.requires_grad_(False).eval()
    if step >= CENTRES_FROZEN_STEP:
        model.pixel.centre.eval()
        model.text.centre.eval()
    while used + (elapsed := time.monotonic() - begin) < minutes * 60:
        waited = time.monotonic()
        batch = queue.get()
        waited = time.monotonic() - waited
        for group in optimizer.param_groups:
            group["lr"] = loop.learning_rate(lr, steps=step, progress=(used + elapsed) / (minutes * 60))
        if step == CENTRES_FROZEN_STEP:
            model.pixel.centre.eval()
            model.text.centre.eval()
        loss, parts = step_loss(model, batch, units, (latin_words, latin_pages), rng, step=step)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        step += 1
        if step % AVERAGE_EVERY == 0:
            average(averaged, model, min(AVERAGE_DECAY, step / (step + 10)) ** AVERAGE_EVERY)
        if step % 25 == 0:
            shown = "  ".join(f"{k} {v:.3f}" for k, v in parts.items())
            log.info("step %d  %.0f s  loss %.3f  %s  wait %.2f", step, used + elapsed, loss.item(), shown, waited)
        if time.monotonic() - last_saved > loop.CHECKPOINT_EVERY_S:
            save(checkpoint, model, averaged, optimizer, step, used + time.monotonic() - begin)
            last_saved = time.monotonic()
    save(checkpoint, model, averaged, optimizer, step, used + time.monotonic() - begin)
    producer.terminate()


def average(averaged: dict[str, Tensor], model: ScriptModel, decay: float) -> None:
    """Move the average of the weights of both towers towards the present ones: decay * average + (1 - decay) * now."""
    for name, value in model.state_dict().items():
        if name.startswith("reader"):
            continue
        if name not in averaged or not value.is_floating_point():
            averaged[name] = value.detach().clone()
        else:
            averaged[name].lerp_(value.detach(), 1 - decay)


def save(
    path: Path,
    model: ScriptModel,
    averaged: dict[str, Tensor],
    optimizer: torch.optim.Optimizer,
    step: int,
    seconds: float,
) -> None:
    """Write a checkpoint."""
    state = {
        "model": model.state_dict(),
        "averaged": averaged,
        "optimizer": optimizer.state_dict(),
        "step": step,
        "seconds": seconds,
    }
    with atomic_file(path) as temporary:
        torch.save(state, temporary)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out", type=Path)
    p.add_argument("--pages", type=Path, required=True, help="folder of PDFs in Latin script, for negatives")
    p.add_argument("--minutes", type=float, default=600)
    p.add_argument("--batch", type=int, default=12)
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--frozen", type=int, default=0, help="layers of the stem, from the first, that are not trained")
    a = p.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    train(
        a.out,
        pages=a.pages,
        minutes=a.minutes,
        batch_size=a.batch,
        lr=a.lr,
        seed=a.seed,
        threads=a.threads,
        frozen=a.frozen,
    )


if __name__ == "__main__":
    main()
