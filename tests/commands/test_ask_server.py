"""`docsearch query --server`: a running server's answer is what this process would print, or this process answers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from started_program import first_line

from docsearch.commands import ask_server
from docsearch.engine.store import currency, layout, open_snapshot

QUESTIONS = ("revenue chart 2023", "invoice total", "the notice period", "zzz qqq", "Umsatz", "ბანკი", "?!")
PATIENT = """
from docsearch.commands import ask_server
ask_server.TIMEOUT_S = 300.0
from docsearch.__main__ import main
main()
"""
"""The command line, which waits longer for a server on a busy machine."""
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("DOCSEARCH_")}


def ask(index: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", PATIENT, "query", *arguments, "--index", str(index)]
    return subprocess.run(command, capture_output=True, check=False, timeout=300, env=ENVIRONMENT | environment)


@contextmanager
def serving(index: Path) -> Iterator[subprocess.Popen[str]]:
    """A server of an index, which announces itself in it."""
    command = [sys.executable, "-m", "docsearch", "serve", "--read-only", "--port", "0", "--index", str(index)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
        try:
            assert "answers at" in first_line(process, process.stderr)
            yield process
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def server(sample_index: Path) -> Iterator[subprocess.Popen[str]]:
    """A server of the sample documents."""
    pytest.importorskip("uvicorn")
    with serving(sample_index) as process:
        yield process


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_server_answers_as_this_process_does(
    server: subprocess.Popen[str], sample_index: Path, question: str
) -> None:
    for options in ([], ["--json", "-k", "3"], ["--path", "annual*"], ["--candidates", "5"]):
        alone = ask(sample_index, question, *options)
        asked = ask(sample_index, question, *options, "--server", "auto")
        assert (asked.returncode, asked.stdout) == (alone.returncode, alone.stdout), (question, options)
        said = asked.stderr.decode().removesuffix(alone.stderr.decode())
        assert said == "" or said.startswith("answered without a server: "), said
        assert bool(said) == (alone.stdout == b"" or question == "ბანკი"), (question, options, said)


def test_a_server_is_asked_without_numpy(server: subprocess.Popen[str], sample_index: Path) -> None:
    program = (
        f"import sys; sys.argv = ['docsearch', 'query', 'revenue', '--server=auto', '--index', {str(sample_index)!r}]\n"
        "from docsearch.commands import ask_server; ask_server.TIMEOUT_S = 300.0\n"
        "from docsearch.__main__ import main\n"
        "try: main()\n"
        "except SystemExit as end: print(end.code, 'numpy' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=ENVIRONMENT, check=True)
    assert done.stderr == "0 False\n"
    assert done.stdout.startswith("rank\tscore\tfile\tpage\n1\t")


def test_the_environment_chooses_a_server_and_pictures_are_made_here(
    server: subprocess.Popen[str], sample_index: Path, tmp_path: Path
) -> None:
    url, _ = ask_server.announced(sample_index)
    found = ask(sample_index, "revenue chart 2023", DOCSEARCH_SERVER=url)
    assert (found.returncode, found.stderr) == (0, b"")
    picture = tmp_path / "hit.png"
    done = ask(sample_index, "revenue chart 2023", "--heatmap", str(picture), DOCSEARCH_SERVER=url)
    assert done.stdout == found.stdout
    assert picture.exists()
    assert b"pictures are not asked of servers" in done.stderr


@pytest.fixture
def other(sample_index: Path, tmp_path: Path) -> Path:
    """A folder with the catalog of the sample documents."""
    with open_snapshot(sample_index):
        content = layout.catalog_file(sample_index).read_bytes()
    layout.catalog_file(tmp_path).write_bytes(content)
    return tmp_path


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "no server runs on"),
        ("nonsense", "names no server"),
        ("[]", "names no server"),
        ('{"url": "http://example.com/"}', "names a server of another machine"),
        ('{"url": "http://127.0.0.1.example.com:80/"}', "names a server of another machine"),
        ('{"url": "http://localhost@example.com/"}', "names a server of another machine"),
        ('{"url": "https://127.0.0.1:1/"}', "names a server of another machine"),
        ('{"url": "file:///etc/passwd"}', "names a server of another machine"),
        ('{"url": "http://127.0.0.1:1/"}', "does not answer"),
    ],
)
def test_what_is_in_the_way_is_said(other: Path, content: str | None, why: str) -> None:
    if content is not None:
        layout.server_file(other).write_text(content, "utf-8")
    with pytest.raises(ask_server.NotAnswered, match=why):
        ask_server.answer(ask_server.AUTO, other, "revenue", k=3, candidates=None, exact=False, path=None)


def test_an_answer_of_another_state_does_not_count(sample_index: Path) -> None:
    with open_snapshot(sample_index) as snapshot:
        generation = snapshot.generation
        paths = {row.id: row.path for row in snapshot.documents().values()}
    assert currency.is_current(sample_index, generation, paths)
    first = next(iter(paths))
    assert not currency.is_current(sample_index, generation, paths | {first: "renamed.pdf"})
    assert not currency.is_current(sample_index, "0" * len(generation), paths)
    assert not currency.is_current(sample_index / "nothing", generation, paths)


def test_a_server_of_another_index_is_not_believed(
    server: subprocess.Popen[str], sample_index: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3

    monkeypatch.setattr(ask_server, "TIMEOUT_S", 300.0)
    with sqlite3.connect(layout.catalog_file(other)) as connection:
        connection.execute("UPDATE meta SET value = '0123456789abcdef' WHERE name = 'generation'")
    connection.close()
    url, _ = ask_server.announced(sample_index)
    with pytest.raises(ask_server.NotAnswered, match="serves another index"):
        ask_server.answer(url, other, "revenue", k=3, candidates=None, exact=False, path=None)


def test_the_announcement_goes_with_the_server(sample_index: Path, tmp_path: Path) -> None:
    pytest.importorskip("uvicorn")
    index = Path(shutil.copytree(sample_index, tmp_path / "index"))
    with serving(index) as server:
        named = json.loads(layout.server_file(index).read_text("utf-8"))
        assert named["process"] == server.pid
        server.terminate()
        server.wait(300)
    assert not layout.server_file(index).exists()
    layout.server_file(index).write_text(json.dumps(named), "utf-8")  # as after a kill
    done = ask(index, "revenue chart 2023", "--server", "auto")
    assert done.returncode == 0
    assert done.stdout.startswith(b"rank\t")
    assert b"answered without a server: http://127.0.0.1:" in done.stderr
