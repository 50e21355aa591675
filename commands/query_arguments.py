"""The arguments of `docsearch query`, and which of them go together."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from ..engine.errors import UsageError
from .defaults import DEFAULT_HITS, DEFAULT_INDEX
from .reranking import check_rerank_hits

HEATMAP_SUFFIXES = (".png", ".jpg", ".jpeg", "")


@dataclass(frozen=True, slots=True)
class QueryArguments:
    """The arguments of `docsearch query`, as its help describes them."""

    words: tuple[str, ...] = ()
    index: Path = DEFAULT_INDEX
    k: int = DEFAULT_HITS
    candidates: int | None = None
    device: str = "auto"
    exact: bool = False
    path: str | None = None
    image: Path | None = None
    as_json: bool = False
    heatmap: Path | None = None
    save_pages: Path | None = None
    server: str | None = None
    all_copies: bool = False
    mode: str | None = None
    rerank: str | None = None
    rerank_hits: int | None = None
    where: str | None = None
    other_indexes: tuple[Path, ...] = ()
    output: str = "table"
    snippets: bool | None = None
    group_by: str | None = None
    open_rank: int | None = None
    explain: bool = False
    like: str | None = None
    task: str | None = None
    ray: str | None = None
    replicas: int = 1
    partial: bool = False
    passwords: tuple[str, ...] = ()

    @property
    def indexes(self) -> tuple[Path, ...]:
        """The folders of all indexes that are searched."""
        return (self.index, *self.other_indexes)

    @property
    def format(self) -> str:
        """The format of the answer: --json is short for one."""
        return "json" if self.as_json else self.output

    @property
    def hits_wanted(self) -> int:
        """How many pages to ask for."""
        from .hit_output import hits_wanted

        return self.k if self.group_by is None else hits_wanted(self.k)

    @property
    def has_details(self) -> bool:
        """Whether snippets and titles are shown: in a terminal, and in formats that have room for them, unless not."""
        if self.snippets is not None:
            return self.snippets
        return self.format in ("json", "csv") or (self.format == "table" and sys.stdout.isatty())


def check(asked: QueryArguments, text: str) -> None:
    """Raise UsageError for arguments that are out of range, or have no place beside others."""
    if asked.like is not None:
        _check_like(asked, text)
    elif not text and asked.image is None:
        raise UsageError('the question is empty; ask for something, like: docsearch query "revenue chart 2023"')
    if asked.explain and (not text or asked.image is not None):
        raise UsageError("--explain tells which words matched: ask with words, and without --image")
    if asked.explain and asked.rerank is not None:
        raise UsageError("--explain tells what scores of search are made of; leave --rerank out")
    if asked.format in ("paths", "csv") and asked.explain:
        raise UsageError(f"--explain has no place in --format {asked.format}; use table or json, or leave it out")
    if asked.format == "paths" and asked.snippets:
        raise UsageError("--snippets has no place in --format paths, which prints files only; leave one of them out")
    if asked.rerank is not None and not asked.rerank.strip():
        raise UsageError("--rerank is empty; name a cross-encoder: an id on the hub (OWNER/NAME) or a folder")
    check_candidates(asked.candidates, exact=asked.exact)
    check_rerank_hits(asked.rerank, asked.rerank_hits)
    _check_outputs(asked)


def _check_like(asked: QueryArguments, text: str) -> None:
    """Raise UsageError for what cannot be asked together with --like."""
    given = {
        "a question": bool(text),
        "--image": asked.image is not None,
        "--mode": asked.mode is not None,
        "--rerank": asked.rerank is not None,
        "--explain": asked.explain,
        "--heatmap": asked.heatmap is not None,
        "several --index": bool(asked.other_indexes),
    }
    if wrong := [name for name, is_given in given.items() if is_given]:
        raise UsageError(f"--like searches by the page that it names; leave {wrong[0]} out")


def check_candidates(candidates: int | None, *, exact: bool) -> None:
    """Raise UsageError where --candidates is given for a search that scores every page."""
    if exact and candidates is not None:
        raise UsageError("--exact scores every page, so --candidates has no effect; leave one of them out")


def _check_outputs(asked: QueryArguments) -> None:
    """Raise UsageError for a place where pictures may not be written."""
    if asked.heatmap is None and asked.save_pages is None:
        return
    from .output_files import check_file, check_folder

    if asked.heatmap is not None:
        inputs = [asked.image] if asked.image else []
        for index in asked.indexes:
            check_file(asked.heatmap, HEATMAP_SUFFIXES, index, what="heat map", inputs=inputs)
    if asked.save_pages is not None:
        for index in asked.indexes:
            check_folder(asked.save_pages, index)
