"""Each system call of each command fails in turn: one line that names the cause, and nothing committed is lost."""

from __future__ import annotations

import errno
import os
import random
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import failing_calls
from docsearch.engine.store import open_snapshot
from failing_calls import CALLS, Ended, FailingCalls

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(failing_calls.compiler() is None, reason="needs Linux and a C compiler (cc)"),
]

COMMANDS = {
    "index": ["index", "docs", "--quiet"],
    "query": ["query", "revenue", "--candidates", "5", "--heatmap", "out/hit.png"],
    "batch": ["batch", "q.txt", "-o", "out/answers.csv", "--candidates", "5", "--quiet"],
    "compact": ["compact"],
    "convert": ["compact", "--codec", "residual"],
    "remove": ["remove", "a.pdf"],
    "verify": ["verify"],
    "info": ["info"],
}
READING = ("info", "query", "verify")
ERRORS = {
    errno.EIO: r"may be failing|Input/output error",
    errno.ENOSPC: r"disk is full|No space left",
    errno.EMFILE: r"ulimit -n|Too many open files",
    errno.ENOLCK: r"local disk|No locks available",
    errno.EACCES: r"denied|ermission|another program holds",  # POSIX: the answer to a lock that is taken
    errno.EROFS: r"Read-only file system|denied",
}
"""By errno, what the message says."""
CATALOG_FAILED = ("the catalog: ", "it could not be read: ")
"""Words of errors of SQLite, which does not tell the errno."""
UNREADABLE_ONCE = "the catalog cannot be read ("
"""SQLite calls a read that failed damage; docsearch reads again, and cannot tell that from damage if it succeeds."""
TRIES = int(os.environ.get("DOCSEARCH_FAILING_CALLS", "4"))
"""Failures per command and call; each error at every place would take hours."""

Pages = dict[tuple[str, int], str]


@dataclass(frozen=True)
class Sandbox:
    """A folder with documents and an index of them, and what each command makes of it."""

    calls: FailingCalls
    template: Path
    folder: Path

    def renew(self) -> Path:
        """A fresh copy of the template."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.template, self.folder)
        return self.folder


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory, make_pdf: Callable[..., Path]) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("failing")
    copy = folder / "copy"  # where each command runs: the index records the folder of its documents
    make_pdf(copy / "docs/a.pdf", ["revenue chart", "notes"])
    make_pdf(copy / "docs/b.pdf", ["minutes of a meeting", "growth"])
    (copy / "out").mkdir()
    (copy / "out/answers.csv").write_text("old", "utf-8")
    (copy / "out/hit.png").write_text("old", "utf-8")
    (copy / "q.txt").write_text("revenue\nminutes\n", "utf-8")
    with FailingCalls(folder) as calls:

        def prepare(*arguments: str) -> None:
            ended = calls.run([*arguments, "--index", "index"], copy)
            assert ended.code == 0, ended.err

        prepare("index", "docs", "--quiet")
        make_pdf(copy / "docs/c.pdf", ["another document"])
        prepare("index", "docs", "--quiet")  # a second segment
        prepare("remove", "b.pdf")  # the first has pages to drop, and 'index' has one to add
        shutil.copytree(copy, folder / "template")
        yield Sandbox(calls, folder / "template", copy)


def pages_of(folder: Path) -> Pages:
    """The text of each page in the index. Asserts that it is whole."""
    with open_snapshot(folder / "index") as snapshot:
        assert snapshot.verify() == []
        refs = snapshot.refs(range(len(snapshot)))
        return {(ref.path, ref.page): snapshot.text(row) for row, ref in enumerate(refs)}


def complaint(command: str, call: str, number: int, ended: Ended, *, lasting: bool) -> str | None:
    """What is wrong with the end of a command."""
    lines = ended.err.splitlines()
    if UNREADABLE_ONCE in ended.err and call == "read" and not lasting:
        return None
    allowed = {0, 2, *([1] if command == "index" else []), *([3] if command == "verify" else [])}
    if ended.code not in allowed:
        return "exit code"
    if "Traceback" in ended.err or "Error ignored" in ended.err or "Exception ignored" in ended.err:
        return "traceback"
    if ended.code == 0:
        return None
    if ended.code == 2 and (len(lines) != 1 or not lines[0].startswith("docsearch: ")):
        return "not one line"
    if not re.search(ERRORS[number], ended.err) and not any(words in ended.err for words in CATALOG_FAILED):
        return "another cause"
    if number != errno.ENOSPC and "is full" in ended.err:
        return "the disk is not full"
    return None


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_failing_call_is_told_in_a_line_and_loses_nothing(sandbox: Sandbox, command: str, call: str) -> None:
    arguments, calls = [*COMMANDS[command], "--index", "index"], sandbox.calls
    before = pages_of(sandbox.renew())
    whole = calls.run(arguments, sandbox.renew(), call)
    assert whole.code == 0, whole.err
    after = pages_of(sandbox.folder)
    chance, found = random.Random(f"{command} {call}"), []
    for _ in range(min(TRIES, whole.seen * len(ERRORS))):
        number, nth, lasting = chance.choice(list(ERRORS)), chance.randint(1, whole.seen), chance.random() < 0.3
        folder = sandbox.renew()
        ended = calls.run(arguments, folder, call, number, nth, lasting=lasting)
        wrong = complaint(command, call, number, ended, lasting=lasting) or loss(
            command, call, folder, before, after, ended
        )
        if wrong is None and command not in READING:
            again = calls.run(arguments, folder)
            if again.code != 0 and not (command == "remove" and "no document" in again.err):
                wrong, ended = "not repeatable", again
            elif pages_of(folder) != after:
                wrong = "another result"
        if wrong is not None:
            where = f"{errno.errorcode[number]} at {call} {nth} of {whole.seen}{' and later' if lasting else ''}"
            found.append(f"{where}: {wrong}: exit code {ended.code}: {ended.err[-2000:]}")
    assert not found, "\n".join(found)


def loss(command: str, call: str, folder: Path, before: Pages, after: Pages, ended: Ended) -> str | None:
    """What a failed command lost or left."""
    try:
        pages = pages_of(folder)
    except Exception as err:  # noqa: BLE001 - reported with its cause
        return f"damaged ({err!r})"
    if ended.code in (0, 3):
        expected = pages in (before, after)
    elif command == "index":
        expected = before.items() <= pages.items() <= after.items()
    else:
        expected = pages in (before, after)
    if not expected:
        return f"lost or invented pages: {sorted(pages.items() ^ before.items())}"
    for name in ("answers.csv", "hit.png"):
        if not (folder / "out" / name).exists():
            return f"{name} was lost"
    left = [file.name for file in (folder / "out").iterdir() if file.name.startswith(".tmp")]
    return f"left {left}" if left and call != "unlink" else None
