"""Sample queries for an index: lines of text from its own pages."""

from __future__ import annotations

from ..engine.store import Snapshot

WORDS_MIN = 3
WORDS_MAX = 12


def sample_queries(snapshot: Snapshot, count: int) -> list[tuple[int, str]]:
    """At most `count` rows, spread evenly over the index, each with a line from the middle of its text layer."""
    queries: list[tuple[int, str]] = []
    for row in range(0, len(snapshot), max(1, len(snapshot) // count)):
        lines = [line.split() for line in snapshot.text(row).splitlines()]
        if lines := [words for words in lines if len(words) >= WORDS_MIN]:
            queries.append((row, " ".join(lines[len(lines) // 2][:WORDS_MAX])))
    return queries[:count]
