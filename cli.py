"""The `docsearch` command line: registers the commands, and turns errors into one line and an exit code."""

from __future__ import annotations

import io
import logging
import sys
from typing import Annotated

import typer

from . import __version__
from .commands.batch import batch
from .commands.compact import compact
from .commands.failed import failed
from .commands.index import index
from .commands.info import info
from .commands.mcp import mcp
from .commands.mine import mine
from .commands.models import models
from .commands.output import DAMAGED, INTERRUPTED, WRONG_USE, message
from .commands.query import query
from .commands.remove import remove
from .commands.serve import serve
from .commands.train import train
from .commands.verify import verify
from .engine.errors import DocsearchError, IndexDamaged

HELP = """Visual document retrieval: find the pages of PDFs, scans and slides that answer a question.

Index a folder, then search it:

    docsearch index reports/

    docsearch query "revenue chart 2023"

Exit codes: 0 success; 1 success, but some documents failed; 2 wrong usage or nothing to do; 3 the index is damaged.
"""

app = typer.Typer(
    name="docsearch",
    help=HELP,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(requested: bool) -> None:
    if requested:
        print(f"docsearch {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Write a log to stderr.")] = False,
) -> None:
    level = logging.DEBUG if verbose else logging.ERROR
    logging.basicConfig(level=level, format="%(name)s: %(message)s", stream=sys.stderr)


for command in (index, query, batch, serve, mcp, mine, train, info, failed, remove, verify, compact, models):
    app.command()(command)


def main() -> None:
    """Run the command line. Errors that a user can act on are shown as one line, without a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except IndexDamaged as err:
        message(f"docsearch: {_one_line(err)}")
        sys.exit(DAMAGED)
    except DocsearchError as err:
        message(f"docsearch: {_one_line(err)}")
        sys.exit(WRONG_USE)
    except KeyboardInterrupt:
        message("docsearch: interrupted")
        sys.exit(INTERRUPTED)


def _one_line(err: DocsearchError) -> str:
    return " ".join(str(err).split())
