"""Connects to a Ray cluster, or starts one on this machine."""

from __future__ import annotations

import importlib.util
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from ..engine.errors import UsageError
from ..engine.install import needs

LOCAL = "local"
"""The address that stands for a cluster on this machine, which ends with the process."""
AUTO = "auto"
"""The address that stands for the cluster that `ray start` started on this machine."""
ANSWERS_WITHIN_S = 5.0
"""Seconds that a cluster's head node has to accept a connection. Ray itself would wait for minutes."""
CLIENT_SCHEME = "ray://"


@contextmanager
def connected(address: str) -> Iterator[None]:
    """Be connected to the Ray cluster at `address` inside the block, or to the one that the process is connected to.

    `address` is "local" (a cluster of this machine alone, which ends with the block), "auto" (the one that `ray start`
    started on this machine), HOST:PORT of a head node, or ray://HOST:PORT of its client server.
    Raises UsageError where ray is not installed, or no cluster answers.
    """
    require()
    import ray

    if ray.is_initialized():
        yield
        return
    _quieten()
    try:
        if address == LOCAL:
            ray.init(address=LOCAL, include_dashboard=False, log_to_driver=False, configure_logging=False)
        else:
            if address != AUTO:
                check_answers(address)
            ray.init(address=address, log_to_driver=False, configure_logging=False)
    except (ConnectionError, RuntimeError, TimeoutError, ValueError) as err:
        reason = str(err).partition("\n")[0]
        raise UsageError(
            f"cannot connect to Ray at {address!r}: {reason}; start a cluster with 'ray start --head', or use "
            f"the address '{LOCAL}'"
        ) from err
    try:
        yield
    finally:
        ray.shutdown()


def require() -> None:
    """Raise UsageError unless ray is installed."""
    if importlib.util.find_spec("ray") is None:
        raise UsageError(needs("a cluster of machines needs ray", "ray"))


def check_answers(address: str) -> None:
    """Raise UsageError unless something accepts connections at `address`, HOST:PORT with or without ray://."""
    host, _, port = address.removeprefix(CLIENT_SCHEME).rpartition(":")
    if not host or not port.isdecimal():
        raise UsageError(
            f"{address!r} is no address of a Ray cluster; expected '{LOCAL}', '{AUTO}', HOST:PORT or ray://HOST:PORT"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWERS_WITHIN_S).close()
    except (OSError, OverflowError) as err:
        raise UsageError(
            f"no Ray cluster answers at {address} ({err}); 'ray status' on its head node says whether it runs"
        ) from err


def check_started(err: Exception) -> None:
    """Raise UsageError if `err`, of a Ray actor, says that it could not be made: its machine has other packages."""
    if getattr(err, "actor_init_failed", False):
        reason = [line.strip() for line in str(err).splitlines() if line.strip()][-1]
        raise UsageError(
            f"a worker cannot be started: {reason}; install the same version of docsearch on every machine"
        ) from err


def _quieten() -> None:
    """Ray tells its makers how it is used unless it is asked not to; docsearch sends nothing anywhere."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
