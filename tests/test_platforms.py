"""What macOS and Windows lack or refuse: simulated here, on Linux; README's section Platforms says what was run."""

from __future__ import annotations

import errno
import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path, PureWindowsPath
from types import SimpleNamespace
from typing import Any

import pytest

from docsearch.engine.store import durable, open_snapshot, segment
from docsearch.indexer import discover, source_folders
from docsearch.indexer.render import process, worker

fcntl = pytest.importorskip("fcntl", reason="simulates other systems on a POSIX system")
resource = pytest.importorskip("resource", reason="simulates other systems on a POSIX system")

LACKING = """
import os, signal, sys, types

class LockException(Exception): pass
class AlreadyLocked(LockException): pass
class LockFlags:
    SHARED, EXCLUSIVE, NON_BLOCKING = 1, 2, 4

# On Linux portalocker needs fcntl; on Windows it uses msvcrt and pywin32.
sys.modules["portalocker"] = types.SimpleNamespace(
    lock=lambda descriptor, flags: None, LockFlags=LockFlags, LockException=LockException, AlreadyLocked=AlreadyLocked
)
for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[name] = None
for name in ("pwrite", "pread", "posix_fallocate", "posix_fadvise", "sched_getaffinity", "nice", "getuid", "geteuid"):
    delattr(os, name)
for name in ("SIGALRM", "alarm", "setitimer"):
    delattr(signal, name)
"""
"""A sitecustomize.py, which Python runs when it starts: takes away what Windows does not have."""


def test_documents_are_indexed_and_found_without_fcntl_and_resource(
    tmp_path: Path, make_pdf: Callable[..., Path]
) -> None:
    """Also in a process whose output is in cp1252, and with a name that has letters and an emoji outside it."""
    (tmp_path / "lacking").mkdir()
    (tmp_path / "lacking/sitecustomize.py").write_text(LACKING, "utf-8")
    paths = os.pathsep.join([str(tmp_path / "lacking"), *(entry for entry in sys.path if entry)])
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}

    def run(*arguments: str) -> bytes:
        command = [sys.executable, "-m", "docsearch", *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False, timeout=600)
        assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr.decode("cp1252")[-2000:]
        return done.stdout

    make_pdf(tmp_path / "Größe 🙂 αβγ.pdf", ["revenue chart", "invoice total"])
    run("index", "Größe 🙂 αβγ.pdf", "--workers", "1")
    assert b"Gr\xf6\xdfe \\U0001f642 " in run("query", "invoice total")
    assert json.loads(run("verify", "--json"))["problems"] == []
    run("compact")


@pytest.mark.parametrize(
    "refusal", [ValueError("current limit exceeds maximum limit"), OSError(errno.EINVAL, "EINVAL")]
)
def test_a_limit_that_the_system_refuses_leaves_the_others(monkeypatch: pytest.MonkeyPatch, refusal: Exception) -> None:
    """MacOS answers EINVAL to a limit of the address space."""
    limited: dict[int, tuple[int, int]] = {}

    def setrlimit(kind: int, limits: tuple[int, int]) -> None:
        if kind == resource.RLIMIT_AS:
            raise refusal
        limited[kind] = limits

    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", setrlimit)
    assert not worker._limit_memory(100)
    assert limited == {
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_FSIZE: (worker.STDERR_MAX_BYTES, worker.STDERR_MAX_BYTES),
    }


def test_a_lower_limit_of_memory_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    limited: dict[int, tuple[int, int]] = {}
    monkeypatch.setattr(resource, "getrlimit", lambda _: (50 << 20, 50 << 20))
    monkeypatch.setattr(resource, "setrlimit", limited.__setitem__)
    assert worker._limit_memory(100)
    assert limited[resource.RLIMIT_AS] == (50 << 20, 50 << 20)


def test_memory_is_not_limited_where_there_is_no_resource(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    assert not worker._limit_memory(1)
    assert segment.descriptors_for(9000) == 9000


def test_descriptors_are_raised_to_what_macos_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names no maximum, and refuses more than OPEN_MAX."""
    accepted = []

    def setrlimit(_: int, limits: tuple[int, int]) -> None:
        if limits[0] > segment.MACOS_DESCRIPTORS:
            raise ValueError("current limit exceeds maximum limit")
        accepted.append(limits)

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", setrlimit)
    assert segment.descriptors_for(9000) == segment.MACOS_DESCRIPTORS // 2
    assert accepted == [(segment.MACOS_DESCRIPTORS, resource.RLIM_INFINITY)]


def test_windows_syncs_files_that_may_be_written_to_and_no_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = []
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(os, "fsync", lambda fd: modes.append(fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE))
    (tmp_path / "part").mkdir()
    (tmp_path / "part/file").write_bytes(b"content")
    durable.sync_tree(tmp_path)
    assert modes == [os.O_RDWR]
    assert (tmp_path / "part/file").read_bytes() == b"content"


@pytest.mark.parametrize("has_full_sync", [True, False])
def test_macos_syncs_through_the_buffer_of_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_full_sync: bool
) -> None:
    calls = []

    def full_sync(_: int, command: int) -> None:
        calls.append(command)
        if not has_full_sync:
            raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", full_sync)
    monkeypatch.setattr(os, "fsync", lambda _: calls.append(0))
    durable.sync_folder(tmp_path)
    assert calls == ([51] if has_full_sync else [51, 0])


def test_a_render_process_that_exits_with_0_did_not_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows has no SIGALRM, whose exit code would tell a timeout."""
    monkeypatch.delattr(signal, "SIGALRM")
    pipe = SimpleNamespace(close=lambda: None)
    child: Any = SimpleNamespace(wait=lambda *_: 0, returncode=0, kill=lambda: None, stdin=pipe, stdout=pipe)
    rendering = process.RenderProcess(process.RenderSettings(72, 1000))
    monkeypatch.setattr(rendering, "_child", child)
    with pytest.raises(process.WorkerLost, match=r"made the render process exit \(exit code 0\)"):
        rendering._raise_worker_lost("rendering the page")


def test_paths_of_documents_have_no_backslashes() -> None:
    """Windows' paths, whose roots may be drives."""
    found = [
        (root, discover.Document("a.pdf", root / "a.pdf", 1, 1))
        for root in (PureWindowsPath(r"C:\reports"), PureWindowsPath("D:\\"))
    ]
    unique = [document.path for document in discover._with_unique_paths(found)]  # type: ignore[arg-type]
    assert unique == ["reports/a.pdf", "D/a.pdf"]


def test_a_document_is_looked_for_below_a_drive() -> None:
    roots: Any = [PureWindowsPath(r"C:\archive\2023")]
    found = [str(file) for file in source_folders._possible_files("2023/q1/a.pdf", roots)]
    assert found == [r"C:\archive\2023\2023\q1\a.pdf", r"C:\archive\2023\q1\a.pdf"]


def test_what_trains_pixel_can_be_spawned() -> None:
    """MacOS and Windows start processes without fork."""
    pytest.importorskip("wordfreq", reason="needs the extra train")
    from docsearch.training.pixel import train

    assert pickle.loads(pickle.dumps(train.produce)) is train.produce


def test_a_part_of_the_cache_is_closed_before_it_is_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows refuses to rename a folder while a file in it is open."""
    monkeypatch.syspath_prepend(Path(__file__).parent / "engine")
    import toy_words
    from docsearch.engine.retrieval.inverted_index import open_inverted_index

    toy_words.write(tmp_path / "index", {"a.pdf": [[1, 2, 3], [4, 5]]})
    rename, mapped = Path.rename, []

    def renamed(source: Path, target: Path) -> Path:
        mapped.append(str(source) in Path("/proc/self/maps").read_text("utf-8"))
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", renamed)
    with open_snapshot(tmp_path / "index") as snapshot:
        open_inverted_index(snapshot, toy_words.ToyEncoder().visual_words)
    assert mapped == [False]
