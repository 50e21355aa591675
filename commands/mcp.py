"""`docsearch mcp`: serves an index to an agent over the Model Context Protocol."""

from __future__ import annotations

import importlib.util

from ..engine.errors import UsageError
from ..engine.install import needs
from .options import DEFAULT_INDEX, IndexDirectory, Passwords


def mcp(
    index: IndexDirectory = DEFAULT_INDEX,
    password: Passwords = None,
) -> None:
    """Let an agent search the index, by the Model Context Protocol.

    The server talks on stdin and stdout. Its tools are search, read_page (image and text) and list_documents; all are
    read-only. The agent's program starts and stops this command; docs/agents.md shows how to configure it.

    Examples:

        docsearch mcp --index office.index
    """
    if importlib.util.find_spec("mcp") is None:
        raise UsageError(needs("'docsearch mcp' needs the Model Context Protocol's SDK", "mcp"))
    from ..server.mcp import serve
    from ..server.mended_input import mend_stdin

    mend_stdin()
    serve(index, passwords=tuple(password or ()))
