"""Columns of documents: values, their order, and what becomes of them when a document changes."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docsearch.engine import store
from docsearch.engine.store.column_values import compared, date_span, folded, nanoseconds
from docsearch.engine.store.columns import ColumnsTable


def by_path(index: Path) -> dict[str, dict[str, object]]:
    with store.open_snapshot(index) as snapshot:
        columns = snapshot.columns
        stored = columns.stored(columns.types())
        _, paths = snapshot.page_documents()
    return {paths[key]: dict(values) for key, values in stored.items()}


def key_of(index: Path, path: str) -> int:
    with store.open_snapshot(index) as snapshot:
        return next(key for key, each in snapshot.page_documents()[1].items() if each == path)


def test_a_users_value_counts_before_that_of_the_file_as_long_as_it_is_there(filled: Path) -> None:
    with store.open_snapshot(filled) as snapshot:
        doc_id = snapshot.documents()["a.pdf"].id
    with store.open_writer(filled, fingerprint=None) as writer:
        writer.record_properties(doc_id, {"title": "From the file", "author": "K"})
        writer.record_metadata({key_of(filled, "a.pdf"): {"title": "Mine", "year": 2021.0}}, {"year": "number"})
    assert by_path(filled)["a.pdf"] == {"title": "Mine", "author": "K", "year": 2021.0}
    with store.open_writer(filled, fingerprint=None) as writer:
        writer.record_metadata({}, {})
    assert by_path(filled)["a.pdf"] == {"title": "From the file", "author": "K"}


def test_what_is_the_same_changes_nothing(filled: Path) -> None:
    given_values = {key_of(filled, "a.pdf"): {"tag": ("x", "y"), "done": True, "on": "2024-02"}}
    types = {"tag": "list", "done": "flag", "on": "date"}
    counts, revisions = [], []
    for _ in range(2):
        with store.open_writer(filled, fingerprint=None) as writer:
            counts.append(writer.record_metadata(given_values, types))  # type: ignore[arg-type]
        with store.open_snapshot(filled) as snapshot:
            revisions.append((snapshot.generation, snapshot.columns.revision))
    assert counts == [1, 0]
    assert revisions[0] == revisions[1]
    assert by_path(filled)["a.pdf"] == {"tag": ("x", "y"), "done": True, "on": "2024-02"}


def test_a_column_whose_type_changes_is_written_again(filled: Path) -> None:
    key = key_of(filled, "a.pdf")
    for kind, stored in (("text", "2021-05"), ("date", "2021-05-01T00:00:00")):
        with store.open_writer(filled, fingerprint=None) as writer:
            assert writer.record_metadata({key: {"on": "2021-05"}}, {"on": kind}) == 1  # type: ignore[dict-item]
        with store.open_snapshot(filled) as snapshot:
            assert snapshot._query("SELECT compared FROM document_values") == [(stored,)]


def test_users_values_stay_when_the_content_changes_and_those_of_the_file_go(
    filled: Path, synthetic: ModuleType
) -> None:
    with store.open_snapshot(filled) as snapshot:
        doc_id = snapshot.documents()["a.pdf"].id
    with store.open_writer(filled, fingerprint=None) as writer:
        writer.record_properties(doc_id, {"title": "Old", "language": "en"})
        writer.record_metadata({key_of(filled, "a.pdf"): {"team": "tax"}}, {"team": "text"})
    with store.open_writer(filled, fingerprint=synthetic.FINGERPRINT) as writer:
        begun = writer.begin_document("a.pdf", "f" * 64, 1, 1)
        writer.fail_document(begun.doc_id, "damaged")
    assert by_path(filled) == {"a.pdf": {"team": "tax"}}


def test_a_date_that_is_none_is_refused_and_nothing_changes(filled: Path) -> None:
    with (
        pytest.raises(ValueError, match="no date"),
        store.open_writer(filled, fingerprint=None) as writer,
    ):
        writer.record_metadata({key_of(filled, "a.pdf"): {"on": "soon"}}, {"on": "date"})
    assert by_path(filled) == {}


def test_an_index_without_the_tables_has_the_columns_of_every_version(index: Path) -> None:
    shutil.copytree(Path(__file__).parent / "stored_indexes/format_1/float16", index)
    with store.open_snapshot(index) as snapshot:
        table: ColumnsTable = snapshot.columns
        ids = [row.id for row in snapshot.documents().values()]
        assert not table.has_values
        assert table.user_types() == {}
        assert all({"path", "size", "modified"} <= its.keys() for its in table.of(ids).values())


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        ("2024", (2024, 1, 1), (2025, 1, 1)),
        ("2024-02", (2024, 2, 1), (2024, 3, 1)),
        ("2023-12", (2023, 12, 1), (2024, 1, 1)),
        ("2024-02-29", (2024, 2, 29), (2024, 3, 1)),
        ("2024-02-29T10:30", (2024, 2, 29, 10, 30), (2024, 2, 29, 10, 31)),
        ("2024-02-29 10:30:05+02:00", (2024, 2, 29, 8, 30, 5), (2024, 2, 29, 8, 30, 6)),
    ],
)
def test_a_date_spans_what_it_names(text: str, first: tuple[int, ...], after: tuple[int, ...]) -> None:
    assert date_span(text) == (datetime(*first, tzinfo=UTC), datetime(*after, tzinfo=UTC))  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    "text", ["2024-13", "2023-02-29", "soon", "24-01-01", "0000", "9999-12-31", "2024-01-01T25:00"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no date|the year"):
        date_span(text)


@given(
    st.datetimes(datetime(1800, 1, 1), datetime(2200, 1, 1)), st.datetimes(datetime(1800, 1, 1), datetime(2200, 1, 1))
)
def test_dates_are_compared_in_the_order_of_time(one: datetime, other: datetime) -> None:
    one, other = one.replace(microsecond=0), other.replace(microsecond=0)
    texts = [compared(when.isoformat(), "date") for when in (one, other)]
    assert (texts[0] < texts[1]) == (one < other)  # type: ignore[operator]
    assert nanoseconds(one.replace(tzinfo=UTC)) % 1_000_000_000 == 0


@given(st.text(max_size=20))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert folded(folded(text)) == folded(text)
