"""`docsearch failed`: lists documents and pages that could not be indexed, and content of others that was not read."""

from __future__ import annotations

from .options import DEFAULT_INDEX, AsJson, IndexDirectory
from .output import describe, print_json

FAILED = "failed"
"""The "kind" of a failure among the lines of JSON; unread content has kinds of its own."""


def failed(index: IndexDirectory = DEFAULT_INDEX, as_json: AsJson = False) -> None:
    """List what could not be indexed or read, with the reason.

    Failed are documents and single pages. Not read are attached files, comments such as sticky notes, dynamic forms
    (XFA), frames of an animation after the first, print that is too small at the resolution at which the page was
    drawn, and words of a page that has too many. In JSON, "kind" tells these from failures ("failed").

    Examples:

        docsearch failed

        docsearch failed --json | jq -r .path

        docsearch failed --json | jq -r 'select(.kind == "attachment").path'
    """
    from ..engine.store import open_snapshot

    with open_snapshot(index) as snapshot:
        failures, unread = snapshot.failures(), snapshot.unread.all()
    if as_json:
        for failure in failures:
            print_json({"path": failure.path, "page": failure.page, "reason": failure.reason, "kind": FAILED})
        for part in unread:
            print_json(
                {"path": part.path, "page": part.page, "reason": part.reason, "kind": part.kind, "items": part.items}
            )
        return
    for failure in failures:
        print(describe(failure))
    for part in unread:
        print(describe(part))
    if not failures and not unread:
        print("nothing failed")
