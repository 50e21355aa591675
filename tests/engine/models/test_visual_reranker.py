"""Cross-encoders that read pictures of pages, with tiny random weights: scores, refusals, pages without a picture."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from sentence_transformers import CrossEncoder
from sentence_transformers.base.modules import Transformer
from sentence_transformers.cross_encoder.modules import LogitScore
from transformers import LlavaConfig, LlavaForConditionalGeneration
from typer.testing import CliRunner

import tiny_sentence_transformers as tiny
from docsearch.cli import app
from docsearch.engine.errors import UsageError
from docsearch.engine.hits import Hits
from docsearch.engine.models import device as devices
from docsearch.engine.models.reranker import Reranker
from docsearch.engine.ranking.third_stage import ThirdStage
from docsearch.engine.records import F32, U8, Hit, PageRef, PageWords
from docsearch.engine.searcher import open_searcher
from docsearch.indexer.page_images import PageImages

YES, NO = 7, 9
RNG = np.random.default_rng(0)
PAGES = [RNG.integers(0, 255, (60, 40, 3), np.uint8) for _ in range(3)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vision-language model that says yes or no, as sentence-transformers saves it."""
    folder = tmp_path_factory.mktemp("models") / "visual"
    tiny.write_llava(folder.with_name("late"))
    base = folder.with_name("late-base")
    config = LlavaConfig.from_pretrained(base)
    config.text_config.initializer_range = 0.3
    torch.manual_seed(0)
    LlavaForConditionalGeneration(config).save_pretrained(base)
    parts = [Transformer(str(base), transformer_task="any-to-any"), LogitScore(YES, NO)]
    CrossEncoder(modules=parts, device="cpu").save(str(folder))
    return folder


def test_scores_are_those_of_sentence_transformers_and_equal_on_two_openings(model: Path) -> None:
    pages = [PAGES[0], "total revenue", PAGES[1], " ", PAGES[2]]
    first, second = (Reranker.open(str(model), device="cpu").scores("revenue", pages) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    kwargs = {"dtype": devices.compute_dtype(devices.choose("cpu"))}
    oracle = CrossEncoder(str(model), device="cpu", model_kwargs=kwargs)
    wanted = [oracle.predict([("revenue", Image.fromarray(page))])[0] for page in PAGES]
    np.testing.assert_allclose(first[[0, 2, 4]], wanted, atol=1e-3)
    assert first[1] == pytest.approx(oracle.predict([("revenue", "total revenue")])[0], abs=1e-3)
    assert first[3] == 0
    assert len(set(first.tolist())) == len(pages)


def test_a_placeholder_that_is_spelled_out_is_read_as_text(model: Path) -> None:
    scores = Reranker.open(str(model), device="cpu").scores("what is <image>", [PAGES[0], "an <image>"])
    assert np.isfinite(scores).all()


def test_a_model_without_a_trained_head_is_refused(model: Path, tmp_path: Path) -> None:
    bare = shutil.copytree(model, tmp_path / "bare")
    tensors = load_file(bare / "model.safetensors")
    head = [name for name in tensors if "lm_head" in name]
    assert head
    kept = {name: tensor for name, tensor in tensors.items() if name not in head}
    save_file(kept, bare / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UsageError, match=r"would be random, such as .*lm_head"):
        Reranker.open(str(bare), device="cpu").scores("revenue", PAGES)
    generator = model.with_name("late-base")
    with pytest.raises(UsageError, match="holds LlavaForConditionalGeneration; --rerank takes a cross-encoder"):
        Reranker.open(str(generator))


class ByBrightness:
    """The brighter a picture, the better; a text is as good as it is long."""

    reads_pictures = True

    def scores(self, question: str, pages: Sequence[str | U8]) -> F32:
        values = [len(page) / 100 if isinstance(page, str) else float(page.mean()) / 255 for page in pages]
        return np.array(values, np.float32)


class Shades:
    """Pictures of one brightness for each page; a page that is not among them has none."""

    def __init__(self, shades: dict[int, int]) -> None:
        self.shades = shades

    def pixels(self, ref: PageRef) -> U8:
        if ref.page not in self.shades:
            raise UsageError(f"{ref.path}: not where it was indexed")
        return np.full((2, 2, 3), self.shades[ref.page], np.uint8)

    def with_words(self, ref: PageRef) -> tuple[U8, PageWords]:
        raise NotImplementedError

    @property
    def thumbnails(self) -> Shades:
        return self

    def close(self) -> None: ...


def found(count: int) -> Hits:
    return Hits([Hit(PageRef("d", "d.pdf", page), 1 - page / 10, page) for page in range(1, count + 1)], "q")


def test_a_page_without_a_picture_is_read_and_one_without_text_stays() -> None:
    texts = {3: "x" * 50, 2: " "}
    stage = ThirdStage(ByBrightness(), 4)
    answer = stage.answer(found(5), "q", 5, lambda ref: texts.get(ref.page, ""), Shades({1: 51, 4: 204}))
    assert [hit.ref.page for hit in answer] == [4, 2, 3, 1, 5]
    np.testing.assert_allclose([hit.score for hit in answer], [0.8, 0.8, 0.5, 0.2, 0.2], atol=1e-6)
    assert {ref.page: reason for ref, reason in stage.undrawn.items()} == dict.fromkeys(
        (2, 3), "d.pdf: not where it was indexed"
    )
    unread = ThirdStage(ByBrightness(), 4).answer(found(3), "q", 2, lambda _: "")
    assert [hit.score for hit in unread] == [0.9, 0.8]
    first = ThirdStage(ByBrightness(), 2).answer(found(2), "q", 2, lambda _: "", Shades({2: 51}))
    np.testing.assert_allclose([(hit.ref.page, hit.score) for hit in first], [(1, 0.2), (2, 0.2)], atol=1e-6)


def test_commands_rerank_by_pictures(model: Path, sample_index: Path, tmp_path: Path) -> None:
    run = CliRunner()
    common = ["--index", str(sample_index), "--rerank", str(model), "--rerank-hits", "3", "--device", "cpu"]
    done = run.invoke(app, ["query", "revenue chart 2023", "-k", "3", "--json", *common])
    assert done.exit_code == 0, done.output
    hits = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    reranker = Reranker.open(str(model), device="cpu")
    with open_searcher(sample_index, pictures=PageImages.readable(sample_index)) as searcher:
        refs = [hit.ref for hit in searcher.search("revenue chart 2023", k=3)]
        assert searcher.pictures is not None
        scores = [reranker.scores("revenue chart 2023", [searcher.pictures.pixels(ref)])[0] for ref in refs]
    wanted = sorted(zip(scores, [(ref.path, ref.page) for ref in refs], strict=True), key=lambda each: -each[0])
    assert [(hit["path"], hit["page"]) for hit in hits] == [place for _, place in wanted]
    np.testing.assert_allclose([hit["score"] for hit in hits], [score for score, _ in wanted], atol=1e-4)
    assert "could not be drawn" not in done.output
    (tmp_path / "queries.txt").write_text("revenue chart 2023\n")
    out = tmp_path / "out.jsonl"
    done = run.invoke(app, ["batch", str(tmp_path / "queries.txt"), "-o", str(out), "-k", "1", *common])
    assert done.exit_code == 0, done.output
    (answer,) = [json.loads(line) for line in out.read_text().splitlines()]
    assert answer["hits"][0]["page"] == wanted[0][1][1]
    rows = [{"query": "revenue chart 2023", "path": "annual-report-2023.pdf", "page": 6}]
    (tmp_path / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = run.invoke(app, ["eval", str(tmp_path / "questions.jsonl"), "--json", *common])
    assert done.exit_code == 0, done.output
    assert "reranked" in done.stdout


def test_query_says_which_pages_it_could_not_draw(
    model: Path, sample_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(self: PageImages, ref: PageRef) -> U8:
        raise UsageError(f"{ref.path}: not where it was indexed")

    monkeypatch.setattr(PageImages, "pixels", gone)
    asked = ["query", "revenue chart 2023", "-k", "2", "--index", str(sample_index), "--rerank", str(model)]
    done = CliRunner().invoke(app, [*asked, "--rerank-hits", "2", "--device", "cpu"])
    assert done.exit_code == 0, done.output
    assert "2 pages could not be drawn for --rerank, which read text instead: " in done.output
