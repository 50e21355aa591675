"""Options of `docsearch index` for a Ray cluster, where there is none; tests/cluster has one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from docsearch.cluster.indexing.status import ClusterStatus, NodeRate
from docsearch.commands.cluster import ClusterProgress, status_line
from docsearch.indexer.report import Progress

Run = Callable[..., tuple[int, str, str]]

STATUS = ClusterStatus(
    seconds=10.0,
    rendered_per_s=12.0,
    embedded_per_s=11.0,
    committed_per_s=10.5,
    render_wait=0.1,
    embed=0.8,
    write=0.1,
    coordinator=0.05,
    bottleneck="embedding",
    nodes=(NodeRate("one", 2, 70, 7.0), NodeRate("two", 1, 40, 4.0)),
    tasks=5,
    lost_workers=1,
    repeated_tasks=2,
)
PROGRESS = Progress(3, 9, 300, 900, 0, 110, 400, 0, 10.0, "a.pdf")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["s3://archive/reports"], "s3://archive/reports: object storage is read with --ray"),
        (["s3://archive/reports", "--ray", "local", "--dry-run"], "object storage is read with --ray"),
        ([".", "--staging", "/shared"], "--ray-workers, --ray-gpus and --staging need --ray"),
        ([".", "--ray-workers", "2"], "--ray-workers, --ray-gpus and --staging need --ray"),
    ],
)
def test_what_needs_a_cluster_says_so(run: Run, arguments: list[str], said: str) -> None:
    code, _, err = run("index", *arguments)
    assert code == 2
    assert said in " ".join(err.split())


def test_the_line_names_rates_machines_and_what_holds_the_run_up() -> None:
    assert status_line(STATUS) == (
        "3 workers · rendered 12.0, embedded 11.0, committed 10.5 pages/s · one 7.0/s, two 4.0/s · held up by "
        "embedding · 1 worker lost"
    )


def test_events_are_lines_of_json_on_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    shown = ClusterProgress(as_json=True, quiet=False, clock=lambda: now[0])
    shown.on_status(STATUS)
    assert "ETA ?" in shown.line(replace(PROGRESS, bytes=0, pages=1, seconds=0.0))
    assert "ETA 0:20" in shown.line(PROGRESS)
    shown.on_status(STATUS)  # too early for another event
    now[0] = 5.0
    shown.on_status(STATUS)
    shown.end()  # the last status was printed
    out, err = capfd.readouterr()
    assert out == ""
    first, second = (json.loads(line) for line in err.splitlines())
    assert first["progress"] is None
    assert (second["event"], second["progress"]["pages"]) == ("progress", 110)
    assert second["cluster"]["nodes"][0] == {"host": "one", "workers": 2, "pages": 70, "pages_per_s": 7.0}


def test_the_last_event_is_the_state_at_the_end(capfd: pytest.CaptureFixture[str]) -> None:
    """However fast the run was: that of a moment ago may be from before the first worker."""
    shown = ClusterProgress(as_json=True, quiet=False, clock=lambda: 0.0)
    shown.on_status(replace(STATUS, nodes=()))
    shown.on_status(STATUS)
    shown.end()
    first, last = (json.loads(line)["cluster"]["nodes"] for line in capfd.readouterr().err.splitlines())
    assert (first, len(last)) == ([], 2)


def test_nothing_is_printed_with_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    shown = ClusterProgress(as_json=True, quiet=True)
    shown.on_status(STATUS)
    shown.end()
    assert capfd.readouterr() == ("", "")


def test_without_ray_the_error_names_the_extra(
    run: Run, tmp_path: Path, make_pdf: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from docsearch.cluster import connection

    monkeypatch.setattr(connection.importlib.util, "find_spec", lambda _name: None)
    make_pdf(tmp_path / "docs/a.pdf", ["a"])
    code, _, err = run("index", tmp_path / "docs", "--ray", "local")
    assert code == 2
    assert "needs ray" in err
