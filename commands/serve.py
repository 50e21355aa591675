"""`docsearch serve`: runs the web page and the HTTP API of an index."""

from __future__ import annotations

import importlib.util
import sys
import threading
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from ..engine.errors import UsageError
from ..engine.install import needs
from .indexing import default_workers, run_and_report
from .options import DEFAULT_INDEX, Device, IndexDirectory, Passwords, ScoringDevice
from .output import SOME_FAILED, message

REQUIRED_PACKAGES = ("fastapi", "prometheus_client", "uvicorn")
DEFAULT_PORT = 8750
UPLOAD_MAX_MB = 200


def serve(
    index: IndexDirectory = DEFAULT_INDEX,
    host: Annotated[
        str, typer.Option(help="Address to listen on. The default is reachable from this machine only.")
    ] = ("127.0.0.1"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")] = DEFAULT_PORT,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="DOCSEARCH_TOKEN", help="Token that clients must send; required if other machines can connect."
        ),
    ] = None,
    password: Passwords = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="Refuse uploads and removals.")] = False,
    upload_max_mb: Annotated[int, typer.Option(min=1, help="Maximum size of an upload in MB.")] = UPLOAD_MAX_MB,
    device: ScoringDevice = Device.auto,
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep the index up to date with its folders, as 'docsearch watch' does.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="With --watch: remove documents that are no longer on disk.")
    ] = False,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in this machine's browser.")] = False,
) -> None:
    """Serve a web page and an HTTP API.

    Both search, show pages with their heat maps, list documents and take uploads. New commits of 'docsearch index' are
    picked up while the server runs. Ctrl-C finishes accepted requests, then exits. The API is described at
    /openapi.json.

    Examples:

        docsearch serve --open

        docsearch serve --watch

        docsearch serve --read-only

        docsearch serve --index office.index --host 0.0.0.0 --token "$(openssl rand -hex 16)"
    """
    missing = [name for name in REQUIRED_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(needs(f"'docsearch serve' needs {', '.join(missing)}", "server"))
    index = with_an_index(index)
    from ..server.app import serve as run
    from ..server.settings import ServerSettings

    settings = ServerSettings(
        index,
        host,
        port,
        token or None,
        tuple(password or ()),
        read_only=read_only,
        upload_max_mb=upload_max_mb,
        device=device.value,
        watch=watch,
        prune=prune,
    )

    def on_listening(address: str) -> None:
        message(f"docsearch: {index} answers at {address} (Ctrl-C ends)")
        if open_page:
            # Some browsers block the caller until they are closed.
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    run(settings, on_listening)


def with_an_index(index: Path) -> Path:
    """The index to serve; where there is none, a terminal is asked what to make one of.

    Elsewhere the error of opening it says which command makes one.
    """
    from ..engine.store import catalog

    if catalog.exists(index) or not is_terminal():
        return index
    from ..indexer.pipeline import index_documents

    message(f"there is no index in {index}")
    source = typer.prompt("Folder or file to index (Ctrl-C ends)", default=str(Path.cwd()), err=True)
    try:
        run_and_report(
            lambda on_progress: index_documents(
                [Path(source).expanduser()], index, workers=default_workers(), on_progress=on_progress
            ),
            index,
            known_failures=None,
            accepted=frozenset(),
            as_json=False,
            quiet=False,
        )
    except typer.Exit as ended:
        if ended.exit_code != SOME_FAILED:
            raise
    return index


def is_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()
