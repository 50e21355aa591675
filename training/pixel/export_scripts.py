"""Export the network of other scripts: `python -m docsearch.training.pixel.export_scripts RUN --pages FOLDER`.

Writes the averaged weights of a run of `train_scripts` as `export` does those of the first network, the detector that
says where the second is to read, and visual words for its vectors, after those of the first network.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import faiss
import numpy as np
import torch
from PIL import Image
from safetensors.numpy import load_file, save_file

from ...engine.compression import codecs
from ...engine.models.pixel import spec
from ...engine.models.pixel.detections import detect_words
from ...engine.models.pixel.inference import PageNetwork
from ...engine.models.pixel.page_scaling import pad_to_cells
from ...engine.models.pixel.scripts import DETECTOR, read_pass
from ...engine.models.pixel.text import load_visual_words
from ...engine.models.pixel.weights import PageWeights
from ...engine.records import F32, U8
from ..synthetic import script_pages
from . import activation_ranges, script_detector, visual_words
from .export import CENTRE_EPS, KMEANS_ITERATIONS, TEXT_LAYERS
from .labelled_pages import LabelledPage, as_image
from .network import PixelNetwork

RANGE_PAGES, WORD_PAGES = 80, 700
"""Pages on which the ranges of activations are measured, and whose patch vectors are clustered."""


def drawn_pages(seed: int) -> Iterator[LabelledPage]:
    """Endless synthetic pages in the scripts of the network."""
    return script_pages.synthetic_pages(random.Random(seed), drawn=script_pages.EASY_PAGES)


def export_text(state: dict[str, torch.Tensor]) -> None:
    """Write the text side, with its centring fused into the layer before, and the table of features in int8."""
    scale = torch.rsqrt(state["text.centre.running_var"] + CENTRE_EPS)
    state["text.out.weight"] = state["text.out.weight"] * scale[:, None]
    state["text.out.bias"] = (state["text.out.bias"] - state["text.centre.running_mean"]) * scale
    layers = [f"{layer}.{part}" for layer in TEXT_LAYERS for part in ("weight", "bias")]
    halves = {name: state[f"text.{name}"].numpy().astype(np.float16) for name in layers}
    bag = codecs.encode("int8", state["text.bag.weight"].numpy().astype(np.float16))
    assert bag.scales is not None
    save_file({**halves, "bag": bag.values, "bag_scales": bag.scales}, spec.SCRIPT_TEXT_FILE)


def export_vision(state: dict[str, torch.Tensor], detector: tuple[F32, F32], seed: int) -> None:
    """Write the vision side with the ranges of its activations on drawn pages, and the detector."""
    network = PixelNetwork()
    network.load_state_dict({k.removeprefix("pixel."): v for k, v in state.items() if k.startswith("pixel.")})
    tensors = {k: np.ascontiguousarray(v.numpy()) for k, v in network.state_dict().items()}
    pages = (as_image(page, spec.SPEC.render_dpi).pixels for page in islice(drawn_pages(seed), RANGE_PAGES))
    tensors["ranges"] = activation_ranges.measure(network, pages).numpy()
    tensors |= dict(zip(DETECTOR, detector, strict=True))
    halves = {k: v.astype(np.float16) if v.dtype == np.float32 else v for k, v in tensors.items()}
    save_file(halves, spec.SCRIPT_VISION_FILE)


def shipped_detector() -> tuple[F32, F32]:
    """The detector that was exported before."""
    tensors = load_file(spec.SCRIPT_VISION_FILE)
    weight, bias = (tensors[name].astype(np.float32) for name in DETECTOR)
    return weight, bias


def export_words(seed: int) -> None:
    """Cluster the patch vectors of drawn pages into the visual words of the second network, and write all of them."""
    tensors = load_file(spec.SCRIPT_VISION_FILE)
    for name in DETECTOR:
        del tensors[name]
    network = PageNetwork.of(PageWeights.of(tensors))
    vectors = np.concatenate([_vectors(network, page.pixels) for page in islice(drawn_pages(seed), WORD_PAGES)])
    count = spec.VISUAL_WORDS - spec.FIRST_SCRIPT_WORD
    clusters = faiss.Clustering(spec.DIM, count)
    clusters.niter, clusters.seed, clusters.spherical = KMEANS_ITERATIONS, seed, True
    nearest = faiss.IndexFlatIP(spec.DIM)
    clusters.train(np.ascontiguousarray(vectors, np.float32), nearest)
    first = load_visual_words().centroids[: spec.FIRST_SCRIPT_WORD]
    visual_words.save(np.concatenate([first, nearest.reconstruct_n(0, count)]))


def _vectors(network: PageNetwork, pixels: U8) -> F32:
    return detect_words(read_pass(network, pad_to_cells(Image.fromarray(pixels))), (1, 1)).vectors


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("run", type=Path)
    p.add_argument("--pages", type=Path, help="folder of PDFs in Latin script: train the detector, too")
    p.add_argument("--words", action="store_true", help="cluster visual words, too")
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    state = torch.load(a.run / "checkpoint.pt", weights_only=True, map_location="cpu")["averaged"]
    detector = script_detector.train(a.pages, a.seed) if a.pages else shipped_detector()
    export_text(state)
    export_vision(state, detector, a.seed)
    if a.words:
        export_words(a.seed)


if __name__ == "__main__":
    main()
