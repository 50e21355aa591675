"""What the embedded model is: its description and its files."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from ...errors import UsageError
from ..encoder import EncoderSpec

FOLDER = Path(__file__).parent
READOUTS = "readouts.safetensors"
FILES = ("vision.safetensors", "text.safetensors", "visual_words.safetensors", READOUTS)
VISION_FILE, TEXT_FILE, WORDS_FILE, READOUTS_FILE = (FOLDER / name for name in FILES)
DIM = 128
SINGLE_DIM = 2048
VISUAL_WORDS = 16384
FLOOR, CEILING = 0.51, 0.67
"""Cosines between which a patch turns from another word into this one, as `training/pixel/evaluate.py` finds them."""

SPEC = EncoderSpec(
    name="pixel",
    revision="8",
    summary="embedded model: reads Latin, Greek and Cyrillic print, sees charts and kinds of pages; needs no download",
    licence="Apache-2.0",
    parameters=8_248_000,
    dim=DIM,
    single_dim=SINGLE_DIM,
    vocabulary=VISUAL_WORDS,
    render_dpi=165,
    max_pixels=4_000_000,
    alike=(0.7, 0.9),
    scripts=("LATIN", "GREEK", "CYRILLIC"),
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


def of_another_revision(folder: Path | None) -> UsageError:
    """What to say of a folder whose weights do not fit this version."""
    return UsageError(
        f"{folder or FOLDER}: fine-tuned from another revision of {SPEC.name} than this version's, {SPEC.revision}: "
        "train it again with 'docsearch train', or use it with the version that made it"
    )
