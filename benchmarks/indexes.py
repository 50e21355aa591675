"""Indexes that cases share: built in the cache folder, and reused while documents, model and code are unchanged."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from . import child_process
from .child_process import FinishedCommand
from .report import fingerprint
from .setting import REPOSITORY, Refused, Setting

MAKERS = ("engine/models", "engine/compression", "engine/kernels", "engine/store", "indexer")
"""Code and weights that determine what is in an index."""


def build(
    setting: Setting, name: str, folders: Sequence[Path], options: Sequence[str] = ()
) -> tuple[Path, FinishedCommand]:
    """Index `folders` into a new index and sample memory; returns its directory and the finished command."""
    directory = _directory(setting, name)
    key_file = _key_file(setting, name)
    key_file.unlink(missing_ok=True)
    if directory.exists():
        shutil.rmtree(directory)
    setting.cache.mkdir(parents=True, exist_ok=True)
    ran = child_process.docsearch("index", *folders, "--index", directory, "--json", *options, watched=True)
    if not json.loads(ran.stdout)["pages"]:
        raise Refused(f"{name}: no page was indexed")
    key_file.write_text(json.dumps(_key(folders)) + "\n", "utf-8")
    return directory, ran


def existing(setting: Setting, name: str, folders: Sequence[Path]) -> Path | None:
    """The index of an earlier run, if it is complete and documents, model and code have not changed since."""
    try:
        left = json.loads(_key_file(setting, name).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return _directory(setting, name) if left == _key(folders) else None


def ready(setting: Setting, name: str, folders: Sequence[Path], options: Sequence[str] = ()) -> Path:
    """The index of `folders`, from an earlier run or built now; a name always goes with the same `options`."""
    return existing(setting, name, folders) or build(setting, name, folders, options)[0]


def _key(folders: Sequence[Path]) -> dict[str, object]:
    makers = {part: fingerprint(REPOSITORY / part, ("*.py", "*.c", "*.h", "*.safetensors")) for part in MAKERS}
    documents = {
        str(folder): sorted([str(file.relative_to(folder)), file.stat().st_size] for file in _files(folder))
        for folder in folders
    }
    return {"made_by": makers, "documents": documents}


def _files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts]


def _directory(setting: Setting, name: str) -> Path:
    return setting.cache / f"{name}.index"


def _key_file(setting: Setting, name: str) -> Path:
    return setting.cache / f"{name}.json"
