"""The passage index: against a plain comparison of all passages, growing, damaged, and of another encoder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toy_sentences import ToySentences

import toy_words
from docsearch.engine.retrieval import passage_index
from docsearch.engine.retrieval.passage_index import PassageIndex, quantize
from docsearch.engine.retrieval.passages import passages
from docsearch.engine.store import open_snapshot
from docsearch.engine.store.snapshot import Snapshot

TEXTS = {
    "sea.pdf": ["the boat " * 60 + "and bread", "bread " * 5, ""],
    "sky.pdf": ["one cloud over a boat", "nothing of that"],
}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    add(tmp_path / "index", TEXTS)
    return tmp_path / "index"


def add(directory: Path, texts: dict[str, list[str]]) -> None:
    toy_words.write(directory, {path: [[i] for i in range(len(pages))] for path, pages in texts.items()}, texts=texts)


def expected(snapshot: Snapshot, question: str) -> np.ndarray:
    encoder = ToySentences()
    (asked,) = encoder.encode([question])
    found = [passages(snapshot.text(row)) for row in range(len(snapshot))]
    return np.array([np.max(encoder.encode(each) @ asked) if each else np.nan for each in found])


def parts(snapshot: Snapshot) -> list[Path]:
    return snapshot.cache.folders(passage_index.PREFIX)


def test_cosines_are_those_of_the_best_passage_of_each_page(directory: Path) -> None:
    with open_snapshot(directory) as snapshot:
        index = PassageIndex(snapshot, ToySentences())
        for question in ("boat", "Brot", "a cloud and bread", ""):
            np.testing.assert_allclose(index.cosines(question), expected(snapshot, question), atol=0.01)


def test_the_nearest_passage_of_a_page_is_told_with_its_place(directory: Path) -> None:
    texts = {"long.pdf": ["the sea " * 60 + "a boat " * 20 + "the sea " * 60, ""]}
    add(directory, texts)
    with open_snapshot(directory) as snapshot:
        index = PassageIndex(snapshot, ToySentences())
        for row, ref in enumerate(snapshot.refs(range(len(snapshot)))):
            found = index.nearest("Schiff", row)
            text = snapshot.text(row)
            assert (found is None) == (not text.strip())
            if found is not None and ref.path == "long.pdf":
                assert "boat" in found.text
                assert " ".join(text[found.start : found.end].split()) == found.text


def test_a_question_is_encoded_once_for_its_passages_too(directory: Path) -> None:
    with open_snapshot(directory) as snapshot:
        PassageIndex(snapshot, ToySentences())
        index = PassageIndex(snapshot, encoder := ToySentences())
        index.cosines("boat")
        for row in range(len(snapshot)):
            index.nearest("boat", row)
        assert encoder.encoded == 1


def test_cosines_of_a_batch_are_computed_once_and_cannot_be_changed(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_snapshot(directory) as snapshot:
        index = PassageIndex(snapshot, ToySentences())
        questions = [f"boat {number}" for number in range(passage_index.COSINES_KEPT)]
        first = [index.cosines(question) for question in questions]
        monkeypatch.setattr(passage_index.PassagePart, "cosines", None)  # computing them again would fail
        assert all(index.cosines(question) is its for question, its in zip(questions, first, strict=True))
        with pytest.raises(ValueError, match="read-only"):
            first[0][0] = 1.0


def test_the_nearest_passage_is_told_though_its_file_was_damaged(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_snapshot(directory) as snapshot:
        PassageIndex(snapshot, ToySentences())
        index = PassageIndex(snapshot, ToySentences())
        (part,) = index._parts
        assert part.file is not None
        monkeypatch.setattr(type(part.file), "verify", _raise_once(part.file.path))
        found = index.nearest("bread", 1)
        assert found is not None
        assert found.text.startswith("bread")


def test_pages_are_embedded_once(directory: Path) -> None:
    with open_snapshot(directory) as snapshot:
        PassageIndex(snapshot, ToySentences())
        again = ToySentences()
        found = PassageIndex(snapshot, again).cosines("boat")
        assert again.encoded == 1
        np.testing.assert_allclose(found, expected(snapshot, "boat"), atol=0.01)


def test_only_new_pages_are_embedded(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passage_index, "PART_PAGES", 5)
    with open_snapshot(directory) as snapshot:
        PassageIndex(snapshot, ToySentences())
    add(directory, {"new.pdf": ["more bread"]})
    told: list[tuple[int, int]] = []
    with open_snapshot(directory) as snapshot:
        encoder = ToySentences()
        index = PassageIndex(snapshot, encoder, lambda done, total: told.append((done, total)))
        assert (encoder.encoded, told) == (1, [(1, 1)])
        np.testing.assert_allclose(index.cosines("bread"), expected(snapshot, "bread"), atol=0.01)


@pytest.mark.parametrize("name", [passage_index.VECTORS, passage_index.COUNTS, passage_index.SCALES])
def test_a_damaged_part_is_made_again(directory: Path, name: str) -> None:
    with open_snapshot(directory) as snapshot:
        PassageIndex(snapshot, ToySentences())
        (folder,) = parts(snapshot)
        content = bytearray((folder / name).read_bytes())
        content[-1] ^= 0x55
        (folder / name).write_bytes(content)
        np.testing.assert_allclose(
            PassageIndex(snapshot, ToySentences()).cosines("boat"), expected(snapshot, "boat"), atol=0.01
        )


def test_damage_under_an_open_index_is_noticed(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_snapshot(directory) as snapshot:
        PassageIndex(snapshot, ToySentences())
        index = PassageIndex(snapshot, ToySentences())
        (part,) = index._parts
        assert part.file is not None
        monkeypatch.setattr(type(part.file), "verify", _raise_once(part.file.path))
        np.testing.assert_allclose(index.cosines("boat"), expected(snapshot, "boat"), atol=0.01)


def _raise_once(path: Path) -> object:
    raised: list[bool] = []

    def verify(self: object, begins: object, ends: object) -> None:
        if not raised:
            raised.append(True)
            raise passage_index.DamagedFile(path, "damaged for a test")

    return verify


def test_parts_of_another_encoder_are_made_again(directory: Path) -> None:
    with open_snapshot(directory) as snapshot:
        PassageIndex(snapshot, ToySentences())
        other = ToySentences()
        other.spec = replace(ToySentences.spec, name="other")  # type: ignore[misc]
        PassageIndex(snapshot, other)
        assert other.encoded > 1


def test_an_interrupted_build_leaves_no_part(directory: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with open_snapshot(directory) as snapshot:
        with pytest.raises(KeyboardInterrupt):
            PassageIndex(snapshot, ToySentences(), stop)
        assert not parts(snapshot)
        np.testing.assert_allclose(
            PassageIndex(snapshot, ToySentences()).cosines("boat"), expected(snapshot, "boat"), atol=0.01
        )


def test_pages_without_any_text(tmp_path: Path) -> None:
    add(tmp_path / "index", {"scan.pdf": ["", ""]})
    with open_snapshot(tmp_path / "index") as snapshot:
        assert np.isnan(PassageIndex(snapshot, ToySentences()).cosines("boat")).all()


def test_int8_keeps_cosines_within_half_a_percent() -> None:
    vectors = np.random.default_rng(0).standard_normal((63, 512)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    stored, scales = quantize(vectors)
    np.testing.assert_allclose((stored * scales[:, None]) @ vectors.T, vectors @ vectors.T, atol=0.005)
    assert quantize(np.zeros((1, 4), np.float32))[0].tolist() == [[0, 0, 0, 0]]
