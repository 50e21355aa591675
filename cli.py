"""The `docsearch` command: puts the commands together and turns errors into one line and an exit code."""

from __future__ import annotations

import io
import logging
import sys
from typing import Annotated

import typer

from . import __version__
from .commands.batch import batch
from .commands.index import index
from .commands.mcp import mcp
from .commands.mine import mine
from .commands.options import note
from .commands.query import query
from .commands.serve import serve
from .commands.train import train
from .commands.upkeep import compact, failed, info, models, remove, verify
from .engine.errors import DocsearchError, IndexDamaged

WRONG_USE = 2
DAMAGED = 3
INTERRUPTED = 130
"""128 + SIGINT, as shells count."""

HELP = """Find the page that answers a question, by looking at pages.

Index a folder of PDFs and images, then ask:

    docsearch index reports/

    docsearch query "revenue chart 2023"

Exit codes: 0 done; 1 done, but some documents failed; 2 wrong use or nothing to do; 3 the index is damaged.
"""

app = typer.Typer(
    name="docsearch",
    help=HELP,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"docsearch {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens, on stderr.")] = False,
) -> None:
    level = logging.DEBUG if verbose else logging.ERROR
    logging.basicConfig(level=level, format="%(name)s: %(message)s", stream=sys.stderr)


for command in (index, query, batch, serve, mcp, mine, train, info, failed, remove, verify, compact, models):
    app.command()(command)


def main() -> None:
    """Run the command line; never shows a traceback for an error that a user can do something about."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except IndexDamaged as err:
        note(f"docsearch: {_one_line(err)}")
        sys.exit(DAMAGED)
    except DocsearchError as err:
        note(f"docsearch: {_one_line(err)}")
        sys.exit(WRONG_USE)
    except KeyboardInterrupt:
        note("docsearch: interrupted")
        sys.exit(INTERRUPTED)


def _one_line(err: DocsearchError) -> str:
    return " ".join(str(err).split())
