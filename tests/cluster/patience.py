"""Has Ray wait for what starts slowly on a busy machine, rather than give it up; imported by its name.

Ray measures itself by fixed times: a node ends when its agents have not come up 15 s after it started, a worker when it
has not after a minute. Here each has an hour, which ends nothing but a run that would never end.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import time
from collections.abc import Callable
from typing import Any

DEADLINE_S = 3600
SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # A process for each processor, before anybody asks for one.
    "RAY_enable_worker_prestart": "0",
    "RAY_prestart_worker_first_driver": "0",
    # The machine's memory and disk are others' business, too.
    "RAY_memory_monitor_refresh_ms": "0",
    "RAY_local_fs_capacity_threshold": "1",
    # Nodes and workers that start, and their connections.
    "RAY_gcs_server_port_wait_time_s": f"{DEADLINE_S}",
    "RAY_gcs_server_request_timeout_seconds": f"{DEADLINE_S}",
    "RAY_gcs_rpc_server_connect_timeout_s": f"{DEADLINE_S}",
    "RAY_gcs_rpc_server_reconnect_timeout_s": f"{DEADLINE_S}",
    "RAY_py_gcs_connect_timeout_s": f"{DEADLINE_S}",
    "RAY_raylet_start_wait_time_s": f"{DEADLINE_S}",
    "RAY_raylet_client_num_connect_attempts": f"{DEADLINE_S}",
    "RAY_agent_register_timeout_ms": f"{DEADLINE_S}000",
    "RAY_worker_register_timeout_seconds": f"{DEADLINE_S}",
    "RAY_DASHBOARD_STARTUP_TIMEOUT_S": f"{DEADLINE_S}",
    # A node that is gone refuses connections, and is found dead as before; one that is slow is not dead.
    "RAY_health_check_timeout_ms": "600000",
}
"""Environment variables of Ray, which it reads when it is imported, and the processes that it starts."""


def prepare() -> None:
    """Set the variables that are not set, in the environment of this process and of those that it starts."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)


def patch(replace: Callable[[Any, str, Any], None]) -> None:
    """Have this process wait for the nodes that it starts, where Ray's code has fixed times; `replace` is setattr."""
    services: Any = importlib.import_module("ray._private.services")
    replace(services, "start_raylet", without_waiting_for_agents(services.start_raylet))
    replace(services, "get_node", until_it_is_known(services.get_node))
    cluster: Any = importlib.import_module("ray.cluster_utils").Cluster
    replace(cluster, "_wait_for_node", with_deadline(cluster._wait_for_node))


def without_waiting_for_agents(start: Callable[..., Any]) -> Callable[..., Any]:
    """The function that starts a node: its agents, which no test needs, come up when they do.

    A node waits for the files in which its agents leave their ports; -1 says that there is no such service. The agents
    write their own ports over it.
    """
    raylet: Any = importlib.import_module("ray._raylet")
    signature = inspect.signature(start)
    agents = ("METRICS_AGENT", "METRICS_EXPORT", "DASHBOARD_AGENT_LISTEN", "RUNTIME_ENV_AGENT")
    ports = [getattr(raylet, f"{agent}_PORT_NAME", None) for agent in agents]

    @functools.wraps(start)  # with its signature, for a cluster inside another
    def start_node(*arguments: Any, **named: Any) -> Any:
        given = signature.bind(*arguments, **named).arguments
        for port in ports:
            if port is not None:  # in a version of Ray that has these files
                raylet.persist_port(given["session_dir"], given["node_id"], port, -1)
        return start(*arguments, **named)

    return start_node


def until_it_is_known(get: Callable[..., Any]) -> Callable[..., Any]:
    """The function that asks what is known of a node, which is asked again until something is."""

    @functools.wraps(get)
    def get_node(*arguments: Any, **named: Any) -> Any:
        ends_at = time.monotonic() + DEADLINE_S
        while True:
            try:
                return get(*arguments, **named)
            except RuntimeError:
                if time.monotonic() > ends_at:
                    raise
                time.sleep(0.05)

    return get_node


def with_deadline(wait: Callable[..., None]) -> Callable[..., None]:
    """The method that waits for a node, for as long as it takes."""

    @functools.wraps(wait)
    def wait_for_node(cluster: Any, node: Any, timeout: float = DEADLINE_S) -> None:
        wait(cluster, node, max(timeout, DEADLINE_S))

    return wait_for_node
