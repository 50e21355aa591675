"""The number of CPUs that is used respects the quota of a container."""

from __future__ import annotations

from pathlib import Path

import pytest

from docsearch.engine import cgroup, threads


def limit(tmp_path: Path, groups: str, files: dict[str, str]) -> int | None:
    (tmp_path / "self").write_text(groups)
    for name, content in files.items():
        file = tmp_path / "fs" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return cgroup.cpu_limit(tmp_path / "self", tmp_path / "fs")


@pytest.mark.parametrize(
    ("groups", "files", "cpus"),
    [
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "10000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "max 100000\n"}, None),
        ("0::/\n", {}, None),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000", "a/cpu.max": "300000 100000", "cpu.max": "800000 100000"}, 3),
        ("0::/docker/of/the/host\n", {"cpu.max": "400000 100000\n"}, 4),
        ("4:cpu,cpuacct:/d\n", {"cpu/d/cpu.cfs_quota_us": "250000\n", "cpu/d/cpu.cfs_period_us": "100000\n"}, 3),
        ("4:cpu,cpuacct:/\n", {"cpu,cpuacct/cpu.cfs_quota_us": "-1", "cpu,cpuacct/cpu.cfs_period_us": "100000"}, None),
        ("no such line\n9:memory:/\n", {"cpu.max": "junk"}, None),
    ],
)
def test_quota_is_counted_in_whole_cpus(tmp_path: Path, groups: str, files: dict[str, str], cpus: int | None) -> None:
    assert limit(tmp_path, groups, files) == cpus


def test_without_cgroups_there_is_no_quota(tmp_path: Path) -> None:
    assert cgroup.cpu_limit(tmp_path / "none", tmp_path) is None


def test_cores_in_use_are_those_of_the_quota(monkeypatch: pytest.MonkeyPatch) -> None:
    for quota, cores in ((1, 1), (10_000, None), (None, None)):
        threads.quota.cache_clear()
        monkeypatch.setattr(cgroup, "cpu_limit", lambda quota=quota: quota)
        assert threads.available() == (cores or threads.cores())
    threads.quota.cache_clear()
