"""`docsearch eval --dataset`: a benchmark is read, indexed once, measured, and reported by its main metric."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import published_layouts as layouts
from docsearch.cli import app
from docsearch.engine.store import open_snapshot


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["eval", *map(str, arguments)])


def objects(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return layouts.vidore_v3(tmp_path / "vidore_v3_hr")


def test_all_languages_are_a_mean_of_languages(folder: Path) -> None:
    measured, summary, pointing = objects(run("--dataset", folder, "--json", "--quiet"))
    assert (measured["pages"], measured["questions"], measured["questions_without_answer"]) == (3, 3, 1)
    assert measured["answers_not_in_index"] == []
    assert (summary["benchmark"], summary["main"]) == ("vidore_v3_hr", "ndcg@10")
    assert {name: part["questions"] for name, part in summary["parts"].items()} == {"english": 2, "german": 1}
    assert summary["mean_of"] == "2 languages, each counted once"
    english, german = (summary["parts"][name]["mean"] for name in ("english", "german"))
    assert summary["mean"] == pytest.approx((english + german) / 2, abs=1e-4)
    assert summary["mean"] != pytest.approx(measured["metrics"]["ndcg@10"]["mean"], abs=1e-4)
    assert summary["pages_indexed"] == 3
    assert (pointing["questions"], pointing["pages"]) == (1, 1)
    assert set(pointing["pointing"]) >= {"inside", "mass_inside", "iou", "page_share"}


def test_the_pages_are_indexed_once_for_all_languages(folder: Path) -> None:
    assert run("--dataset", folder, "--language", "german", "--quiet").exit_code == 0
    _, summary, *_ = objects(run("--dataset", folder, "--language", "en", "--json", "--quiet"))
    assert summary["pages_indexed"] == 0
    assert summary["mean_of"] == "the questions in english only; the benchmark has english, german"
    with open_snapshot(folder.parent / "vidore_v3_hr.index") as snapshot:
        assert len(snapshot) == 3


def test_texts_make_another_index(folder: Path) -> None:
    measured, *_ = objects(run("--dataset", folder, "--with-text", "--json", "--quiet"))
    assert measured["mode"] == "hybrid"
    with open_snapshot(folder.parent / "vidore_v3_hr-text.index") as snapshot:
        assert sorted(snapshot.text(row) for row in range(3)) == ["", "", "# alpha"]


def test_lines_for_programs_end_with_the_mean(folder: Path) -> None:
    result = run("--dataset", folder, "--quiet")
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert {len(row) for row in rows} == {8}
    assert ["english", "ndcg@10"] in [[row[1], row[3]] for row in rows]
    assert any(row[1] == "mean of 2 languages, each counted once" for row in rows)


def test_corpora_of_their_own_have_indexes_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = layouts.jina_vdr(tmp_path / "jina")
    measured, summary = objects(run("--dataset", folder, "--index", tmp_path / "i", "--json", "--quiet"))
    assert (measured["pages"], measured["questions"]) == (2, 2)
    assert set(summary["parts"]) == {"english", "japanese"}
    assert sorted(each.name for each in (tmp_path / "i").iterdir()) == ["en", "jp"]
    refused = run("--dataset", folder, "--index", tmp_path / "new", "--html", "report.html", "--quiet")
    assert refused.exit_code != 0
    said = "--html shows one corpus, and this benchmark has several (en, jp); choose --language"
    assert said in str(refused.exception)
    assert not (tmp_path / "new").exists()  # it is said before hours of indexing


def test_domains_are_a_mean_of_subsets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = layouts.mteb_domains(tmp_path / "MMDocIRT2ITRetrieval")
    _, summary = objects(run("--dataset", folder, "--json", "--quiet"))
    assert (summary["main"], summary["mean_of"]) == ("recall@5", "2 subsets, each counted once")
    assert set(summary["parts"]) == {"laws", "news"}


def test_pdf_files_are_indexed_as_documents(tmp_path: Path, make_pdf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = layouts.mmlongbench(tmp_path / "MMLongBench-Doc")
    make_pdf(folder / "documents/a.pdf", ["first", "second page"])
    measured, summary = objects(run("--dataset", folder, "--json", "--quiet"))
    assert (measured["pages"], measured["questions"]) == (2, 1)
    assert summary["main"] == "ndcg@5"
    assert summary["parts"]["english"]["mean"] == 1.0


def test_a_report_shows_pictures_of_the_benchmark(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("one of yesterday, before there was an index")
    result = run("--dataset", folder, "--html", tmp_path / "report.html")
    assert result.exit_code == 0, result.output
    assert "could not be drawn" not in result.stderr
    assert "data:image/jpeg;base64," in (tmp_path / "report.html").read_text("utf-8")


def test_options_of_datasets_need_one(tmp_path: Path) -> None:
    result = run(tmp_path / "questions.jsonl", "--language", "en")
    assert result.exit_code != 0
    said = "--language, --with-text, --model and --codec say how a --dataset is read and indexed"
    assert said in str(result.exception)
    both = run(tmp_path / "questions.jsonl", "--dataset", "vidore_v3_hr")
    assert "give either QUESTIONS, --dataset NAME, --from-marks or --generate N" in str(both.exception)
