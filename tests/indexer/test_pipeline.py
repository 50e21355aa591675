"""Properties of an indexing run with any model: how new, changed, moved, vanished and broken documents are treated."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from docsearch.engine.errors import EncoderMismatch, IndexLocked, UsageError
from docsearch.engine.models.encoder import EmbeddedPages
from docsearch.engine.records import PageImage
from docsearch.engine.store import open_snapshot
from docsearch.indexer import pipeline
from docsearch.indexer.report import IndexReport, Interrupted, Progress
from fake_encoder import FakeEncoder
from unprivileged import as_user

MakePdf = Callable[..., Path]
TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture
def folder(tmp_path: Path, make_pdf: MakePdf) -> Path:
    return documents(tmp_path / "docs", make_pdf)


def documents(folder: Path, make_pdf: MakePdf) -> Path:
    """Three documents with two, one and three pages."""
    make_pdf(folder / "a.pdf", ["a1", "a2"])
    make_pdf(folder / "b.pdf", ["b1"])
    make_pdf(folder / "sub/c.pdf", ["c1", "c2", "c3"])
    return folder


def run(folder: Path, *, encoder: FakeEncoder | None = None, prune: bool = False, **options: object) -> IndexReport:
    return pipeline.index_documents(
        [folder],
        folder.parent / "index",
        encoder=encoder or FakeEncoder(),
        prune=prune,
        **options,  # type: ignore[arg-type]
    )


def pages(index: Path) -> list[tuple[str, int]]:
    with open_snapshot(index) as snapshot:
        assert snapshot.verify() == []
        return sorted((ref.path, ref.page) for ref in snapshot.refs(range(len(snapshot))))


def ids(index: Path) -> dict[str, str]:
    with open_snapshot(index) as snapshot:
        return {path: row.id for path, row in snapshot.documents().items()}


ALL = [("a.pdf", 1), ("a.pdf", 2), ("b.pdf", 1), ("sub/c.pdf", 1), ("sub/c.pdf", 2), ("sub/c.pdf", 3)]


def test_every_page_of_every_document_is_indexed_once(folder: Path, tmp_path: Path) -> None:
    report = run(folder)
    assert (report.documents, report.pages, report.skipped, report.failed) == (3, 6, 0, ())
    assert pages(tmp_path / "index") == ALL


def test_text_layer_of_a_page_is_stored(folder: Path, tmp_path: Path) -> None:
    run(folder)
    with open_snapshot(tmp_path / "index") as snapshot:
        texts = {ref: snapshot.text(row).strip() for row, ref in enumerate(snapshot.refs(range(len(snapshot))))}
    assert {(ref.path, ref.page): text for ref, text in texts.items()}["sub/c.pdf", 2] == "c2"


def test_unchanged_documents_are_skipped_by_content_and_no_page_is_embedded(folder: Path, tmp_path: Path) -> None:
    run(folder)
    os.utime(folder / "a.pdf", (1, 1))
    encoder = FakeEncoder()
    report = run(folder, encoder=encoder)
    assert (report.skipped, report.pages, encoder.pages) == (3, 0, 0)
    assert pages(tmp_path / "index") == ALL


def test_a_changed_document_is_replaced_under_its_id(folder: Path, tmp_path: Path, make_pdf: MakePdf) -> None:
    run(folder)
    before = ids(tmp_path / "index")
    make_pdf(folder / "a.pdf", ["new"])
    report = run(folder)
    assert (report.documents, report.pages, report.skipped) == (1, 1, 2)
    assert ids(tmp_path / "index") == before
    assert pages(tmp_path / "index") == [("a.pdf", 1), *ALL[2:]]


def test_a_change_that_keeps_size_and_time_is_noticed_by_rehash(folder: Path) -> None:
    run(folder)
    content = (folder / "b.pdf").read_bytes()
    stamp = (folder / "b.pdf").stat()
    (folder / "b.pdf").write_bytes(content[:-1] + b" ")
    os.utime(folder / "b.pdf", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert run(folder).skipped == 3
    assert run(folder, rehash=True).documents == 1


def test_a_moved_document_keeps_its_id_and_is_not_embedded_again(folder: Path, tmp_path: Path) -> None:
    run(folder)
    before = ids(tmp_path / "index")
    (folder / "sub/c.pdf").rename(folder / "moved.pdf")
    encoder = FakeEncoder()
    report = run(folder, encoder=encoder)
    assert (report.moved, report.vanished, encoder.pages) == (1, 0, 0)
    assert ids(tmp_path / "index") == {
        "a.pdf": before["a.pdf"],
        "b.pdf": before["b.pdf"],
        "moved.pdf": before["sub/c.pdf"],
    }


def test_a_copy_is_a_document_of_its_own(folder: Path, tmp_path: Path) -> None:
    run(folder)
    shutil.copy(folder / "b.pdf", folder / "copy.pdf")
    report = run(folder)
    assert (report.moved, report.documents) == (0, 1)
    assert len(set(ids(tmp_path / "index").values())) == 4


def test_vanished_documents_stay_until_prune(folder: Path, tmp_path: Path) -> None:
    run(folder)
    (folder / "a.pdf").unlink()
    assert run(folder).vanished == 1
    assert pages(tmp_path / "index") == ALL
    assert run(folder, prune=True).removed == 1
    assert pages(tmp_path / "index") == ALL[2:]


def test_prune_leaves_documents_of_folders_that_were_not_named(folder: Path, tmp_path: Path, make_pdf: MakePdf) -> None:
    run(folder)
    other = make_pdf(tmp_path / "other/z.pdf", ["z"]).parent
    report = run(other, prune=True)
    assert (report.removed, report.documents) == (0, 1)
    assert pages(tmp_path / "index") == [*ALL, ("z.pdf", 1)]


def test_a_path_already_used_by_another_folder_is_reported_and_changes_nothing(
    folder: Path, tmp_path: Path, make_pdf: MakePdf
) -> None:
    run(folder)
    other = make_pdf(tmp_path / "other/a.pdf", ["another a"]).parent
    (failure,) = run(other).failed
    assert failure.path == "a.pdf"
    assert "index both folders in one 'docsearch index' command" in failure.reason
    assert pages(tmp_path / "index") == ALL


def test_a_broken_document_is_listed_and_the_others_are_indexed(folder: Path, tmp_path: Path) -> None:
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\nno more than this")
    report = run(folder)
    assert [(failure.path, failure.page) for failure in report.failed] == [("broken.pdf", None)]
    assert report.failed[0].reason
    assert pages(tmp_path / "index") == ALL
    with open_snapshot(tmp_path / "index") as snapshot:
        assert [failure.path for failure in snapshot.failures()] == ["broken.pdf"]


def test_a_document_that_failed_is_tried_again(folder: Path, tmp_path: Path, make_pdf: MakePdf) -> None:
    make_pdf(folder / "locked.pdf", ["secret"], password="open sesame")
    assert [failure.path for failure in run(folder).failed] == ["locked.pdf"]
    report = run(folder, passwords=("wrong", "open sesame"))
    assert (report.failed, report.pages, report.skipped) == ((), 1, 3)
    assert ("locked.pdf", 1) in pages(tmp_path / "index")


def test_a_page_that_the_model_cannot_embed_fails_alone(folder: Path, tmp_path: Path) -> None:
    report = run(folder, encoder=FakeEncoder(fails_on=3))
    assert [(failure.path, failure.page) for failure in report.failed] == [("sub/c.pdf", 3)]
    assert "no vectors for this page" in report.failed[0].reason
    assert "second line" not in report.failed[0].reason
    assert pages(tmp_path / "index") == ALL[:-1]
    assert run(folder).skipped == 3


def test_a_page_whose_vectors_are_not_finite_fails_alone(folder: Path, tmp_path: Path) -> None:
    class Overflowing(FakeEncoder):
        def encode_pages(self, pages: Sequence[PageImage]) -> EmbeddedPages:
            embedded = super().encode_pages(pages)
            for row, page in enumerate(pages):
                if page.ref.page == 3:
                    embedded.vectors.vectors[row][:] = np.nan
            return embedded

    report = run(folder, encoder=Overflowing())
    assert [(failure.path, failure.page) for failure in report.failed] == [("sub/c.pdf", 3)]
    assert "not finite numbers; the weights are damaged" in report.failed[0].reason
    assert pages(tmp_path / "index") == ALL[:-1]


@pytest.mark.skipif(sys.platform == "win32", reason="needs Unix file permissions")
def test_a_file_that_cannot_be_read_keeps_its_pages(open_path: Path, make_pdf: MakePdf) -> None:
    folder = documents(open_path / "docs", make_pdf)
    run(folder)
    (folder / "a.pdf").chmod(0)
    again = partial(pipeline.index_documents, [folder], open_path / "index", encoder=FakeEncoder())
    report = as_user(again, open_path)
    assert [failure.path for failure in report.failed] == ["a.pdf"]
    assert report.skipped == 2
    assert pages(open_path / "index") == ALL


def test_another_model_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(folder)
    with pytest.raises(EncoderMismatch):
        pipeline.index_documents([folder], folder.parent / "index", model="pixel")


def test_an_unknown_model_is_refused_before_an_index_is_made(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="model 'no-such-model' is not known"):
        pipeline.index_documents([folder], tmp_path / "index", model="no-such-model")
    assert not (tmp_path / "index").exists()


def test_progress_ends_with_everything_processed(folder: Path) -> None:
    seen: list[Progress] = []
    run(folder, on_progress=seen.append)
    last = seen[-1]
    assert (last.documents, last.documents_total, last.pages, last.failed) == (3, 3, 6, 0)
    assert last.bytes == last.bytes_total == sum(file.stat().st_size for file in folder.rglob("*.pdf"))


def test_progress_counts_the_pages_of_a_document_that_is_under_way(tmp_path: Path, make_pdf: MakePdf) -> None:
    size, count = (
        make_pdf(tmp_path / "docs/only.pdf", [f"page {number}" for number in range(1, 201)]).stat().st_size,
        200,
    )
    seen: list[Progress] = []

    def stop_early(progress: Progress) -> None:
        seen.append(progress)
        if progress.pages:
            raise Interrupted

    with pytest.raises(Interrupted):
        run(tmp_path / "docs", on_progress=stop_early)
    last = seen[-1]
    assert (last.documents, last.documents_total, last.bytes_skipped, last.bytes_total) == (0, 1, 0, size)
    assert 0 < last.pages < count
    assert last.bytes == size * last.pages // count

    stored = len(pages(tmp_path / "index"))
    seen.clear()
    run(tmp_path / "docs", on_progress=seen.append)
    under_way = [each for each in seen if each.pages and not each.documents]
    assert {each.bytes_skipped for each in under_way} == {size * stored // count}
    assert all(each.bytes == size * (stored + each.pages) // count for each in under_way)
    assert (seen[-1].bytes, seen[-1].documents) == (size, 1)


def test_the_same_documents_give_the_same_index(folder: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        pipeline.index_documents([folder], tmp_path / name, encoder=FakeEncoder(), workers=2)
    files = sorted(file.relative_to(tmp_path / "one") for file in (tmp_path / "one/segments").rglob("*.npy"))
    assert files
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def up_to_date(folder: Path, index: Path) -> set[str]:
    """Documents of which the index has the current content, or a part of it."""
    with open_snapshot(index) as snapshot:
        known = {path: row.sha256 for path, row in snapshot.documents().items()}
    return {
        path for path, sha256 in known.items() if hashlib.sha256((folder / path).read_bytes()).hexdigest() == sha256
    }


def kill_at_random(folder: Path, index: Path, *, times: int, make_pdf: MakePdf) -> None:
    """Run `index` repeatedly, kill each run at a random time, and check the index after each."""
    expected = []
    for number in range(6):
        make_pdf(folder / f"{number}.pdf", [f"{number}-{page}" for page in range(1, 9)])
        expected += [(f"{number}.pdf", page) for page in range(1, 9)]
    clock = random.Random(7)
    command = [sys.executable, str(TESTS / "indexer/run_index.py"), str(folder), str(index)]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    killed = 0
    survivors: list[tuple[str, int]] = []
    for attempt in range(times):
        process = subprocess.Popen([*command, "0.03"], env=environment, stdout=subprocess.DEVNULL)
        try:
            process.wait(timeout=0.5 + clock.random() * 2.0)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
        if (index / "catalog.sqlite").exists():
            committed = pages(index)
            assert len(committed) == len(set(committed)), "no page is stored twice"
            assert set(survivors) <= set(committed) <= set(expected), "no committed page is lost"
            current = up_to_date(folder, index)
            survivors = [page for page in committed if page[0] in current]
        if survivors == expected:  # complete: change most documents, so that the next run is long enough to be killed
            for number in range(5):
                make_pdf(folder / f"{number}.pdf", [f"{number}-{page} again {attempt}" for page in range(1, 9)])
            survivors = [page for page in expected if page[0] == "5.pdf"]
    assert killed >= times // 2, "most of these runs should have been killed"
    subprocess.run([*command, "0"], env=environment, check=True, stdout=subprocess.DEVNULL)
    assert pages(index) == expected
    with open_snapshot(index) as snapshot:
        assert snapshot.failures() == []


def test_a_killed_run_loses_nothing_that_was_committed(tmp_path: Path, make_pdf: MakePdf) -> None:
    kill_at_random(tmp_path / "docs", tmp_path / "index", times=5, make_pdf=make_pdf)


@pytest.mark.slow
def test_a_run_killed_fifty_times_loses_nothing_that_was_committed(tmp_path: Path, make_pdf: MakePdf) -> None:
    kill_at_random(tmp_path / "docs", tmp_path / "index", times=50, make_pdf=make_pdf)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_collection(tmp_path: Path, make_pdf: MakePdf) -> None:
    peaks = []
    for documents in (10, 60):
        folder = tmp_path / f"docs{documents}"
        for number in range(documents):
            make_pdf(folder / f"{number}.pdf", [f"{number}-{page}" for page in range(1, 21)])
        code = (
            "import resource, sys, run_index; run_index.main();"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
        )
        environment = {**os.environ, "PYTHONPATH": f"{TESTS}:{TESTS / 'indexer'}"}
        done = subprocess.run(
            [sys.executable, "-c", code, str(folder), str(tmp_path / f"index{documents}"), "0"],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        peaks.append(int(done.stderr.split()[-1]) / 1024)
    assert peaks[1] < peaks[0] + 40, f"peak MB: {peaks}"


def test_a_second_run_is_refused_while_one_is_running(folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(TESTS / "indexer/run_index.py"), str(folder), str(tmp_path / "index"), "600"]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(TESTS)})
    try:
        deadline = time.monotonic() + 300
        while not (tmp_path / "index/roots.json").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with pytest.raises(IndexLocked, match=str(process.pid)):
            run(folder)
    finally:
        process.kill()
        process.wait()
