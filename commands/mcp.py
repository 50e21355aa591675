"""`docsearch mcp`: an index in, tools for an agent on stdin and stdout out."""

from __future__ import annotations

import importlib.util
from typing import Annotated

import typer

from ..engine.errors import UsageError
from .options import DEFAULT_INDEX, IndexDirectory


def mcp(
    index: IndexDirectory = DEFAULT_INDEX,
    password: Annotated[
        list[str] | None, typer.Option(help="Password to try on encrypted files; may be given several times.")
    ] = None,
) -> None:
    """Let an agent search: the Model Context Protocol on stdin and stdout.

    The tools are search, read_page (picture and text) and list_documents; they only read. The agent's program starts
    this command and ends it. docs/agents.md has its configuration.

    Examples:

        docsearch mcp --index office.index
    """
    if importlib.util.find_spec("mcp") is None:
        raise UsageError("'docsearch mcp' needs the Model Context Protocol's SDK: pip install 'docsearch[mcp]'")
    from ..server.mcp import serve

    serve(index, passwords=tuple(password or ()))
