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
    signal.alarm(30)  # the default action ends the child
    assert ask() == wanted
else:
    os._exit(7)
status = os.waitpid(child, 0)[1]
os._exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 1)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_children_search_as_their_parent_does(tmp_path: Path) -> None:
    """Also the child of a child."""
    arguments = [sys.executable, "-c", PROGRAM, str(Path(__file__).parent), str(tmp_path / "index")]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 7, done.stderr
