"""Any id on the hub, with a revision, opens as a model; what a model is decides before its weights are downloaded."""

from __future__ import annotations

import fnmatch
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

import tiny_jina
import tiny_sentence_transformers as tiny
from docsearch.engine.errors import UsageError
from docsearch.engine.models import registry


class Hub:
    """Stands in for the hub and its cache: repositories and revisions are folders, downloads are copies."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        self.repositories: dict[tuple[str, str | None], Path] = {}
        self.downloaded: list[str] = []

    def snapshot_download(
        self,
        name: str,
        *,
        revision: str | None = None,
        allow_patterns: Sequence[str],
        local_files_only: bool = False,
    ) -> str:
        to = self.cache / name.replace("/", "--") / (revision or "main").replace("/", "-")
        if local_files_only:
            if not to.is_dir():
                raise LocalEntryNotFoundError("not in the cache")
            return str(to)
        if (name, revision) not in self.repositories:
            raise OSError("404: no such repository\nand more")
        source = self.repositories[name, revision]
        for file in sorted(each for each in source.rglob("*") if each.is_file()):
            path = file.relative_to(source).as_posix()
            if any(fnmatch.fnmatch(path, pattern) for pattern in allow_patterns) and not (to / path).exists():
                (to / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, to / path)
                self.downloaded.append(path)
        return str(to)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    stand_in = Hub(tmp_path / "cache")
    monkeypatch.setattr("huggingface_hub.snapshot_download", stand_in.snapshot_download)
    return stand_in


def test_any_id_on_the_hub_opens_with_the_files_that_it_needs(hub: Hub, tmp_path: Path) -> None:
    model = tiny.write_llava(tmp_path / "model")
    (model / "pytorch_model.bin").write_bytes(b"pickle")
    (model / "modeling.py").write_text("raise SystemExit")
    hub.repositories["some/model", None] = model
    spec = registry.find_spec("some/model")
    assert (spec.name, spec.dim, spec.present) == ("some/model", 32, True)
    assert spec.revision == registry.find_spec(str(model)).revision
    assert {"1_Dense/model.safetensors", "chat_template.jinja", "processor_config.json"} <= set(hub.downloaded)
    assert not {"pytorch_model.bin", "modeling.py"} & set(hub.downloaded)
    hub.downloaded.clear()
    assert registry.load_encoder("some/model", device="cpu").encode_query("a").vectors.shape[1] == 32
    assert not hub.downloaded


def test_a_revision_is_downloaded_and_recorded(hub: Hub, tmp_path: Path) -> None:
    hub.repositories["some/model", None] = tiny.write_stanford(tmp_path / "new")
    hub.repositories["some/model", "refs/pr/2"] = tiny.write_stanford(tmp_path / "old", seed=1)
    newest, asked = registry.find_spec("some/model"), registry.find_spec("some/model@refs/pr/2,dim=16")
    assert asked.name == "some/model@refs/pr/2,dim=16"
    assert (asked.dim, newest.dim) == (16, 64)
    assert asked.revision == registry.find_spec(str(tmp_path / "old")).revision != newest.revision


def test_weights_of_a_model_that_is_refused_are_not_downloaded(hub: Hub, tmp_path: Path) -> None:
    hub.repositories["some/dense", None] = tiny.write_dense_text(tmp_path / "dense")
    with pytest.raises(UsageError, match="one vector per text, without a trained head"):
        registry.find_spec("some/dense")
    assert hub.downloaded
    assert not [file for file in hub.downloaded if file.endswith(".safetensors")]


def test_weights_are_downloaded_where_the_cache_has_the_small_files_only(hub: Hub, tmp_path: Path) -> None:
    model = tiny.write_multi_vector_text(tmp_path / "model")
    hub.repositories["some/model", None] = model
    hub.snapshot_download("some/model", allow_patterns=["*.json", "*/*.json", "model.safetensors"])
    assert registry.find_spec("some/model").dim == 64
    assert "1_Dense/model.safetensors" in hub.downloaded


def test_a_repository_with_a_checkpoint_of_jina_embeddings_v4_opens_as_one(hub: Hub, tmp_path: Path) -> None:
    hub.repositories["some/jina", "v2"] = tiny_jina.write(tmp_path / "jina")
    spec = registry.find_spec("some/jina@v2,task=code")
    assert (spec.name, spec.single_dim) == ("some/jina@v2,task=code", 64)
    assert spec.revision == registry.find_spec(str(tmp_path / "jina")).revision
    assert len(registry.load_encoder("some/jina@v2,task=code", device="cpu").encode_query("def f").single) == 64


def test_an_id_that_is_nowhere_is_reported_with_what_to_do(hub: Hub) -> None:
    with pytest.raises(
        UsageError,
        match=r"some/nothing is not on this machine \(404: no such repository\), and there is no folder.*hf download",
    ):
        registry.find_spec("some/nothing")
    with pytest.raises(UsageError, match=r"model 'nothing' is not known; .* an id on the hub .OWNER/NAME."):
        registry.find_spec("nothing")
