"""Benchmarks refuse to report wrong results; their tables, JSON lines and saved runs are complete."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import init_empty_weights

import docsearch
from docsearch.engine.compression.codecs import CODECS
from docsearch.engine.models.jina_v4 import network, spec
from docsearch.engine.models.jina_v4.checkpoint import Checkpoint
from docsearch.engine.retrieval import dense, rabitq
from docsearch.engine.searcher import open_searcher
from docsearch.indexer import pipeline
from fake_encoder import FakeEncoder

REPOSITORY = Path(__file__).resolve().parents[1]
pytest.importorskip("benchmarks.registry", reason="run from the repository's root, with 'python -m pytest'")

from benchmarks import __main__ as command_line  # noqa: E402
from benchmarks import indexes, limits, processor, report, saved_runs, tables  # noqa: E402
from benchmarks.cases import (  # noqa: E402
    jina_v4,
    maxsim,
    maxsim_gpu,
    pixel_gpu,
    server_load,
    single_vectors,
    text_search,
)
from benchmarks.maxsim_peers import Contender, torch_peers  # noqa: E402
from benchmarks.registry import CASES, Case  # noqa: E402
from benchmarks.running_server import Answered  # noqa: E402
from benchmarks.setting import Refused, Row, Setting, Skipped  # noqa: E402


def test_the_torch_peers_agree_with_the_reference() -> None:
    generator = np.random.default_rng(1)
    query = maxsim.unit(generator.standard_normal((3, 8), np.float32))
    pages = maxsim.unit(generator.standard_normal((130, 5, 8), np.float32))
    wanted = np.einsum("qd,ntd->nqt", query, pages).max(axis=2)
    for peer in torch_peers(query, pages):
        assert maxsim.check(peer, wanted) <= peer.tolerance


@pytest.mark.parametrize("wrong", [np.full((2, 2), 0.1), np.full((2, 2), np.nan), np.zeros((2, 3))])
def test_a_wrong_contender_is_refused(wrong: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> None:
    contender = Contender("wrong", lambda: wrong.astype(np.float32), 0, 1e-4)
    with pytest.raises(Refused, match="wrong"):
        maxsim.check(contender, np.zeros((2, 2), np.float32))


def test_a_refused_case_ends_the_command_with_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(_setting: Setting) -> object:
        raise Refused("it is wrong")
        yield

    case = Case("bad", "always wrong", refuse)
    assert not command_line.run(case, Setting(None), command="", as_json=True)
    out, err = capsys.readouterr()
    assert json.loads(out) == {"case": "bad", "refused": "it is wrong"}
    assert "it is wrong" in err


def test_a_case_is_stopped_at_its_limit_and_its_rows_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def slow(_setting: Setting) -> object:
        yield {"what": "a", "median_ms": 1.5}
        subprocess.run([sys.executable, "-c", "import time; time.sleep(60)"], check=True)

    monkeypatch.setattr(saved_runs, "RESULTS", tmp_path)
    case = Case("slow", "a minute", slow, limit_s=1)
    started = time.perf_counter()
    assert command_line.run(case, Setting(None), command="", as_json=True, save_as=date(2026, 11, 29))
    assert time.perf_counter() - started < 30
    out, err = capsys.readouterr()
    assert "slow: stopped after its limit of 1 s" in err
    (file,) = tmp_path.rglob("*.jsonl")
    assert file.read_text("utf-8") == out
    first, last = map(json.loads, out.splitlines())
    assert first["what"] == "a"
    assert last["skipped"] == "the case was stopped after its limit of 1 s"


def test_a_case_that_does_not_stop_is_ended_with_its_children() -> None:
    program = (
        "import subprocess, sys, time\n"
        "from benchmarks.time_limit import TimeIsUp, time_limit\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "with time_limit(0.1, lambda: print(child.pid), grace_s=0.4):\n"
        "    while True:\n"
        "        try: time.sleep(60)\n"
        "        except TimeIsUp: pass\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, timeout=50)
    assert done.returncode == 1, done.stderr
    command = Path("/proc", done.stdout.strip(), "cmdline")
    assert not command.exists() or command.read_bytes() == b""  # gone, or a zombie that nobody has waited for


def test_the_tables_of_kept_runs_are_those_of_the_kept_rows() -> None:
    page = tables.PAGE.read_text("utf-8")
    assert page == tables.page_with(page, tables.tables(tables.kept_rows(saved_runs.RESULTS)))


def test_tables_have_the_last_row_of_each_class_of_processors() -> None:
    machine = {"cpu": "C", "cores": 2, "arithmetic": "int8", "load_1min": 0.1}
    row = {"case": "query", "what": "x", "commit": "abc", "day": "2026-01-01"}
    rows = [
        {**row, "median_ms": ms, "machine": {**machine, "kernels": kernels}}
        for kernels, ms in (("AVX2", 900.0), ("AVX-512 with VNNI", 300.0), ("AVX2", 400.0))
    ]
    skipped = {**row, "what": "y", "skipped": "no", "machine": {**machine, "kernels": "AVX2"}}
    found = tables.tables([*rows, skipped]).split("### ")
    assert [part.splitlines()[0] for part in found[1:]] == ["Kept runs: AVX-512 with VNNI", "Kept runs: AVX2"]
    assert found[2].splitlines()[-1] == "| `query` | x | 400 ms | C, 2, int8 | 2026-01-01, abc, 0.1 |"
    with pytest.raises(ValueError, match="marks"):
        tables.page_with("no marks", "")


def test_text_search_finds_the_page_with_the_words() -> None:
    texts, pages = ["the revenue of 2023", "a letter", "revenue and cost"], [("a.pdf", 1), ("a.pdf", 2), ("b.pdf", 1)]
    for prepare in (text_search.fts5, text_search.bm25s):
        if prepare is text_search.bm25s:
            pytest.importorskip("bm25s")
        monkey = pytest.MonkeyPatch()
        with monkey.context() as patched:
            patched.setattr(text_search, "HITS", 2)
            assert prepare(texts, pages)('revenue "2023"?')[0] == ("a.pdf", 1)


def test_every_case_states_its_limit() -> None:
    assert all(60 <= case.limit_s <= 3600 for case in CASES.values())


def test_a_case_without_its_corpus_is_skipped() -> None:
    for name in ("two_stage", "pointing", "quality", "server_load"):
        with pytest.raises(Skipped, match="DOCSEARCH_CORPORA"):
            next(CASES[name].run(Setting(None)))


def test_the_gpu_case_is_skipped_without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(Skipped, match="CUDA GPU"):
        next(CASES["maxsim_gpu"].run(Setting(None)))


def test_a_wrong_way_to_score_on_the_gpu_is_refused() -> None:
    queries, pages = (maxsim_gpu.drawn(torch.device("cpu"), count, 3) for count in (2, 70))
    right = torch.einsum("mqd,ntd->mnqt", queries.float(), pages.float()).amax(dim=3).sum(dim=2)
    maxsim_gpu.check(maxsim_gpu.Contender("right", lambda: right), queries, pages)
    shifted = right.clone()
    shifted[1, 69] += 0.1  # only the last page of one query
    for wrong in (shifted, right[:, :5], right * torch.nan):
        with pytest.raises(Refused, match="wrong"):
            maxsim_gpu.check(maxsim_gpu.Contender("wrong", lambda w=wrong: w), queries, pages)


def test_the_limit_is_the_longer_of_reading_and_computing() -> None:
    assert limits.lower(1e9, 10, 1e9, 100, "GEMM") == limits.Limit(100.0, "memory read at 10 GB/s")
    assert limits.lower(1e9, 100, 1e12, 100, "GEMM") == limits.Limit(10_000.0, "GEMM at 100 GFLOP/s")


def test_a_table_shows_peers_below_the_row_they_are_compared_with() -> None:
    row: Row = {"what": "ours", "ours_ms": 2.0, "peers": {"theirs": 5.0}, "correct": True}
    lines = report.as_table([row]).splitlines()
    assert [line.split() for line in lines[1:]] == [["ours", "2.000", "yes", "-"], ["theirs", "5.000", "-", "2.500"]]


def test_maxsim_reports_one_object_a_size_with_its_peers_and_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PAGES": 128, "PAGE_VECTORS": 5, "RUNS": 2, "SETTLE_S": 0}.items():
        monkeypatch.setattr(maxsim, name, value)
    monkeypatch.setattr(limits, "READ_BYTES", 1 << 20)
    monkeypatch.setattr(limits, "SQUARE", 64)
    rows = [row for row in maxsim.run(Setting(None)) if "skipped" not in row]
    whats = [str(row["what"]) for row in rows]
    assert [what for what in whats if what.removeprefix("docsearch ") in CODECS] == [
        f"docsearch {each}" for each in CODECS
    ]
    assert all(what.startswith("docsearch ") for what in whats)
    for row in rows:
        assert {"size", "ours_ms", "peers", "limit_ms", "limit", "correct", "p20_ms", "p50_ms", "p80_ms"} <= row.keys()
        assert len(row["peers"]) >= 3


def test_maxsim_says_what_the_processor_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PAGES": 64, "PAGE_VECTORS": 5, "RUNS": 2, "SETTLE_S": 0, "OPTIONAL": {}}.items():
        monkeypatch.setattr(maxsim, name, value)
    monkeypatch.setattr(limits, "READ_BYTES", 1 << 20)
    monkeypatch.setattr(limits, "SQUARE", 64)
    monkeypatch.setattr(limits, "lacking", lambda name: None if name == "float32" else f"no {name}")
    rows = list(maxsim.run(Setting(None)))
    said = {row["what"]: row["skipped"] for row in rows if "skipped" in row}
    assert said == {
        "torch bf16: GEMM in chunks of 64 pages, then amax": "no bfloat16",
        "bfloat16 GEMM": "no bfloat16",
        "int8 GEMM": "no int8",
    }
    assert {f"docsearch {codec}" for codec in CODECS} <= {row["what"] for row in rows}
    assert rows[0]["int8_gemm_ms"] is None


def test_what_would_take_too_long_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        raise AssertionError("it is only tried on a few pages")

    trial = Contender("trial", lambda: np.zeros((1, 1), np.float32), 0, 0)
    entry = maxsim.Entry(Contender("slow", slow, 0, 0), trial, np.zeros((1, 1), np.float32))
    assert maxsim.declined(entry) is None
    monkeypatch.setattr(limits, "BUDGET_S", 0.0)
    assert "would take" in str(maxsim.declined(entry))
    monkeypatch.setattr(limits, "lacking", lambda _name: None)
    with pytest.raises(Skipped, match=r"7 products of 2,048 x 2,048 would take .* more than 0"):
        limits.gemm_gflops("bfloat16")


def test_jina_v4_is_skipped_without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(Skipped, match="CUDA GPU"):
        next(CASES["jina_v4"].run(Setting(None)))


def test_jina_v4_compares_docsearch_with_plain_transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a tiny size, on a CPU: both ways agree, and another adapter is noticed."""
    vision = {
        **jina_v4.PUBLISHED["vision_config"],
        "depth": 4,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_heads": 2,
    }
    config = {**jina_v4.PUBLISHED, "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    config |= {"intermediate_size": 96, "rope_scaling": {"mrope_section": [2, 3, 3], "rope_type": "default"}}
    config["vision_config"] = {**vision, "out_hidden_size": 64, "fullatt_block_indexes": [1, 3]}
    monkeypatch.setattr(jina_v4, "SCALE", 0.3)
    monkeypatch.setattr(jina_v4, "PAGE_PX", 224)
    encoder = jina_v4.random_encoder(config, {**jina_v4.ADAPTERS, "r": 4}, torch.device("cpu"))
    jina_v4.check(encoder, jina_v4.page(0))
    monkeypatch.setattr(jina_v4, "TASK", "code")
    with pytest.raises(Refused, match="cosines"):
        jina_v4.check(encoder, jina_v4.page(0))
    step = jina_v4.learning_step(encoder, [jina_v4.page(0), jina_v4.page(1)])
    losses = [step() for _ in range(4)]
    assert losses[-1] < losses[0]
    counts = jina_v4.launches(encoder, [jina_v4.page(0), jina_v4.page(1)])
    assert counts["attention_calls"] == 4 + 2, "a call a layer: four of vision, two of text"


def test_the_network_of_pixel_is_measured_in_three_number_formats() -> None:
    rows = list(pixel_gpu.rows(torch.device("cpu"), 1, (64, 48)))
    assert [str(row["what"]).split()[-1] for row in rows] == ["float32", "float16", "bfloat16"]
    assert all(float(str(row["pages_per_s"])) > 0 for row in rows)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="a script of bash")
def test_the_script_for_a_gpu_writes_every_part_on_a_machine_without_one(tmp_path: Path) -> None:
    """Without what a bare machine lacks, too: imports of these packages are refused."""
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "sitecustomize.py").write_text(
        "import sys\n"
        "from importlib.machinery import PathFinder\n"
        "class Lacking(PathFinder):\n"
        "    @classmethod\n"
        "    def find_spec(cls, name, path=None, target=None):\n"
        "        lacks = ('faiss', 'pymupdf', 'fitz', 'typer', 'rich', 'pyarrow', 'sentence_transformers')\n"
        "        return None if name in lacks else super().find_spec(name, path, target)\n"
        "sys.meta_path[sys.meta_path.index(PathFinder)] = Lacking\n",
        "utf-8",
    )
    environment = {**os.environ, "PYTHONPATH": str(blocked), "PYTHON": sys.executable}
    script = [str(REPOSITORY / "benchmarks/gpu.sh"), str(tmp_path / "out"), str(tmp_path / "wheels")]
    done = subprocess.run(script, env=environment, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stderr
    summary = (tmp_path / "out/summary.txt").read_text("utf-8")
    for part in ("machine", "kernels", "maxsim_gpu_codecs", "maxsim_gpu", "jina_v4", "gpu_tests", "pixel_gpu"):
        assert f"{part}: " in summary
    if not torch.cuda.is_available():
        assert summary.count("skipped: needs a CUDA GPU") == 4, summary


def test_jina_v4_is_measured_at_its_published_size() -> None:
    checkpoint = Checkpoint(Path(), jina_v4.PUBLISHED, jina_v4.ADAPTERS, {})
    with init_empty_weights(include_buffers=False):
        empty = network.JinaV4Network(network.network_config(checkpoint), 2048, 128)
        network.with_adapters(empty, checkpoint)
    assert sum(tensor.numel() for tensor in empty.state_dict().values()) == spec.PUBLISHED.parameters


def test_a_json_line_has_command_commit_machine_and_versions() -> None:
    line = json.loads(report.as_json("maxsim", {"what": "x", "median_ms": 1.5}, "python -m benchmarks maxsim"))
    assert {"case", "what", "median_ms", "command", "commit", "machine", "versions"} == set(line)
    assert {"cpu", "features", "cores", "arithmetic", "kernels"} <= set(line["machine"])
    assert line["versions"]["docsearch"] == docsearch.__version__


def test_saved_rows_are_kept_by_date_and_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measure(_setting: Setting) -> object:
        yield {"what": "a", "median_ms": 1.5}
        yield {"what": "b", "skipped": "not installed"}

    monkeypatch.setattr(saved_runs, "RESULTS", tmp_path)
    monkeypatch.setattr(processor, "name", lambda: "AMD EPYC(TM) 9R14 Processor")
    case, day = Case("toy", "two rows", measure), date(2026, 11, 29)
    for _ in range(2):
        assert command_line.run(case, Setting(None), command="it", as_json=False, save_as=day)
    (file,) = tmp_path.rglob("*.jsonl")
    assert file == tmp_path / "2026-11-29-amd-epyc-9r14" / "toy.jsonl"
    assert str(file) in capsys.readouterr().err
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [row["what"] for row in rows] == ["a", "b", "a", "b"]
    assert all({"command", "commit", "machine", "versions"} <= row.keys() for row in rows)
    assert {"features", "cores", "arithmetic"} <= rows[0]["machine"].keys()


def test_rows_of_a_refused_case_are_not_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_setting: Setting) -> object:
        yield {"what": "a", "median_ms": 1.5}
        raise Refused("it is wrong")

    monkeypatch.setattr(saved_runs, "RESULTS", tmp_path)
    case = Case("bad", "wrong after a row", refuse)
    assert not command_line.run(case, Setting(None), command="", as_json=False, save_as=date(2026, 11, 29))
    assert not list(tmp_path.rglob("*"))


def test_a_run_is_saved_only_if_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_runs, "RESULTS", tmp_path)
    case = Case("toy", "one row", lambda _setting: iter([{"what": "a"}]))
    assert command_line.run(case, Setting(None), command="", as_json=True)
    assert not list(tmp_path.rglob("*"))


def test_features_are_read_from_what_the_system_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nmodel name\t: Some(R) CPU @ 2.50GHz\nflags\t\t: fpu avx512_vnni avx2 sse\n\n")
    monkeypatch.setattr(processor, "CPUINFO", cpuinfo)
    processor._field.cache_clear()
    try:
        assert processor.features() == "avx2 avx512_vnni"
        assert processor.slug(processor.name()) == "some-2.50ghz"
    finally:
        processor._field.cache_clear()


def test_an_index_is_not_used_again_after_its_documents_changed(tmp_path: Path) -> None:
    folder, setting = tmp_path / "docs", Setting(None, cache=tmp_path)
    folder.mkdir()
    (folder / "a.pdf").write_bytes(b"1")
    (tmp_path / "x.json").write_text(json.dumps(indexes._key([folder])), "utf-8")
    assert indexes.existing(setting, "x", [folder]) == tmp_path / "x.index"
    (folder / "b.pdf").write_bytes(b"2")
    assert indexes.existing(setting, "x", [folder]) is None


@pytest.fixture
def small_index(tmp_path: Path) -> Path:
    pipeline.index_documents([REPOSITORY / "sample_docs/invoice-20418.pdf"], tmp_path / "index", encoder=FakeEncoder())
    return tmp_path / "index"


def test_a_wrong_answer_under_load_is_refused_and_one_of_an_unseen_snapshot_is_counted(small_index: Path) -> None:
    with open_searcher(small_index, encoder=FakeEncoder()) as searcher:
        hits = searcher.search("total", k=server_load.K)
        name = searcher.snapshot.generation
        right = Answered(name, tuple((hit.ref.path, hit.ref.page, round(hit.score, 6)) for hit in hits))
        kept = {name: searcher.snapshot}
        answers = {("total", name): [right], ("total", "gone"): [right]}
        assert server_load.check(answers, kept, FakeEncoder()) == 1
        path, page, score = right.hits[0]
        for wrong in (((path, page, score + 0.1),), ((path, page + 1, score),), ()):
            with pytest.raises(Refused, match="wrong answer to 'total'"):
                server_load.check({("total", name): [Answered(name, wrong)]}, kept, FakeEncoder())


@pytest.mark.slow
def test_a_server_under_load_gives_right_answers(tmp_path: Path) -> None:
    documents = [REPOSITORY / "sample_docs" / f"{name}.pdf" for name in ("invoice-20418", "letter-harbour-master")]
    pipeline.index_documents(documents[:1], tmp_path / "index")
    rows = server_load.measured(tmp_path / "index", ["invoice total", "letter"], documents[1:], clients=3, seconds=4)
    alone, again, together = rows
    assert alone["p95_ms"]
    assert again["queries"] == alone["queries"]
    assert together["queries"]
    assert together["uploads"]
    assert together["snapshots"]


def test_the_command_names_its_cases() -> None:
    command = [sys.executable, "-m", "benchmarks", "nothing"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert all(name in done.stderr for name in CASES)


def test_single_vectors_are_compared_with_exact_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCSEARCH_BENCH_PAGES", "700")
    monkeypatch.setattr(dense, "EXACT_PAGES", 300)
    monkeypatch.setattr(rabitq, "RECALL_AT", 20)
    for name, small in {
        "DIM": 64,
        "QUESTIONS": 10,
        "COUNT": 20,
        "CELLS": 4,
        "NPROBE": 4,
        "RECALL_TOLERANCE": 0.1,
    }.items():
        monkeypatch.setattr(single_vectors, name, small)
    rows = list(single_vectors.run(Setting(None, cache=tmp_path / "cache")))
    assert [row["pages"] for row in rows] == [700, 700, 1, 14, 350, 701, 700, 700, 700, 700, 299]
    ours = [float(str(row["recall@20"])) for row in rows if str(row["what"]).startswith("docsearch")]
    assert min(ours) > 0.9
    monkeypatch.setattr(single_vectors, "RECALL_TOLERANCE", -2.0)
    with pytest.raises(Refused, match="the index reports"):
        next(single_vectors.run(Setting(None, cache=tmp_path / "cache")))
