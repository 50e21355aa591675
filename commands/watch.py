"""`docsearch watch`: keeps an index up to date with its folders while they change."""

from __future__ import annotations

import threading
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from .index_report import list_failures, summary
from .indexing import default_workers
from .options import (
    DEFAULT_INDEX,
    AsJson,
    IndexDirectory,
    ModelDevice,
    Passwords,
    Prune,
    Quiet,
    Workers,
)
from .output import INTERRUPTED, message, plural, print_json

if TYPE_CHECKING:
    from ..indexer.report import IndexReport


def watch(
    index: IndexDirectory = DEFAULT_INDEX,
    prune: Prune = False,
    password: Passwords = None,
    device: ModelDevice = "auto",
    workers: Workers = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Keep an index up to date with its folders, until Ctrl-C.

    First does what 'docsearch update' does, then waits for changes. A file is read once it has not changed for a
    second. A folder that cannot be reached, as on a disk that is not mounted, is waited for; its documents stay. One
    process at a time watches an index; others may search it and write to it. Prints a line, or a JSON report, for each
    update that changed something. Needs the extra watch.

    Examples:

        docsearch watch

        docsearch watch --index office.index --prune --json
    """
    from ..engine.models.registry import load_page_encoder
    from ..indexer import update
    from ..indexer.watch import Watcher, WatchLock, check_installed

    check_installed()
    record = update.recorded(index)
    with ExitStack() as held:
        held.callback(WatchLock(index).release)
        encoder = load_page_encoder(record.model, device=device)
        watcher = Watcher(index, threading.Event(), lambda trouble: message(trouble) if trouble else None)

        def apply(within: Collection[Path] | None) -> None:
            report = update.update_index(
                index,
                prune=prune,
                passwords=tuple(password or ()),
                workers=workers or default_workers(index),
                encoder=encoder,
                find=partial(watcher.find, within=within),
            )
            _print(report, as_json=as_json, quiet=quiet)

        if not quiet:
            message(f"watching {plural(len(record.sources), 'source')} (Ctrl-C ends)")
        try:
            watcher.run(apply)
        except KeyboardInterrupt:
            message("docsearch: interrupted; finished pages are saved, and 'docsearch update' finds what is left")
            raise typer.Exit(INTERRUPTED) from None


def _print(report: IndexReport, *, as_json: bool, quiet: bool) -> None:
    """Print what an update did, if it did anything."""
    if not (report.documents or report.moved or report.removed or report.new_failures):
        return
    if as_json:
        print_json(asdict(report))
    elif not quiet:
        print(summary(report, report.new_failures), flush=True)
        list_failures(report.new_failures)
