"""Finds the tables of a dataset folder: by `configs` in the front matter of its card, README.md, else by folders.

Hugging Face lays a dataset out as `<config>/<split>-00000-of-00001.parquet`; where a repository does otherwise, its
card lists the files of each configuration.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from ...engine.errors import UsageError
from ...engine.install import needs

SPLIT = re.compile(r"(?P<split>[\w.]+?)(?:-\d+-of-(?P<count>\d+)(?:-\w+)?)?\.parquet")
FRONT_MATTER = re.compile(r"\A\ufeff?---\r?\n(.*?)\r?\n---\s*$", re.DOTALL | re.MULTILINE)
PREFERRED_SPLIT = "test"

Tables = Mapping[str, Mapping[str, tuple[Path, ...]]]
"""Configuration -> split -> its Parquet files, in name order."""


def find_tables(folder: Path) -> Tables:
    """The Parquet files of a dataset by configuration and split: as the card lists them, the others by their folders.

    Raises UsageError where the card cannot be read, or names files outside the folder.
    """
    return {**_by_folder(folder), **_by_card(folder)}


def split_files(tables: Tables, config: str, split: str, folder: Path) -> tuple[Path, ...]:
    """The files of a split of a configuration; of the only split where the one asked for is missing.

    Raises UsageError where several others are there, or some of the files of the split are missing.
    """
    splits = tables[config]
    role = config.rpartition("/")[2].rpartition("-")[2]  # HF BEIR names the splits of corpus and queries after these
    found = splits.get(split) or splits.get(role) or (next(iter(splits.values())) if len(splits) == 1 else None)
    if found is None:
        raise UsageError(f"{folder}: '{config}' has no split '{split}'; it has {', '.join(sorted(splits))}")
    counts = [int(match["count"]) for file in found if (match := SPLIT.fullmatch(file.name)) and match["count"]]
    if counts and len(found) != max(counts):
        raise UsageError(
            f"{folder}: '{config}' has {len(found)} of {max(counts)} files of '{split}'; the download is incomplete"
        )
    return found


def _by_folder(folder: Path) -> dict[str, dict[str, tuple[Path, ...]]]:
    found: dict[str, dict[str, list[Path]]] = {}
    for file in sorted(folder.rglob("*.parquet")):
        parts = file.relative_to(folder).parts
        if any(part.startswith(".") for part in parts) or (match := SPLIT.fullmatch(file.name)) is None:
            continue
        config = "/".join(parts[:-1])
        config = "default" if config in ("", "data") else config
        found.setdefault(config, {}).setdefault(match["split"], []).append(file)
    return {config: {split: tuple(files) for split, files in splits.items()} for config, splits in found.items()}


def _by_card(folder: Path) -> dict[str, dict[str, tuple[Path, ...]]]:
    card = folder / "README.md"
    found: dict[str, dict[str, tuple[Path, ...]]] = {}
    for config in _configs(card):
        name = str(config.get("config_name", "default"))
        base = str(config.get("data_dir") or "")
        splits: dict[str, tuple[Path, ...]] = {}
        for split, pattern in _data_files(config.get("data_files", "*.parquet" if base else None)):
            files = _matching(folder, base, pattern, card)
            parquet = [file for file in files if file.suffix == ".parquet"]
            for file in parquet:
                match = SPLIT.fullmatch(file.name)
                its_split = split or (match["split"] if match else PREFERRED_SPLIT)
                splits[its_split] = (*splits.get(its_split, ()), file)
        if splits:
            found[name] = splits
    return found


def _configs(card: Path) -> list[dict[str, Any]]:
    """The `configs` of a card; [] without a card, front matter or configurations."""
    try:
        text = card.read_text("utf-8", errors="replace")
    except FileNotFoundError:
        return []
    except OSError as err:
        raise UsageError(f"{card}: cannot be read: {err.strerror or err}") from err
    if (match := FRONT_MATTER.search(text)) is None:
        return []
    try:
        import yaml
    except ImportError as err:
        raise UsageError(needs("cards of datasets need PyYAML", "datasets")) from err
    try:
        front = yaml.safe_load(match[1])
    except (yaml.YAMLError, ValueError, RecursionError) as err:  # ValueError: a date such as 2024-99-99
        raise UsageError(f"{card}: the front matter is not YAML: {str(err).partition(chr(10))[0]}") from err
    configs = front.get("configs") if isinstance(front, dict) else None
    if configs is None:
        return []
    if not isinstance(configs, list) or not all(isinstance(each, dict) for each in configs):
        raise UsageError(f"{card}: 'configs' in the front matter is not a list of configurations")
    return configs


def _data_files(given: Any) -> Iterator[tuple[str, str]]:
    """Split and glob of each entry of `data_files`; the split is "" where only the file's name tells it."""
    entries = given if isinstance(given, list) else [given]
    for entry in entries:
        if isinstance(entry, str):
            yield "", entry
        elif isinstance(entry, dict) and "path" in entry:
            paths = entry["path"] if isinstance(entry["path"], list) else [entry["path"]]
            for path in paths:
                yield str(entry.get("split", "")), str(path)
        elif isinstance(entry, dict):
            for split, paths in entry.items():
                for path in paths if isinstance(paths, list) else [paths]:
                    yield str(split), str(path)


def _matching(folder: Path, base: str, pattern: str, card: Path) -> list[Path]:
    """The files of a pattern of a card, sorted. Raises UsageError where it leads out of the folder."""
    path = PurePosixPath(base, pattern)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in str(path) or ":" in str(path):
        raise UsageError(f"{card}: {path} is not a path inside the dataset")
    try:
        return sorted(file for file in folder.glob(str(path)) if file.is_file())
    except ValueError as err:  # "a**", a null character
        raise UsageError(f"{card}: {path} is not a pattern of files: {err}") from err
