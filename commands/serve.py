"""`docsearch serve`: an index in, a web page and an HTTP API out, until it is told to end."""

from __future__ import annotations

import importlib.util
import threading
import webbrowser
from typing import Annotated

import typer

from ..engine.errors import UsageError
from .options import DEFAULT_INDEX, Device, IndexDirectory, ScoringDevice, note

NEEDED = ("fastapi", "prometheus_client", "uvicorn")
DEFAULT_PORT = 8750
UPLOAD_MAX_MB = 200


def serve(
    index: IndexDirectory = DEFAULT_INDEX,
    host: Annotated[str, typer.Option(help="Address to listen at; by default only this machine reaches it.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at; 0 takes a free one.")] = DEFAULT_PORT,
    token: Annotated[
        str | None,
        typer.Option(envvar="DOCSEARCH_TOKEN", help="What clients have to send; needed where others reach the host."),
    ] = None,
    password: Annotated[
        list[str] | None, typer.Option(help="Password to try on encrypted files; may be given several times.")
    ] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="Take no uploads, and remove nothing.")] = False,
    upload_max_mb: Annotated[int, typer.Option(min=1, help="The largest file that may be uploaded, in MB.")] = (
        UPLOAD_MAX_MB
    ),
    device: ScoringDevice = Device.auto,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in the browser of this machine.")] = False,
) -> None:
    """Answer questions in the browser and over HTTP: search, documents, pictures of pages, heat maps; take uploads, and
    index them.

    Commits of 'docsearch index' are seen while it runs. Ctrl-C finishes what was asked, and ends. The API describes
    itself at /openapi.json.

    Examples:

        docsearch serve --open

        docsearch serve --read-only

        docsearch serve --index office.index --host 0.0.0.0 --token "$(openssl rand -hex 16)"
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"'docsearch serve' needs {', '.join(missing)}: pip install 'docsearch[server]'")
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
    )

    def on_listening(address: str) -> None:
        note(f"docsearch: {index} answers at {address} (Ctrl-C ends)")
        if open_page:
            # Some browsers keep their caller waiting until they are closed.
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    run(settings, on_listening)
