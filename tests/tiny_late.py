"""Writes tiny checkpoints of late-interaction models with random weights, in the layout of transformers."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import (
    ColModernVBertConfig,
    ColModernVBertForRetrieval,
    ColModernVBertProcessor,
    ColPaliConfig,
    ColPaliForRetrieval,
    ColPaliProcessor,
    ColQwen2Config,
    ColQwen2ForRetrieval,
    ColQwen2Processor,
    ModernVBertConfig,
    PaliGemmaConfig,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2VLConfig,
)
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

import tiny_jina

DIM = 32
VOCABULARY = 512
PATCH_PX = 14
TOKEN_PX = 2 * PATCH_PX
"""Side of the square that a ColQwen2 token stands for."""
MAX_PIXELS = 64 * TOKEN_PX**2
PALI_SIDE = 6
"""Rows, and columns, of the grid that ColPali reads every page as."""
TILE_SIDE = 3
"""Side of a ColModernVBERT tile in tokens, each of which is 2 x 2 patches."""
TILE_PX = TILE_SIDE * TOKEN_PX
PLAIN = {"depth": 2, "embed_dim": 32, "hidden_size": 64, "num_heads": 2, "mlp_ratio": 2}
WINDOWED = {
    "depth": 2,
    "hidden_size": 32,
    "out_hidden_size": 64,
    "num_heads": 2,
    "intermediate_size": 48,
    "fullatt_block_indexes": [1],
}
"""The vision towers of Qwen2-VL and Qwen2.5-VL."""
TILES = 3
"""Tiles along the longer side of a page."""


def tokenizer(*special: str) -> PreTrainedTokenizerFast:
    """A tokenizer with `special` tokens in addition to those of the Qwen models."""
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tiny_jina.small_tokenizer(), pad_token="<|endoftext|>", eos_token="<|im_end|>"
    )
    fast.add_special_tokens({"additional_special_tokens": [*special]})
    assert len(fast) <= VOCABULARY
    return fast


def write_colqwen2(folder: Path, *, seed: int = 0, newer: bool = False) -> Path:
    """Write a ColQwen2: squares of the page, which keeps its aspect ratio; the `newer` one has Qwen2.5-VL in it."""
    fast = tokenizer()
    config_type, tower = (Qwen2_5_VLConfig, WINDOWED) if newer else (Qwen2VLConfig, PLAIN)
    roles = {"image": "image_pad", "video": "vision_pad", "vision_start": "vision_start", "vision_end": "vision_end"}
    vlm = config_type(
        text_config={
            "hidden_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "intermediate_size": 96,
            "vocab_size": VOCABULARY,
            "rope_parameters": {"mrope_section": [2, 3, 3], "rope_type": "default", "rope_theta": 1e6},
        },
        vision_config=tower,
        **{f"{role}_token_id": fast.convert_tokens_to_ids(f"<|{name}|>") for role, name in roles.items()},
    )
    torch.manual_seed(seed)
    config = ColQwen2Config(vlm_config=vlm, embedding_dim=DIM, initializer_range=0.2)
    ColQwen2ForRetrieval(config).save_pretrained(folder)
    images = Qwen2VLImageProcessorPil(size={"shortest_edge": 4 * TOKEN_PX**2, "longest_edge": MAX_PIXELS})
    ColQwen2Processor(image_processor=images, tokenizer=fast).save_pretrained(folder)
    return folder


def write_colpali(folder: Path, *, seed: int = 0) -> Path:
    """Write a ColPali: a grid of PALI_SIDE x PALI_SIDE squares for every page."""
    fast = tokenizer("<image>", "<bos>")
    fast.bos_token = "<bos>"
    vlm = PaliGemmaConfig(
        text_config={
            "model_type": "gemma",
            "hidden_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 1,
            "head_dim": 16,
            "intermediate_size": 96,
            "vocab_size": VOCABULARY,
        },
        vision_config=vision(PALI_SIDE * PATCH_PX),
        image_token_index=fast.convert_tokens_to_ids("<image>"),
        vocab_size=VOCABULARY,
        projection_dim=64,
        hidden_size=64,
    )
    torch.manual_seed(seed)
    ColPaliForRetrieval(ColPaliConfig(vlm_config=vlm, embedding_dim=DIM)).save_pretrained(folder)
    images = SiglipImageProcessorPil(size={"height": PALI_SIDE * PATCH_PX, "width": PALI_SIDE * PATCH_PX})
    images.image_seq_length = PALI_SIDE**2
    ColPaliProcessor(image_processor=images, tokenizer=fast).save_pretrained(folder)
    return folder


def write_colmodernvbert(folder: Path, *, seed: int = 0) -> Path:
    """Write a ColModernVBERT: tiles of TILE_PX pixels, and one of the whole page."""
    tiles = [f"<row_{row + 1}_col_{column + 1}>" for row in range(TILES) for column in range(TILES)]
    fast = tokenizer("<image>", "<fake_token_around_image>", "<end_of_utterance>", "<global-img>", *tiles)
    vlm = ModernVBertConfig(
        text_config={
            "model_type": "modernbert",
            "hidden_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 96,
            "vocab_size": VOCABULARY,
            "pad_token_id": fast.pad_token_id,
        },
        vision_config=vision(TILE_PX),
        image_token_id=fast.convert_tokens_to_ids("<image>"),
        pixel_shuffle_factor=2,
    )
    torch.manual_seed(seed)
    config = ColModernVBertConfig(vlm_config=vlm, embedding_dim=DIM)
    ColModernVBertForRetrieval(config).save_pretrained(folder)
    images = Idefics3ImageProcessorPil(size={"longest_edge": TILES * TILE_PX}, max_image_size={"longest_edge": TILE_PX})
    ColModernVBertProcessor(image_processor=images, tokenizer=fast, image_seq_len=TILE_SIDE**2).save_pretrained(folder)
    return folder


def vision(image_px: int) -> dict[str, object]:
    """The configuration of a SigLIP tower for square images of `image_px`."""
    return {
        "model_type": "siglip_vision_model",
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "patch_size": PATCH_PX,
        "image_size": image_px,
        "vision_use_head": False,
    }
