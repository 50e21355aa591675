"""`docsearch update`: brings an index up to date with the folders that it was made from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .index_report import accepted_failures
from .indexing import default_workers, run_and_report
from .options import (
    DEFAULT_INDEX,
    AsJson,
    IndexDirectory,
    KnownFailures,
    ModelDevice,
    Passwords,
    Prune,
    Quiet,
    Rehash,
    Workers,
)


def update(
    index: IndexDirectory = DEFAULT_INDEX,
    prune: Prune = False,
    rehash: Rehash = False,
    forget: Annotated[
        list[Path] | None,
        typer.Option(
            "--forget",
            metavar="PATH",
            help="No longer read this folder or file; with --prune its documents are removed. Can be given several "
            "times.",
        ),
    ] = None,
    known_failures: KnownFailures = None,
    password: Passwords = None,
    device: ModelDevice = "auto",
    workers: Workers = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Bring an index up to date with the folders it was made from.

    Reads the folders and files that 'docsearch index' was given, with the same model and --exclude; passwords are not
    recorded. Moved and renamed documents keep their ids. --prune never removes documents of a folder that cannot be
    reached or is empty, as one on a disk that is not mounted.

    Examples:

        docsearch update

        docsearch update --index office.index --prune --quiet

        docsearch update --forget old-reports/ --prune
    """
    from ..indexer.update import update_index

    run_and_report(
        lambda on_progress: update_index(
            index,
            prune=prune,
            rehash=rehash,
            forget=forget or (),
            passwords=tuple(password or ()),
            device=device,
            workers=workers or default_workers(index),
            on_progress=on_progress,
        ),
        index,
        known_failures=known_failures,
        accepted=accepted_failures(known_failures),
        as_json=as_json,
        quiet=quiet,
    )
