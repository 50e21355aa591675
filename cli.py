"""The `docsearch` command line: registers the commands, and turns errors into one line and an exit code."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from . import __version__
from .commands.ask import ask
from .commands.batch import batch
from .commands.compact import compact
from .commands.errors import KEPT, log_to_stderr, reported
from .commands.eval import evaluate
from .commands.export import export
from .commands.facets import facets
from .commands.failed import failed
from .commands.import_vectors import import_vectors
from .commands.index import index
from .commands.info import info
from .commands.interrupts import interruptible
from .commands.mcp import mcp
from .commands.mine import mine
from .commands.models import models
from .commands.query import QueryCommand, query
from .commands.remove import remove
from .commands.serve import serve
from .commands.shard import shard
from .commands.train import train
from .commands.update import update
from .commands.verify import verify
from .commands.watch import watch

HELP = """Visual document retrieval: find the pages of PDFs, scans and slides that answer a question.

Index a folder, then search it:

    docsearch index reports/

    docsearch query "revenue chart 2023"

Exit codes: 0 success; 1 success, but some documents failed; 2 wrong usage or nothing to do; 3 the index is damaged;
130 interrupted (Ctrl-C).
"""


class LogFormat(StrEnum):
    """Values of --log-format."""

    text = "text"
    json = "json"


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
    log_format: Annotated[
        LogFormat,
        typer.Option(
            "--log-format",
            envvar="DOCSEARCH_LOG_FORMAT",
            help="The log's lines: text, or json, which has a line for each request that 'serve' answers, too.",
        ),
    ] = LogFormat.text,
) -> None:
    log_to_stderr(verbose=verbose, as_json=log_format is LogFormat.json)


COMMANDS = (
    index,
    update,
    watch,
    query,
    ask,
    batch,
    serve,
    shard,
    mcp,
    export,
    mine,
    train,
    info,
    facets,
    failed,
    remove,
    verify,
    compact,
    models,
)

for command in COMMANDS:
    app.command(cls=QueryCommand if command is query else None)(command)
app.command("eval")(evaluate)
app.command("import")(import_vectors)


def main() -> None:
    """Run the command line. Errors that a user can act on are shown as one line, without a traceback."""
    with reported():
        app()
