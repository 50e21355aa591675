"""The layout of the published configuration, in its variants, and the published sizes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import init_empty_weights

import tiny_jina
from docsearch.engine.models.jina_v4.checkpoint import Checkpoint, read
from docsearch.engine.models.jina_v4.encoder import JinaV4
from docsearch.engine.models.jina_v4.network import JinaV4Network, network_config, with_adapters
from docsearch.engine.models.jina_v4.spec import PUBLISHED

TEXT_KEYS = (
    *("hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "intermediate_size"),
    *("vocab_size", "rms_norm_eps", "rope_theta", "rope_scaling", "max_position_embeddings", "use_sliding_window"),
    *("tie_word_embeddings", "bos_token_id", "eos_token_id"),
)
"""Settings of the text side, which the published files have at the top level, in `text_config`, or in both."""
TARGETS = (
    "(.*(model).*(down_proj|gate_proj|up_proj|k_proj|q_proj|v_proj|o_proj).*$|"
    ".*(single_vector_projector|multi_vector_projector).*$)"
)
"""`target_modules` as a regular expression."""
TEXTS = ("Revenue rose in the year.", "def total(prices): return sum(prices)")
SIZES: Mapping[str, Any] = {
    "hidden_size": 2048,
    "num_hidden_layers": 36,
    "num_attention_heads": 16,
    "num_key_value_heads": 2,
    "intermediate_size": 11008,
    "vocab_size": 151936,
    "rope_scaling": {"mrope_section": [16, 24, 24], "rope_type": "default", "type": "default"},
    "multi_vector_projector_dim": 128,
    "matryoshka_dims": [128, 256, 512, 1024, 2048],
    "vision_config": {
        "depth": 32,
        "hidden_size": 1280,
        "intermediate_size": 3420,
        "num_heads": 16,
        "out_hidden_size": 2048,
        "fullatt_block_indexes": [7, 15, 23, 31],
        "window_size": 112,
        "patch_size": 14,
        "spatial_patch_size": 14,
        "temporal_patch_size": 2,
        "spatial_merge_size": 2,
        "in_channels": 3,
    },
}
"""The published sizes."""


def in_layout(config: Mapping[str, Any], layout: str) -> dict[str, Any]:
    """A flat configuration with the text side in `text_config` ("nested"), or there and at the top level ("both")."""
    text = {key: config[key] for key in TEXT_KEYS}
    kept = {key: value for key, value in config.items() if layout == "both" or key not in text}
    return {
        **kept,
        "text_config": text | {"model_type": "qwen2_5_vl_text", "_attn_implementation": "flash_attention_2"},
    }


def rewrite(file: Path, change: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(change))


@pytest.fixture(scope="module")
def flat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_jina.write(tmp_path_factory.mktemp("flat") / "jina")


def vectors(folder: Path) -> list[np.ndarray]:
    encoder = JinaV4.open(str(folder), device="cpu", dtype="float32")
    pixels = np.random.default_rng(0).integers(0, 256, (112, 84, 3), dtype=np.uint8)
    (picture,) = encoder.encode_image_queries([pixels])
    found = encoder.encode_texts(TEXTS, task="code")
    return [found.vectors.values, found.single, picture.vectors, picture.single]


@pytest.mark.parametrize("targets", ["list", "expression"])
@pytest.mark.parametrize("layout", ["flat", "nested", "both"])
def test_a_layout_of_the_configuration_changes_no_vector(flat: Path, tmp_path: Path, layout: str, targets: str) -> None:
    folder = tiny_jina.write(tmp_path / "jina")
    if layout != "flat":
        config = in_layout(json.loads((folder / "config.json").read_text()), layout)
        rewrite(folder / "config.json", config | {"_attn_implementation": "flash_attention_2"})
    if targets == "expression":
        adapters = json.loads((folder / "adapters/adapter_config.json").read_text())
        rewrite(folder / "adapters/adapter_config.json", adapters | {"target_modules": TARGETS})
    for got, wanted in zip(vectors(folder), vectors(flat), strict=True):
        np.testing.assert_array_equal(got, wanted)
    assert read(folder).single_dims == tiny_jina.DIMS


@pytest.mark.parametrize("layout", ["flat", "nested", "both"])
def test_the_published_sizes_make_the_published_network(flat: Path, layout: str) -> None:
    tiny = read(flat)
    config = {**tiny.config, **SIZES}
    adapters = {**tiny.adapter_config, "r": 32, "lora_alpha": 32, "target_modules": TARGETS}
    checkpoint = Checkpoint(flat, config if layout == "flat" else in_layout(config, layout), adapters, {})
    assert checkpoint.single_dims == (128, 256, 512, 1024, 2048)
    with init_empty_weights(include_buffers=False):
        network = JinaV4Network(network_config(checkpoint), checkpoint.single_dims[-1], checkpoint.projector_dim)
    with_adapters(network, checkpoint)
    state = network.state_dict()
    assert all(tensor.is_meta for tensor in state.values())
    lora = {name: tensor for name, tensor in state.items() if ".lora_" in name}
    assert len(lora) == 36 * 7 * 2 * 3 + 6
    assert not any("visual" in name for name in lora)
    assert state["vlm.language_model.embed_tokens.weight"].shape == torch.Size([151936, 2048])
    assert state["multi_vector_projector.base_layer.weight"].shape == torch.Size([128, 2048])
    assert lora["multi_vector_projector.lora_A.code.weight"].shape == torch.Size([32, 2048])
    assert sum(tensor.numel() for tensor in state.values()) == PUBLISHED.parameters
    assert (PUBLISHED.dim, PUBLISHED.single_dim) == (checkpoint.projector_dim, checkpoint.single_dims[-1])
