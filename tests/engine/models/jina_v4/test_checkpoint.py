"""Checkpoints of jina-embeddings-v4: both styles of names, shards, adapters, and errors for those that do not match."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file
from torch import Tensor

import tiny_jina
from docsearch.engine.errors import UsageError
from docsearch.engine.models import registry
from docsearch.engine.models.jina_v4 import checkpoint, network, spec
from docsearch.engine.models.jina_v4.encoder import JinaV4

ADAPTERS = "adapters/adapter_model.safetensors"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny_jina.write(tmp_path / "tiny")


def opened(folder: Path, **settings: str) -> JinaV4:
    return JinaV4.open(str(folder), device="cpu", dtype="float32", **settings)


def rewrite(file: Path, change: Callable[[dict[str, Tensor]], Mapping[str, Tensor]]) -> None:
    """Replace the tensors of a file by changed ones."""
    tensors = {key: value.clone() for key, value in load_file(file).items()}
    save_file(dict(change(tensors)), file)


def without(key: str) -> Callable[[dict[str, Tensor]], Mapping[str, Tensor]]:
    return lambda tensors: {name: value for name, value in tensors.items() if name != key}


@pytest.mark.parametrize(("style", "shards"), [("old", 1), ("new", 1), ("new", 3)])
def test_either_style_of_names_and_any_number_of_shards_give_the_same_model(
    folder: Path, tmp_path: Path, style: str, shards: int
) -> None:
    other = tiny_jina.write(tmp_path / "other", style=style, shards=shards)
    wanted, got = (opened(f).encode_query("revenue of the year") for f in (folder, other))
    np.testing.assert_array_equal(got.vectors, wanted.vectors)
    np.testing.assert_array_equal(got.single, wanted.single)


def test_every_parameter_is_counted_and_loaded(folder: Path) -> None:
    model = opened(folder)
    state = model.network.get_base_model().state_dict()
    assert not any(tensor.is_meta for tensor in state.values())
    assert model.spec.parameters == sum(tensor.numel() for tensor in state.values())
    stored = load_file(folder / ADAPTERS)
    for task in tiny_jina.TASKS:
        name = f"language_model.layers.1.mlp.up_proj.lora_B.{task}.weight"
        np.testing.assert_array_equal(state[f"vlm.{name}"], stored[f"base_model.model.model.{name}"].float())


def test_missing_tensors_are_named(folder: Path) -> None:
    rewrite(folder / ADAPTERS, without("base_model.model.multi_vector_projector.lora_A.code.weight"))
    with pytest.raises(UsageError, match=r"1 missing \(multi_vector_projector.lora_A.code.weight\)"):
        _ = opened(folder).network


def test_unexpected_tensors_are_named(folder: Path) -> None:
    rewrite(folder / ADAPTERS, lambda t: {**t, "base_model.model.visual.odd.weight": next(iter(t.values())).clone()})
    with pytest.raises(UsageError, match=r"1 not expected \(base_model.model.visual.odd.weight\)"):
        _ = opened(folder).network


def test_tensors_of_another_shape_are_named(folder: Path) -> None:
    key = "multi_vector_projector.bias"
    rewrite(folder / "model-00002-of-00002.safetensors", lambda t: {**t, key: t[key][:-1].clone()})
    with pytest.raises(UsageError, match=r"multi_vector_projector.bias \[23\] instead of \[24\]"):
        _ = opened(folder).network


def test_the_language_model_head_may_be_present(folder: Path) -> None:
    rewrite(
        folder / "model-00001-of-00002.safetensors", lambda t: {**t, "lm_head.weight": next(iter(t.values())).clone()}
    )
    assert "lm_head" not in " ".join(opened(folder).network.state_dict())


def test_missing_shard_is_named(folder: Path) -> None:
    (folder / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(UsageError, match=r"model-00002-of-00002\.safetensors missing"):
        checkpoint.read(folder)


def test_truncated_shard_is_named(folder: Path) -> None:
    file = folder / "model-00002-of-00002.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(UsageError, match=r"model-00002.*ends at .* inside tensor"):
        checkpoint.read(folder)


def test_pointer_in_place_of_weights_is_recognised(folder: Path) -> None:
    (folder / ADAPTERS).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 359620608\n")
    with pytest.raises(UsageError, match="Git LFS pointer"):
        checkpoint.read(folder)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "adapters/adapter_config.json"])
def test_missing_files_are_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(UsageError, match=name):
        checkpoint.read(folder)


def test_other_models_are_refused_by_name(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text("utf-8"))
    tiny_jina.save_json(folder / "config.json", {**config, "architectures": ["BertModel"]})
    with pytest.raises(UsageError, match="holds a BertModel"):
        registry.find_spec(str(folder))


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing: no such folder"):
        registry.find_spec(str(tmp_path / "nothing"))


def test_too_little_memory_is_reported_before_weights_are_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "free_bytes", lambda device: 100_000)
    with pytest.raises(UsageError, match=r"needs 0.0 GB on cpu as float32, but only 0.0 GB are free"):
        _ = opened(folder).network


def test_revision_changes_with_the_weights_the_adapters_and_the_settings(folder: Path, tmp_path: Path) -> None:
    revisions = {checkpoint.read(folder).revision, checkpoint.read(tiny_jina.write(tmp_path / "b", seed=1)).revision}
    rewrite(folder / ADAPTERS, lambda t: {name: value * (1 if "layers.2" in name else 2) for name, value in t.items()})
    revisions.add(checkpoint.read(folder).revision)
    adapters = checkpoint.read_json(folder / checkpoint.ADAPTER_CONFIG)
    tiny_jina.save_json(folder / checkpoint.ADAPTER_CONFIG, {**adapters, "lora_alpha": 1})
    revisions.add(checkpoint.read(folder).revision)
    assert len(revisions) == 4


def test_copy_of_a_checkpoint_has_its_revision(folder: Path, tmp_path: Path) -> None:
    again = tiny_jina.write(tmp_path / "again")
    assert checkpoint.read(again).revision == checkpoint.read(folder).revision


def test_name_of_an_opened_model_opens_it_again_with_its_settings(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    first = registry.find_spec("./tiny,tokens=vision,task=code,single_dim=32,max_pixels=100352")
    assert first.name == f"{folder},task=code,tokens=vision,single_dim=32,max_pixels=100352"
    assert registry.find_spec(first.name) == first
    wanted = {"task": "code", "tokens": "vision", "single_dim": 32, "max_pixels": 100_352, "vocabulary": 0}
    assert wanted.items() <= first.fingerprint.items()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("tokens=some", "either all or vision"),
        ("task=poetry", "retrieval, text-matching, code"),
        ("single_dim=48", "has 16, 32, 64"),
        ("max_pixels=many", "must be a number"),
        ("max_pixels=783", "at least 3136"),
        ("colour=red", "unknown setting 'colour=red'"),
        ("vision", "unknown setting 'vision'"),
    ],
)
def test_the_error_for_a_wrong_setting_lists_the_right_ones(folder: Path, settings: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        registry.find_spec(f"{folder},{settings}")


def test_the_error_for_a_model_that_cannot_be_downloaded_says_what_to_do(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "docsearch", "index", str(tmp_path), "--model", spec.HUB_NAME]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hub")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert f"{spec.HUB_NAME} is not on this machine" in done.stderr
    assert "--local-dir FOLDER', then give FOLDER in its place" in done.stderr
    assert "Traceback" not in done.stderr


def test_models_are_listed_without_torch_and_with_whether_they_are_present(tmp_path: Path) -> None:
    code = (
        "import sys; from docsearch.engine.models.registry import known_models\n"
        "print([(spec.name, spec.present) for spec in known_models()], 'torch' in sys.modules)"
    )
    environment = {**os.environ, "HF_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip().startswith(
        f"[('pixel', True), ('{spec.HUB_NAME}', False), ('vidore/colpali-v1.3', False), "
    )
    assert done.stdout.strip().endswith("False")


def test_weights_are_loaded_before_the_first_page(folder: Path) -> None:
    rewrite(folder / ADAPTERS, without("base_model.model.multi_vector_projector.lora_A.code.weight"))
    with pytest.raises(UsageError, match="1 missing"):
        registry.load_page_encoder(str(folder), device="cpu")
