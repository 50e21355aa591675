"""`docsearch serve`: runs the web page and the HTTP API of an index."""

from __future__ import annotations

import importlib.util
import sys
import threading
import webbrowser
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ..engine.errors import IndexNotFound, UsageError
from ..engine.install import needs
from .indexes import by_name
from .indexing import default_workers, run_and_report
from .options import DEFAULT_INDEX, CollectionDirectories, Device, Passwords, ScoringDevice
from .output import SOME_FAILED, message
from .shard_search import Partial, Replicas, SearchOnRay
from .shard_search import check as check_ray

REQUIRED_PACKAGES = ("fastapi", "prometheus_client", "uvicorn")
DEFAULT_PORT = 8750
UPLOAD_MAX_MB = 200


def serve(
    index: CollectionDirectories = None,
    name: Annotated[
        list[str] | None,
        typer.Option(
            "--name",
            metavar="NAME",
            help="Name of a collection, in the order of --index; by default that of its folder.",
        ),
    ] = None,
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
    llm: Annotated[
        str | None,
        typer.Option(
            "--llm",
            metavar="URL",
            help="Endpoint of OpenAI's protocol that answers questions on the page, such as http://localhost:11434/v1; "
            "found pages are sent to it when somebody asks. Its key is taken from $DOCSEARCH_LLM_KEY.",
        ),
    ] = None,
    llm_model: Annotated[
        str | None, typer.Option("--llm-model", help="Its model; by default the first that it lists.")
    ] = None,
    yes: Annotated[
        bool,
        typer.Option("--yes", "-y", help="Where there is no index, make one of the current folder without asking."),
    ] = False,
    ray: SearchOnRay = None,
    replicas: Replicas = 1,
    partial: Partial = False,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in this machine's browser.")] = False,
) -> None:
    """Serve a web page and an HTTP API.

    Both search, show pages with their heat maps, list documents and take uploads. New commits of 'docsearch index' are
    picked up while the server runs. Ctrl-C finishes accepted requests, then exits. The API is described at /docs and
    /openapi.json.

    Examples:

        docsearch serve --open

        docsearch serve --watch

        docsearch serve --read-only

        docsearch serve --index contracts.index --index reports.index --name Contracts --name Reports

        docsearch serve --llm http://localhost:11434/v1 --llm-model llama3.2

        docsearch serve --index office.shards --ray auto --replicas 2 --partial

        docsearch serve --index office.index --host 0.0.0.0 --token "$(openssl rand -hex 16)"
    """
    _check_installed()
    indexes = index or [DEFAULT_INDEX]
    check_ray(indexes, ray, replicas, partial=partial)
    if llm_model is not None and llm is None:
        raise UsageError("--llm-model belongs to --llm, the URL of the endpoint that has the model")
    from ..server.app import serve as run
    from ..server.settings import ServerSettings, check, check_watch

    settings = ServerSettings(
        indexes[0],
        host,
        port,
        token or None,
        tuple(password or ()),
        read_only=read_only,
        upload_max_mb=upload_max_mb,
        device=device.value,
        watch=watch,
        prune=prune,
        llm=llm,
        llm_model=llm_model,
        ray=ray,
        replicas=replicas,
        partial=partial,
    )
    check(settings)  # before an index is made
    check_watch(settings)
    if len(indexes) == 1:
        indexes = [with_an_index(indexes[0], yes=yes)]
    collections = by_name(indexes, name or []) if len(indexes) > 1 or name else {}
    settings = replace(settings, index=indexes[0], collections=tuple(collections.items()))

    run(settings, lambda address: _on_listening(address, indexes, open_page=open_page))


def _check_installed() -> None:
    """Raise UsageError without the packages of a server."""
    missing = [name for name in REQUIRED_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(needs(f"'docsearch serve' needs {', '.join(missing)}", "server"))


def _on_listening(address: str, indexes: Sequence[Path], *, open_page: bool) -> None:
    """Say where the server of `indexes` answers, and open its page if that is asked for."""
    message(f"docsearch: {' + '.join(map(str, indexes))} answers at {address} (Ctrl-C ends)")
    if open_page:
        # Some browsers block the caller until they are closed.
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()


def with_an_index(index: Path, *, yes: bool = False) -> Path:
    """The index to serve; where there is none, a terminal is asked what to make one of, unless `yes` says so.

    A folder of documents is offered itself, with its index within it. Raises IndexNotFound where nobody can be asked.
    """
    from ..engine.store import catalog

    if catalog.exists(index):
        return index
    folder = Path.cwd()
    if _has_files(index):
        folder, index = index, index / DEFAULT_INDEX
        if catalog.exists(index):
            return index
    if not (yes or is_terminal()):
        raise IndexNotFound(
            f"there is no index in {index}: make one with 'docsearch index {folder} --index {index}', or add --yes"
        )
    from ..indexer.pipeline import index_documents

    message(f"there is no index in {index}")
    source = str(folder)
    if yes:
        message(f"making one of {source}")
    else:
        source = typer.prompt("Folder or file to index (Ctrl-C ends)", default=source, err=True)
    try:
        run_and_report(
            lambda on_progress: index_documents(
                [Path(source).expanduser()], index, workers=default_workers(index), on_progress=on_progress
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


def _has_files(folder: Path) -> bool:
    """Whether a folder has anything in it that is not hidden."""
    try:
        return any(not entry.name.startswith(".") for entry in folder.iterdir())
    except OSError:
        return False


def is_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()
