"""Inverted index over patches: approximates exact scores, in parts that grow with the index."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import toy_words
from docsearch.engine import scoring
from docsearch.engine.compression.visual_words import VisualWords
from docsearch.engine.kernels import maxsim
from docsearch.engine.records import QueryVectors
from docsearch.engine.retrieval import inverted_index, tiers
from docsearch.engine.retrieval.candidates import open_candidates, prune_for_candidates
from docsearch.engine.retrieval.inverted_index import InvertedIndex, NearestLists, open_inverted_index
from docsearch.engine.searcher import open_searcher
from docsearch.engine.store import Snapshot, checksums, open_snapshot, open_writer
from docsearch.engine.store.mmap import release
from toy_words import ToyEncoder

pytestmark = pytest.mark.usefixtures("instructions")

QUERY = "w3 w17 w101"
VISUAL_WORDS = ToyEncoder().visual_words


def contents(pages: int, seed: int = 0) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    return [rng.choice(toy_words.WORDS, 40, replace=False).tolist() for _ in range(pages)]


def add(directory: Path, name: str, pages: int) -> None:
    """Commit a document, in a segment of its own; one of its pages is empty."""
    toy_words.write(directory, {f"{name}.pdf": [[], *contents(pages - 1, seed=pages)]})


def parts(directory: Path) -> list[str]:
    return sorted(folder.name for folder in (directory / "cache").glob("lists-*"))


def exact_scores(snapshot: Snapshot) -> np.ndarray:
    query = ToyEncoder().encode_query(QUERY)
    scores = np.empty(len(snapshot), np.float32)
    for block in snapshot.blocks():
        maxima = maxsim.token_maxima(query.vectors, block.coded, block.offsets)
        scores[block.rows] = scoring.weighted_sum(scoring.match(maxima, query), query.weights)
    return scores


@pytest.mark.parametrize("codec", ["int8", "float16", "binary", "residual"])
@pytest.mark.parametrize("visual_words", [VISUAL_WORDS, None], ids=["words of the model", "learned words"])
def test_approximate_scores_are_near_the_exact_ones(
    tmp_path: Path, codec: str, visual_words: VisualWords | None
) -> None:
    toy_words.write(tmp_path / "index", {"a.pdf": contents(200), "empty.pdf": [[], [3, 17]]}, codec)
    query = ToyEncoder().encode_query(QUERY)
    with open_snapshot(tmp_path / "index") as snapshot:
        lists = open_inverted_index(snapshot, visual_words)
        assert sum(part.size for part in lists.parts) == snapshot.lengths.sum()
        exact, maxima = exact_scores(snapshot), lists.maxima(query.vectors, 0.45)
    matches = np.clip((maxima - 0.5) / 0.5, 0, 1)
    np.testing.assert_allclose((matches * query.weights).sum(axis=1), exact, atol=0.3 if codec == "binary" else 0.12)
    assert (maxima[200] == -np.inf).all()


def test_every_patch_is_in_the_list_of_its_visual_word(tmp_path: Path) -> None:
    toy_words.write(tmp_path / "index", {"a.pdf": contents(90)})
    with open_snapshot(tmp_path / "index") as snapshot:
        (part,) = open_inverted_index(snapshot, VISUAL_WORDS).parts
        listed = [(word, page) for word in range(toy_words.WORDS) for page in part.postings.decode(word)[0].tolist()]
        assert sorted(listed) == sorted(
            (word, row) for row, page in enumerate(snapshot.words()) for word in page.tolist()
        )


def test_similarities_of_pages_not_scanned_are_imputed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy_words.write(tmp_path / "index", {"a.pdf": [[1, 2], [3], []]})
    monkeypatch.setattr(inverted_index, "NPROBE", 1)
    vector = toy_words.directions()[1:2]
    farthest = np.max(vector @ VISUAL_WORDS.codebook.centroids_f32.T)
    with open_snapshot(tmp_path / "index") as snapshot:
        lists = open_inverted_index(snapshot, VISUAL_WORDS)
        scanned, imputed = (lists.maxima(vector, -1.0, impute_missing=impute)[:, 0] for impute in (False, True))
    assert scanned[0] > 0.9
    assert scanned[1:].tolist() == [-np.inf, -np.inf]
    np.testing.assert_allclose(
        imputed, [max(scanned[0], farthest), farthest, farthest], rtol=1e-6
    )  # BLAS rounds otherwise


def test_empty_lists_take_no_place_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The word of the only page is far from the query: lists that are nearer have nothing."""
    toy_words.write(tmp_path / "index", {"a.pdf": [[7]]})
    monkeypatch.setattr(inverted_index, "NPROBE", 1)
    with open_snapshot(tmp_path / "index") as snapshot:
        lists = open_inverted_index(snapshot, VISUAL_WORDS)
        found = lists.maxima(toy_words.directions()[1:2], -1.0)
    assert np.isfinite(found).all()


def test_all_tokens_of_a_contextual_query_are_looked_up() -> None:
    vectors = toy_words.directions()
    weights = np.full(len(vectors), 1 / len(vectors), np.float32)
    query = QueryVectors(vectors, weights, vectors[0], ("",) * len(vectors), contextual=True)
    assert len(prune_for_candidates(query).vectors) == len(vectors)


def test_of_a_long_query_the_heaviest_tokens_are_looked_up(tmp_path: Path) -> None:
    words = " ".join(f"w{i}" for i in range(150))
    query = ToyEncoder().encode_query(words)
    heavy = np.where(np.arange(150) < 40, 2 / 190, 1 / 190).astype(np.float32)
    assert len(prune_for_candidates(query).vectors) == 150  # all have the same weight
    assert len(prune_for_candidates(replace(query, weights=heavy)).vectors) == 40
    add(tmp_path / "index", "a", 50)
    with open_searcher(tmp_path / "index", encoder=ToyEncoder()) as searcher:
        assert searcher.search(words, candidates=20)


def maxima_of(lists: InvertedIndex) -> np.ndarray:
    return lists.maxima(toy_words.directions()[:50], 0.3)


def test_index_after_additions_and_removals_equals_a_fresh_one(tmp_path: Path) -> None:
    index = tmp_path / "index"
    for name, pages in (("a", 60), ("b", 20), ("c", 9)):
        add(index, name, pages)
        with open_snapshot(index) as snapshot:
            open_inverted_index(snapshot, VISUAL_WORDS)
    assert parts(index) == ["lists-00000001-00000001", "lists-00000002-00000002", "lists-00000003-00000003"]
    with open_writer(index, fingerprint=None) as writer:
        writer.remove(["b.pdf"])
    with open_snapshot(index) as snapshot:
        grown = open_inverted_index(snapshot, VISUAL_WORDS)
        shutil.rmtree(index / "cache")
        fresh = open_inverted_index(snapshot, VISUAL_WORDS)
        assert (len(grown.parts), len(fresh.parts)) == (2, 1)
        np.testing.assert_array_equal(maxima_of(grown), maxima_of(fresh))


def test_small_parts_are_built_again_together(tmp_path: Path) -> None:
    index = tmp_path / "index"
    for name in "abcdef":
        add(index, name, 20)
        with open_snapshot(index) as snapshot:
            opened = open_inverted_index(snapshot, VISUAL_WORDS)
            assert len(opened.parts) <= 3
    open_writer(index, fingerprint=None).close()  # deletes outdated parts
    used = [f"lists-{part.segments[0, 0]:08d}-{part.segments[-1, 0]:08d}" for part in opened.parts]
    assert parts(index) == sorted(used)


def test_parts_are_deleted_with_their_segments(tmp_path: Path) -> None:
    index = tmp_path / "index"
    for name in "ab":
        add(index, name, 20)
    with open_snapshot(index) as snapshot:
        open_inverted_index(snapshot, VISUAL_WORDS)
    with open_writer(index, fingerprint=None) as writer:
        writer.compact()
    assert parts(index) == []


def test_a_part_that_lost_most_pages_is_built_again_once(tmp_path: Path) -> None:
    index = tmp_path / "index"
    toy_words.write(index, {"a.pdf": contents(30), "b.pdf": contents(20)})
    for path in ("", "a.pdf"):
        with open_writer(index, fingerprint=None) as writer:
            writer.remove([path] if path else [])
        with open_snapshot(index) as snapshot:
            (part,) = open_inverted_index(snapshot, VISUAL_WORDS).parts
            assert part.size == snapshot.lengths.sum()
        with open_snapshot(index) as snapshot:
            before = (index / "cache" / parts(index)[0]).stat().st_ino
            open_inverted_index(snapshot, VISUAL_WORDS)
            assert (index / "cache" / parts(index)[0]).stat().st_ino == before


def test_parts_are_not_larger_than_the_maximum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = tmp_path / "index"
    for name, pages in (("a", 60), ("b", 20), ("c", 30)):
        add(index, name, pages)
    with open_snapshot(index) as snapshot:
        wanted = maxima_of(open_inverted_index(snapshot, VISUAL_WORDS))
        shutil.rmtree(index / "cache")
        monkeypatch.setattr(inverted_index, "PART_VECTORS", 40 * 50)
        several = open_inverted_index(snapshot, VISUAL_WORDS)
        assert [part.segments[:, 0].tolist() for part in several.parts] == [[1], [2, 3]]
        np.testing.assert_array_equal(maxima_of(several), wanted)


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="needs Linux: /proc/self/smaps")
def test_lists_of_a_large_part_are_read_without_mapping_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def mapped() -> int:
        lines = Path("/proc/self/smaps").read_text("utf-8").splitlines()
        first = next(i for i, line in enumerate(lines) if str(tmp_path) in line and line.endswith("lists.npy"))
        return next(int(line.split()[1]) for line in lines[first:] if line.startswith("Rss:"))

    toy_words.write(tmp_path / "index", {"a.pdf": contents(400)})
    with open_snapshot(tmp_path / "index") as snapshot:
        wanted = maxima_of(open_inverted_index(snapshot, VISUAL_WORDS))
        monkeypatch.setattr(inverted_index, "MAPPED_BYTES", 1 << 10)
        lists = open_inverted_index(snapshot, VISUAL_WORDS)
        (part,) = lists.parts
        release(part.postings.lists)
        np.testing.assert_array_equal(maxima_of(lists), wanted)
        assert mapped() == 0
        descriptor = part.postings.descriptor
        del lists, part
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(descriptor)


def codes_of(lists: InvertedIndex) -> np.ndarray:
    vectors = toy_words.directions()[:50]
    floors, scales, within = (np.full(50, each, np.float32) for each in (0.3, 360, 9))
    return np.array(lists.codes(vectors, floors, scales, within=within, probes=np.full(50, 32)))


def test_codes_are_those_of_the_maxima(tmp_path: Path) -> None:
    """Where pages were removed, and where parts do not follow each other, too."""
    index = tmp_path / "index"
    for name, pages in (("a", 60), ("b", 20), ("c", 9)):
        add(index, name, pages)
    for removed in (None, "b.pdf"):
        if removed:
            with open_writer(index, fingerprint=None) as writer:
                writer.remove([removed])
        with open_snapshot(index) as snapshot:
            lists = open_inverted_index(snapshot, VISUAL_WORDS)
            maxima = maxima_of(lists)
            wanted = np.ceil(np.clip((maxima - np.float32(0.3)) * np.float32(360), 0, 255)).T
            np.testing.assert_allclose(codes_of(lists), wanted, atol=1)
            assert (codes_of(lists) == wanted).mean() > 0.99


def test_lists_whose_centroids_are_far_from_the_vector_are_not_scanned() -> None:
    products = np.array([0.1, 0.9, 0.7, 0.6, -0.2], np.float32)
    book = VISUAL_WORDS.codebook
    nearest = NearestLists.of(np.zeros(4, np.float32), {book: products}, 0.25)
    assert sorted(nearest.words[book].tolist()) == [1, 2]
    assert nearest.farthest == np.float32(0.7)
    assert len(NearestLists.of(np.zeros(4, np.float32), {book: products}, np.inf).words[book]) == 5


@pytest.mark.parametrize("name", ["lists.npy", "starts.npy", "segments.npy"])
def test_part_with_a_damaged_file_is_built_again(tmp_path: Path, name: str) -> None:
    add(tmp_path / "index", "a", 50)
    with open_searcher(tmp_path / "index", encoder=ToyEncoder()) as searcher:
        before = searcher.search(QUERY, candidates=20)
    (file,) = (tmp_path / "index" / "cache").glob(f"lists-*/{name}")
    file.write_bytes(file.read_bytes()[:100])
    with open_searcher(tmp_path / "index", encoder=ToyEncoder()) as searcher:
        assert searcher.search(QUERY, candidates=20) == before
    assert file.stat().st_size > 100


def cached_part(index: Path) -> Path:
    (folder,) = (index / "cache").glob("lists-*")
    return folder


def test_zeroed_lists_are_built_again_and_lose_no_page(tmp_path: Path) -> None:
    """As a power cut leaves them: as long as before, with zeros."""
    index = tmp_path / "index"
    add(index, "a", 50)
    with open_snapshot(index) as snapshot:
        wanted = maxima_of(open_inverted_index(snapshot, VISUAL_WORDS))
    file = cached_part(index) / "lists.npy"
    whole = file.read_bytes()
    file.write_bytes(whole[:4096] + bytes(len(whole) - 4096))
    with open_snapshot(index) as snapshot:
        np.testing.assert_array_equal(maxima_of(open_inverted_index(snapshot, VISUAL_WORDS)), wanted)
    assert file.read_bytes() == whole


def test_a_block_is_verified_when_it_is_first_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    index = tmp_path / "index"
    monkeypatch.setattr(checksums, "BLOCK_BYTES", 1 << 12)
    add(index, "a", 200)
    with open_snapshot(index) as snapshot:
        wanted = maxima_of(open_inverted_index(snapshot, VISUAL_WORDS))
    file = cached_part(index) / "lists.npy"
    whole = file.read_bytes()
    file.write_bytes(whole[: 1 << 13] + bytes(len(whole) - (1 << 13)))
    with open_snapshot(index) as snapshot:
        opened = open_inverted_index(snapshot, VISUAL_WORDS)
        assert file.read_bytes() != whole
        before = opened.parts
        with ThreadPoolExecutor(4) as pool:
            for found in pool.map(lambda _: maxima_of(opened), range(8)):
                np.testing.assert_array_equal(found, wanted)
        assert opened.parts != before
    assert file.read_bytes() == whole
    assert "is made again" in caplog.text


def test_the_part_of_another_index_is_not_used(tmp_path: Path) -> None:
    for name, seed in (("one", 0), ("two", 1)):
        toy_words.write(tmp_path / name, {"a.pdf": contents(40, seed)})
        with open_snapshot(tmp_path / name) as snapshot:
            wanted = maxima_of(open_inverted_index(snapshot, VISUAL_WORDS))
    shutil.rmtree(tmp_path / "two" / "cache")
    shutil.copytree(tmp_path / "one" / "cache", tmp_path / "two" / "cache")
    with open_snapshot(tmp_path / "two") as snapshot:
        np.testing.assert_array_equal(maxima_of(open_inverted_index(snapshot, VISUAL_WORDS)), wanted)


def test_the_part_of_a_later_state_is_not_used_after_a_restore(tmp_path: Path) -> None:
    """A part made after pages were removed lacks them; in a restored catalog they are back."""
    index = tmp_path / "index"
    toy_words.write(index, {"a.pdf": contents(30), "b.pdf": contents(20, seed=1)})
    shutil.copytree(index, tmp_path / "backup", ignore=shutil.ignore_patterns("cache"))
    with open_snapshot(index) as snapshot:
        wanted = maxima_of(open_inverted_index(snapshot, VISUAL_WORDS))
    shutil.rmtree(index / "cache")
    with open_writer(index, fingerprint=None) as writer:
        writer.remove(["b.pdf"])
    with open_snapshot(index) as snapshot:
        open_inverted_index(snapshot, VISUAL_WORDS)
    shutil.copytree(index / "cache", tmp_path / "backup" / "cache")
    with open_snapshot(tmp_path / "backup") as snapshot:
        np.testing.assert_array_equal(maxima_of(open_inverted_index(snapshot, VISUAL_WORDS)), wanted)


def test_a_part_without_checksums_is_built_again_once(tmp_path: Path) -> None:
    index = tmp_path / "index"
    add(index, "a", 50)
    with open_snapshot(index) as snapshot:
        open_inverted_index(snapshot, VISUAL_WORDS)
    manifest = cached_part(index) / checksums.MANIFEST
    manifest.unlink()  # as versions before checksums left it
    made = []
    for _ in range(2):
        with open_snapshot(index) as snapshot:
            open_inverted_index(snapshot, VISUAL_WORDS)
        made.append(manifest.stat().st_mtime_ns)
    assert made[0] == made[1]


def test_space_for_lists_is_written_where_it_cannot_be_reserved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On macOS and Windows."""
    monkeypatch.delattr("os.posix_fallocate")
    array = tiers.allocate((3_000_000,), tmp_path / "lists.npy")
    assert array.shape == (3_000_000,)
    assert not array.any()
    assert (tmp_path / "lists.npy").stat().st_blocks * 512 >= 3_000_000


def test_index_that_cannot_be_written_to_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(tmp_path / "index", "a", 50)
    with open_snapshot(tmp_path / "index") as snapshot:
        wanted = maxima_of(open_inverted_index(snapshot, VISUAL_WORDS))
    shutil.rmtree(tmp_path / "index" / "cache")
    (tmp_path / "index" / "cache").write_text("no folder can be made here")
    with open_snapshot(tmp_path / "index") as snapshot:
        np.testing.assert_array_equal(maxima_of(open_inverted_index(snapshot, VISUAL_WORDS)), wanted)


def test_a_full_disk_leaves_the_index_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(tmp_path / "index", "a", 50)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    with open_snapshot(tmp_path / "index") as snapshot:
        lists = open_inverted_index(snapshot, VISUAL_WORDS)
        assert np.isfinite(maxima_of(lists)).any()
    assert list((tmp_path / "index" / "cache").iterdir()) == []


def test_index_of_empty_pages_has_no_candidates(tmp_path: Path) -> None:
    toy_words.write(tmp_path / "index", {"empty.pdf": [[], []]})
    with open_snapshot(tmp_path / "index") as snapshot:
        found = open_candidates(snapshot, VISUAL_WORDS).find(ToyEncoder().encode_query(QUERY), count=1)
        assert len(found.pages) == 0 or not found.scores.any()
