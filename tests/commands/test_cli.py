"""The contract of the command line: output, exit codes, errors on one line, help."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pymupdf
import pytest
import typer
from PIL import Image
from typer.cli import get_docs_for_click
from typer.main import get_command

from docsearch import cli
from docsearch.engine.models.encoder import EncoderSpec
from docsearch.engine.store import catalog

REPOSITORY = Path(__file__).resolve().parents[2]
COMMANDS = ("index", "query", "batch", "serve", "mcp", "info", "failed", "remove", "verify", "compact", "models")
HEAVY = ("torch", "fastapi", "mcp", "faiss", "pymupdf", "pypdfium2", "pyarrow", "transformers")

Run = Callable[..., tuple[int, str, str]]


def test_index_summarises_its_run_and_exits_with_0(run: Run, docs: Path) -> None:
    code, out, err = run("index", docs)
    assert (code, err) == (0, "")
    assert out.startswith("2 documents indexed, 3 pages in ")
    code, out, _ = run("index", docs)
    assert code == 0
    assert "2 unchanged" in out


def test_index_exits_with_1_and_lists_what_failed(run: Run, docs: Path) -> None:
    (docs / "broken.pdf").write_bytes(b"%PDF-1.4 no")
    code, _, err = run("index", docs)
    assert code == 1
    assert err.startswith("failed: broken.pdf: ")
    code, out, err = run("failed", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out).keys() == {"path", "page", "reason", "kind"}
    assert (json.loads(out)["page"], json.loads(out)["kind"]) == (None, "failed")


def test_content_that_was_not_read_is_summed_up_and_listed(run: Run, docs: Path) -> None:
    with pymupdf.open(docs / "a.pdf") as document:
        document.embfile_add("costs.dwg", b"content")
        document.new_page().add_text_annot((100, 100), "a sticky note")  # on a page without any text
        document.saveIncr()
    code, out, _ = run("index", docs)
    assert code == 0
    assert out.endswith("not read: attached files in 1 place, comments in 1 place; 'docsearch failed' lists them\n")
    assert run("failed")[1].splitlines() == [
        "a.pdf: 1 attached file was not read: costs.dwg",
        "a.pdf, page 3: 1 comment was not read, because the page does not show the text",
    ]
    rows = [json.loads(line) for line in run("failed", "--json")[1].splitlines()]
    assert [(row["page"], row["kind"], row["items"]) for row in rows] == [(None, "attachment", 1), (3, "comment", 1)]
    assert json.loads(run("info", "--json")[1])["unread"] == {"attachment": 1, "comment": 1}
    assert "not read" not in run("index", docs)[1]  # nothing was read in this run
    assert run("index", docs, "--rehash", "--known-failures", "ok")[0] == 0


def test_index_prints_its_report_as_json(run: Run, docs: Path) -> None:
    _, out, _ = run("index", docs, "--json")
    report = json.loads(out)
    assert (report["documents"], report["pages"], report["failed"]) == (2, 3, [])


def test_index_ends_with_the_files_of_other_kinds(run: Run, docs: Path) -> None:
    for name in ("a.blend", "b.blend", "c.cr2"):
        (docs / name).write_text("text")
    code, out, err = run("index", docs)
    assert (code, err) == (0, "")
    assert out.splitlines()[1:] == [
        "3 files of other kinds were skipped: .blend 2, .cr2 1",
        "  .cr2: camera RAW is not read; export them as JPEG or TIFF",
    ]
    listed = json.loads(run("index", docs, "--json")[1])["other_kinds"]
    assert listed[0] == {"kind": ".blend", "files": 2, "paths": ["a.blend", "b.blend"], "advice": ""}


def test_index_is_quiet_when_asked(run: Run, docs: Path) -> None:
    assert run("index", docs, "--quiet") == (0, "", "")


def test_index_finds_nothing_to_do_in_an_empty_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    code, out, err = run("index", tmp_path / "empty")
    assert (code, out) == (2, "")
    assert err.startswith("docsearch: no documents found in ")
    assert err.count("\n") == 1


def test_query_prints_one_object_per_hit(run: Run, indexed: Path) -> None:
    code, out, _ = run("query", "revenue chart", "--json", "-k", "2")
    hits = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [hit["rank"] for hit in hits] == [1, 2]
    assert set(hits[0]) == {
        *("rank", "score", "path", "page", "doc_id", "also", "confidence", "no_good_match", "unread_letters", "mode"),
        *("corrections", "missing_phrases", "label", "title", "modified", "snippet", "recognised"),
    }
    assert all(0 <= hit["score"] <= 1 for hit in hits)


def test_query_prints_a_table(run: Run, indexed: Path) -> None:
    _, out, _ = run("query", "revenue chart")
    lines = out.splitlines()
    assert lines[0].split("\t") == ["rank", "score", "file", "page"]
    assert len(lines) == 4


def test_query_can_be_restricted_to_a_path(run: Run, indexed: Path) -> None:
    for glob in ("sub/*", "b.pdf"):
        _, out, _ = run("query", "revenue chart", "--path", glob, "--json")
        assert [json.loads(line)["path"] for line in out.splitlines()] == ["sub/b.pdf"]
    code, out, err = run("query", "revenue chart", "--path", "nothing/*")
    assert (code, out) == (0, "")
    assert "no page matches" in err


def test_query_says_which_letters_the_model_does_not_read(
    run: Run, indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, err = run("query", "revenue")
    assert "does not read" not in err
    monkeypatch.setattr(EncoderSpec, "unread_letters", lambda _, text: text)
    code, _, err = run("query", "报告")
    assert code == 0
    assert "fake does not read these letters: 报告 (" in err


def test_query_saves_the_hits_pages_and_a_heat_map(run: Run, indexed: Path, tmp_path: Path) -> None:
    code, _, _ = run("query", "revenue chart", "--save-pages", tmp_path / "hits", "--heatmap", tmp_path / "hit.png")
    assert code == 0
    assert len(list((tmp_path / "hits").glob("*.png"))) == 3
    with Image.open(tmp_path / "hit.png") as picture:
        assert picture.size == (100, 130) or min(picture.size) >= 100


def test_mcp_says_what_it_needs(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    code, out, err = run("mcp")
    assert (code, out) == (2, "")
    assert 'pip install -e ".[mcp]"' in err


def test_query_says_that_a_document_moved_when_its_page_is_to_be_rendered(run: Run, indexed: Path) -> None:
    (indexed / "docs").rename(indexed / "elsewhere")
    code, _, err = run("query", "revenue chart", "--heatmap", "hit.png")
    assert code == 2
    assert "the document is not where it was indexed" in err


def test_query_reads_a_question_that_is_not_utf8(run: Run, indexed: Path) -> None:
    assert run("query", "caf\udce9", "--json")[0] == 0


@pytest.mark.parametrize("arguments", [["query", "x"], ["info"], ["failed"], ["verify"], ["compact"], ["remove", "a"]])
def test_without_an_index_commands_say_how_to_make_one(run: Run, arguments: list[str]) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "docsearch index" in err
    assert err.count("\n") == 1


def test_the_index_can_be_named_by_the_environment(
    run: Run, docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCSEARCH_INDEX", str(tmp_path / "elsewhere"))
    run("index", docs)
    assert (tmp_path / "elsewhere").is_dir()
    assert json.loads(run("info", "--json")[1])["pages"] == 3


def test_info_shows_the_facts(run: Run, indexed: Path) -> None:
    facts = json.loads(run("info", "--json")[1])
    assert (facts["documents"], facts["pages"]) == (2, 3)
    assert "pages" in run("info")[1]
    assert re.search(r"^segments by codec +int8 \d+$", run("info")[1], re.MULTILINE)


def test_remove_takes_documents_folders_and_globs(run: Run, indexed: Path) -> None:
    assert json.loads(run("remove", "sub/", "--json")[1]) == {"documents": 1, "pages": 1}
    code, _, err = run("remove", "sub/b.pdf")
    assert code == 2
    assert "no document in the index has this path" in err
    assert "2 pages" in run("remove", "*.pdf")[1]


def test_remove_reads_only_the_documents_that_a_path_may_mean(
    run: Run, indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_all(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(catalog, "read_documents", read_all)
    assert json.loads(run("remove", "sub", "a.p?f", "--json")[1]) == {"documents": 2, "pages": 3}


def test_compact_keeps_every_page(run: Run, indexed: Path) -> None:
    run("remove", "a.pdf")
    assert json.loads(run("compact", "--json")[1])["pages"] == 1
    assert json.loads(run("info", "--json")[1])["pages"] == 1


@pytest.mark.parametrize("codec", ["float16", "int8", "int4", "binary"])
def test_index_is_stored_in_the_requested_codec(run: Run, docs: Path, codec: str) -> None:
    assert run("index", docs, "--codec", codec)[0] == 0
    assert json.loads(run("info", "--json")[1])["segments_by_codec"] == {codec: 1}
    assert len(run("query", "revenue chart", "--json")[1].splitlines()) == 3


def test_another_codec_for_an_index_that_has_one_is_refused(run: Run, indexed: Path) -> None:
    code, _, err = run("index", indexed / "docs", "--codec", "binary")
    assert code == 2
    assert "first run 'docsearch compact --codec binary'" in err
    code, _, err = run("compact", "--codec", "int3")
    assert code == 2
    assert "int8, float16, int4, binary, residual" in err


def test_residual_is_refused_for_a_model_without_visual_words(run: Run, indexed: Path) -> None:
    for command in (("compact",), ("index", indexed / "docs", "--index", "new")):
        code, _, err = run(*command, "--codec", "residual")
        assert code == 2
        assert "needs a model with visual words" in err
    assert not Path("new").exists()
    assert json.loads(run("info", "--json")[1])["segments_by_codec"] == {"int8": 1}


def test_index_pools_by_the_requested_factor_and_reports_it(run: Run, docs: Path) -> None:
    assert run("index", docs, "--index", "whole")[0] == 0
    assert run("index", docs, "--pool", "2")[0] == 0
    whole, pooled = (json.loads(run("info", "--json", *of)[1]) for of in (("--index", "whole"), ()))
    assert (whole["pool"], pooled["pool"], pooled["pages"]) == (1, 2, 3)
    assert 3 <= pooled["vectors"] < whole["vectors"]
    assert re.search(r"^pool +2$", run("info")[1], re.MULTILINE)
    assert len(run("query", "revenue chart", "--json")[1].splitlines()) == 3
    assert run("verify")[0] == 0


def test_another_factor_for_an_index_that_has_one_is_refused(run: Run, docs: Path) -> None:
    run("index", docs, "--pool", "2")
    for factor, other in (("3", "2, not 3"), ("1", "2, not 1")):
        code, _, err = run("index", docs, "--pool", factor)
        assert code == 2
        assert f"made with --pool {other}; leave --pool out, or choose another --index" in err
    assert run("index", docs, "--pool", "2")[0] == 0
    code, out, _ = run("index", docs)
    assert (code, "2 unchanged" in out) == (0, True)
    run("index", docs, "--index", "whole")
    assert "made with --pool 1, not 2" in run("index", docs, "--index", "whole", "--pool", "2")[2]
    assert run("index", docs, "--index", "none", "--pool", "0")[0] == 2


def test_verify_measures_the_codecs_that_have_fewer_bits(run: Run, indexed: Path) -> None:
    answer = json.loads(run("verify", "--loss", "--json")[1])
    assert [each["codec"] for each in answer["codecs"]] == ["int4", "binary"]
    assert answer["codecs"][0].keys() >= {"recall_at_10", "ndcg_at_10", "same_first", "vector_bytes", "pages"}
    out = run("verify", "--loss")[1]
    assert "stored as int8; what that lost against float16 can no longer be measured" in out
    run("compact", "--codec", "binary")
    assert "no codec has fewer bits than binary" in run("verify", "--loss")[1]
    assert "codecs" not in json.loads(run("verify", "--json")[1])


def test_verify_exits_with_3_when_a_byte_was_flipped(run: Run, indexed: Path) -> None:
    assert run("verify")[0] == 0
    vectors = next((indexed / ".docsearch/segments").rglob("vectors.npy"))
    content = bytearray(vectors.read_bytes())
    content[-1] ^= 1
    vectors.write_bytes(content)
    code, _, err = run("verify")
    assert code == 3
    assert "damaged" in err


def test_verify_deletes_damaged_files_of_the_cache_and_exits_with_0(run: Run, indexed: Path) -> None:
    table = indexed / ".docsearch" / "cache" / "pages-0.npy"
    for options in ([], ["--json"]):
        table.parent.mkdir(exist_ok=True)
        table.write_bytes(bytes(100))
        code, out, err = run("verify", *options)
        assert code == 0
        assert not table.exists()
        said = " ".join(json.loads(out)["cache"]) if options else err
        assert "made again when it is next needed" in " ".join(said.split())


def test_models_lists_the_known_models(run: Run) -> None:
    assert json.loads(run("models", "--json")[1])["name"]
    out = run("models")[1]
    assert all(text in out for text in ("parameters", "Apache-2.0", "16 dimensions", "on this machine"))


def test_wrong_usage_exits_with_2(run: Run) -> None:
    assert run("query")[0] == 2
    assert run("query", "x", "-k", "0")[0] == 2
    assert run("no-such-command")[0] == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_has_examples(run: Run, command: str) -> None:
    code, out, _ = run(command, "--help")
    assert code == 0
    assert f"docsearch {command}" in out.partition("Examples:")[2]


def test_the_manual_matches_the_commands() -> None:
    command = get_command(cli.app)
    manual = get_docs_for_click(obj=command, ctx=typer.Context(command), name="docsearch")
    written = (REPOSITORY / "docs/cli.md").read_text("utf-8")
    assert written.strip() == manual.strip(), "run 'make docs'"


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['docsearch', '--help']\n"
        "from docsearch import cli\n"
        "try: cli.main()\n"
        "except SystemExit: pass\n"
        f"print([name for name in {(*HEAVY, 'numpy')} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_help_of_the_program_names_every_command(run: Run) -> None:
    out = run("--help")[1]
    assert all(f"  {command} " in out for command in COMMANDS)


def test_an_image_query_is_refused_by_a_model_that_reads_text_only(run: Run, indexed: Path) -> None:
    Image.new("RGB", (60, 40)).save(indexed / "picture.png")
    code, out, err = run("query", "--image", "picture.png")
    assert (code, out) == (2, "")
    assert "fake, accepts text queries only" in err
    (indexed / "broken.png").write_bytes(b"no picture")
    assert "broken.png: cannot be read as an image" in run("query", "--image", "broken.png")[2]
    assert "none.png: no such file" in run("query", "words", "--image", "none.png")[2]


@pytest.mark.usefixtures("indexed")
def test_a_question_that_is_too_long_is_refused(run: Run) -> None:
    for text in ("x" * 2001, "\u200b" * 2001):
        code, out, err = run("query", text)
        assert (code, out) == (2, "")
        assert "the question has 2,001 characters; the limit is 2,000" in err


@pytest.mark.parametrize(("name", "line"), [("q.txt", "{}"), ("q.jsonl", '{{"query_id": "2", "query": "{}"}}')])
def test_batch_refuses_a_question_that_is_too_long_before_it_answers_any(
    run: Run, indexed: Path, name: str, line: str
) -> None:
    (indexed / name).write_text(f"{line.format('revenue')}\n{line.format('x' * 2001)}\n")
    code, out, err = run("batch", name, "-o", "out.jsonl")
    assert (code, out) == (2, "")
    assert f"{name}" in err
    assert "2 has 2,001 characters; the limit is 2,000" in " ".join(err.split())
    assert not (indexed / "out.jsonl").exists()


def test_batch_answers_a_file_and_resumes(run: Run, indexed: Path) -> None:
    (indexed / "q.jsonl").write_text('{"query_id": "a", "query": "revenue"}\n{"query_id": "b", "query": "minutes"}\n')
    code, out, _ = run("batch", "q.jsonl", "-o", "out.jsonl", "-k", "1")
    assert (code, out) == (0, "")
    whole = (indexed / "out.jsonl").read_text("utf-8")
    assert [json.loads(line)["query_id"] for line in whole.splitlines()] == ["a", "b"]
    (indexed / "out.jsonl").write_text(whole[:-20], "utf-8")
    assert "1 answer written" in run("batch", "q.jsonl", "-o", "out.jsonl", "-k", "1", "--resume")[2]
    assert (indexed / "out.jsonl").read_text("utf-8") == whole


def test_batch_finds_an_unreadable_row_before_it_writes(run: Run, indexed: Path) -> None:
    (indexed / "q.jsonl").write_text('{"query": "revenue"}\nnot json\n')
    code, _, err = run("batch", "q.jsonl", "-o", "out.jsonl")
    assert code == 2
    assert err.startswith("docsearch: q.jsonl:2: not JSON")
    assert not (indexed / "out.jsonl").exists()


def test_completion_is_offered() -> None:
    environment = {
        **os.environ,
        "_DOCSEARCH_COMPLETE": "complete_bash",
        "COMP_WORDS": "docsearch ver",
        "COMP_CWORD": "1",
    }
    code = "import sys; sys.argv = ['docsearch']; from docsearch import cli; cli.app(prog_name='docsearch')"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["verify"]
