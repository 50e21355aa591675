"""A Ray cluster of several nodes on this machine, for tests; imported by its name."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import patience

TESTS = Path(__file__).resolve().parents[1]
OBJECT_STORE_BYTES = 80_000_000
"""Of each node, little more than the least that Ray takes; where /dev/shm has less, Ray takes a folder on disk."""


@contextmanager
def local_cluster(nodes: int = 3, *, cpus: int = 2) -> Iterator[Any]:
    """Start `nodes` nodes of `cpus` logical processors each, and connect this process to them.

    Inside another such block, whose cluster it leaves meanwhile. Yields the `ray.cluster_utils.Cluster`, whose
    `add_node` and `remove_node` change it. Workers can import the modules in `tests`, such as `fake_encoder`. Its files
    are in a folder of its own, so that it shares nothing with another run of the tests beside it.
    """
    patience.prepare()
    import ray
    from ray.cluster_utils import Cluster

    each = {"num_cpus": cpus, "object_store_memory": OBJECT_STORE_BYTES, "include_log_monitor": False}
    outer = ray.get_runtime_context().gcs_address if ray.is_initialized() else None
    ray.shutdown()
    with pytest.MonkeyPatch.context() as patched, own_folder() as folder:
        path = [str(TESTS), str(TESTS / "cluster"), os.environ.get("PYTHONPATH", "")]
        patched.setenv("PYTHONPATH", os.pathsep.join(filter(None, path)))
        patched.setenv("RAY_TMPDIR", str(folder))
        patience.patch(patched.setattr)
        cluster = Cluster(initialize_head=False)
        try:
            cluster.add_node(**each, include_dashboard=False, no_monitor=True)
            for _ in range(nodes - 1):
                cluster.add_node(**each)
            ray.init(address=cluster.address, log_to_driver=False)
            yield cluster
        finally:
            ray.shutdown()
            cluster.shutdown()
    if outer is not None:
        ray.init(address=outer, log_to_driver=False)


@contextmanager
def own_folder() -> Iterator[Path]:
    """A folder for Ray's files, of a short path: those of its sockets may have 107 characters."""
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp" if os.name == "posix" else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # processes that end write to their logs
