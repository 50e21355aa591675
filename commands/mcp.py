"""`docsearch mcp`: serves indexes to an agent over the Model Context Protocol, and sets that up in its program."""

from __future__ import annotations

import importlib.util
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ..engine.errors import UsageError
from ..engine.install import needs
from .indexes import by_name
from .options import DEFAULT_INDEX, CollectionDirectories, Passwords
from .shard_search import Partial, Replicas, SearchOnRay
from .shard_search import check as check_ray


class Client(StrEnum):
    """Programs with agents that `--install` knows."""

    claude_code = "claude-code"
    claude_desktop = "claude-desktop"
    cursor = "cursor"
    vscode = "vscode"
    codex = "codex"


def mcp(
    indexes: CollectionDirectories = None,
    names: Annotated[
        list[str] | None,
        typer.Option("--name", metavar="NAME", help="Name of an index as a collection, in the order of --index."),
    ] = None,
    allow_index: Annotated[
        list[Path] | None,
        typer.Option(
            "--allow-index",
            metavar="FOLDER",
            help="Let the agent index this folder, and folders in it; nothing outside it, also by links.",
        ),
    ] = None,
    password: Passwords = None,
    ray: SearchOnRay = None,
    replicas: Replicas = 1,
    partial: Partial = False,
    install: Annotated[
        Client | None,
        typer.Option("--install", help="Show the change to this program's settings that starts this server, and ask."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="With --install: do not ask.")] = False,
    show: Annotated[
        bool, typer.Option("--print", help="With --install: print the settings to add, and change nothing.")
    ] = False,
) -> None:
    """Let an agent search an index, by the Model Context Protocol.

    The server talks on stdin and stdout. Its tools are search, read_page (picture and text), facets and list_documents,
    which are read-only; with --allow-index also index_folder. Several --index are collections, by --name or the names
    of their folders. The agent's program starts and stops this command; --install sets it up, or docs/agents.md shows
    how.

    Examples:

        docsearch mcp --index office.index

        docsearch mcp --index office.index --install claude-code

        docsearch mcp --index notes.index --allow-index notes/ --install cursor --yes

        docsearch mcp --index office.shards --ray auto --replicas 2
    """
    directories = indexes or [DEFAULT_INDEX]
    if len(directories) == 1 and names:
        raise UsageError("--name tells several collections apart: give several --index, or leave it out")
    check_ray(directories, ray, replicas, partial=partial)
    collections = {"": directories[0]} if len(directories) == 1 else by_name(directories, names or [])
    if install is not None:
        from .mcp_install import install_in

        if password:
            raise UsageError("--password is not written into settings; leave it out, and add it there yourself")
        on_ray = [] if ray is None else ["--ray", ray, "--replicas", str(replicas), *(["--partial"] if partial else [])]
        install_in(install.value, directories, names or [], allow_index or [], on_ray, yes=yes, show=show)
        return
    if yes or show:
        raise UsageError("--yes and --print belong to --install")
    if importlib.util.find_spec("mcp") is None:
        raise UsageError(needs("'docsearch mcp' needs the Model Context Protocol's SDK", "mcp"))
    from ..server.agents.serving import serve
    from ..server.mended_input import mend_stdin

    mend_stdin()
    opening = None
    if ray is not None:
        from ..cluster.search.opening import OpenOnRay

        opening = OpenOnRay(ray, replicas=replicas, partial=partial)
        opening.connect()
    serve(collections, passwords=tuple(password or ()), allowed_folders=allow_index or [], opening=opening)
