"""`docsearch failed`: lists documents and pages that could not be indexed."""

from __future__ import annotations

from .options import DEFAULT_INDEX, AsJson, IndexDirectory
from .output import describe, print_json


def failed(index: IndexDirectory = DEFAULT_INDEX, as_json: AsJson = False) -> None:
    """List documents and pages that could not be indexed, with the reason.

    Examples:

        docsearch failed

        docsearch failed --json | jq -r .path
    """
    from ..engine.store import open_snapshot

    with open_snapshot(index) as snapshot:
        failures = snapshot.failures()
    for failure in failures:
        if as_json:
            print_json({"path": failure.path, "page": failure.page, "reason": failure.reason})
        else:
            print(describe(failure))
    if not failures and not as_json:
        print("nothing failed")
