"""Writes tiny checkpoints with random weights in the published layout of jina-embeddings-v4."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from torch import Tensor
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLModel

HIDDEN, LAYERS, KV_WIDTH, INTERMEDIATE, PROJECTED, RANK = 64, 3, 32, 96, 24, 4
ALPHA = 8
"""Twice the rank, so that tests fail if the scaling by alpha / r is missing."""
DIMS = (16, 32, 64)
TASKS = ("retrieval", "text-matching", "code")
SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
)
LINEARS = {
    "self_attn.q_proj": (HIDDEN, HIDDEN),
    "self_attn.k_proj": (HIDDEN, KV_WIDTH),
    "self_attn.v_proj": (HIDDEN, KV_WIDTH),
    "self_attn.o_proj": (HIDDEN, HIDDEN),
    "mlp.gate_proj": (HIDDEN, INTERMEDIATE),
    "mlp.up_proj": (HIDDEN, INTERMEDIATE),
    "mlp.down_proj": (INTERMEDIATE, HIDDEN),
}
"""Adapted layers, with the number of inputs and outputs of each."""
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def write(folder: Path, *, style: str = "old", shards: int = 2, seed: int = 0) -> Path:
    """Write a checkpoint; the `style` of tensor names is "old", as published, or "new", as in transformers 5."""
    folder.mkdir(parents=True)
    tokenizer = small_tokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    config = settings(tokenizer)
    save_json(folder / "config.json", config)
    save_json(folder / "preprocessor_config.json", {"max_pixels": 99999999, "min_pixels": 3136, "patch_size": 14})
    generator = torch.Generator().manual_seed(seed)
    write_base(folder, config, generator, style=style, shards=shards)
    write_adapters(folder, generator)
    return folder


def settings(tokenizer: Tokenizer) -> dict[str, object]:
    """The content of config.json; the settings of the text side are at the top level, as in the published file."""
    return {
        "architectures": ["JinaEmbeddingsV4Model"],
        "model_type": "qwen2_5_vl",
        "torch_dtype": "bfloat16",
        "hidden_size": HIDDEN,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": INTERMEDIATE,
        "vocab_size": 512,
        "rms_norm_eps": 1e-6,
        "rope_theta": 1000000.0,
        "rope_scaling": {"mrope_section": [2, 3, 3], "rope_type": "default", "type": "default"},
        "max_position_embeddings": 128000,
        "use_sliding_window": False,
        "tie_word_embeddings": True,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "vision_config": {
            "depth": 4,
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_heads": 2,
            "out_hidden_size": HIDDEN,
            "fullatt_block_indexes": [1, 3],
            "window_size": 112,
            "patch_size": 14,
            "spatial_patch_size": 14,
            "temporal_patch_size": 2,
            "spatial_merge_size": 2,
            "in_channels": 3,
        },
        "vision_start_token_id": tokenizer.token_to_id("<|vision_start|>"),
        "vision_end_token_id": tokenizer.token_to_id("<|vision_end|>"),
        "vision_token_id": tokenizer.token_to_id("<|vision_pad|>"),
        "image_token_id": tokenizer.token_to_id("<|image_pad|>"),
        "single_vector_pool_strategy": "mean",
        "multi_vector_projector_dim": PROJECTED,
        "matryoshka_dims": list(DIMS),
        "task_names": list(TASKS),
        "truncate_dim": None,
    }


def small_tokenizer() -> Tokenizer:
    """A byte-level BPE with the words of the prompts and few others."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=480, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False, min_frequency=2
    )
    lines = ["user\n", "Describe the image.", "Query: revenue of the year", "Passage: the chart"] * 4
    tokenizer.train_from_iterator(lines, trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    assert tokenizer.get_vocab_size() <= 512
    return tokenizer


def write_base(
    folder: Path, config: Mapping[str, object], generator: torch.Generator, *, style: str, shards: int
) -> None:
    """Write the weights without the adapters, in shards; the projector is in the last one."""
    given = {key: value for key, value in config.items() if key != "architectures"}
    network = Qwen2_5_VLModel(Qwen2_5_VLConfig.from_dict(json.loads(json.dumps(given))))
    tensors: dict[str, Tensor] = {}
    for name, like in network.state_dict().items():
        is_norm = name.endswith(("norm.weight", "norm1.weight", "norm2.weight", "layernorm.weight", "ln_q.weight"))
        tensors[base_key(name, style)] = random(generator, *like.shape) * 0.1 + (1 if is_norm else 0)
    tensors["multi_vector_projector.weight"] = random(generator, PROJECTED, HIDDEN) * 0.1
    tensors["multi_vector_projector.bias"] = random(generator, PROJECTED) * 0.1
    names = list(tensors)
    where: dict[str, str] = {}
    for shard in range(shards):
        file = "model.safetensors" if shards == 1 else f"model-{shard + 1:05d}-of-{shards:05d}.safetensors"
        chosen = names[shard * len(names) // shards : (shard + 1) * len(names) // shards]
        save_file({name: tensors[name].bfloat16() for name in chosen}, folder / file, metadata={"format": "pt"})
        where.update(dict.fromkeys(chosen, file))
    if shards > 1:
        save_json(folder / "model.safetensors.index.json", {"metadata": {}, "weight_map": where})


def base_key(name: str, style: str) -> str:
    """The key of a tensor in the file, from its name in `Qwen2_5_VLModel`."""
    if style == "new":
        return f"model.{name}"
    return name.replace("language_model.", "model.")


def write_adapters(folder: Path, generator: torch.Generator) -> None:
    """Write the file with the adapters of all tasks."""
    tensors: dict[str, Tensor] = {}
    layers = [
        (f"model.language_model.layers.{layer}.{name}", *widths)
        for layer in range(LAYERS)
        for name, widths in LINEARS.items()
    ]
    for task in TASKS:
        for name, width_in, width_out in [*layers, ("multi_vector_projector", HIDDEN, PROJECTED)]:
            tensors[f"base_model.model.{name}.lora_A.{task}.weight"] = random(generator, RANK, width_in) * 0.2
            tensors[f"base_model.model.{name}.lora_B.{task}.weight"] = random(generator, width_out, RANK) * 0.2
    (folder / "adapters").mkdir()
    save_file({key: value.bfloat16() for key, value in tensors.items()}, folder / "adapters/adapter_model.safetensors")
    targets = [name.rpartition(".")[2] for name in LINEARS] + ["single_vector_projector", "multi_vector_projector"]
    save_json(
        folder / "adapters/adapter_config.json",
        {
            "peft_type": "LORA",
            "r": RANK,
            "lora_alpha": ALPHA,
            "target_modules": targets,
            "exclude_modules": ".*visual.*",
            "bias": "none",
        },
    )


def random(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=generator)


def save_json(file: Path, content: Mapping[str, object]) -> None:
    file.write_text(json.dumps(content), "utf-8")
