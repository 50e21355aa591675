"""What the embedded model is: its description and its files."""

from __future__ import annotations

from pathlib import Path

from ..encoder import EncoderSpec

FOLDER = Path(__file__).parent
VISION_FILE = FOLDER / "vision.safetensors"
TEXT_FILE = FOLDER / "text.safetensors"
WORDS_FILE = FOLDER / "visual_words.safetensors"
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
