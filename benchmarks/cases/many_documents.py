"""What one document, and a filter that selects one, cost among 1,000 documents and among 100,000."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np

from .. import child_process, indexes, many_documents
from ..running_server import Client, serving
from ..setting import Refused, Row, Setting, Skipped
from ..timing import summary_ms, timed

DOCUMENTS_VARIABLE = "DOCSEARCH_BENCH_DOCUMENTS"
FEW, MANY = 1_000, 100_000
DOCUMENT_BYTES = 12_000
"""Disk space reserved for a document: its file, its page, its rows in the catalog, and some reserve."""
RUNS = 40
SEED = 3
QUESTION = "invoice total"


def run(setting: Setting) -> Iterator[Row]:
    """Write two indexes, ask servers of both in turns, and bring each up to date with its unchanged files."""
    counts = (FEW, int(os.environ.get(DOCUMENTS_VARIABLE, MANY)))
    setting.cache.mkdir(exist_ok=True)
    if (free := shutil.disk_usage(setting.cache).free) < counts[1] * DOCUMENT_BYTES:
        raise Skipped(f"{counts[1]:,} documents need {counts[1] * DOCUMENT_BYTES >> 20} MiB, {free >> 20} are free")
    source = indexes.ready(setting, "sample_docs", [setting.sample_docs])
    with tempfile.TemporaryDirectory(dir=setting.cache) as folder:
        made = []
        for documents in counts:
            files, index = Path(folder) / f"{documents}", Path(folder) / f"{documents}.index"
            written = timed(partial(many_documents.write, index, files, source, documents=documents))
            yield {"what": "written", "documents": documents, "s": round(written, 1)}
            made.append((documents, files, index))
        yield from _served(made)
        for documents, files, index in made:
            for command in (["index", files], ["update"]):
                found = _unchanged(documents, index, *command)
                yield {"what": f"{command[0]}, nothing changed", "documents": documents, **found}
        for documents, _, index in made:
            yield {"what": "remove one document", "documents": documents, **_removal(index, documents)}


def _served(made: list[tuple[int, Path, Path]]) -> Iterator[Row]:
    """Times of single requests, each first to one server and then to the other.

    Processor time is compared: of that, other programs on the machine take less than of the time on the clock.
    """
    generator = np.random.default_rng(SEED)
    with ExitStack() as stack:
        servers = [(documents, stack.enter_context(serving(index))) for documents, _, index in made]
        for what, prepared in REQUESTS.items():
            walls, cpus = ({documents: list[float]() for documents, _ in servers} for _ in range(2))
            for attempt in range(RUNS + 1):
                for documents, server in servers:
                    with server.client() as client:
                        request = prepared(client, int(generator.integers(documents)))
                        before = child_process.cpu_seconds(server.pid)
                        wall = timed(request)
                        cpu = child_process.cpu_seconds(server.pid) - before
                    if attempt:  # the first one opens files
                        walls[documents].append(wall)
                        cpus[documents].append(cpu)
            medians = {documents: float(np.median(cpus[documents])) for documents, _ in servers}
            for documents, median in medians.items():
                of_fewest = round(median / medians[FEW], 2)
                times = {**summary_ms(walls[documents]), "cpu_ms": round(median * 1000, 2), "cpu_ratio": of_fewest}
                yield {"what": what, "documents": documents, **times}


def _picture(client: Client, number: int) -> Callable[[], object]:
    (document,) = json.loads(client.ask("GET", f"/v1/documents?offset={number}&limit=1")[1])["documents"]
    return lambda: client.ask("GET", f"/v1/documents/{document['id']}/pages/1.png?width=200")


def _search(pattern: Callable[[str], str]) -> Callable[[Client, int], Callable[[], object]]:
    def request(client: Client, number: int) -> Callable[[], object]:
        body = json.dumps({"query": QUESTION, "path": pattern(many_documents.name(number))}).encode()
        return lambda: client.ask("POST", "/v1/search", body)

    return request


REQUESTS: dict[str, Callable[[Client, int], Callable[[], object]]] = {
    "picture of a page": _picture,
    "question in one document": _search(lambda path: path),
    "question in one folder": _search(lambda path: path.split("/")[0] + "/*"),
    "question, pattern begins with *": _search(lambda path: "*" + path[-9:]),
    "list of 100 documents": lambda client, number: lambda: client.ask("GET", f"/v1/documents?offset={number}"),
}
"""By name, a function that prepares a request about the document of a number, and returns what sends it."""


def _unchanged(documents: int, index: Path, *command: str | Path) -> Row:
    """Seconds of `docsearch index` or `update`, the whole process, when no file has changed."""
    before = os.times()
    ran = child_process.docsearch(*command, "--index", index, "--json")
    after = os.times()
    found = json.loads(ran.stdout)
    if (found["skipped"], found["documents"]) != (documents, 0):
        raise Refused(f"{index}: of {documents} unchanged documents {found['skipped']} were skipped")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return {"s": round(ran.seconds, 2), "cpu_s": round(cpu, 2)}


def _removal(index: Path, documents: int) -> Row:
    """Times of removing one document after the other, as a server does."""
    from docsearch.engine.store import open_snapshot
    from docsearch.server import mutations

    times, cpus = [], []
    for number in np.random.default_rng(SEED).permutation(documents)[:RUNS].tolist():
        with open_snapshot(index) as snapshot:
            row = snapshot.document(path=many_documents.name(number))
        if row is None:
            raise Refused(f"{index}: {many_documents.name(number)} is missing")
        before = time.process_time()
        times.append(timed(partial(mutations.remove, index, row.id)))
        cpus.append(time.process_time() - before)
    return {**summary_ms(times), "cpu_ms": round(float(np.median(cpus)) * 1000, 2)}
