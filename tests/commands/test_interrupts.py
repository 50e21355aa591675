"""Ctrl-C anywhere: one line that says what is kept, exit code 130, and nothing that was there is lost."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from docsearch.commands import run_batch
from docsearch.commands.answer_files import AnswerFile
from docsearch.commands.interrupts import came_from_interrupt
from docsearch.engine.searcher import Searcher
from docsearch.engine.store import compaction

Run = Callable[..., tuple[int, str, str]]
INTERRUPTS = int(os.environ.get("DOCSEARCH_INTERRUPTS", "25"))
"""Interrupts of each command, at random moments."""
INTERRUPTED_IMPORT = """
import importlib.abc, signal, sys

class Interrupt(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
sys.argv = ["docsearch", *{arguments!r}]
from docsearch.__main__ import main
main()
"""
SWALLOWED = """
import signal, sys, time
from docsearch import __main__, cli

class Noisy:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

def run():
    Noisy()
    time.sleep(600)

cli.app = run
__main__.main()
"""
HALF_MADE = """
import signal
from docsearch import __main__, cli

class Half:
    def __init__(self):
        signal.raise_signal(signal.SIGINT)
        self.whole = True

    def __del__(self):
        assert self.whole

cli.main = Half
__main__.main()
"""


def interrupt(*_: object, **__: object) -> NoReturn:
    raise KeyboardInterrupt


def assert_one_line(code: int, err: str) -> None:
    assert code == 130, err
    assert err.startswith("docsearch: interrupted; "), err
    assert err.count("\n") == 1, err


@pytest.fixture
def queries(indexed: Path) -> Path:
    (indexed / "q.txt").write_text("".join(f"revenue {number}\n" for number in range(100)), "utf-8")
    return indexed


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "trec", "parquet"])
def test_batch_keeps_its_answers_and_says_where(
    run: Run, queries: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    out = queries / f"out.{suffix}"
    assert run("batch", "q.txt", "-o", out)[0] == 0
    whole = out.read_bytes()
    out.write_bytes(b"old")

    class Stopping(AnswerFile):
        def write(self, row: Any, hits: Any) -> None:
            if self.count == 40:
                raise KeyboardInterrupt
            super().write(row, hits)

    with monkeypatch.context() as patched:
        patched.setattr(run_batch, "AnswerFile", Stopping)
        code, _, err = run("batch", "q.txt", "-o", out)
    assert_one_line(code, err)
    assert f"40 of 100 answers are kept in {out}.partial, and the same command with --resume continues" in err
    assert out.read_bytes() == b"old"
    assert "60 answers written" in run("batch", "q.txt", "-o", out, "--resume")[2]
    if suffix != "parquet":
        assert out.read_bytes() == whole


def test_batch_that_wrote_nothing_says_so(run: Run, queries: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Searcher, "search_many", interrupt)
    code, _, err = run("batch", "q.txt", "-o", "out.jsonl")
    assert_one_line(code, err)
    assert "nothing was written" in err
    assert not list(queries.glob("out*"))


def test_answers_of_another_index_or_k_are_not_mixed(run: Run, queries: Path, make_pdf: Callable[..., Path]) -> None:
    (queries / "few.txt").write_text("revenue\n", "utf-8")
    assert run("batch", "few.txt", "-o", "out.jsonl", "-k", "1")[0] == 0
    before = (queries / "out.jsonl").read_bytes()
    assert json.loads(before)["run"]["k"] == 1
    (queries / "few.txt").write_text("revenue\nminutes\n", "utf-8")
    resume = ("batch", "few.txt", "-o", "out.jsonl", "--resume", "-k")
    code, _, err = run(*resume, "2")
    assert (code, "made with -k 1 --mode visual, not -k 2 --mode visual" in err) == (2, True)
    make_pdf(queries / "docs/c.pdf", ["another document"])
    assert run("index", "docs")[0] == 0
    code, _, err = run(*resume, "1")
    assert (code, "the index is not the one" in err) == (2, True)
    assert (queries / "out.jsonl").read_bytes() == before
    assert sorted(file.name for file in queries.glob("out*")) == ["out.jsonl"]


def test_compact_keeps_every_page(run: Run, indexed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = run("query", "revenue chart", "--json", "--exact")
    with monkeypatch.context() as patched:
        patched.setattr(compaction, "rewrite_next", interrupt)
        code, _, err = run("compact", "--codec", "float16")
    assert_one_line(code, err)
    assert "every page is kept" in err
    assert run("verify")[0] == 0
    assert run("query", "revenue chart", "--json", "--exact") == before
    assert run("compact", "--codec", "float16")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        (["query", "revenue"], "everything that was committed"),
        (["info"], "everything that was committed"),
        (["verify"], "everything that was committed"),
        (["mine", "--from-text", "5", "-o", "rows.jsonl"], "rows.jsonl is as it was"),
    ],
)
def test_other_commands_say_what_is_kept(
    run: Run, indexed: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], kept: str
) -> None:
    (indexed / "rows.jsonl").write_text("old", "utf-8")
    monkeypatch.setattr(Searcher, "__init__", interrupt)
    code, _, err = run(*arguments)
    assert_one_line(code, err)
    assert kept in err
    assert (indexed / "rows.jsonl").read_text("utf-8") == "old"


def test_an_error_that_an_interrupt_caused_is_an_interrupt() -> None:
    def raised(make: Callable[[], None]) -> BaseException:
        with pytest.raises(BaseException) as caught:
            make()
        return caught.value

    def turned() -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as err:
            raise ImportError("initialisation failed") from err

    def ended() -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            sys.exit(2)

    assert came_from_interrupt(KeyboardInterrupt())
    assert came_from_interrupt(raised(turned))
    assert not came_from_interrupt(raised(ended))
    assert not came_from_interrupt(ImportError())


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("docsearch.commands.interrupts", ["query", "revenue"]),
        ("docsearch.cli", ["info"]),
        ("typer", ["info"]),
        ("docsearch.commands.query", ["info"]),
        ("docsearch.commands.plain_query", ["query", "revenue"]),
        ("docsearch.commands.run_query", ["query", "revenue"]),
        ("docsearch.engine.searcher", ["query", "revenue"]),
        ("numpy", ["query", "revenue"]),
        ("numpy.linalg", ["query", "revenue"]),
    ],
)
def test_an_import_is_interrupted_with_one_line(indexed: Path, module: str, arguments: list[str]) -> None:
    program = INTERRUPTED_IMPORT.format(module=module, arguments=arguments)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=indexed)
    assert_one_line(done.returncode, done.stderr)


def test_an_interrupt_that_a_finaliser_swallows_is_raised_again() -> None:
    done = subprocess.run([sys.executable, "-c", SWALLOWED], capture_output=True, text=True, check=False, timeout=300)
    assert_one_line(done.returncode, done.stderr)


def test_an_object_that_an_interrupt_left_half_made_is_not_reported() -> None:
    done = subprocess.run([sys.executable, "-c", HALF_MADE], capture_output=True, text=True, check=False, timeout=300)
    assert_one_line(done.returncode, done.stderr)
    quiet = HALF_MADE.replace("signal.raise_signal(signal.SIGINT)", "raise SystemExit(3)")
    done = subprocess.run([sys.executable, "-c", quiet], capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, "Exception ignored" in done.stderr) == (3, True)


def moments(seed: int, count: int, longest_s: float) -> Iterator[float]:
    chosen = random.Random(seed)
    yield from (chosen.uniform(0.1, longest_s) for _ in range(count))


def is_python_starting(code: int, err: str) -> bool:
    """Whether Python was interrupted before it called docsearch, or as it ended."""
    return code in (1, -signal.SIGINT) and re.search(r'__main__\.py", line \d+, in main', err) is None


@pytest.mark.slow
@pytest.mark.parametrize("command", ["query", "batch", "compact", "verify", "info", "index"])
def test_interrupted_at_any_time_a_command_prints_one_line(
    sample_index: Path, sample_docs: Path, tmp_path: Path, command: str
) -> None:
    (tmp_path / "q.txt").write_text("revenue chart\nminutes of a meeting\n" * 500, "utf-8")
    arguments = {
        "query": ["revenue chart", "--heatmap", "hit.png"],
        "batch": ["q.txt", "-o", "out.jsonl"],
        "index": [str(sample_docs), "--quiet"],
    }
    index = tmp_path / "index" if command == "index" else sample_index
    program = [sys.executable, "-m", "docsearch", command, *arguments.get(command, []), "--index", str(index)]
    for moment in moments(1, INTERRUPTS, 3.0):
        with subprocess.Popen(program, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            time.sleep(moment)
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=300)
        code, err = process.returncode, stderr.decode()
        if code == 0:  # it was done
            assert err.count("\n") <= 1, err
        elif not is_python_starting(code, err):
            assert_one_line(code, err)
