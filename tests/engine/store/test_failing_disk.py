"""A disk that fails, a system that refuses, files that are not what they were: one clear error, never a traceback."""

from __future__ import annotations

import errno
import fcntl
import os
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from docsearch import cli
from docsearch.engine import store
from docsearch.engine.errors import DocsearchError, IndexDamaged, IndexLocked, StorageFailed, StorageFull, UsageError
from docsearch.engine.records import PagesToStore
from docsearch.engine.store import layout, os_errors, verify

FAILURES = {
    errno.EIO: "may be failing",
    errno.ENOLCK: "local disk",
    errno.EOPNOTSUPP: "local disk",
    errno.EMFILE: "ulimit -n",
    errno.ENFILE: "ulimit -n",
    errno.ESTALE: "may be failing",
    errno.EISDIR: "a folder is in the place of a file",
}


def refuse(number: int) -> Callable[..., int]:
    def fail(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.fixture
def whole(index: Path, synthetic: ModuleType) -> Path:
    """An index with every kind of file, those of a codebook apart."""
    with store.open_writer(index, fingerprint=synthetic.FINGERPRINT) as writer:
        for path in ("a.pdf", "b.pdf"):
            begun = writer.begin_document(path, path[0] * 64, 1, 1)
            pages = synthetic.pages(begun.doc_id, path, path[0] * 64, [1, 2, 3, 4])
            words = np.arange(len(pages.vectors.values), dtype=np.uint16)
            writer.add_pages(PagesToStore(pages, [f"{path} text"] * 4, np.ones((4, 2)), words))
            writer.finish_document(begun.doc_id, 4)
            writer.commit()
        writer.fail_document("c.pdf", "broken")
    return index


def everything(index: Path) -> object:
    """All that a reader can see of an index."""
    with store.open_snapshot(index) as snapshot:
        rows = range(len(snapshot))
        return (
            dict(snapshot.fingerprint),
            snapshot.refs(rows),
            snapshot.sizes(rows).tolist(),
            [snapshot.text(row) for row in rows],
            [snapshot.boxes(row).tolist() for row in rows],
            [page.tolist() for page in snapshot.words()],
            snapshot.dense_vectors().tolist(),
            [(block.coded.values.tolist(), block.offsets.tolist()) for block in snapshot.blocks()],
            snapshot.documents(),
            snapshot.failures(),
            snapshot.lengths.tolist(),
            snapshot.first_pages().tolist(),
        )


@pytest.mark.parametrize("number", FAILURES)
@pytest.mark.parametrize("call", ["fsync", "open"])
def test_a_failure_of_the_system_while_writing_is_told_with_what_to_do(
    filled: Path, synthetic: ModuleType, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    def write() -> None:
        with store.open_writer(filled, fingerprint=synthetic.FINGERPRINT) as writer:
            synthetic.add(writer, "d.pdf")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse(number))
        with pytest.raises(StorageFailed, match=FAILURES[number]) as caught:
            write()
    assert "disk is full" not in str(caught.value)
    with store.open_snapshot(filled) as snapshot:
        assert (len(snapshot), snapshot.verify()) == (21, [])
    write()


@pytest.mark.parametrize("number", sorted(FAILURES.keys() - {errno.EISDIR}))  # a folder in place of a file is damage
def test_a_failure_of_the_system_while_reading_is_not_taken_for_damage(
    filled: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    with store.open_snapshot(filled) as snapshot:
        monkeypatch.setattr(np, "load", refuse(number))
        with pytest.raises(StorageFailed, match=FAILURES[number]):
            list(snapshot.blocks())


def test_a_small_file_that_fails_half_way_is_not_taken_for_damage(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numpy itself does not look whether the C library's read failed."""
    with store.open_snapshot(filled) as snapshot:
        monkeypatch.setattr(Path, "read_bytes", refuse(errno.EIO))
        with pytest.raises(StorageFailed, match="may be failing"):
            list(snapshot.blocks())


@pytest.mark.parametrize(
    ("code", "raised"),
    [
        (sqlite3.SQLITE_IOERR_WRITE, StorageFailed),
        (sqlite3.SQLITE_IOERR_FSYNC, StorageFailed),
        (sqlite3.SQLITE_IOERR_READ, StorageFailed),
        (sqlite3.SQLITE_IOERR_LOCK, StorageFailed),
        (sqlite3.SQLITE_FULL, StorageFull),
        (sqlite3.SQLITE_CORRUPT, IndexDamaged),
        (sqlite3.SQLITE_ERROR, IndexDamaged),
        (sqlite3.SQLITE_READONLY, StorageFailed),  # the permissions would allow it
    ],
)
def test_an_error_of_sqlite_is_told_as_what_it_is(filled: Path, code: int, raised: type[DocsearchError]) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code
    with pytest.raises(raised), os_errors.translated(filled):
        raise error
    assert not list(filled.glob(f"{layout.TEMPORARY}*"))


def raised_for(index: Path, code: int) -> DocsearchError:
    error = sqlite3.OperationalError("SQLite's words")
    error.sqlite_errorcode = code
    with pytest.raises(DocsearchError) as caught, os_errors.translated(index):
        raise error
    return caught.value


@pytest.mark.parametrize(
    ("code", "call", "number"),
    [
        (sqlite3.SQLITE_CORRUPT, "read", errno.EIO),  # SQLite takes a read that failed for damage
        (sqlite3.SQLITE_BUSY, "lockf", errno.ENOLCK),  # ... and a lock that failed for one that is taken
        (sqlite3.SQLITE_BUSY, "lockf", errno.EIO),
        (sqlite3.SQLITE_CANTOPEN, "open", errno.EMFILE),
        (sqlite3.SQLITE_CANTOPEN, "open", errno.EIO),
    ],
)
def test_what_sqlite_does_not_tell_is_found_out(
    filled: Path, monkeypatch: pytest.MonkeyPatch, code: int, call: str, number: int
) -> None:
    monkeypatch.setattr(fcntl if call == "lockf" else os, call, refuse(number))
    found = raised_for(filled, code)
    assert isinstance(found, StorageFailed)
    assert FAILURES[number] in str(found)


def test_what_cannot_be_found_out_is_told_as_sqlite_does(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(raised_for(filled, sqlite3.SQLITE_CORRUPT), IndexDamaged)
    assert isinstance(raised_for(filled, sqlite3.SQLITE_BUSY), IndexLocked)
    assert "although its permissions allow it" in str(raised_for(filled, sqlite3.SQLITE_CANTOPEN))
    monkeypatch.setattr(os, "access", lambda *_: False)
    for code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
        found = raised_for(filled, code)
        assert isinstance(found, UsageError)
        assert "access to the index was denied" in str(found)


def test_finding_out_releases_no_lock_of_sqlite(filled: Path) -> None:
    """A process loses its POSIX locks on a file when it closes any descriptor of it."""
    locked = f"import sqlite3; sqlite3.connect({str(filled / layout.CATALOG)!r}, timeout=0).execute('BEGIN IMMEDIATE')"
    with store.open_writer(filled, fingerprint=None) as writer:
        writer.remove(["a.pdf"])  # holds the lock for writing
        for code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_CORRUPT):
            raised_for(filled, code)
        done = subprocess.run([sys.executable, "-c", locked], capture_output=True, text=True, check=False)
        assert "database is locked" in done.stderr
        held = [line for line in Path("/proc/locks").read_text("utf-8").splitlines() if "POSIX" in line]
        inode = (filled / layout.CATALOG).stat().st_ino
        assert any(line.split()[4] == str(os.getpid()) and f":{inode} " in line for line in held)


def test_too_many_open_files_are_told(filled: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    descriptor = os.open(filled, os.O_RDONLY)
    os.close(descriptor)
    told = []
    try:
        for spare in range(8):
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptor + spare, hard))
            try:
                store.open_snapshot(filled).close()
            except StorageFailed as err:
                told.append("ulimit -n" in str(err))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(told) >= 3
    assert all(told)
    store.open_snapshot(filled).close()


@pytest.mark.parametrize(
    "name",
    [
        layout.CATALOG,
        layout.READERS,
        layout.READERS_LOCK,
        layout.WRITER_LOCK,
        layout.SEGMENTS,
        f"{layout.SEGMENTS}/00000001",
        *(f"{layout.SEGMENTS}/00000001/{name}" for name in (layout.VECTORS, layout.OFFSETS, layout.DENSE)),
    ],
)
def test_a_folder_in_the_place_of_a_file_or_the_other_way_round_is_told(
    whole: Path, synthetic: ModuleType, name: str
) -> None:
    path = whole / name
    if path.is_dir():
        shutil.rmtree(path)
        path.touch()
    else:
        path.unlink(missing_ok=True)
        path.mkdir()

    def write() -> None:
        with store.open_writer(whole, fingerprint=synthetic.FINGERPRINT) as writer:
            writer.remove(["a.pdf"])
            writer.compact()

    raised = []
    for use in (lambda: everything(whole), write):
        try:
            use()
        except DocsearchError as err:
            raised.append(str(err))
    assert raised
    assert all("\n" not in each for each in raised)


FILES = [f"{layout.SEGMENTS}/0000000{i}/{name}" for i in (1, 2) for name in (
    layout.VECTORS, layout.SCALES, layout.OFFSETS, layout.BOXES, layout.DENSE, layout.WORDS
)]  # fmt: skip


def damage(content: bytes, chance: random.Random) -> bytes:
    """The content with a flipped bit, a run of zeros or of random bytes, or without its end."""
    at, length = chance.randrange(len(content)), chance.choice([1, 1, 1, 16, 512])
    match chance.choice(["flip", "flip", "zeros", "noise", "cut"]):
        case "flip":
            return content[:at] + bytes([content[at] ^ (1 << chance.randrange(8))]) + content[at + 1 :]
        case "zeros":
            return content[:at] + bytes(min(length, len(content) - at)) + content[at + length :]
        case "noise":
            return content[:at] + chance.randbytes(min(length, len(content) - at)) + content[at + length :]
    return content[:at]


def check_damage(index: Path, name: str, times: int, expected: object) -> None:
    """Damage a file `times` over: each is reported, or what the index holds is as before; nothing but docsearch's own
    errors is raised.
    """
    path, chance = index / name, random.Random(name)
    content = path.read_bytes()
    for _ in range(times):
        path.write_bytes(damage(content, chance))
        reported, seen = False, None
        try:
            with store.open_snapshot(index) as snapshot:
                reported = bool(snapshot.verify())
        except DocsearchError:
            reported = True
        try:
            seen = everything(index)
        except DocsearchError:
            assert reported
        assert reported or seen == expected
        for leftover in (f"{layout.CATALOG}-wal", f"{layout.CATALOG}-shm"):
            (index / leftover).unlink(missing_ok=True)
    path.write_bytes(content)


@pytest.mark.filterwarnings("ignore:Reading `.npy`:UserWarning")
@pytest.mark.parametrize("name", FILES)
def test_damage_of_a_segment_is_reported(whole: Path, name: str) -> None:
    check_damage(whole, name, 40, everything(whole))


@pytest.mark.parametrize("part", range(4))
def test_damage_of_the_catalog_is_reported(whole: Path, part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seed = random.Random
    monkeypatch.setattr(random, "Random", lambda name: seed(f"{name} {part}"))
    check_damage(whole, layout.CATALOG, 40, everything(whole))


@pytest.mark.parametrize(
    ("error", "code"), [(OSError(errno.EIO, "I/O error", "roots.json"), 2), (IndexDamaged("x"), 3)]
)
def test_the_command_line_shows_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, code: int
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("docsearch.engine.searcher.open_snapshot", fail)
    monkeypatch.setattr(sys, "argv", ["docsearch", "info"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    shown = capsys.readouterr().err
    assert (ended.value.code, shown.count("\n")) == (code, 1)
    assert shown.startswith("docsearch: ")


def test_verify_reports_what_it_cannot_read(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with store.open_snapshot(whole) as snapshot:
        monkeypatch.setattr("hashlib.file_digest", refuse(errno.EIO))
        found = snapshot.verify()
        assert len(found) == 12
        assert all("cannot be read" in each for each in found)
        monkeypatch.setattr("docsearch.engine.store.verify.segment_problems", lambda *_: 1 // 0)
        assert len(snapshot.verify()) == 2
        snapshot._connection.execute("ROLLBACK")
        monkeypatch.setattr("docsearch.engine.store.statements.read_segments", lambda _: 1 // 0)
        assert snapshot.verify() == [f"{whole / layout.CATALOG}: cannot be read (integer division or modulo by zero)"]


def test_verify_tells_a_read_that_failed_from_damage(whole: Path) -> None:
    class Failing:
        """What SQLite answers where a page cannot be read and one is damaged; 266 is SQLITE_IOERR_READ."""

        def execute(self, _: str) -> list[tuple[str]]:
            lines = ("Page 7: unable to get the page. error code=266", "Page 8: unable to get the page. error code=11")
            return [(line,) for line in lines]

    connection: Any = Failing()
    failed, damaged = verify._sqlite_problems(whole, connection)
    assert "could not be read" in failed
    assert "may be failing" in failed
    assert "could not be read" not in damaged


def test_compaction_does_not_take_a_failing_disk_for_damage(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hashlib.file_digest", refuse(errno.EIO))
    with store.open_writer(whole, fingerprint=None) as writer, pytest.raises(StorageFailed, match="may be failing"):
        writer.compact()
    with store.open_snapshot(whole) as snapshot:
        assert len(snapshot) == 8
