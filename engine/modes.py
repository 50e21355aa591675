"""The modes of search: which of them an index has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from .errors import UsageError
from .records import Mode
from .store import Snapshot

COMBINED: tuple[Mode, ...] = ("hybrid", "semantic")
"""The modes in which pages are found by their pictures and their text layers together."""


def modes_of(snapshot: Snapshot, *, has_visual_words: bool) -> tuple[Mode, ...]:
    """The modes in which an index can be searched: by pictures only where its model has no visual words, and by meaning
    only where it has vectors of passages.
    """
    if not has_visual_words:
        return ("visual",)
    has_passages = snapshot.cross_language is not None
    return ("visual", "text", "hybrid", "semantic") if has_passages else ("visual", "text", "hybrid")


def check_mode(mode: str | None, snapshot: Snapshot, modes: Sequence[Mode], model: str) -> None:
    """Raise UsageError unless `mode` is None or one of the `modes` of an index of this `model`.

    Of several indexes that are searched as one, the error names those that lack what the mode needs.
    """
    if mode is None or mode in modes:
        return
    if mode not in get_args(Mode):
        raise UsageError(f"{mode} is no mode of search; there are {', '.join(get_args(Mode))}")
    if modes == ("visual",):
        raise UsageError(f"{model} searches in the mode visual only")
    from .store import CombinedSnapshot  # not needed by a question that is answered

    lacking = snapshot.without_cross_language() if isinstance(snapshot, CombinedSnapshot) else {}
    names, command, each = ", ".join(lacking) or "this index", "docsearch index PATH...", ""
    if len(lacking) > 1:
        each = " for each of them"
    elif lacking and str(lacking[names]) == names:  # and not a name that was chosen for it
        command += f" --index {names}"
    raise UsageError(
        f"the mode {mode} needs vectors of passages, which {names} {'do' if each else 'does'} not have; "
        f"'{command} --cross-language' makes them{each}"
    )
