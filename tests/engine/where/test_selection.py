"""Conditions select the documents that a plain reading of them selects, before candidates are chosen."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import toy_words
from docsearch.engine import searcher as searchers
from docsearch.engine.errors import UsageError
from docsearch.engine.searcher import Searcher, open_searcher
from docsearch.engine.store import Snapshot, open_snapshot, open_writer
from docsearch.engine.store.column_values import nanoseconds
from docsearch.engine.store.combined import open_combined
from docsearch.engine.where import sorted_columns
from docsearch.engine.where.documents import DocumentFilter
from hypothesis_profiles import UNTIMED
from toy_words import ToyEncoder

TYPES = {"year": "number", "tag": "list", "due": "date", "done": "flag", "code": "text", "odd name": "text"}
VALUES: dict[str, dict[str, object]] = {
    "a.pdf": {"year": 2020.0, "tag": ("audit", "Tax"), "due": "2024-02-29", "done": True, "code": "007"},
    "b/a.pdf": {"year": 2021.0, "tag": ("law",), "due": "2024-03", "done": False, "code": "7"},
    "b/Straße.pdf": {"year": 2021.5, "code": "100%_", "odd name": "x"},
    "c.pdf": {},
}
OWN: dict[str, dict[str, object]] = {
    "a.pdf": {"kind": "pdf", "title": "Annual Report", "author": "Kim", "language": "en", "has_text": True},
    "b/a.pdf": {"kind": "pdf", "title": "Écoles", "keywords": ("x y", "z"), "language": "fr", "has_text": True},
    "b/Straße.pdf": {"kind": "pdf", "has_text": False},
    "c.pdf": {"kind": "pdf", "author": "KIM", "has_text": False},
}
MODIFIED = datetime(2024, 2, 29, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("where") / "index"
    toy_words.write(directory, {path: [[1], [2]] for path in VALUES})
    with open_writer(directory, fingerprint=None) as writer:
        for path, found in OWN.items():
            row = writer.document(path=path)
            assert row is not None
            writer.touch_document(path, 1000, nanoseconds(MODIFIED))
            writer.record_properties(row.id, found)  # type: ignore[arg-type]
        keys = {path: key for key, path in writer.document_keys().items()}
        writer.record_metadata({keys[path]: its for path, its in VALUES.items()}, TYPES)  # type: ignore[arg-type, misc]
    return directory


@pytest.fixture(scope="module")
def snapshot(index: Path) -> Iterator[Snapshot]:
    with open_snapshot(index) as opened:
        yield opened


def selected(snapshot: Snapshot, where: str, path: str | None = None, *, again: str = "") -> str:
    """What a condition selects, perhaps after another one that has the same columns.

    The first letters of the documents' names: A is a.pdf, B is b/a.pdf, S is b/Straße.pdf, C is c.pdf."""
    letters = {"a.pdf": "A", "b/a.pdf": "B", "b/Straße.pdf": "S", "c.pdf": "C"}
    documents = DocumentFilter(snapshot)
    if again:
        documents.paths(path, again)
    found = documents.paths(path, where)
    return "".join(letters[path] for path in letters if path in found)


CONDITIONS = [
    ("author = 'kim'", "AC"),
    ("author != 'kim'", "BS"),
    ("author is null", "BS"),
    ("author in ('Lee', 'Kim')", "AC"),
    ("author not in ('Lee', 'Kim')", "BS"),
    ("title = 'écoles'", "B"),
    ("title like '%REPORT'", "A"),
    ("title like '_nnual%'", "A"),
    ("title contains 'port'", "A"),
    ("title > 'b'", "B"),
    ("keywords = 'X Y'", "B"),
    ("keywords contains 'x'", "B"),
    ("tag = 'tax'", "A"),
    ("tag in ('law', 'tax')", "AB"),
    ("tag is null", "SC"),
    ("not tag = 'tax'", "BSC"),
    ("year = 2021", "B"),
    ("year >= 2021", "BS"),
    ("year between 2020 and 2021", "AB"),
    ("year != 2021", "ASC"),
    ("due = 2024-02-29", "A"),
    ("due = 2024-02", "A"),
    ("due = 2024", "AB"),
    ("due > 2024-02", "B"),
    ("due >= '2024-02-29' and due <= 2024-02-29", "A"),
    ("due < 2024-03-02", "AB"),
    ("due between 2024-01 and 2024-02", "A"),
    ("due in (2024-03-01, 2020)", "B"),
    ("done", "A"),
    ("done = false", "B"),
    ("not done", "BSC"),
    ("code = '007'", "A"),
    ("code = 7", "B"),
    (r"code like '100\%\_'", "S"),
    ("code contains '%'", "S"),
    ('"Odd Name" = "x"', "S"),
    ("path = 'B/STRASSE.pdf'", "S"),
    ("path like 'b/%'", "BS"),
    ("path contains 'straße'", "S"),
    ("path matches 'b/*'", "BS"),
    ("path matches 'a.pdf' and not path = 'a.pdf'", "B"),
    ("path in ('c.pdf', 'a.pdf')", "AC"),
    ("size = 1 kb", "ABSC"),
    ("size < 0.5 kb", ""),
    ("pages = 2", "ABSC"),
    ("pages is null", ""),
    ("modified = 2024-02-29", "ABSC"),
    ("modified >= 2024-02-29T12:00:01", ""),
    ("modified < 2300", "ABSC"),
    ("modified between 1500 and 9998-12-31T23:59:59-23:00", "ABSC"),
    ("modified < 1500", ""),
    ("modified <= 2024-02-29T14:00+02:00", "ABSC"),
    ("modified > 2024-02-28 and modified < 2024-03", "ABSC"),
    ("kind = 'pdf' and language in ('en', 'fr') and has_text", "AB"),
    ("author = 'kim' and year >= 2020 or tag = 'law'", "AB"),
    ("author = 'kim' and (year >= 2020 or tag = 'law')", "A"),
    ("title like 'a%n%rep_rt'", "A"),
    ("path like '%'", "ABSC"),
    ("path contains ''", "ABSC"),
    ("code >= '1'", "BS"),
]


@pytest.mark.parametrize(("where", "wanted"), CONDITIONS)
def test_conditions(snapshot: Snapshot, where: str, wanted: str) -> None:
    assert selected(snapshot, where) == wanted


@pytest.mark.parametrize(("where", "wanted"), CONDITIONS)
def test_conditions_on_columns_in_memory(
    snapshot: Snapshot, where: str, wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sorted_columns, "MIN_DOCUMENTS", 0)
    assert selected(snapshot, where, again=f"not ({where})") == wanted


def test_a_column_with_texts_and_numbers_is_left_to_the_catalog(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sorted_columns, "MIN_DOCUMENTS", 0)
    toy_words.write(tmp_path / "other", {"d.pdf": [[1]]})
    with open_writer(tmp_path / "other", fingerprint=None) as writer:
        writer.record_metadata({key: {"year": "late"} for key in writer.document_keys()}, {"year": "text"})
    with open_combined({"one": index, "two": tmp_path / "other"}) as both:
        documents = DocumentFilter(both)
        assert documents.paths(None, "year < 2020") == set()
        assert documents.paths(None, "year = 2021") == {"b/a.pdf"}


def test_a_path_filter_and_a_condition_hold_together(snapshot: Snapshot) -> None:
    assert selected(snapshot, "year >= 2021", "b/a*") == "B"


@pytest.mark.parametrize(
    ("where", "character", "says"),
    [
        ("yaer >= 2021", 1, "did you mean year?"),
        ("author = 'x' and nothing = 1", 18, "the columns are path, kind"),
        ("year = 'x'", 8, "year is a number, not 'x'"),
        ("year = 1e999", 8, "year is a number"),
        ("done = 1", 8, "true or false"),
        ("due = 'soon'", 7, "'soon' is no date"),
        ("due = true", 7, "due is a date"),
        ("due = 2024-01-01T10:30+99:00", 7, "+99:00 is no time zone"),
        ("due = 2024-01-01T10:30+01:60", 7, "+01:60 is no time zone"),
        ("tag = '\ud800'", 8, "lone surrogate"),
        ("year contains '2'", 1, "no 'contains'"),
        ("tag < 'b'", 1, "no '<'"),
        ("title matches 'x'", 1, "no 'matches'"),
        ("title", 1, "compare it with a value"),
        ("title like '%%%%%%%%%%%'", 12, "at most"),
        ("title like 'x\\'", 12, "after"),
    ],
)
def test_mistakes_are_told_with_their_place(snapshot: Snapshot, where: str, character: int, says: str) -> None:
    with pytest.raises(UsageError, match=rf"^where, character {character}\b") as raised:
        selected(snapshot, where)
    assert says in str(raised.value)


def test_values_are_bound_and_never_part_of_the_statement(snapshot: Snapshot) -> None:
    hostile = "x'') OR 1=1; DROP TABLE documents --"
    assert selected(snapshot, f"author = '{hostile}'") == ""
    assert selected(snapshot, f"path = '{hostile}' or code like '{hostile}' or done") == "A"


def test_a_condition_that_is_too_deep_is_refused(snapshot: Snapshot) -> None:
    deep = "not (done and " * 40 + "done" + ")" * 40
    with pytest.raises(UsageError, match="nested"):
        selected(snapshot, deep)
    assert selected(snapshot, "(" * 300 + "done" + ")" * 300) == "A"


def test_an_index_of_an_earlier_version_says_what_it_lacks(tmp_path: Path) -> None:
    toy_words.write(tmp_path / "index", {"a.pdf": [[1]]})
    with open_snapshot(tmp_path / "index") as snapshot:
        assert DocumentFilter(snapshot).paths(None, "pages = 1 and path like 'a%'") == {"a.pdf"}
        with pytest.raises(UsageError, match="run 'docsearch index' again"):
            selected(snapshot, "author = 'x'")


COMPARED = {"=": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
SIMPLE = st.tuples(st.sampled_from(sorted(COMPARED)), st.sampled_from([2019, 2020, 2021, 2021.5, 2022]))


@st.composite
def conditions(draw: st.DrawFn, depth: int = 3) -> tuple[str, frozenset[str]]:
    """A condition on the year, and the documents that it selects by a plain reading."""
    if depth == 0 or draw(st.booleans()):
        sign, number = draw(SIMPLE)
        years = {path: its["year"] for path, its in VALUES.items() if "year" in its}
        return f"year {sign} {number}", frozenset(p for p, year in years.items() if COMPARED[sign](year, number))
    one, its = draw(conditions(depth - 1))
    if draw(st.booleans()):
        return f"not ({one})", frozenset(VALUES) - its
    other, others = draw(conditions(depth - 1))
    is_and = draw(st.booleans())
    return f"({one}) {'and' if is_and else 'or'} ({other})", its & others if is_and else its | others


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, *UNTIMED])
@given(conditions())
def test_and_or_and_not_are_those_of_sets(snapshot: Snapshot, condition: tuple[str, frozenset[str]]) -> None:
    text, wanted = condition
    assert DocumentFilter(snapshot).paths(None, text) == wanted


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searcher]:
    """300 documents of two pages; one in a hundred has the number 7, and none of these is among the best 40 pages."""
    directory = tmp_path_factory.mktemp("large") / "index"
    pages = {f"{i:03}.pdf": [[i % 50, 60], [(i * 7) % 50, 61, 62]] for i in range(300)}
    toy_words.write(directory, pages)
    with open_writer(directory, fingerprint=None) as writer:
        keys = writer.document_keys().items()
        writer.record_metadata(
            {key: {"number": float(int(path[:3]) % 100)} for key, path in keys}, {"number": "number"}
        )
    with open_searcher(directory, encoder=ToyEncoder()) as opened:
        yield opened


@pytest.mark.parametrize("candidates", [1, 3, 5, 6, 20, None])
def test_under_a_filter_of_one_percent_two_stages_find_what_exact_search_finds(
    large: Searcher, candidates: int | None
) -> None:
    unfiltered = large.search("w1 w48 w60 w61", exact=True, k=600)
    allowed = [hit for hit in unfiltered if int(hit.ref.path[:3]) % 100 == 7]
    assert len(allowed) == 6
    assert allowed[0].rank > 6
    found = large.search("w1 w48 w60 w61", where="number = 7", candidates=candidates, k=6)
    assert [(hit.ref, round(hit.score, 5)) for hit in found] == [(hit.ref, round(hit.score, 5)) for hit in allowed]


def test_in_a_batch_each_query_has_its_own_condition_and_that_of_all(large: Searcher) -> None:
    queries = [searchers.Query(str(i), "w1 w60", where=f"number = {i}") for i in (7, 8)]
    found = {query.query_id: hits for query, hits in large.search_many(queries, where="path < '150'", k=600)}
    assert {hit.ref.path for hit in found["7"]} == {"007.pdf", "107.pdf"}
    assert found["8"] == large.search("w1 w60", where="number = 8 and path < '150'", k=600)


def test_a_condition_of_all_is_checked_before_any_answer(large: Searcher) -> None:
    with pytest.raises(UsageError, match="no column"):
        next(large.search_many([searchers.Query("1", "w1")], where="nothing = 1"))


def test_copies_are_shown_by_the_path_that_a_condition_selects(tmp_path: Path) -> None:
    toy_words.write(tmp_path / "index", {path: [[1]] for path in ("a.pdf", "b.pdf", "c.pdf")}, sha256=lambda _: "same")
    with open_searcher(tmp_path / "index", encoder=ToyEncoder()) as searcher:
        (hit,) = searcher.search("w1", where="path > 'a.pdf'")
    assert (hit.ref.path, hit.also) == ("b.pdf", ("c.pdf",))


def test_facets_count_documents_and_pages(index: Path) -> None:
    with open_searcher(index, encoder=ToyEncoder()) as searcher:
        author, tag, due, year, path, modified = searcher.facets("author", "tag", "due", "year", "path", "modified")
        every = [facet.column for facet in searcher.facets()]
        few = searcher.facets("year", where="done is not null", limit=1)[0]
    assert (author.documents, author.without) == (2, 2)
    assert [(value.documents, value.pages) for value in author.values] == [(2, 4)]
    assert [(value.value, value.documents) for value in tag.values] == [("audit", 1), ("law", 1), ("Tax", 1)]
    assert [(value.value, value.documents) for value in due.values] == [("2024", 2)]
    assert (due.least, due.most) == ("2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z")
    assert (year.least, year.most, len(year.values)) == (2020.0, 2021.5, 3)
    assert [(value.value, value.documents, value.pages) for value in path.values] == [("./", 2, 4), ("b/", 2, 4)]
    assert [(value.value, value.documents) for value in modified.values] == [("2024", 4)]
    assert {"kind", "odd name", "done"} <= set(every)
    assert "subject" not in every
    assert (few.documents, len(few.values), few.more) == (2, 1, 1)


def test_facets_of_unknown_columns_are_refused(index: Path) -> None:
    with open_searcher(index, encoder=ToyEncoder()) as searcher, pytest.raises(UsageError, match="did you mean author"):
        searcher.facets("autor")


def test_conditions_and_facets_of_several_indexes_are_those_of_each(index: Path, tmp_path: Path) -> None:
    toy_words.write(tmp_path / "other", {"d.pdf": [[1]], "e.pdf": [[2]]})
    with open_writer(tmp_path / "other", fingerprint=None) as writer:
        keys = {path: key for key, path in writer.document_keys().items()}
        writer.record_metadata({keys["e.pdf"]: {"year": 2021.0, "only": "here"}}, {"year": "number", "only": "text"})
    with open_searcher({"one": index, "two": tmp_path / "other"}, encoder=ToyEncoder()) as searcher:
        found = {
            where: {hit.ref.path for hit in searcher.search("w1 w2", where=where, exact=True)}
            for where in ("year = 2021", "only = 'here'", "path matches '*d.pdf' or done", "only is null and pages = 1")
        }
        (year,) = searcher.facets("year")
    assert found == {
        "year = 2021": {"b/a.pdf", "e.pdf"},
        "only = 'here'": {"e.pdf"},
        "path matches '*d.pdf' or done": {"a.pdf", "d.pdf"},
        "only is null and pages = 1": {"d.pdf"},
    }
    assert (year.documents, year.without) == (4, 2)
