"""The spec of the embedded model, the constants of its vectors, and its files."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from ...errors import UsageError
from ..encoder import EncoderSpec
from .calibration import CALIBRATION, CHANCE

FOLDER = Path(__file__).parent
HEADS = "readouts.safetensors"
"""File name of the weights of the heads for figures and pages (`heads`)."""
FILES = ("vision.safetensors", "text.safetensors", "visual_words.safetensors", HEADS)
VISION_FILE, TEXT_FILE, WORDS_FILE, HEADS_FILE = (FOLDER / name for name in FILES)
DIM = 128
SINGLE_DIM = 2048
VISUAL_WORDS = 16384
FLOOR, CEILING = 0.51, 0.67
"""Cosines of a patch and a query word at which a match is 0 and 1, as `training/pixel/evaluate.py` finds them."""

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
    detail_pixels=32_000_000,
    match_range=(0.7, 0.9),
    scripts=("LATIN", "GREEK", "CYRILLIC"),
    calibration=CALIBRATION,
    chance=CHANCE,
)


def is_model_folder(folder: Path) -> bool:
    """Whether `docsearch train` wrote a fine-tuned `pixel` to a folder, of which some files may be missing now."""
    return (folder / FILES[0]).is_file()


def describe(folder: Path) -> EncoderSpec:
    """The spec of the fine-tuned model in a folder; its revision is a hash of the weights.

    Raises UsageError if a file is missing.
    """
    digest = hashlib.sha256()
    for name in FILES:
        try:
            digest.update(hashlib.sha256((folder / name).read_bytes()).digest())
        except OSError as err:
            raise UsageError(f"{folder}: {name} cannot be read ({err.strerror or err}); copy the whole folder") from err
    name, revision = str(folder.expanduser().resolve()), digest.hexdigest()[:16]
    return replace(SPEC, name=name, revision=revision, calibration=None)


def revision_mismatch(folder: Path | None) -> UsageError:
    """The error for a folder whose weights do not have the shapes of this version's."""
    return UsageError(
        f"{folder or FOLDER}: fine-tuned from another revision of {SPEC.name} than this version's, {SPEC.revision}: "
        "train it again with 'docsearch train', or use it with the version that made it"
    )
