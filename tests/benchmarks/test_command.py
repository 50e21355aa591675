"""The command that runs benchmarks: refuses wrong results, stops a case at its limit, keeps rows where asked to."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest

import docsearch

pytest.importorskip("benchmarks.registry", reason="run from the repository's root, with 'python -m pytest'")

from benchmarks import __main__ as command_line
from benchmarks import processor, report, saved_runs
from benchmarks.registry import CASES, Case
from benchmarks.setting import Refused, Row, Setting
from benchmarks.time_limit import TimeIsUp

REPOSITORY = Path(__file__).resolve().parents[2]
LIMIT_S = 3600
"""A limit that is not reached: tests send the signal that would come then, at the moment that they are about."""


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
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= LIMIT_S
        # The time is up while the case waits for another process.
        wait = "import os, signal, time; os.kill(os.getppid(), signal.SIGALRM); time.sleep(600)"
        subprocess.run([sys.executable, "-c", wait], check=True)

    monkeypatch.setattr(saved_runs, "RESULTS", tmp_path)
    case = Case("slow", "an hour", slow, limit_s=LIMIT_S)
    assert command_line.run(case, Setting(None), command="", as_json=True, save_as=date(2026, 11, 29))
    out, err = capsys.readouterr()
    assert f"slow: stopped after its limit of {LIMIT_S} s" in err
    (file,) = tmp_path.rglob("*.jsonl")
    assert file.read_text("utf-8") == out
    first, last = map(json.loads, out.splitlines())
    assert first["what"] == "a"
    assert last["skipped"] == f"the case was stopped after its limit of {LIMIT_S} s"


def test_a_case_whose_compiled_code_hides_the_limit_is_stopped_all_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def slow(_setting: Setting) -> object:
        yield {"what": "a", "median_ms": 1.5}
        try:
            signal.raise_signal(signal.SIGALRM)
        except TimeIsUp as err:  # as Ray's `wait` does
            raise SystemError("returned a result with an exception set") from err

    assert command_line.run(Case("slow", "an hour", slow, limit_s=LIMIT_S), Setting(None), command="", as_json=True)
    out, err = capsys.readouterr()
    assert f"slow: stopped after its limit of {LIMIT_S} s" in err
    assert [json.loads(line).get("skipped") for line in out.splitlines()] == [
        None,
        f"the case was stopped after its limit of {LIMIT_S} s",
    ]


def test_a_wrong_result_is_refused_after_the_limit_too(capsys: pytest.CaptureFixture[str]) -> None:
    def slow(_setting: Setting) -> object:
        yield {"what": "a", "median_ms": 1.5}
        try:
            signal.raise_signal(signal.SIGALRM)
        except TimeIsUp:
            raise Refused("it is wrong") from None

    assert not command_line.run(Case("slow", "an hour", slow, limit_s=LIMIT_S), Setting(None), command="", as_json=True)
    assert "refused: it is wrong" in capsys.readouterr().err


def test_a_case_that_does_not_stop_is_ended_with_its_children() -> None:
    program = (
        "import signal, subprocess, sys, time\n"
        "from benchmarks.time_limit import TimeIsUp, time_limit\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])  # the limit may come before the block is entered\n"
        "with time_limit(0.1, lambda: print(child.pid), grace_s=0.4):\n"
        "    try:\n"
        "        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])\n"
        "        time.sleep(600)\n"
        "    except TimeIsUp:\n"
        "        time.sleep(600)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, timeout=900)
    assert done.returncode == 1, done.stderr
    deadline = time.monotonic() + 300
    while runs(int(done.stdout)):  # a killed process takes a moment to end
        assert time.monotonic() < deadline, "the child process still runs"
        time.sleep(0.01)


def runs(pid: int) -> bool:
    """Whether a process is neither gone nor a zombie that nobody has waited for (Linux)."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


def test_the_command_names_its_cases() -> None:
    command = [sys.executable, "-m", "benchmarks", "nothing"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert all(name in done.stderr for name in CASES)


def test_a_json_line_has_command_commit_machine_and_versions() -> None:
    line = json.loads(report.as_json("maxsim", {"what": "x", "median_ms": 1.5}, "python -m benchmarks maxsim"))
    assert {"case", "what", "median_ms", "command", "commit", "machine", "versions"} == set(line)
    assert {"cpu", "features", "cores", "arithmetic", "kernels"} <= set(line["machine"])
    assert line["versions"]["docsearch"] == docsearch.__version__


def test_a_table_shows_peers_below_the_row_they_are_compared_with() -> None:
    row: Row = {"what": "ours", "ours_ms": 2.0, "peers": {"theirs": 5.0}, "correct": True}
    lines = report.as_table([row]).splitlines()
    assert [line.split() for line in lines[1:]] == [["ours", "2.000", "yes", "-"], ["theirs", "5.000", "-", "2.500"]]


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
