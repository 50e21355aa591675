"""Formats benchmark results: as tables, or as JSON lines with command, commit, processor and versions."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

from . import processor
from .setting import REPOSITORY, Row

LIBRARIES = ("numpy", "torch", "faiss-cpu", "pymupdf", "threadpoolctl")
WEIGHTS = REPOSITORY / "engine/models"


def as_json(case: str, row: Row, command: str) -> str:
    """A row as one JSON object with its `case`, the `command`, `commit`, `machine` and `versions`."""
    whole = {
        "case": case,
        **row,
        "command": command,
        "commit": commit(),
        "machine": machine(),
        "versions": versions(),
    }
    return json.dumps(whole, ensure_ascii=False)


def as_table(rows: list[Row]) -> str:
    """A table with one column for each key of the rows; numbers are aligned right."""
    rows = [line for row in rows for line in _with_peers(row)]
    heads = list(dict.fromkeys(name for row in rows for name in row))
    cells = [heads] + [[_cell(row.get(head)) for head in heads] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(heads))]
    left = [any(isinstance(row.get(head), str) for row in rows) for head in heads]
    return "\n".join(_line(line, widths, left) for line in cells)


def _with_peers(row: Row) -> list[Row]:
    """A row and, if it has peers, a line for each below it, with its time as a multiple of ours."""
    peers = row.get("peers")
    if not isinstance(peers, dict):
        return [row]
    ours = row["ours_ms"]
    assert isinstance(ours, int | float)
    lines: list[Row] = [
        {"what": f"  {name}", "ours_ms": ms, "times_ours": round(ms / ours, 2)} for name, ms in peers.items()
    ]
    return [{name: value for name, value in row.items() if name != "peers"}, *lines]


def where() -> str:
    """Commit, machine and versions on one line, for the head of the tables."""
    here, libraries = machine(), ", ".join(f"{name} {version}" for name, version in versions().items())
    size = f"{here['cores']} cores, {here['memory_gb']} GB, load {here['load_1min']}"
    size += f", model in {here['arithmetic']}, kernels in {here['kernels']}"
    return f"commit {commit()} · {here['cpu']}, {size} · {libraries}"


@cache
def commit() -> str | None:
    """The commit that was measured, with "+changes" if the working tree differs; None outside a repository.

    Saved results do not count as changes.
    """
    try:
        name = _git("rev-parse", "--short=12", "HEAD")
        return name + ("+changes" if _git("status", "--porcelain", "--", ".", ":!benchmarks/results") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


@cache
def machine() -> dict[str, str | int | float]:
    """The processor and its instruction sets, the threads this process may use (`cores`), memory, the load of the last
    minute at the start; what the embedded model computes in (`arithmetic`), and what kernels are compiled for.
    """
    from docsearch.engine import threads
    from docsearch.engine.kernels.native.library import description
    from docsearch.engine.models.pixel.inference import choose_arithmetic

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cpu": processor.name(),
        "features": processor.features(),
        "cores": threads.available(),
        "memory_gb": round(memory, 1),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "load_1min": round(os.getloadavg()[0], 2),
        "arithmetic": choose_arithmetic(has_ranges=True),
        "kernels": description(),
    }


@cache
def versions() -> dict[str, str]:
    """Versions of Python, docsearch and the libraries it depends on most, and a hash of the weights."""
    import docsearch

    found = {"python": platform.python_version()}
    found["docsearch"] = docsearch.__version__
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "none"
    found["weights"] = fingerprint(WEIGHTS, ("*.safetensors",))
    return found


def fingerprint(folder: Path, patterns: tuple[str, ...]) -> str:
    """The first twelve hex digits of the SHA-256 over all matching files below `folder`; "none" if there are none."""
    files = sorted(file for pattern in patterns for file in folder.rglob(pattern))
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.relative_to(folder).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:12] if files else "none"


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(REPOSITORY), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _line(cells: list[str], widths: list[int], left: list[bool]) -> str:
    aligned = [c.ljust(w) if to_left else c.rjust(w) for c, w, to_left in zip(cells, widths, left, strict=True)]
    return "  ".join(aligned).rstrip()


def _cell(value: str | int | float | dict[str, float] | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        small = 0 < abs(value) < 0.01
        return f"{value:.1e}" if small else f"{value:,.3f}" if abs(value) < 100 else f"{value:,.0f}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)
