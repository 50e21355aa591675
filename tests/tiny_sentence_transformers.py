"""Writes tiny models with random weights in the layouts of sentence-transformers, PyLate and Stanford's ColBERT."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import MultiVectorEncoder, SentenceTransformer
from sentence_transformers.base.modules import Dense, Normalize, Transformer
from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask
from sentence_transformers.sentence_transformer.modules import Pooling
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import nn
from transformers import (
    AutoConfig,
    AutoModel,
    CLIPConfig,
    CLIPModel,
    CLIPProcessor,
    Idefics3Config,
    Idefics3Processor,
    LlavaConfig,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    SiglipConfig,
    SiglipModel,
    SiglipProcessor,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

import tiny_late

HIDDEN, LENGTH, WIDTH = 32, 48, 64
"""Of the text models: hidden size, tokens that are read, dimension of the vectors."""
SHAPE = {"hidden_size": HIDDEN, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
BACKBONES: dict[str, dict[str, Any]] = {
    "bert": {**SHAPE, "max_position_embeddings": 64},
    "modernbert": {**SHAPE, "global_attn_every_n_layers": 1, "pad_token_id": 0, "max_position_embeddings": 64},
    "xlm-roberta": {**SHAPE, "pad_token_id": 0, "max_position_embeddings": 64},
    "qwen3": {**SHAPE, "num_key_value_heads": 1, "head_dim": 16, "max_position_embeddings": 64},
    "distilbert": {"dim": HIDDEN, "n_layers": 2, "n_heads": 2, "hidden_dim": 48, "max_position_embeddings": 64},
}


def word_tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer of characters, with the special tokens of BERT and the markers of ColBERT."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused0]", "[unused1]"]
    vocabulary = {token: i for i, token in enumerate(special)}
    characters = [chr(code) for code in range(33, 127)]
    for piece in (*characters, *(f"##{character}" for character in characters)):
        vocabulary.setdefault(piece, len(vocabulary))
    words = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    words.normalizer = normalizers.Lowercase()
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    )
    roles = {"unk": "[UNK]", "pad": "[PAD]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
    return PreTrainedTokenizerFast(
        tokenizer_object=words, model_max_length=LENGTH, **{f"{role}_token": token for role, token in roles.items()}
    )


def write_backbone(folder: Path, kind: str = "bert", *, seed: int = 0) -> Path:
    """Write a text model of transformers without any head."""
    tokenizer = word_tokenizer()
    torch.manual_seed(seed)
    config = AutoConfig.for_model(kind, vocab_size=len(tokenizer), **BACKBONES[kind])
    AutoModel.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def write_multi_vector_text(folder: Path, kind: str = "bert", *, seed: int = 0, width: int = WIDTH) -> Path:
    """Write a text model as `MultiVectorEncoder` saves it, with prompts and a projection."""
    backbone = Transformer(str(write_backbone(folder.with_name(f"{folder.name}-base"), kind, seed=seed)))
    parts = [backbone, projection(HIDDEN, width), MultiVectorMask(), Normalize(module_input_name="token_embeddings")]
    MultiVectorEncoder(modules=parts, prompts={"query": "q: ", "document": "d: "}, device="cpu").save(str(folder))
    return folder


def projection(hidden: int, width: int) -> Dense:
    return Dense(hidden, width, bias=False, activation_function=nn.Identity(), module_input_name="token_embeddings")


def write_stanford(folder: Path, *, seed: int = 0) -> Path:
    """Write a ColBERT as its authors save it: BERT's tensors and linear.weight in one file, and artifact.metadata."""
    write_backbone(folder, seed=seed)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "architectures": ["HF_ColBERT"]}))
    tensors = load_file(folder / "model.safetensors")
    named = {f"bert.{name}": tensor for name, tensor in tensors.items()}
    named["linear.weight"] = torch.randn(WIDTH, HIDDEN, generator=torch.Generator().manual_seed(seed))
    save_file(named, folder / "model.safetensors", metadata={"format": "pt"})
    metadata = {"query_maxlen": 12, "doc_maxlen": LENGTH, "query_token_id": "[unused0]", "doc_token_id": "[unused1]"}
    (folder / "artifact.metadata").write_text(json.dumps({**metadata, "mask_punctuation": True}))
    return folder


def write_pylate(folder: Path, *, old: bool = False, seed: int = 0) -> Path:
    """Write a model as PyLate saves it: a backbone and a projection; `old`, without the name of its class."""
    write_backbone(folder, "modernbert", seed=seed)
    kinds = {"": "sentence_transformers.models.Transformer", "1_Dense": "pylate.models.Dense.Dense"}
    listed = [{"idx": i, "name": str(i), "path": path, "type": kind} for i, (path, kind) in enumerate(kinds.items())]
    (folder / "modules.json").write_text(json.dumps(listed))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": LENGTH, "do_lower_case": False}))
    settings = {
        "query_prefix": "[unused0]",
        "document_prefix": "[unused1]",
        "query_length": 12,
        "document_length": LENGTH,
        "do_query_expansion": True,
        "attend_to_expansion_tokens": False,
        "skiplist_words": [".", ","],
    }
    kind = {} if old else {"model_type": "ColBERT"}
    (folder / "config_sentence_transformers.json").write_text(json.dumps({**kind, **settings}))
    dense = {"in_features": HIDDEN, "out_features": WIDTH, "bias": False}
    (folder / "1_Dense").mkdir()
    (folder / "1_Dense/config.json").write_text(
        json.dumps({**dense, "activation_function": "torch.nn.modules.linear.Identity"})
    )
    weight = torch.randn(WIDTH, HIDDEN, generator=torch.Generator().manual_seed(seed))
    save_file({"linear.weight": weight}, folder / "1_Dense/model.safetensors")
    return folder


def write_idefics3(folder: Path, *, seed: int = 0) -> Path:
    """Write a ColSmol as sentence-transformers has it: Idefics3, whose pages are cut into tiles, and a projection."""
    tiles = [f"<row_{row + 1}_col_{column + 1}>" for row in range(3) for column in range(3)]
    fast = tiny_late.tokenizer("<image>", "<fake_token_around_image>", "<end_of_utterance>", "<global-img>", *tiles)
    config = Idefics3Config(
        text_config={
            "model_type": "llama",
            "hidden_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "intermediate_size": 96,
            "vocab_size": tiny_late.VOCABULARY,
            "pad_token_id": fast.pad_token_id,
        },
        vision_config={
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 64,
            "patch_size": tiny_late.PATCH_PX,
            "image_size": tiny_late.TILE_PX,
        },
        image_token_id=fast.convert_tokens_to_ids("<image>"),
        scale_factor=2,
        pad_token_id=fast.pad_token_id,
    )
    images = Idefics3ImageProcessorPil(
        size={"longest_edge": tiny_late.TILES * tiny_late.TILE_PX}, max_image_size={"longest_edge": tiny_late.TILE_PX}
    )
    processor = Idefics3Processor(
        image_processor=images, tokenizer=fast, image_seq_len=tiny_late.TILE_SIDE**2, chat_template=CHAT
    )
    return write_multi_vector_images(folder, config, processor, hidden=64, seed=seed)


def write_llava(folder: Path, *, seed: int = 0) -> Path:
    """Write a LLaVA with a projection as sentence-transformers saves it: a grid of squares for every page."""
    fast = tiny_late.tokenizer("<image>")
    side = tiny_late.PALI_SIDE * tiny_late.PATCH_PX
    config = LlavaConfig(
        text_config={
            "model_type": "llama",
            "hidden_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "intermediate_size": 96,
            "vocab_size": tiny_late.VOCABULARY,
        },
        vision_config=tiny_late.vision(side),
        image_token_id=fast.convert_tokens_to_ids("<image>"),
        image_seq_length=tiny_late.PALI_SIDE**2,
        vision_feature_select_strategy="full",
        vision_feature_layer=-1,
    )
    images = SiglipImageProcessorPil(size={"height": side, "width": side})
    processor = LlavaProcessor(
        image_processor=images,
        tokenizer=fast,
        patch_size=tiny_late.PATCH_PX,
        vision_feature_select_strategy="full",
        chat_template=CHAT,
    )
    return write_multi_vector_images(folder, config, processor, hidden=64, seed=seed)


CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}"
    "<|im_end|>\n{% endfor %}"
)
"""A chat template of the kind that vision-language models come with."""


def write_multi_vector_images(folder: Path, config: Any, processor: Any, *, hidden: int, seed: int) -> Path:
    """Write a vision-language model with a projection, as `MultiVectorEncoder` saves it."""
    base = folder.with_name(f"{folder.name}-base")
    torch.manual_seed(seed)
    AutoModel.from_config(config).save_pretrained(base)
    processor.save_pretrained(base)
    parts = [
        Transformer(str(base)),
        projection(hidden, tiny_late.DIM),
        MultiVectorMask(),
        Normalize(module_input_name="token_embeddings"),
    ]
    MultiVectorEncoder(modules=parts, device="cpu").save(str(folder))
    return folder


def write_dense_text(folder: Path, *, seed: int = 0) -> Path:
    """Write a dense text model: one vector per text."""
    backbone = Transformer(str(write_backbone(folder.with_name(f"{folder.name}-base"), seed=seed)))
    SentenceTransformer(modules=[backbone, Pooling(HIDDEN)], device="cpu").save(str(folder))
    return folder


TEXT_MODELS: dict[str, Callable[[Path], Path]] = {
    "multi-vector bert": write_multi_vector_text,
    "multi-vector xlm-roberta": lambda folder: write_multi_vector_text(folder, "xlm-roberta"),
    "multi-vector qwen3": lambda folder: write_multi_vector_text(folder, "qwen3"),
    "multi-vector distilbert": lambda folder: write_multi_vector_text(folder, "distilbert"),
    "stanford colbert": write_stanford,
    "pylate": write_pylate,
    "old pylate": lambda folder: write_pylate(folder, old=True),
}
IMAGE_MODELS: dict[str, Callable[[Path], Path]] = {
    "colpali": tiny_late.write_colpali,
    "colqwen2": tiny_late.write_colqwen2,
    "colqwen2.5": lambda folder: tiny_late.write_colqwen2(folder, newer=True),
    "colmodernvbert": tiny_late.write_colmodernvbert,
    "multi-vector idefics3": write_idefics3,
    "multi-vector llava": write_llava,
}


def write_clip(folder: Path, *, seed: int = 0) -> Path:
    """Write a CLIP: two towers into one space."""
    tokenizer = word_tokenizer()
    config = CLIPConfig(
        text_config={**SHAPE, "vocab_size": len(tokenizer), "max_position_embeddings": LENGTH, "eos_token_id": 3},
        vision_config={**SHAPE, "image_size": 42, "patch_size": tiny_late.PATCH_PX},
        projection_dim=24,
    )
    torch.manual_seed(seed)
    CLIPModel(config).save_pretrained(folder)
    size = {"height": 42, "width": 42}
    CLIPProcessor(CLIPImageProcessorPil(size=size, crop_size=size), tokenizer).save_pretrained(folder)
    return folder


def write_siglip(folder: Path, *, seed: int = 0) -> Path:
    """Write a SigLIP: two towers into one space, pages as squares."""
    tokenizer = word_tokenizer()
    config = SiglipConfig(
        text_config={
            **SHAPE,
            "vocab_size": len(tokenizer),
            "max_position_embeddings": LENGTH,
            "projection_size": HIDDEN,
        },
        vision_config={**SHAPE, "image_size": 42, "patch_size": tiny_late.PATCH_PX},
    )
    torch.manual_seed(seed)
    SiglipModel(config).save_pretrained(folder)
    images = SiglipImageProcessorPil(size={"height": 42, "width": 42})
    SiglipProcessor(images, tokenizer).save_pretrained(folder)
    return folder


def write_dense_clip(folder: Path, *, seed: int = 0) -> Path:
    """Write a CLIP as `SentenceTransformer` saves it."""
    base = write_clip(folder.with_name(f"{folder.name}-base"), seed=seed)
    SentenceTransformer(modules=[Transformer(str(base))], device="cpu").save(str(folder))
    return folder


def write_dense_llava(folder: Path, *, seed: int = 0) -> Path:
    """Write a vision-language model whose last token is the vector of a page, as `SentenceTransformer` saves it."""
    write_llava(folder.with_name(f"{folder.name}-late"), seed=seed)
    base = folder.with_name(f"{folder.name}-late-base")
    parts = [Transformer(str(base)), Pooling(64, pooling_mode="lasttoken"), Normalize()]
    SentenceTransformer(modules=parts, prompts={"query": "find: ", "document": ""}, device="cpu").save(str(folder))
    return folder


DENSE_MODELS: dict[str, Callable[[Path], Path]] = {
    "clip": write_clip,
    "siglip": write_siglip,
    "sentence-transformers clip": write_dense_clip,
    "sentence-transformers llava": write_dense_llava,
}
