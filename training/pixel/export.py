"""Export a checkpoint as the weights that ship: `python -m docsearch.training.pixel.export RUN --pages FOLDER`.

Writes the vision weights in float16 with the activation ranges of their layers (`activation_ranges`), the n-gram table
in int8 with one scale a row, the heads for kinds of figures and pages (`train_heads`), and the visual words, which are
the k-means centroids of patch vectors.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Mapping
from itertools import chain, islice
from pathlib import Path

import faiss
import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from torch import nn

from ...engine.compression import codecs
from ...engine.models.pixel import heads, spec
from ...engine.models.pixel.pages import PixelPages
from ..synthetic import pages
from . import activation_ranges, labelled_pages, train_heads, visual_words
from .labelled_pages import as_image

WORD_PAGES, SYNTHETIC_WORD_PAGES = 1000, 200
"""Real and synthetic pages whose patch vectors are clustered; synthetic ones for languages rare among the real ones."""
VECTORS_PER_CENTROID = 24
"""Patch vectors sampled for k-means, for each visual word."""
RANGE_PAGES = 200
"""Pages on which the activation ranges are measured."""
KMEANS_ITERATIONS = 10
CENTRE_EPS = 1e-5
"""The epsilon of torch's batch norm."""
TEXT_LAYERS = ("hidden", "out", "rarity")


def export_networks(checkpoint: Path, share: float = 1.0) -> None:
    """Write the vision and text weights: those of the checkpoint, or an interpolation between the shipped ones and it.

    Averaging the weights before and after a short run keeps what both do well: Wortsman et al., "Model soups", 2022.
    """
    state = torch.load(checkpoint, weights_only=True, map_location="cpu")["model"]
    # Convolution weights are trained in channels-last layout; safetensors stores contiguous arrays.
    vision = {k.removeprefix("pixel."): np.ascontiguousarray(v) for k, v in state.items() if k.startswith("pixel.")}
    mean, variance = state["text.centre.running_mean"], state["text.centre.running_var"]
    scale = torch.rsqrt(variance + CENTRE_EPS)
    state["text.out.weight"] = state["text.out.weight"] * scale[:, None]
    state["text.out.bias"] = (state["text.out.bias"] - mean) * scale
    layers = [f"{layer}.{part}" for layer in TEXT_LAYERS for part in ("weight", "bias")]
    text = {name: state[f"text.{name}"].numpy() for name in (*layers, "bag.weight")}
    if share < 1:
        vision = interpolate(load_file(spec.VISION_FILE), vision, share)
        text = interpolate(shipped_text(), text, share)
    save_file({k: v.astype(np.float16) if v.dtype == np.float32 else v for k, v in vision.items()}, spec.VISION_FILE)
    bag = codecs.encode("int8", text.pop("bag.weight").astype(np.float16))
    assert bag.scales is not None
    halves = {name: value.astype(np.float16) for name, value in text.items()}
    save_file({**halves, "bag": bag.values, "bag_scales": bag.scales}, spec.TEXT_FILE)


def interpolate(old: Mapping[str, np.ndarray], new: Mapping[str, np.ndarray], share: float) -> dict[str, np.ndarray]:
    """Linear interpolation (1 - share) · old + share · new; arrays that are not float32 in `new` are copied from it."""
    return {
        name: value
        if value.dtype != np.float32
        else old[name].astype(np.float32) * np.float32(1 - share) + value * np.float32(share)
        for name, value in new.items()
    }


def shipped_text() -> dict[str, np.ndarray]:
    """The shipped text weights, with the n-gram table decoded to float32."""
    t = load_file(spec.TEXT_FILE)
    layers = {f"{layer}.{part}": t[f"{layer}.{part}"] for layer in TEXT_LAYERS for part in ("weight", "bias")}
    return layers | {"bag.weight": codecs.decode(codecs.Coded("int8", t["bag"], t["bag_scales"], t["bag"].shape[1]))}


def restore(pixel: nn.Module, text: nn.Module | None) -> None:
    """Load the shipped weights into the networks being trained (`text` if given): the inverse of `export_networks`."""
    shipped = {k: torch.from_numpy(v).float() for k, v in load_file(spec.VISION_FILE).items()}
    pixel.load_state_dict(pixel.state_dict() | shipped)  # a head that the shipped network lacks keeps its random start
    if text is None:
        return
    state = shipped_text()
    # Export fused the centring batch norm into the layer before it: restore an identity.
    state["centre.running_mean"] = np.zeros(spec.DIM, np.float32)
    state["centre.running_var"] = np.full(spec.DIM, 1 - CENTRE_EPS, np.float32)
    state["centre.num_batches_tracked"] = np.array(0)
    text.load_state_dict({k: torch.from_numpy(v).float() for k, v in state.items()})


def export_ranges(folder: Path, seed: int) -> None:
    """Measure the activation ranges of the vision network on real pages, and write them."""
    dpi = spec.SPEC.render_dpi
    pages = islice(labelled_pages.real_pages(folder, random.Random(seed), dpi=(dpi, dpi)), RANGE_PAGES)
    activation_ranges.export(as_image(page, dpi).pixels for page in pages)


def export_words(folder: Path, seed: int) -> None:
    """Cluster the patch vectors of real and synthetic pages into the visual words (spherical k-means), and write them.

    The vectors of typed words cannot replace them: a patch lies at some distance from its word, often in another cell.
    """
    if not spec.WORDS_FILE.exists():
        visual_words.save(np.eye(spec.VISUAL_WORDS, spec.DIM, dtype=np.float32))  # PixelPages.load needs a file
    rng = random.Random(seed)
    dpi = spec.SPEC.render_dpi
    real = islice(labelled_pages.real_pages(folder, rng, dpi=(dpi, dpi)), WORD_PAGES)
    sources = chain(real, islice(pages.synthetic_pages(rng, drawn=pages.EASY_PAGES), SYNTHETIC_WORD_PAGES))
    vision = PixelPages.load()
    found = [vision.read(as_image(page, dpi)).vectors for page in sources]
    vectors = np.concatenate(found)
    chosen = np.random.default_rng(seed).permutation(len(vectors))[: spec.VISUAL_WORDS * VECTORS_PER_CENTROID]
    clusters = faiss.Clustering(spec.DIM, spec.VISUAL_WORDS)
    clusters.niter, clusters.seed, clusters.spherical = KMEANS_ITERATIONS, seed, True
    nearest = faiss.IndexFlatIP(spec.DIM)
    # faiss.Kmeans fails to read its centroids once pymupdf is loaded; the index that it fills holds them too.
    clusters.train(np.ascontiguousarray(vectors[chosen], np.float32), nearest)
    centroids = nearest.reconstruct_n(0, spec.VISUAL_WORDS)
    visual_words.save(visual_words.replace_redundant(centroids, visual_words.head_vectors(*heads.load())))


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("run", type=Path)
    p.add_argument("--pages", type=Path, required=True, help="folder of PDFs with text layers, as in training")
    p.add_argument(
        "--share",
        type=float,
        default=1.0,
        help="weight of the run's weights in their mean with the shipped ones (0 to 1)",
    )
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    export_networks(a.run / "checkpoint.pt", a.share)
    export_ranges(a.pages, a.seed)
    train_heads.export(a.pages, a.seed)
    export_words(a.pages, a.seed)


if __name__ == "__main__":
    main()
