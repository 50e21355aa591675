"""A lookup of one document takes as long in a large catalog as in a small one: counted in SQLite steps, not in time."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from docsearch.engine import store
from docsearch.engine.store import catalog, statements
from docsearch.engine.store.catalog import DocumentRow

STEPS = 20
"""How many steps of SQLite's virtual machine are counted as one."""


def content(path: str) -> str:
    return f"content of {path}"


def make(directory: Path, synthetic: ModuleType, documents: int) -> Path:
    """An index of "a.pdf", "z.pdf", and so many documents between, each with a page; one in ten failed."""
    with store.open_writer(directory, fingerprint=synthetic.FINGERPRINT) as writer:
        synthetic.add(writer, "a.pdf")
        writer.commit()
        with writer._transaction.changing() as connection:
            for number in range(documents):
                path = f"folder/{number:05}.pdf"
                state, error = ("failed", "on purpose") if number % 10 == 0 else ("done", None)
                row = DocumentRow(f"{number:016x}", path, content(path), 1, 1, 1, state, error)
                key = statements.insert_document(connection, row)
                place = {"location": (1, 1000 + number), "size": (1.0, 1.0), "vectors": 1}
                statements.insert_page(connection, key, 1, **place, text="")
        synthetic.add(writer, "z.pdf")
    return directory


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], int]:
    """`steps(work)`: how many times STEPS steps SQLite made for `work`, on connections that it opened."""
    counted = [0]
    connect = catalog._connect

    def count() -> None:
        counted[0] += 1

    def counting(directory: Path, options: str) -> sqlite3.Connection:
        connection = connect(directory, options)
        connection.set_progress_handler(count, STEPS)
        return connection

    monkeypatch.setattr(catalog, "_connect", counting)

    def of(work: Callable[[], object]) -> int:
        counted[0] = 0
        work()
        return counted[0]

    return of


def by_snapshot(read: Callable[[store.Snapshot], object]) -> Callable[[Path], object]:
    def work(index: Path) -> object:
        with store.open_snapshot(index) as snapshot:
            return read(snapshot)

    return work


def remove_one(index: Path) -> None:
    with store.open_writer(index, fingerprint=None) as writer:
        row = writer.document(doc_id=f"{7:016x}")
        assert row is not None
        assert writer.remove([row.path]) == 1


PATH = "folder/00011.pdf"
LOOKUPS: dict[str, Callable[[Path], object]] = {
    "nothing": by_snapshot(lambda snapshot: None),
    "by path": by_snapshot(lambda snapshot: snapshot.document(path=PATH)),
    "by id": by_snapshot(lambda snapshot: snapshot.document(doc_id=f"{11:016x}")),
    "by content": by_snapshot(lambda snapshot: snapshot.documents_of_content(content(PATH))),
    "failures of one": by_snapshot(lambda snapshot: snapshot.failures("folder/00010.pdf")),
    "ten of all": by_snapshot(lambda snapshot: snapshot.documents(5, 10)),
}


@pytest.mark.parametrize("lookup", [*LOOKUPS, "removal"])
def test_a_lookup_takes_as_many_steps_among_many_documents_as_among_few(
    tmp_path: Path, synthetic: ModuleType, steps: Callable[[Callable[[], object]], int], lookup: str
) -> None:
    few, many = (make(tmp_path / str(n), synthetic, n) for n in (30, 900))
    work = LOOKUPS.get(lookup, remove_one)
    of_few, of_many = (steps(lambda index=index: work(index)) for index in (few, many))  # type: ignore[misc]
    assert of_many <= 1.2 * of_few + 3


def test_lookups_find_what_a_scan_finds(tmp_path: Path, synthetic: ModuleType) -> None:
    index = make(tmp_path / "index", synthetic, 40)
    with store.open_writer(index, fingerprint=None) as writer:
        for path in ("Über/é.pdf", "folder/a\x01b.pdf"):
            synthetic.add(writer, path, count=1)
        rows = writer.documents()
        assert [writer.document(path=path) for path in rows] == list(rows.values())
        assert [writer.document(doc_id=row.id) for row in rows.values()] == list(rows.values())
        assert writer.document(path="none") is writer.document(doc_id="none") is writer.document() is None
        odd = {"Über/é.pdf", "folder/a\x01b.pdf"}
        for prefix in ("", "a", "folder", "folder/0001", "none"):
            wanted = {path for path in rows if path.startswith(prefix)} | odd
            assert writer.find_paths(prefix) == sorted(wanted, key=str.encode)
    with store.open_snapshot(index) as snapshot:
        assert [row.path for row in snapshot.documents_of_content(content(PATH))] == [PATH]
        assert snapshot.documents_of_content(content("folder/00010.pdf")) == []  # it failed
        assert snapshot.failures("folder/00010.pdf") == [
            each for each in snapshot.failures() if each.path == "folder/00010.pdf"
        ]
        assert len(snapshot.failures()) == 4


def test_an_index_of_an_earlier_version_is_looked_up_before_a_writer_opens_it(
    tmp_path: Path, synthetic: ModuleType
) -> None:
    index = make(tmp_path / "index", synthetic, 20)
    with sqlite3.connect(index / "catalog.sqlite") as connection:
        connection.execute("DROP INDEX documents_by_content")
    with store.open_snapshot(index) as snapshot:
        assert [row.path for row in snapshot.documents_of_content(content(PATH))] == [PATH]
    connection.close()
