"""What the embedded model is: its description and its files."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from ...errors import UsageError
from ..encoder import EncoderSpec

FOLDER = Path(__file__).parent
FILES = ("vision.safetensors", "text.safetensors", "visual_words.safetensors")
VISION_FILE, TEXT_FILE, WORDS_FILE = (FOLDER / name for name in FILES)
DIM = 128
SINGLE_DIM = 2048
VISUAL_WORDS = 16384

SPEC = EncoderSpec(
    name="pixel",
    revision="4",
    summary="embedded model: reads Latin, Greek and Cyrillic print, sees charts and tables; needs no download",
    licence="Apache-2.0",
    parameters=8_030_000,
    dim=DIM,
    single_dim=SINGLE_DIM,
    vocabulary=VISUAL_WORDS,
    render_dpi=165,
    max_pixels=4_000_000,
    alike=(0.7, 0.9),
)


def is_held_by(folder: Path) -> bool:
    """Whether a folder is one that `docsearch train pixel` wrote, or what a copy left of it."""
    return (folder / FILES[0]).is_file()


def describe(folder: Path) -> EncoderSpec:
    """The description of the fine-tuned model in a folder; its revision is a hash of the weights.

    Raises UsageError where a file is missing.
    """
    digest = hashlib.sha256()
    for name in FILES:
        try:
            digest.update(hashlib.sha256((folder / name).read_bytes()).digest())
        except OSError as err:
            raise UsageError(f"{folder}: {name} cannot be read ({err.strerror or err}); copy the whole folder") from err
    return replace(SPEC, name=str(folder.expanduser().resolve()), revision=digest.hexdigest()[:16])
