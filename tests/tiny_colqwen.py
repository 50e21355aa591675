"""Writes checkpoints of ColQwen2 as transformers saves them, tiny ones with random weights."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import ColQwen2Config, ColQwen2ForRetrieval, ColQwen2Processor, PreTrainedTokenizerFast, Qwen2VLConfig
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

import tiny_jina

DIM = 32
TOKEN_PX = 28
MAX_PIXELS = 64 * TOKEN_PX**2


def write(folder: Path, *, seed: int = 0) -> Path:
    """Write a model, its processor and its tokenizer."""
    tokenizer = tiny_jina.small_tokenizer()
    roles = {"image": "image_pad", "video": "vision_pad", "vision_start": "vision_start", "vision_end": "vision_end"}
    vlm = Qwen2VLConfig(
        text_config={
            "hidden_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "intermediate_size": 96,
            "vocab_size": 512,
            "rope_parameters": {"mrope_section": [2, 3, 3], "rope_type": "default", "rope_theta": 1e6},
        },
        vision_config={"depth": 2, "embed_dim": 32, "hidden_size": 64, "num_heads": 2, "mlp_ratio": 2},
        **{f"{role}_token_id": tokenizer.token_to_id(f"<|{name}|>") for role, name in roles.items()},
    )
    torch.manual_seed(seed)
    ColQwen2ForRetrieval(ColQwen2Config(vlm_config=vlm, embedding_dim=DIM, initializer_range=0.2)).save_pretrained(
        folder
    )
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<|endoftext|>", eos_token="<|im_end|>")
    images = Qwen2VLImageProcessorPil(size={"shortest_edge": 4 * TOKEN_PX**2, "longest_edge": MAX_PIXELS})
    ColQwen2Processor(image_processor=images, tokenizer=fast).save_pretrained(folder)
    return folder
