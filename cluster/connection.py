"""Connects to a Ray cluster, or starts one on this machine."""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..engine.errors import UsageError
from ..engine.install import needs

LOCAL = "local"
"""The address that stands for a cluster on this machine, which ends with the process."""
AUTO = "auto"
"""The address that stands for the cluster that `ray start` started on this machine."""
ANSWERS_WITHIN_S = 5.0
"""Seconds that a cluster's head node has to accept a connection. Ray itself would wait for minutes."""
CLIENT_SCHEME = "ray://"
AUTH_MODE, TOKEN_VARIABLES, TOKEN_FILE = "RAY_AUTH_MODE", ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"), ".ray/auth_token"
"""Where Ray is told that a cluster asks for a token, and where it finds the token; the file is in the home folder."""


@contextmanager
def connected(address: str) -> Iterator[None]:
    """Be connected to the Ray cluster at `address` inside the block, or to the one that the process is connected to.

    `address` is "local" (a cluster of this machine alone, which ends with the block), "auto" (the one that `ray start`
    started on this machine), HOST:PORT of a head node, or ray://HOST:PORT of its client server.
    Raises UsageError where ray is not installed, or no cluster answers.
    """
    require()
    if "ray" in sys.modules and sys.modules["ray"].is_initialized():
        yield
        return
    _quieten()
    if address == LOCAL or (address == AUTO and has_token()):
        os.environ.setdefault(AUTH_MODE, "token")  # as Ray does for these two alone, and there with a warning
    import ray

    other_token: type[Exception] = getattr(ray.exceptions, "AuthenticationError", PermissionError)  # since Ray 2.52
    try:
        if address == LOCAL:
            ray.init(address=LOCAL, include_dashboard=False, log_to_driver=False, configure_logging=False)
        else:
            if address != AUTO:
                check_answers(address)
            ray.init(address=address, log_to_driver=False, configure_logging=False)
    except other_token as err:
        raise UsageError(
            f"Ray at {address!r} asks for another token: set {AUTH_MODE}=token, and have the cluster's token in "
            f"~/{TOKEN_FILE} or ${TOKEN_VARIABLES[0]}"
        ) from err
    except (ConnectionError, RuntimeError, TimeoutError, ValueError) as err:
        reason = str(err).partition("\n")[0].rstrip(":")
        if address.startswith(CLIENT_SCHEME):
            raise UsageError(
                f"cannot connect to {address!r}: {reason}; set {AUTH_MODE}=token if the cluster asks for a token; "
                "the logs ray_client_server* of its head node may say more, and docs/scale.md"
            ) from err
        raise UsageError(
            f"cannot connect to Ray at {address!r}: {reason}; start a cluster with 'ray start --head', set "
            f"{AUTH_MODE}=token if it asks for a token, or use the address '{LOCAL}'"
        ) from err
    except Exception as err:
        if type(err) is not Exception:  # for a node that starts too slowly, Ray has no class
            raise
        reason = str(err).partition(". ")[0]
        raise UsageError(
            f"Ray did not start on this machine: {reason}; it may be too busy now: run the command again, or without "
            "--ray"
        ) from err
    try:
        yield
    finally:
        ray.shutdown()


def require() -> None:
    """Raise UsageError unless ray is installed."""
    if importlib.util.find_spec("ray") is None:
        raise UsageError(needs("a cluster of machines needs ray", "ray"))


def has_token() -> bool:
    """Whether there is a token for Ray on this machine, as `ray get-auth-token --generate` makes it."""
    return any(os.environ.get(name) for name in TOKEN_VARIABLES) or Path.home().joinpath(TOKEN_FILE).is_file()


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
