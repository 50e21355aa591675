"""`docsearch query` in a short process: plain arguments mean what typer makes of them, and little is imported."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import typer.main

from docsearch import cli
from docsearch.commands import plain_query
from docsearch.commands import query as query_module
from docsearch.commands.query_arguments import QueryArguments

PARTS = (
    "--explain", "--snippets", "--no-snippets", "--format", "--format=csv", "paths",
    "--group-by", "document", "--group-by=page",
    "--all-copies", "--mode", "--mode=text", "hybrid", "--mode=semantic", "--mode=TEXT",
    "revenue", "chart 2023", "-", "--", "", "-x", "--exact", "--json", "-k", "-k3", "-k=3", "-k0", "3", "0", "-1", "٣",
    "1e3", "--k", "--candidates", "--candidates=50", "--candidates=", "--device", "--device=cpu", "--device=CPU", "cpu",
    "--index", "--index=other.index", "--path", "--path=*.pdf", "--path=--json",
    "--where", "--where=pages > 3", "kind = 'pdf'", "--heatmap", "hit.png",
    "--image=a.png", "--help", "-h", "--ex", "--no-exact", "-vk3", "--server", "--server=auto", "--server=http://127.0.0.1:1/",
)  # fmt: skip
LISTS = 400
NEVER = ("torch", "pydantic", "PIL", "faiss", "transformers", "llvmlite", "fastapi", "typer", "rich", "threadpoolctl",
    "safetensors", "numpy.random", "onnxruntime", "lark")  # fmt: skip
"""Packages that an answer needs nothing of; each takes from 5 ms to seconds to import."""
LISTED = """
import sys
sys.argv = ["docsearch", *{arguments!r}]
from docsearch.__main__ import main
try:
    main()
except SystemExit as end:
    print([name for name in {never!r} if name in sys.modules], end.code, file=sys.stderr)
"""


def typer_reads(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> QueryArguments | None:
    """The arguments as typer reads them; None where it refuses them, or shows the help."""
    found: list[QueryArguments] = []
    monkeypatch.setattr(query_module, "run", found.append)
    with suppress(SystemExit):
        typer.main.get_command(cli.app).main(arguments, prog_name="docsearch")
    return found[0] if found else None


def test_plain_arguments_are_read_as_typer_reads_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("DOCSEARCH_INDEX", "DOCSEARCH_DEVICE", "DOCSEARCH_SERVER"):
        monkeypatch.delenv(name, raising=False)
    chosen, read = random.Random(8), 0
    for _ in range(LISTS):
        arguments = ["query", *chosen.choices(PARTS, k=chosen.randint(1, 5))]
        plain = plain_query.read(arguments, {})
        if plain is not None:
            read += 1
            assert plain == typer_reads(monkeypatch, arguments), arguments
    assert read > LISTS // 10
    capsys.readouterr()


@pytest.mark.parametrize(
    "environment",
    [
        {"DOCSEARCH_INDEX": "other.index"},
        {"DOCSEARCH_INDEX": ""},
        {"DOCSEARCH_DEVICE": "cpu"},
        {"DOCSEARCH_DEVICE": "tpu"},
        {"DOCSEARCH_SERVER": "auto"},
        {"DOCSEARCH_SERVER": ""},
        {"DOCSEARCH_INDEX": "a b", "DOCSEARCH_DEVICE": "auto"},
    ],
)
def test_the_environment_is_read_as_typer_reads_it(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    for name in ("DOCSEARCH_INDEX", "DOCSEARCH_DEVICE", "DOCSEARCH_SERVER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    plain = plain_query.read(["query", "revenue"], environment)
    assert plain is None or plain == typer_reads(monkeypatch, ["query", "revenue"])
    given = ["query", "revenue", "--index", "mine", "--device", "cuda", "--server", "http://127.0.0.1:1/"]
    if (plain := plain_query.read(given, environment)) is not None:
        assert plain == typer_reads(monkeypatch, given)


def test_completion_and_other_commands_are_left_to_typer() -> None:
    assert plain_query.read(["query", "revenue"], {"_DOCSEARCH_COMPLETE": "complete_bash"}) is None
    assert plain_query.read(["-v", "query", "revenue"], {}) is None
    assert plain_query.read([], {}) is None


def short_process(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    program = LISTED.format(arguments=arguments, never=NEVER)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=300)


def test_a_question_imports_only_what_it_needs(sample_index: Path) -> None:
    done = short_process(["query", "revenue chart 2023", "-k", "2", "--index", str(sample_index)])
    assert done.stderr == "[] 0\n", done.stderr
    assert done.stdout.splitlines()[1].split("\t")[2:] == ["annual-report-2023.pdf", "6"]


def test_typer_and_the_short_way_print_the_same(sample_index: Path) -> None:
    command = [sys.executable, "-m", "docsearch", "query", "revenue chart 2023", "--index", str(sample_index), "--json"]
    short = subprocess.run(command, capture_output=True, check=True)
    by_typer = subprocess.run([*command[:3], "-v", *command[3:]], capture_output=True, check=True)
    assert short.stdout
    assert short.stdout == by_typer.stdout


@pytest.mark.skipif(os.name != "posix", reason="a shell's pipe")
def test_a_reader_that_goes_away_is_no_error(sample_index: Path) -> None:
    command = [sys.executable, "-m", "docsearch", "query", "revenue", "--index", str(sample_index)]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")
