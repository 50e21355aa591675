"""The `docsearch` command line: registers the commands, and turns errors into one line and an exit code."""

from __future__ import annotations

import io
import logging
import sys
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from . import __version__
from .commands.batch import batch
from .commands.compact import compact
from .commands.failed import failed
from .commands.index import index
from .commands.info import info
from .commands.interrupts import came_from_interrupt, interruptible
from .commands.mcp import mcp
from .commands.mine import mine
from .commands.models import models
from .commands.output import DAMAGED, WRONG_USE, PrintableFormatter, message
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

Exit codes: 0 success; 1 success, but some documents failed; 2 wrong usage or nothing to do; 3 the index is damaged;
130 interrupted (Ctrl-C).
"""

KEPT = "the index holds everything that was committed"


class Commands(TyperGroup):
    """The commands; Ctrl-C in any of them prints one line. Those that write something say themselves what is kept."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        with interruptible(lambda: KEPT):
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        with interruptible(lambda: KEPT):
            return super().invoke(ctx)


app = typer.Typer(
    cls=Commands,
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
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PrintableFormatter("%(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])


for command in (index, query, batch, serve, mcp, mine, train, info, failed, remove, verify, compact, models):
    app.command()(command)


def main() -> None:
    """Run the command line. Errors that a user can act on are shown as one line, without a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    with interruptible(lambda: KEPT):
        try:
            app()
        except IndexDamaged as err:
            _end(err, DAMAGED)
        except DocsearchError as err:
            _end(err, WRONG_USE)
        except OSError as err:
            _end(err, WRONG_USE)


def _end(err: DocsearchError | OSError, code: int) -> NoReturn:
    if came_from_interrupt(err):
        raise err
    message(f"docsearch: {_one_line(err)}")
    sys.exit(code)


def _one_line(err: DocsearchError | OSError) -> str:
    return " ".join(str(err).split())
