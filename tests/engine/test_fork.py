"""A process that `os.fork` starts searches like its parent: multiprocessing's default, and servers that load first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
import faiss, numpy as np
from pathlib import Path
import toy_words
from docsearch.engine.searcher import open_searcher

pages = {f"{i}.pdf": [np.random.default_rng(40 * i + j).choice(300, 60).tolist() for j in range(40)] for i in range(8)}
toy_words.write(Path(sys.argv[2]), pages)
searcher = open_searcher(sys.argv[2], encoder=toy_words.ToyEncoder(pairs=True))
vectors = np.random.default_rng(0).random((4096, 64), np.float32)

def ask():
    kmeans = faiss.Clustering(64, 16)
    kmeans.train(vectors, faiss.IndexFlatIP(64))  # as `retrieval` does where a model has no visual words
    exact, staged = (searcher.search("w1 w2 w3", **how) for how in ({"exact": True}, {"candidates": 20}))
    return exact + staged

wanted = ask()  # the parent's threads are running now
for generation in range(2):
    child = os.fork()
    if child:
        break
    signal.alarm(600)  # a child that waits for ever is ended by the default action
    assert ask() == wanted
else:
    os._exit(7)
status = os.waitpid(child, 0)[1]
os._exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 1)
"""

PRELOADED = """
import multiprocessing, sys
from concurrent.futures import ThreadPoolExecutor
sys.path.insert(0, sys.argv[1])
import numpy as np
from pathlib import Path
import toy_words
from docsearch.engine.searcher import open_searcher
from docsearch.engine.store import open_writer

pages = {f"{i}.pdf": [np.random.default_rng(40 * i + j).choice(300, 60).tolist() for j in range(40)] for i in range(8)}
index = Path(sys.argv[2])
toy_words.write(index, pages)
searcher = open_searcher(index, encoder=toy_words.ToyEncoder(pairs=True))
QUESTIONS = ["w1 w2 w3", "w4 w5", "w6", "w7 w8 w9"]

def ask(text):
    return searcher.search(text, exact=True) + searcher.search(text, candidates=20)

wanted = list(map(ask, QUESTIONS))

def serve(results):
    with ThreadPoolExecutor(4) as threads:
        results.put(list(threads.map(ask, QUESTIONS * 3)) == wanted * 3)
    searcher.close()  # the child's own: the parent's stays open

processes = multiprocessing.get_context("fork")
for _ in range(2):  # workers are replaced, as after --max-requests
    results = processes.SimpleQueue()
    children = [processes.Process(target=serve, args=[results]) for _ in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join(600)
    assert [child.exitcode for child in children] == [0, 0, 0], [child.exitcode for child in children]
    assert [results.get() for _ in children] == [True, True, True]
    with open_writer(index, fingerprint=None, create=False) as writer:  # would delete what no reader needs
        writer.remove([next(iter(writer.documents()))])
        writer.compact()
    assert list(map(ask, QUESTIONS)) == wanted
with processes.Pool(2) as pool:
    assert pool.map(ask, QUESTIONS) == wanted
sys.exit(7)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_children_search_as_their_parent_does(tmp_path: Path) -> None:
    """Also the child of a child."""
    arguments = [sys.executable, "-c", PROGRAM, str(Path(__file__).parent), str(tmp_path / "index")]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=1500, check=False)
    assert done.returncode == 7, done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_workers_forked_after_the_index_was_loaded_serve_from_it(tmp_path: Path) -> None:
    """As `gunicorn --preload` does; multiprocessing's pool, too. The parent's snapshot outlives them and a writer."""
    arguments = [sys.executable, "-c", PRELOADED, str(Path(__file__).parent), str(tmp_path / "index")]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=1500, check=False)
    assert done.returncode == 7, done.stderr
