"""Copies: which pages have the same content, one of each, and the cached file of a large index."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import toy_words
from docsearch.engine import store
from docsearch.engine.store import copies as copies_module
from docsearch.engine.store.copies import Copies


@st.composite
def contents_in_some_order(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """The content of each row, and the place of each row in the order of paths."""
    contents = draw(st.lists(st.integers(0, 5), min_size=1, max_size=24))
    return contents, draw(st.permutations(range(len(contents))))


def copies_of(contents: list[int], order: list[int]) -> Copies:
    shared = [[row, contents.index(each)] for row, each in enumerate(contents) if contents.count(each) > 1]
    return Copies(np.array(shared, np.int64).reshape(-1, 2), np.array(order))


@given(contents_in_some_order(), st.data())
def test_one_of_each_content_has_the_first_path_among_the_given_rows(
    drawn: tuple[list[int], list[int]], data: st.DataObject
) -> None:
    contents, order = drawn
    found = copies_of(contents, order)
    rows = sorted(data.draw(st.sets(st.sampled_from(range(len(contents))))))
    best: dict[int, int] = {}
    for row in sorted(rows, key=lambda row: order[row]):
        best.setdefault(contents[row], row)
    assert found.one_of_each(np.array(rows, np.int64)).tolist() == sorted(best.values())


@given(contents_in_some_order())
def test_copies_of_a_row_are_those_with_its_content_in_path_order(drawn: tuple[list[int], list[int]]) -> None:
    contents, order = drawn
    found = copies_of(contents, order)
    for row, content in enumerate(contents):
        same = [other for other, each in enumerate(contents) if each == content]
        assert found.of(row).tolist() == sorted(same, key=lambda row: order[row])
    assert found.counted.tolist() == sorted({contents.index(each) for each in contents})
    assert found.shown.tolist() == found.one_of_each(np.arange(len(contents))).tolist()


@given(contents_in_some_order(), st.data())
def test_pages_of_one_content_share_the_largest_value(drawn: tuple[list[int], list[int]], data: st.DataObject) -> None:
    contents, order = drawn
    values = data.draw(st.lists(st.integers(0, 9), min_size=len(contents), max_size=len(contents)))
    shared = np.array(values, np.float64)
    copies_of(contents, order).share_largest(shared)
    assert shared.tolist() == [max(v for v, c in zip(values, contents, strict=True) if c == each) for each in contents]


PAGES = {"c.pdf": [[1], [2]], "a.pdf": [[1], [2]], "other.pdf": [[1], [2]], "b.pdf": [[1]]}


def same(path: str) -> str:
    return "another" if path == "other.pdf" else "same"


def groups(directory: Path) -> list[list[tuple[str, int]]] | None:
    """Pages by content, each in path order; None without copies."""
    with store.open_snapshot(directory) as snapshot:
        if snapshot.copies is None:
            return None
        rows = {tuple(snapshot.copies.of(row).tolist()) for row in range(len(snapshot))}
        return sorted([(ref.path, ref.page) for ref in snapshot.refs(each)] for each in rows)


FOUND = [
    [("a.pdf", 1), ("b.pdf", 1), ("c.pdf", 1)],
    [("a.pdf", 2), ("c.pdf", 2)],
    [("other.pdf", 1)],
    [("other.pdf", 2)],
]


def test_pages_are_copies_if_bytes_and_number_agree(tmp_path: Path) -> None:
    toy_words.write(tmp_path, PAGES, sha256=same)
    assert groups(tmp_path) == FOUND


def test_removing_and_moving_copies_changes_who_has_the_content(tmp_path: Path) -> None:
    toy_words.write(tmp_path, PAGES, sha256=same)
    with store.open_snapshot(tmp_path) as before:
        with store.open_writer(tmp_path, fingerprint=None) as writer:
            writer.remove(["a.pdf"])
            writer.move_document("c.pdf", "0.pdf", 1, 1)
        assert before.copies is not None
        assert before.refs(before.copies.shown)[0].path == "a.pdf"
    assert groups(tmp_path) == [[("0.pdf", 1), ("b.pdf", 1)], [("0.pdf", 2)], *FOUND[2:]]
    with store.open_writer(tmp_path, fingerprint=None) as writer:
        writer.remove(["b.pdf"])
    assert groups(tmp_path) is None


def test_documents_whose_bytes_are_unknown_are_no_copies(tmp_path: Path) -> None:
    toy_words.write(tmp_path, PAGES, sha256=lambda _: "")
    assert groups(tmp_path) is None


def test_copies_without_pages_are_none(tmp_path: Path) -> None:
    toy_words.write(tmp_path, {"a.pdf": [[1]]}, sha256=same)
    with store.open_writer(tmp_path, fingerprint=None) as writer:
        writer.fail_document("b.pdf", "it is broken", sha256="same")
    assert groups(tmp_path) is None


def test_copies_are_found_once_for_each_snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy_words.write(tmp_path, PAGES)
    with store.open_snapshot(tmp_path) as snapshot:
        assert snapshot.copies is None
        monkeypatch.setattr(copies_module, "shared_rows", None)
        assert snapshot.copies is None


def test_a_large_index_keeps_its_copies_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docsearch.engine.store.page_table.CACHED_PAGES", 1)
    toy_words.write(tmp_path, PAGES, sha256=same)
    assert groups(tmp_path) == FOUND
    (cached,) = (tmp_path / "cache").glob("copies-*.npy")
    whole = cached.read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(copies_module, "shared_rows", None)
        assert groups(tmp_path) == FOUND
    cached.write_bytes(whole[:-9])
    assert groups(tmp_path) == FOUND
    assert cached.read_bytes() == whole
    with store.open_writer(tmp_path, fingerprint=None) as writer:
        writer.remove(["a.pdf", "c.pdf"])
    assert groups(tmp_path) is None
    with monkeypatch.context() as patched:
        patched.setattr(copies_module, "shared_rows", None)
        assert groups(tmp_path) is None
