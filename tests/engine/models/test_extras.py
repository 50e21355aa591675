"""Models other than the default need an extra; without it the default path works, and errors say what to install."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tiny_jina
import tiny_late
from docsearch.engine.errors import UsageError
from docsearch.engine.models import extras, hub, multivector, registry
from docsearch.engine.models.jina_v4 import spec as jina_v4
from docsearch.engine.models.registry import PACKAGES, Family
from docsearch.training.finetune import run

INSTALL = r'in a clone of docsearch: pip install -e "\.\[models\]"'
EXTRA = sorted({package for packages in PACKAGES.values() for package in packages})


@pytest.fixture(scope="module")
def jina(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_jina.write(tmp_path_factory.mktemp("models") / "jina")


@pytest.fixture(scope="module")
def colqwen2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_late.write_colqwen2(tmp_path_factory.mktemp("models") / "colqwen2")


def without_extra(code: str, *arguments: str | Path, folder: Path, but: str = "") -> subprocess.CompletedProcess[str]:
    """Run Python `code` in a process that cannot import any package of the extra, with sys.argv[1:] = `arguments`.

    It can import the package `but`.
    """
    hide = f"import sys; sys.modules |= dict.fromkeys({sorted({*EXTRA} - {but})})\n"
    return subprocess.run(
        [sys.executable, "-c", hide + code, *map(str, arguments)],
        env={**os.environ, "HF_HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )


COMMAND = "from docsearch.cli import main; main()"


@pytest.mark.parametrize("package", PACKAGES[Family.JINA_V4])
def test_jina_embeddings_v4_names_the_package_that_is_missing(
    package: str, jina: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    expected = f"the model {jina} needs {package.replace('_', '-')}; {INSTALL}"
    for open_model in (registry.load_encoder, registry.load_page_encoder, registry.load_query_encoder):
        with pytest.raises(UsageError, match=expected):
            open_model(str(jina))
    with pytest.raises(UsageError, match=expected):
        run.trainable(str(jina))


@pytest.mark.parametrize("package", PACKAGES[Family.MULTI_VECTOR])
def test_late_interaction_models_name_the_package_that_is_missing(
    package: str, colqwen2: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UsageError, match=f"the model {colqwen2} needs {package.replace('_', '-')}; {INSTALL}"):
        registry.load_encoder(str(colqwen2))


def test_all_missing_packages_are_named_at_once(jina: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in EXTRA:
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(
        UsageError, match=f"needs accelerate, huggingface-hub, peft, tokenizers, torch, transformers; {INSTALL}"
    ):
        registry.find_spec(str(jina))


@pytest.mark.parametrize("name", [jina_v4.HUB_NAME, f"{jina_v4.HUB_NAME},tokens=vision", multivector.PUBLISHED[0].name])
def test_nothing_is_downloaded_for_a_model_that_cannot_run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    monkeypatch.setattr(hub, "find_folder", lambda *_, **__: pytest.fail("looked for the model's files"))
    with pytest.raises(UsageError, match=f"the model {name} needs transformers"):
        registry.find_spec(name)


def test_a_missing_folder_that_reads_like_an_id_of_the_hub_is_reported_as_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=rf"no folder missing/folder; .*huggingface-hub is missing; {INSTALL}"):
        registry.find_spec("missing/folder")


def test_a_missing_folder_is_reported_before_missing_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(UsageError, match="no such folder"):
        registry.find_spec(str(tmp_path / "nothing"))


def test_installed_packages_are_not_reported() -> None:
    extras.require(["numpy", "json"], "some model")


@pytest.mark.parametrize("command", ["index", "train"])
def test_commands_exit_with_the_sentence_and_no_traceback(command: str, jina: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("{}\n", "utf-8")
    arguments = {"index": ["index", tmp_path, "--model", jina], "train": ["train", jina, "rows.jsonl", "--out", "out"]}
    done = without_extra(COMMAND, *arguments[command], folder=tmp_path)
    assert done.returncode == 2, done.stderr
    assert 'pip install -e ".[models]"' in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_models_are_listed_without_the_extra(tmp_path: Path) -> None:
    done = without_extra(COMMAND, "models", "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    present = {row["name"]: row["present"] for row in map(json.loads, done.stdout.splitlines())}
    assert present == {"pixel": True, jina_v4.HUB_NAME: False, **{spec.name: False for spec in multivector.PUBLISHED}}


def test_the_default_model_indexes_and_searches_without_the_extra(sample_docs: Path, tmp_path: Path) -> None:
    (tmp_path / "queries.txt").write_text("invoice total\n", "utf-8")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/invoice.pdf").write_bytes((sample_docs / "invoice-20418.pdf").read_bytes())
    for arguments in (
        ["index", "docs", "--index", "index", "--quiet"],
        ["query", "invoice total", "--index", "index", "--json"],
        ["batch", "queries.txt", "-o", "out.jsonl", "--index", "index"],
    ):
        done = without_extra(COMMAND, *arguments, folder=tmp_path)
        assert done.returncode == 0, done.stderr
    (answer,) = (json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines())
    assert answer["hits"][0]["path"] == "invoice.pdf"


def test_the_server_and_the_training_of_the_default_model_import_nothing_else_of_the_extra(tmp_path: Path) -> None:
    code = (
        "import docsearch.server.app, docsearch.server.service, docsearch.training.finetune.run\n"
        "from docsearch.training.finetune.pixel import PixelTrainee\n"
        "print(PixelTrainee(None, device='cpu').spec.name)"
    )
    done = without_extra(code, folder=tmp_path, but="torch")  # it is also in the extra `train`
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "pixel"
