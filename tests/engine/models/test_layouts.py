"""Folders without a trained head for late interaction are refused, and the error tells the cause and what to do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertForSequenceClassification

import tiny_late
import tiny_sentence_transformers as tiny
from docsearch.engine.errors import UsageError
from docsearch.engine.models import registry

CONVERTED = "layout of transformers .* or of sentence-transformers"
COPY = "copy the whole repository"


def adapter(folder: Path, base: str, modules: str | list[str], base_class: str = "") -> Path:
    """A LoRA adapter in a folder of its own, as peft saves it."""
    folder.mkdir()
    settings = {"peft_type": "LORA", "base_model_name_or_path": base, "target_modules": modules, "r": 2}
    auto = {"auto_mapping": {"base_model_class": base_class}} if base_class else {}
    (folder / "adapter_config.json").write_text(json.dumps({**settings, **auto}))
    save_file(
        {"base_model.model.custom_text_proj.lora_A.weight": torch.ones(2, 8)}, folder / "adapter_model.safetensors"
    )
    return folder


def engine_adapter(folder: Path) -> Path:
    return adapter(folder, "vidore/colqwen2-base", r"(.*(model).*(down_proj|q_proj).*$|.*(custom_text_proj).*$)")


def engine_merged(folder: Path) -> Path:
    """A model as colpali-engine saves it: architecture ColQwen2, the projection is custom_text_proj."""
    tiny_late.write_colqwen2(folder)
    config = json.loads((folder / "config.json").read_text())
    tensors = load_file(folder / "model.safetensors")
    named = {name.replace("embedding_proj_layer", "custom_text_proj"): tensor for name, tensor in tensors.items()}
    save_file(named, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps({**config["vlm_config"], "architectures": ["ColQwen2"]}))
    return folder


def engine_head_in_another_class(folder: Path) -> Path:
    """The same tensors under the name of sentence-transformers' class, without the projection that it needs."""
    tiny.write_multi_vector_text(folder)
    tensors = load_file(folder / "model.safetensors")
    save_file({**tensors, "custom_text_proj.weight": torch.ones(4, 4)}, folder / "model.safetensors")
    return folder


def without_tensor(write: Callable[[Path], Path], file: str, tensor: str) -> Callable[[Path], Path]:
    def written(folder: Path) -> Path:
        write(folder)
        tensors = load_file(folder / file)
        assert tensor in tensors
        kept = {name: value for name, value in tensors.items() if name != tensor}
        save_file(kept, folder / file, metadata={"format": "pt"})
        return folder

    return written


def without_file(write: Callable[[Path], Path], file: str) -> Callable[[Path], Path]:
    def written(folder: Path) -> Path:
        (write(folder) / file).unlink()
        return folder

    return written


def pylate_without_projection(folder: Path) -> Path:
    tiny.write_pylate(folder)
    listed = json.loads((folder / "modules.json").read_text())
    (folder / "modules.json").write_text(json.dumps(listed[:1]))
    return folder


def cross_encoder(folder: Path) -> Path:
    tokenizer = tiny.word_tokenizer()
    config = BertConfig(vocab_size=len(tokenizer), num_labels=1, **tiny.BACKBONES["bert"])
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def with_own_code(folder: Path) -> Path:
    tiny.write_multi_vector_text(folder)
    listed = json.loads((folder / "modules.json").read_text())
    listed[0]["type"] = "custom_st.Transformer"
    (folder / "modules.json").write_text(json.dumps(listed))
    (folder / "custom_st.py").write_text("raise SystemExit('code of a model was run')")
    return folder


def pickled(folder: Path) -> Path:
    tiny.write_stanford(folder)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    return folder


def incomplete_shards(folder: Path) -> Path:
    tiny_late.write_colqwen2(folder)
    weights = {"weight_map": {"vlm.a": "model.safetensors", "vlm.b": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(weights))
    return folder


REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "dense text model": (tiny.write_dense_text, "one vector per text, without a trained head .* would be random"),
    "bare transformer": (tiny.write_backbone, "holds a BertModel without a trained head .* would be random"),
    "adapter of colpali-engine": (
        engine_adapter,
        f"adapter of vidore/colqwen2-base .* custom_text_proj .* {CONVERTED}",
    ),
    "merged by colpali-engine": (engine_merged, rf"colpali-engine \(ColQwen2\), whose projection .* {CONVERTED}"),
    "head of colpali-engine": (engine_head_in_another_class, "projection custom_text_proj is read by colpali-engine"),
    "other adapter": (
        lambda folder: adapter(folder, "google-bert/bert-base-uncased", ["query"]),
        "adapter .LoRA. of google-bert/bert-base-uncased, without a trained head .* merge_and_unload",
    ),
    "no projection in transformers' layout": (
        without_tensor(tiny_late.write_colpali, "model.safetensors", "embedding_proj_layer.weight"),
        f"projection to late-interaction vectors .* is not among its weights.*{COPY}",
    ),
    "no projection in Stanford's": (
        without_tensor(tiny.write_stanford, "model.safetensors", "linear.weight"),
        f"HF_ColBERT without linear.weight.*{COPY}",
    ),
    "no projection in PyLate's": (pylate_without_projection, "PyLate model without its projection"),
    "projection without weights": (
        without_file(tiny.write_multi_vector_text, "1_Dense/model.safetensors"),
        f"projection in 1_Dense has no model.safetensors.*{COPY}",
    ),
    "a shard is missing": (incomplete_shards, f"model-00002-of-00002.safetensors missing.*{COPY}"),
    "cross-encoder": (cross_encoder, "cross-encoder, which reads a question and a text together"),
    "code of its own": (with_own_code, "custom_st.Transformer is code that comes with the model"),
    "pickles": (pickled, "its weights are pickles .pytorch_model.bin., which may run code"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_folder_that_cannot_be_searched_with_is_refused(name: str, tmp_path: Path) -> None:
    write, cause = REFUSED[name]
    folder = write(tmp_path / "model")
    with pytest.raises(UsageError, match=f"(?s){cause}"):
        registry.find_spec(str(folder))
    with pytest.raises(UsageError, match=f"(?s){cause}"):
        registry.load_page_encoder(str(folder), device="cpu")


def test_weights_that_would_be_random_are_refused(tmp_path: Path) -> None:
    tensor = "vlm.language_model.layers.1.mlp.up_proj.weight"
    folder = without_tensor(tiny_late.write_colqwen2, "model.safetensors", tensor)(tmp_path / "model")
    with pytest.raises(UsageError, match=r"1 tensors are not in its files and would be random, such as .*up_proj"):
        registry.load_page_encoder(str(folder), device="cpu")


def test_a_model_whose_vectors_are_as_wide_as_its_network_needs_no_projection(tmp_path: Path) -> None:
    folder = tiny.write_multi_vector_text(tmp_path / "model")
    listed = json.loads((folder / "modules.json").read_text())
    shutil.rmtree(folder / "1_Dense")
    (folder / "modules.json").write_text(json.dumps([part for part in listed if part["path"] != "1_Dense"]))
    assert registry.find_spec(str(folder)).dim == tiny.HIDDEN
    assert registry.load_encoder(str(folder), device="cpu").encode_query("a").vectors.shape[1] == tiny.HIDDEN
