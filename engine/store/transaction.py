"""A writer's transaction: what it changed since its last commit becomes visible as a whole, or not at all."""

from __future__ import annotations

import hashlib
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from ..compression.codecs import CODECS
from ..compression.residual import Codebook
from ..errors import IndexDamaged, UsageError
from . import (
    attached,
    catalog,
    columns,
    document_files,
    durable,
    garbage,
    labels,
    layout,
    links,
    os_errors,
    page_headings,
    page_lines,
    readers,
    row_checksums,
    statements,
    unread,
)
from . import codebook as codebooks
from .catalog import Fingerprint
from .locks import WriterLock

logger = logging.getLogger(__name__)


def open_transaction(
    directory: Path,
    fingerprint: Fingerprint | None,
    codec: str | None,
    codebook: Codebook | None = None,
    *,
    create: bool,
) -> Transaction:
    """Lock the index in `directory`, create it if need be, and delete what killed writers left. See `open_writer`."""
    if codec is not None and codec not in CODECS:
        raise UsageError(f"codec {codec!r} is not one of {', '.join(CODECS)}")
    with os_errors.translated(directory):
        links.refuse(directory, to_write=True)
        if (fingerprint is None or not create) and not catalog.exists(directory):
            catalog.open_to_read(directory)  # raises IndexNotFound, before a folder is created
        if codec == "residual" and codebook is None and not catalog.exists(directory):
            raise UsageError(catalog.NO_CODEBOOK)
        (directory / layout.SEGMENTS).mkdir(parents=True, exist_ok=True)
        lock = WriterLock(directory)
        try:
            # Readers who may not create these need them: without, a writer would not know of them.
            if not (directory / layout.READERS_LOCK).exists():
                (directory / layout.READERS_LOCK).touch()
            write = None if codebook is None or codec != "residual" else partial(codebooks.write, directory, codebook)
            connection = catalog.open_to_write(directory, fingerprint, codec, write)
            try:
                recorded = catalog.read_meta(connection, "codec")
                if codec is not None and codec != recorded:
                    raise UsageError(
                        f"{directory}: the index stores vectors as {recorded}, not {codec}; omit --codec, or "
                        f"first run 'docsearch compact --codec {codec}'"
                    )
                row_checksums.create_tables(connection)
                unread.create_table(connection)
                columns.create_tables(connection)
                labels.create_table(connection)
                page_lines.create_table(connection)
                page_headings.create_table(connection)
                document_files.create_table(connection)
                attached.create_table(connection)
                statements.index_contents(connection)
                readers.create_register(directory, catalog.read_meta(connection, "generation"))
                garbage.delete_orphans(directory, connection)
                durable.delete_folder(directory / layout.STAGING)  # of a killed writer
            except BaseException:
                connection.close()
                raise
        except BaseException:
            lock.release()
            raise
    return Transaction(directory, connection, lock)


class Transaction:
    """The open catalog and the writer's lock. Any error in `changing` rolls back, and ends the writer."""

    def __init__(self, directory: Path, connection: sqlite3.Connection, lock: WriterLock) -> None:
        self.directory = directory
        self.connection = connection
        self._lock = lock
        self._changes = hashlib.sha256()
        self._pages_changed = False
        self.is_usable = True

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The catalog, uncommitted changes included."""
        self._check_usable()
        with os_errors.translated(self.directory):
            yield self.connection

    @contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """The catalog in an open transaction. Any error inside rolls back everything since the last commit."""
        self._check_usable()
        try:
            with os_errors.translated(self.directory):
                if not self.connection.in_transaction:
                    self.connection.execute("BEGIN IMMEDIATE")
                yield self.connection
        except BaseException:
            self.roll_back()
            raise

    @property
    def is_open(self) -> bool:
        """Whether there is anything to commit."""
        self._check_usable()
        return self.connection.in_transaction

    def record_page_change(self, what: str, pages: int) -> None:
        """Make the next commit's generation depend on `what` happened to some `pages`; no effect if that is 0."""
        if pages:
            self._changes.update(what.encode() + b"\n")
            self._pages_changed = True

    def commit(self) -> None:
        """Make the changes durable and visible to new snapshots; drop segments without live pages."""
        with self.changing() as connection:
            dropped = statements.delete_empty_segments(connection)
            has_new_generation = self._pages_changed
            if has_new_generation:
                old = catalog.read_meta(connection, "generation")
                new = hashlib.sha256(old.encode() + self._changes.digest()).hexdigest()[: catalog.GENERATION_DIGITS]
                readers.create_register(self.directory, new)
                catalog.write_meta(connection, "generation", new)
            connection.execute("COMMIT")
        self._changes, self._pages_changed = hashlib.sha256(), False
        if dropped or has_new_generation:
            try:
                # A reader that left an earlier generation may have deleted the new register before the commit.
                readers.create_register(self.directory, catalog.read_meta(self.connection, "generation"))
                garbage.delete_orphans(self.directory, self.connection)
            except (OSError, sqlite3.Error, IndexDamaged) as err:  # the commit is durable: it did not fail
                logger.warning("%s: garbage stays until the next writer: %s", self.directory, err)

    def roll_back(self) -> None:
        """Undo everything since the last commit, files included, and refuse further changes."""
        if not self.is_usable:
            return
        self.is_usable = False
        try:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            garbage.delete_orphans(self.directory, self.connection)
            garbage.delete_derived_files(self.directory, self.connection)
        except (OSError, sqlite3.Error, IndexDamaged) as err:
            # Closing the connection ends the transaction, and the next writer deletes the garbage.
            logger.debug("%s: garbage was not deleted: %s", self.directory, err)

    def close(self) -> None:
        """Roll back what is not committed, and release the writer's lock; closing twice is harmless."""
        self.roll_back()
        self.connection.close()
        self._lock.release()

    def _check_usable(self) -> None:
        if not self.is_usable:
            raise UsageError(
                f"{self.directory}: this writer is closed, or was rolled back after an error; open the index again"
            )
