"""Folders without a trained head for late interaction are refused, and the error tells the cause and what to do."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertForSequenceClassification

import tiny_late
import tiny_sentence_transformers as tiny
from docsearch.engine.errors import UsageError
from docsearch.engine.models import registry
from docsearch.engine.models.jina_v4 import checkpoint
from unprivileged import as_user, place

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


def without_files(write: Callable[[Path], Path], *patterns: str) -> Callable[[Path], Path]:
    def written(folder: Path) -> Path:
        write(folder)
        for file in [file for pattern in patterns for file in folder.rglob(pattern)]:
            file.unlink()
        return folder

    return written


def with_json(write: Callable[[Path], Path], file: str, **changes: object) -> Callable[[Path], Path]:
    def written(folder: Path) -> Path:
        write(folder)
        content = json.loads((folder / file).read_text()) if (folder / file).is_file() else {}
        (folder / file).write_text(json.dumps({**content, **changes}))
        return folder

    return written


def cut_short(write: Callable[[Path], Path], size: int) -> Callable[[Path], Path]:
    def written(folder: Path) -> Path:
        file = write(folder) / "model.safetensors"
        file.write_bytes(file.read_bytes()[:size])
        return folder

    return written


def header(entry: object) -> Callable[[Path], Path]:
    def written(folder: Path) -> Path:
        content = json.dumps({"a.weight": entry}).encode()
        file = tiny_late.write_colqwen2(folder) / "model.safetensors"
        file.write_bytes(len(content).to_bytes(8, "little") + content)
        return folder

    return written


def a_file(path: Path) -> Path:
    path.write_bytes(b"weights")
    return path


def empty(folder: Path) -> Path:
    folder.mkdir()
    return folder


TOKENIZER_FILES = ("tokenizer*", "special_tokens*", "vocab*")
SHARDS = "model.safetensors.index.json"
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
    "no tokenizer in transformers' layout": (
        without_files(tiny_late.write_colqwen2, *TOKENIZER_FILES),
        f"has no tokenizer .*{COPY}",
    ),
    "no tokenizer in Stanford's": (
        without_files(tiny.write_stanford, *TOKENIZER_FILES),
        f"has no tokenizer .*{COPY}",
    ),
    "no processor": (
        without_files(tiny_late.write_colqwen2, "*processor_config.json"),
        f"has no settings for images .*{COPY}",
    ),
    "cut short": (
        cut_short(tiny_late.write_colqwen2, 300_000),
        "ends at 300,000 bytes, inside tensor .*; copy it again",
    ),
    "a header cut short": (cut_short(tiny_late.write_colqwen2, 100), "not a safetensors file"),
    "a header without places": (header({"shape": [1]}), "does not say where tensor a.weight is; copy it again"),
    "a header that is a list": (header([1, 2]), "does not say where tensor a.weight is; copy it again"),
    "an index of shards that is a list": (
        with_json(tiny_late.write_colqwen2, SHARDS, weight_map=["model.safetensors"]),
        f"{SHARDS}: lists no files of weights .*; copy it again",
    ),
    "a network that comes with its code": (
        with_json(tiny.write_backbone, "config.json", architectures=["Foo"], auto_map={"AutoModel": "foo.Foo"}),
        "needs code that comes with the model; docsearch runs no code .* vLLM or Infinity",
    ),
    "an adapter that names no base": (
        lambda folder: adapter(folder, "", ["query"]),
        "adapter .LoRA. of a base model that it does not name",
    ),
    "an architecture that is no list": (
        with_json(tiny.write_backbone, "config.json", architectures="BertModel"),
        "holds a BertModel without a trained head",
    ),
    "an empty folder": (empty, r"not a model \(config.json is missing\)"),
    "a file": (a_file, "model: a file; a model is the folder of a checkpoint"),
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


@pytest.mark.skipif(sys.platform == "win32", reason="needs Unix file permissions")
@pytest.mark.parametrize("closed", ["", "config.json", "model.safetensors"])
def test_a_folder_that_may_not_be_read_is_named(closed: str) -> None:
    with tempfile.TemporaryDirectory(dir=place()) as parent:
        folder = tiny.write_stanford(Path(parent) / "model")
        (folder / closed).chmod(0)
        with pytest.raises(UsageError, match=f"{folder / closed}: this user may not read it; .*chmod -R a"):
            as_user(partial(checkpoint.check_folder, folder), Path(parent))
        (folder / closed).chmod(0o755)


MISFITS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "another width": (
        with_json(tiny_late.write_colqwen2, "config.json", embedding_dim=16),
        f"its weights have other shapes than config.json says.*{COPY}",
    ),
    "an architecture that transformers does not have": (
        with_json(tiny_late.write_colqwen2, "config.json", model_type="colfoo", architectures=["ColFooForRetrieval"]),
        "model_type 'colfoo' is not known to the installed transformers; 'pip install -U transformers'",
    ),
    "an architecture that comes with its code": (
        with_json(tiny_late.write_colqwen2, "config.json", model_type="colfoo", auto_map={"AutoModel": "foo.Foo"}),
        "needs code that comes with the model",
    ),
}


@pytest.mark.parametrize("name", MISFITS)
def test_weights_and_settings_that_do_not_belong_together_are_refused(name: str, tmp_path: Path) -> None:
    write, cause = MISFITS[name]
    folder = write(tmp_path / "model")
    with pytest.raises(UsageError, match=f"(?s){cause}"):
        registry.load_page_encoder(str(folder), device="cpu")


def test_a_model_whose_vectors_are_as_wide_as_its_network_needs_no_projection(tmp_path: Path) -> None:
    folder = tiny.write_multi_vector_text(tmp_path / "model")
    listed = json.loads((folder / "modules.json").read_text())
    shutil.rmtree(folder / "1_Dense")
    (folder / "modules.json").write_text(json.dumps([part for part in listed if part["path"] != "1_Dense"]))
    assert registry.find_spec(str(folder)).dim == tiny.HIDDEN
    assert registry.load_encoder(str(folder), device="cpu").encode_query("a").vectors.shape[1] == tiny.HIDDEN
