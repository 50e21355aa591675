"""Defaults of the commands, in a module that imports nothing slow."""

from __future__ import annotations

from pathlib import Path

DEFAULT_INDEX = Path(".docsearch")
DEFAULT_HITS = 10
