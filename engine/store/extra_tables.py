"""Tables that indexes got after the first version of their format: older indexes get them when they are changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable


def create(connection: sqlite3.Connection, schema: Iterable[str]) -> None:
    """Create tables and their triggers, all in one transaction. The statements of `schema` do nothing if repeated."""
    connection.execute("BEGIN IMMEDIATE")
    for statement in schema:
        connection.execute(statement)
    connection.execute("COMMIT")
