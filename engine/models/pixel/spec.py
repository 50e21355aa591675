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
SCRIPT_FILES = ("script_vision.safetensors", "script_text.safetensors")
"""File names of the network of other scripts (`scripts`), which is not fine-tuned."""
SCRIPT_VISION_FILE, SCRIPT_TEXT_FILE = (FOLDER / name for name in SCRIPT_FILES)
FIRST_SCRIPTS = ("LATIN", "GREEK", "CYRILLIC")
OTHER_SCRIPTS = (
    "CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "HANGUL", "ARABIC", "HEBREW", "DEVANAGARI", "BENGALI", "TAMIL", "THAI"
)  # fmt: skip
"""How the Unicode names of the letters begin that the first network reads, and those that the other reads."""
DIM = 128
SINGLE_DIM = 2048
FIRST_SCRIPT_WORD, VISUAL_WORDS = 16384, 20480
"""Number of visual words, and the first of those for vectors of the network of other scripts."""
FLOOR, CEILING = 0.51, 0.67
"""Cosines of a patch and a query word at which a match is 0 and 1, as `training/pixel/evaluate.py` finds them."""

SPEC = EncoderSpec(
    name="pixel",
    revision="9",
    summary="embedded model: reads the print of most scripts, sees charts and kinds of pages; needs no download",
    licence="Apache-2.0",
    parameters=18_342_000,
    dim=DIM,
    single_dim=SINGLE_DIM,
    vocabulary=VISUAL_WORDS,
    render_dpi=165,
    max_pixels=4_000_000,
    detail_pixels=32_000_000,
    match_range=(0.7, 0.9),
    scripts=(*FIRST_SCRIPTS, *OTHER_SCRIPTS),
    calibration=CALIBRATION,
    chance=CHANCE,
)

EARLIER = {"8": replace(SPEC, revision="8", scripts=FIRST_SCRIPTS, vocabulary=FIRST_SCRIPT_WORD)}
"""Earlier revisions whose indexes are searched as they were: the first network and its visual words are the same."""


def find(folder: Path | None, revision: str = "") -> EncoderSpec:
    """The spec of the model that ships with the package, of a `revision` of EARLIER too, or of that in a `folder`.

    Raises UsageError as `describe`.
    """
    return EARLIER.get(revision, SPEC) if folder is None else describe(folder)


def is_model_folder(folder: Path) -> bool:
    """Whether `docsearch train` wrote a fine-tuned `pixel` to a folder, of which some files may be missing now."""
    try:
        return (folder / FILES[0]).is_file()
    except PermissionError:  # whoever opens the folder reports it
        return False


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
    for file in (SCRIPT_VISION_FILE, SCRIPT_TEXT_FILE):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    name, revision = str(folder.expanduser().resolve()), digest.hexdigest()[:16]
    return replace(SPEC, name=name, revision=revision, calibration=None)


def revision_mismatch(folder: Path | None) -> UsageError:
    """The error for a folder whose weights do not have the shapes of this version's."""
    return UsageError(
        f"{folder or FOLDER}: fine-tuned from another revision of {SPEC.name} than this version's, {SPEC.revision}: "
        "train it again with 'docsearch train', or use it with the version that made it"
    )
