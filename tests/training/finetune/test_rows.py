"""Reading training rows, their error messages, rendering their pages, and the batches made of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from docsearch.engine.errors import UsageError
from docsearch.engine.models.pixel.spec import SPEC
from docsearch.training.finetune import pages, rows, schedule
from docsearch.training.finetune.rows import PageKey, Row


@pytest.fixture
def folder(tmp_path: Path, make_pdf: Callable[..., Path]) -> Path:
    make_pdf(tmp_path / "deep" / "two.pdf", ["first", "second"])
    Image.fromarray(np.full((40, 60, 3), 200, np.uint8)).save(tmp_path / "one.png")
    return tmp_path


def write(folder: Path, *lines: object) -> Path:
    file = folder / "rows.jsonl"
    file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), "utf-8")
    return file


def test_paths_are_relative_to_the_file_and_other_keys_are_ignored(folder: Path) -> None:
    negatives = ["one.png", {"image": "deep/two.pdf", "page": 1, "score": 0.4}]
    given = {"query": "b", "image": "deep/two.pdf", "page": 2, "id": 7, "negatives": negatives}
    one, two = rows.read(write(folder, {"query": "a", "image": str(folder / "one.png")}, "", given))[0]
    picture, pdf = folder / "one.png", folder / "deep/two.pdf"
    assert one == Row("a", PageKey(picture, 1), (), 1)
    assert two == Row("b", PageKey(pdf, 2), (PageKey(picture, 1), PageKey(pdf, 1)), 3)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "not JSON"),
        ('{"query": ' + "1" * 5000 + "}", "not JSON that can be read"),
        ("[]", "not an object"),
        ({"image": "one.png"}, "'query' is missing"),
        ({"query": " ", "image": "one.png"}, "'query' is missing or empty"),
        ({"query": "a"}, "'image' is missing"),
        ({"query": "a", "image": "none.png"}, "there is no file"),
        ({"query": "a", "image": "rows.exe"}, "has none of the suffixes .pdf"),
        ({"query": "a", "image": "deep/two.pdf"}, "needs 'page', a whole number from 1"),
        ({"query": "a", "image": "deep/two.pdf", "page": "2"}, "needs 'page'"),
        ({"query": "a", "image": "one.png", "page": 0}, "needs 'page'"),
        ({"query": "a", "image": "one.png", "negatives": "one.png"}, "'negatives' is not a list"),
        ({"query": "a", "image": "one.png", "negatives": [3]}, "negative 1: 'image' is missing"),
        ({"query": "a", "image": "one.png", "negatives": ["./one.png"]}, "negative 1 is the page that answers"),
    ],
)
def test_a_bad_row_is_named_by_its_line(folder: Path, line: object, says: str) -> None:
    file = write(folder, {"query": "good", "image": "one.png"}, line)
    with pytest.raises(UsageError, match="correct or remove these lines") as caught:
        rows.read(file)
    assert f"{file}:2: " in str(caught.value)
    assert says in str(caught.value)


def test_all_bad_rows_are_reported_at_once_up_to_a_few(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"rows.jsonl:5: .*; and 2 more") as caught:
        rows.read(write(folder, *["{"] * 7))
    assert "rows.jsonl:6:" not in str(caught.value)


def test_only_a_line_feed_ends_a_row(folder: Path) -> None:
    file = folder / "rows.jsonl"
    query = "one\u2028two\x85three"
    line = json.dumps({"query": query, "image": "one.png"}, ensure_ascii=False)
    file.write_bytes(f"{line}\r\n\n{line}\n".encode())
    assert [(row.query, row.line) for row in rows.read(file)[0]] == [(query, 1), (query, 3)]


def test_pages_are_rendered_once_as_the_indexer_renders_them(folder: Path) -> None:
    file = write(folder, {"query": "a", "image": "deep/two.pdf", "page": 2, "negatives": ["one.png"]})
    progress: list[tuple[int, int]] = []
    read, _ = rows.read(file)
    for _ in range(2):
        found = pages.draw(
            [(file, read)], folder / "drawn", SPEC, renderer="mupdf", on_page=lambda *now: progress.append(now)
        )
    assert progress == [(1, 2), (2, 2)]
    pdf, picture = (found.pixels(page) for page in read[0].pages)
    assert pdf.shape == (596, 458, 3)  # 200 x 260 pt at 165 dpi
    assert (picture == 200).all()


def test_a_page_that_cannot_be_rendered_is_named_by_its_line(folder: Path) -> None:
    (folder / "broken.png").write_bytes(b"no picture")
    lines = [{"query": "a", "image": image, "page": page} for image, page in (("deep/two.pdf", 3), ("broken.png", 1))]
    file = write(folder, *lines)
    with pytest.raises(UsageError) as caught:
        pages.draw([(file, rows.read(file)[0])], folder / "drawn", SPEC, renderer="mupdf")
    assert f"rows.jsonl:1: {folder}/deep/two.pdf, page 3 cannot be rendered: the document has no such page" in str(
        caught.value
    )
    assert "rows.jsonl:2: " in str(caught.value)


def row(query: str, page: int, *negatives: int) -> Row:
    return Row(query, PageKey(Path("d.pdf"), page), tuple(PageKey(Path("d.pdf"), other) for other in negatives), 1)


def batch(given: list[Row], step: int, *, size: int, negatives: int = 1) -> schedule.Batch:
    return schedule.batch(given, schedule.answers_by_query(given), step, size=size, negatives=negatives, seed=3)


def test_every_row_is_seen_once_an_epoch_and_epochs_differ_in_order() -> None:
    given = [row(str(i), i) for i in range(1, 8)]
    seen = [query for step in range(14) for query in batch(given, step, size=2).queries]
    epochs = [seen[:7], seen[7:14], seen[14:21], seen[21:]]
    assert all(sorted(epoch) == [str(i) for i in range(1, 8)] for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 1


def test_a_page_is_one_column_and_other_answers_are_excluded() -> None:
    given = [row("a", 1, 3), row("a", 2, 3), row("b", 2, 1)]
    made = batch(given, 0, size=3)
    assert sorted(page.page for page in made.pages) == [1, 2, 3]
    for i, query in enumerate(made.queries):
        target = made.pages[int(made.task.targets[i])].page
        excluded = {page.page for j, page in enumerate(made.pages) if made.task.excluded[i, j]}
        assert (query, target, excluded) in [("a", 1, {2}), ("a", 2, {1}), ("b", 2, set())]


def test_the_learning_rate_rises_for_a_tenth_of_the_steps_then_falls() -> None:
    rates = [schedule.learning_rate(step, 100, 1.0) for step in range(100)]
    assert rates[:10] == sorted(rates[:10])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert 0.9 < max(rates) <= 1
    assert 0.04 < rates[-1] < 0.06
