"""Defaults of the commands, in a module that imports nothing slow."""

from __future__ import annotations

from pathlib import Path

DEFAULT_INDEX = Path(".docsearch")
RERANKED_HITS = 20
"""Hits that `--rerank` reads."""
DEFAULT_HITS = 10
