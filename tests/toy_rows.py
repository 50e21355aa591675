"""Toy training rows: random words paired with pages of random colours, so that a model can only memorise them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

WORDS = (
    "harbour", "invoice", "turbine", "notice", "salary", "bridge", "garden", "engine", "ticket", "market", "winter",
    "letter", "copper", "violin",
)  # fmt: skip
SIDE_PX = 56


def write(folder: Path, *, count: int = 12) -> Path:
    """Write `count` pictures and the file of rows; return the file. A row's negative is the page of the next row."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    lines = []
    for i in range(count):
        colours = rng.integers(0, 256, (2, 2, 3))
        pixels = np.kron(colours, np.ones((SIDE_PX // 2, SIDE_PX // 2, 1))).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
        query = f"{WORDS[i]} {WORDS[(5 * i + 3) % len(WORDS)]}"
        lines.append({"query": query, "image": f"{i}.png", "negatives": [f"{(i + 1) % count}.png"]})
    file = folder / "rows.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return file
