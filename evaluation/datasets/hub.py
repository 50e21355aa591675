"""Downloads benchmarks from the Hugging Face hub, or finds them in its cache."""

from __future__ import annotations

import re
from pathlib import Path

from ...engine.errors import UsageError
from ...engine.install import needs

REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
PATTERNS = ("README.md", "*.parquet", "**/*.parquet", "*.jsonl", "qrels/*.tsv", "images/*", "documents/*.pdf")
LEFT_OUT = ("MMDocIR_layouts.parquet", "pdfs/*", "doc_miscellaneous/*")
"""Gigabytes that no reader needs."""


def is_repository(name: str) -> bool:
    """Whether a name has the form of a repository of the hub, "owner/name"."""
    return REPOSITORY.fullmatch(name) is not None


def download(repository: str) -> Path:
    """The folder with the files of a dataset, in the hub's cache; files that are there are not loaded again.

    Raises UsageError where huggingface_hub is missing, or the dataset cannot be downloaded.
    """
    try:
        from huggingface_hub import snapshot_download
    except ImportError as err:
        raise UsageError(needs("benchmarks by name need huggingface_hub", "datasets")) from err
    try:
        return Path(
            snapshot_download(
                repository, repo_type="dataset", allow_patterns=list(PATTERNS), ignore_patterns=list(LEFT_OUT)
            )
        )
    except Exception as err:  # of the hub, of HTTP or of the system: they all mean the same here
        reason = str(err).partition("\n")[0]
        raise UsageError(
            f"the benchmark {repository} is not on this machine and cannot be downloaded ({reason}); on a machine with "
            f"network access run 'hf download {repository} --repo-type dataset --local-dir FOLDER', then use "
            "--dataset FOLDER"
        ) from err
