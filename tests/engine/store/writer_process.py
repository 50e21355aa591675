"""Synthetic pages, and a program that writes them to an index until it is killed.

    python writer_process.py INDEX LOG SEED [KILL_AT_LINE]

It loops over DOCUMENTS: begins each one, in a later round perhaps in a new version, adds its missing pages, commits,
removes, compacts. After each commit it appends to LOG what is durable, and before a change what it replaces or removes.
With KILL_AT_LINE it kills itself when it has executed so many lines of the store's code, so a kill can fall between any
two lines.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import sys
from pathlib import Path
from types import FrameType

import numpy as np

from docsearch.engine import store
from docsearch.engine.records import PageRef, PagesToStore, PageVectors, Ragged

FINGERPRINT: store.Fingerprint = {"name": "synthetic", "revision": "1", "dim": 8, "single_dim": 4}
DOCUMENTS = 6
PAGES = 7


def content(path: str, version: int) -> str:
    """The SHA-256 of a version of a document."""
    return hashlib.sha256(f"{path}:{version}".encode()).hexdigest()


def pages(doc_id: str, path: str, sha256: str, numbers: list[int], dim: int = 8, dense: int = 4) -> PageVectors:
    """Pages whose vectors are derived from content and number; page n has n % 4 + 1 vectors, page 3 none."""
    vectors, dense_vectors = [], []
    for number in numbers:
        seed = int(hashlib.sha256(f"{sha256}:{number}".encode()).hexdigest()[:8], 16)
        values = np.random.default_rng(seed).standard_normal((0 if number == 3 else number % 4 + 1, dim))
        vectors.append(values.astype(np.float16))
        dense_vectors.append(np.full(dense, number, np.float16))
    ragged = Ragged.of(vectors)
    total = len(ragged.values)
    boxes = np.arange(total * 4, dtype=np.uint16).reshape(total, 4)
    refs = tuple(PageRef(doc_id, path, number) for number in numbers)
    return PageVectors(refs, ragged, boxes, np.stack(dense_vectors))


def add(writer: store.IndexWriter, path: str, version: int = 0, count: int = PAGES, step: int = PAGES) -> None:
    """Index one version of a document, `step` pages at a time."""
    sha256 = content(path, version)
    begun = writer.begin_document(path, sha256, 1000 + version, version, count)
    missing = [number for number in range(1, count + 1) if number not in begun.done_pages]
    for start in range(0, len(missing), step):
        chosen = missing[start : start + step]
        texts = [f"{path} version {version} page {number}" for number in chosen]
        writer.add_pages(
            PagesToStore(pages(begun.doc_id, path, sha256, chosen), texts, np.full((len(chosen), 2), 595.0))
        )
        if step < count:
            writer.commit()
    writer.finish_document(begun.doc_id, count)


def write_forever(directory: Path, log: Path, seed: int) -> None:
    """Add, replace, remove and compact; log after each commit which version of a document is complete."""
    chance = random.Random(seed)
    with store.open_writer(directory, fingerprint=FINGERPRINT) as writer, log.open("a") as logged:
        print("ready", flush=True)
        while True:
            for number in range(DOCUMENTS):
                path = f"folder/{number}.pdf"
                version = chance.randrange(3)
                held = writer.documents().get(path)
                if held is None or held.sha256 != content(path, version):
                    print("beginning", path, content(path, version), file=logged, flush=True)
                add(writer, path, version, step=chance.choice([2, 3, PAGES]))
                writer.commit()
                print("committed", path, writer.documents()[path].sha256, file=logged, flush=True)
                if chance.random() < 0.2:
                    print("removing", path, file=logged, flush=True)
                    writer.remove([path])
                if chance.random() < 0.4:
                    writer.compact()


def kill_at_line(line: int) -> None:
    """Send SIGKILL to this process when it executes its `line`-th line of the store's code."""
    seen = 0
    folder = str(Path(store.__file__).parent)

    def trace(frame: FrameType, event: str, argument: object) -> object:
        nonlocal seen
        if not frame.f_code.co_filename.startswith(folder):
            return None
        if event == "line":
            seen += 1
            if seen == line:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)  # type: ignore[arg-type]


if __name__ == "__main__":
    if len(sys.argv) > 4:
        kill_at_line(int(sys.argv[4]))
    write_forever(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
