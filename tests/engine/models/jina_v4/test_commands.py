"""End to end with a tiny jina-embeddings-v4: index, query, batch, heat map, info, verify."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import docsearch
import tiny_jina
from docsearch.engine.models.jina_v4.encoder import JinaV4
from docsearch.engine.searcher import open_searcher
from docsearch.engine.store import open_snapshot

pytestmark = pytest.mark.slow  # each command is a process that imports torch and transformers

SAMPLES = ("annual-report-2023.pdf", "receipt.jpg", "invoice-20418.pdf")
QUERIES = ("revenue chart 2023", "total of the invoice", "receipt")
MAX_PIXELS = 100_352


def run(*arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "docsearch", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"{tiny_jina.write(tmp_path_factory.mktemp('model') / 'tiny')},max_pixels={MAX_PIXELS}"


@pytest.fixture(scope="module")
def indexed(model: str, sample_docs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `docs`, three of the sample documents, and their `index`."""
    folder = tmp_path_factory.mktemp("job")
    (folder / "docs").mkdir()
    for name in SAMPLES:
        shutil.copy(sample_docs / name, folder / "docs")
    done = run("index", folder / "docs", "--index", folder / "index", "--model", model, "--device", "cpu")
    assert "CC-BY-NC-4.0" in done.stderr
    return folder


def test_index_records_the_model_with_its_settings(indexed: Path, model: str) -> None:
    with open_snapshot(indexed / "index") as snapshot:
        recorded = snapshot.fingerprint
        assert recorded["name"] == model
        assert recorded["max_pixels"] == MAX_PIXELS
        assert (recorded["task"], recorded["tokens"]) == ("retrieval", "all")
        assert snapshot.dense_vectors().shape == (len(snapshot), tiny_jina.HIDDEN)
        assert not snapshot.has_words


def test_query_opens_the_model_of_the_index_and_scores_as_maxsim(indexed: Path, model: str) -> None:
    hits = [
        json.loads(line)
        for line in run("query", QUERIES[0], "--index", indexed / "index", "--json").stdout.splitlines()
    ]
    encoder = docsearch.load_encoder(model, device="cpu")
    (query,) = encoder.encode_queries(QUERIES[:1])
    with open_snapshot(indexed / "index") as snapshot:
        wanted = {}
        for row, ref in enumerate(snapshot.refs(range(len(snapshot)))):
            (block,) = snapshot.blocks(rows=np.array([row]))
            patches = block.coded.values.astype(np.float32) * block.coded.scales.astype(np.float32)[:, None]
            wanted[ref.path, ref.page] = (query.vectors @ patches.T).max(axis=1).clip(0).mean()
    best = sorted(wanted, key=lambda page: -wanted[page])
    assert hits[0]["score"] == pytest.approx(wanted[best[0]], abs=2e-3)
    for hit in hits:
        assert hit["score"] == pytest.approx(wanted[hit["path"], hit["page"]], abs=2e-3)


def test_candidates_are_the_nearest_single_vectors(indexed: Path) -> None:
    with open_searcher(indexed / "index") as searcher:
        single = searcher.snapshot.dense_vectors().astype(np.float32)
        query = searcher.encoder.encode_query(QUERIES[1])
        nearest = np.argsort(-(single @ query.single), kind="stable")[:3]
        wanted = {(ref.path, ref.page) for ref in searcher.snapshot.refs(nearest)}
        found = {(hit.ref.path, hit.ref.page) for hit in searcher.search(QUERIES[1], k=3, candidates=3)}
        whole = searcher.search(QUERIES[1], k=100, candidates=100)
        assert whole == searcher.search(QUERIES[1], k=100, exact=True)
    assert found == wanted


def test_batch_answers_as_query_does(indexed: Path, tmp_path: Path) -> None:
    (tmp_path / "queries.txt").write_text("\n".join(QUERIES), "utf-8")
    run("batch", tmp_path / "queries.txt", "-o", tmp_path / "out.jsonl", "--index", indexed / "index", "-k", "3")
    answers = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert [answer["query"] for answer in answers] == list(QUERIES)
    with open_searcher(indexed / "index") as searcher:
        for answer in answers:
            hits = searcher.search(answer["query"], k=3)
            assert [(h["path"], h["page"]) for h in answer["hits"]] == [(h.ref.path, h.ref.page) for h in hits]


def test_heat_map_marks_a_part_of_the_page(indexed: Path, tmp_path: Path) -> None:
    out, pages = tmp_path / "hit.png", tmp_path / "pages"
    run("query", QUERIES[0], "--index", indexed / "index", "--heatmap", out, "--save-pages", pages)
    marked, plain = (np.asarray(Image.open(file)).astype(int) for file in (out, next(pages.glob("01-*.png"))))
    assert marked.shape == plain.shape
    assert marked.shape[0] * marked.shape[1] <= MAX_PIXELS
    assert 0.001 < (np.abs(marked - plain).max(axis=2) > 20).mean() < 0.5


def test_index_of_other_weights_is_refused(indexed: Path, tmp_path: Path) -> None:
    other = tiny_jina.write(tmp_path / "other", seed=1)
    done = run("index", indexed / "docs", "--index", indexed / "index", "--model", other, "--quiet", code=2)
    assert "another encoder" in done.stderr
    assert "CC-BY-NC" not in done.stderr


def test_info_loads_no_weights(indexed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JinaV4, "network", property(lambda _self: pytest.fail("the network was loaded")))
    with open_searcher(indexed / "index") as searcher:
        facts = searcher.info()
        searcher.prepare()
    assert (facts["dim"], facts["documents"]) == (tiny_jina.PROJECTED, len(SAMPLES))


def test_verify_finds_nothing_wrong(indexed: Path) -> None:
    answer = json.loads(run("verify", "--index", indexed / "index", "--json").stdout)
    assert answer["problems"] == []
    assert answer["recall"]["recall_at_10"] == 1, "there are fewer pages than candidates"


def test_picture_of_a_page_finds_that_page_first(indexed: Path, tmp_path: Path) -> None:
    run("query", QUERIES[0], "--index", indexed / "index", "--save-pages", tmp_path, "-k", "2")
    (picture,) = tmp_path.glob("02-*.png")
    out = run("query", "--image", picture, "--index", indexed / "index", "--json").stdout
    first = json.loads(out.splitlines()[0])
    assert picture.name == f"02-{Path(first['path']).stem}-page-{first['page']}.png"
    assert first["score"] == pytest.approx(1, abs=0.01)


def test_text_and_image_of_a_query_have_half_of_the_weight_each(indexed: Path) -> None:
    picture = np.random.default_rng(3).integers(0, 256, (200, 150, 3), dtype=np.uint8)
    with open_searcher(indexed / "index") as searcher:
        text_scores, image_scores, scores = (
            {hit.ref: hit.score for hit in searcher.search(text, k=100, image=image)}
            for text, image in ((QUERIES[0], None), ("", picture), (QUERIES[0], picture))
        )
    assert scores.keys() == text_scores.keys() == image_scores.keys()
    for ref, score in scores.items():
        assert score == pytest.approx((text_scores[ref] + image_scores[ref]) / 2, abs=1e-5)
