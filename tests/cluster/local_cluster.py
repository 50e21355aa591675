"""A Ray cluster of several nodes on this machine, for tests; imported by its name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
OBJECT_STORE_BYTES = 80_000_000
WITHOUT_IDLE_WORKERS = {"RAY_enable_worker_prestart": "0", "RAY_prestart_worker_first_driver": "0"}
"""Settings of Ray's nodes, which start a process for each processor before anybody asks for one."""


@contextmanager
def local_cluster(nodes: int = 3, *, cpus: int = 2) -> Iterator[Any]:
    """Start `nodes` nodes of `cpus` logical processors each, and connect this process to them.

    Inside another such block, whose cluster it leaves meanwhile. Yields the `ray.cluster_utils.Cluster`, whose
    `add_node` and `remove_node` change it. Workers can import the modules in `tests`, such as `fake_encoder`.
    """
    import ray
    from ray.cluster_utils import Cluster

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_raylet_start_wait_time_s", "120")  # on a busy machine a node takes its time
    os.environ.update(WITHOUT_IDLE_WORKERS)
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(TESTS), str(TESTS / "cluster"), before]))
    each = {"num_cpus": cpus, "object_store_memory": OBJECT_STORE_BYTES, "include_log_monitor": False}
    outer = ray.get_runtime_context().gcs_address if ray.is_initialized() else None
    ray.shutdown()
    cluster = Cluster(initialize_head=True, head_node_args={**each, "include_dashboard": False, "no_monitor": True})
    try:
        for _ in range(nodes - 1):
            cluster.add_node(**each)
        ray.init(address=cluster.address, log_to_driver=False)
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()
        if outer is not None:
            ray.init(address=outer, log_to_driver=False)
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
