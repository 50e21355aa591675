"""The wording of every install instruction.

On the package index `docsearch` is another project, so the command names a clone of this one.
tests/test_documentation.py compares README, the docs, help texts and error messages with it.
"""

from __future__ import annotations

from typing import Any

from .errors import UsageError

DISTRIBUTION = "docsearch-engine"
"""Name on the package index, as in pyproject.toml; the import name and the command are `docsearch`."""


def install_command(*extras: str) -> str:
    """The command that installs docsearch with `extras` in a clone of its repository.

    >>> install_command("server")
    'pip install -e ".[server]"'
    >>> install_command()
    'pip install -e .'
    """
    return f'pip install -e ".[{",".join(extras)}]"' if extras else "pip install -e ."


def needs(what: str, *extras: str) -> str:
    """The sentence for an error where a package, or one of an extra, is missing.

    >>> needs("docsearch serve needs fastapi", "server")
    'docsearch serve needs fastapi; in a clone of docsearch: pip install -e ".[server]"'
    """
    return f"{what}; in a clone of docsearch: {install_command(*extras)}"


def pyarrow() -> tuple[Any, Any]:
    """The modules pyarrow and pyarrow.parquet. Raises UsageError where they are not installed."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as parquet
    except ImportError as err:
        raise UsageError(needs("Parquet files need pyarrow", "parquet")) from err
    return pa, parquet


def pandas() -> Any:
    """The module pandas. Raises UsageError where it is not installed."""
    try:
        import pandas as pd
    except ImportError as err:
        raise UsageError(needs("tables of hits and pages need pandas", "pandas")) from err
    return pd
