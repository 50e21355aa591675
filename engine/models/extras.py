"""The checks for packages that models other than `pixel` need: those of the extras `models` and `remote`."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from ..errors import UsageError
from ..install import needs

EXTRA = "models"


def is_installed(package: str) -> bool:
    """Whether a package, given by its import name, can be imported; it is looked up, not imported."""
    return importlib.util.find_spec(package) is not None


def require(packages: Sequence[str], model: str, *, extra: str = EXTRA) -> None:
    """Raise UsageError if any of the `packages` that `model` needs, given by their import names, is missing.

    `extra` is the one to install.
    """
    missing = [package.replace("_", "-") for package in packages if not is_installed(package)]
    if missing:
        raise UsageError(needs(f"the model {model} needs {', '.join(missing)}", extra))
