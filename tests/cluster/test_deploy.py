"""The files of deploy/ray are what Ray and Kubernetes read, and their commands and options exist."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from docsearch.cli import app

yaml = pytest.importorskip("yaml", reason="needs pyyaml")
DEPLOY = Path(__file__).resolve().parents[2] / "deploy/ray"


def options(command: str) -> set[str]:
    """The options of a command of docsearch."""
    return {option for parameter in get_command(app).commands[command].params for option in parameter.opts}  # type: ignore[attr-defined]


@pytest.mark.parametrize("file", sorted(DEPLOY.glob("*.yaml")), ids=lambda file: file.name)
def test_commands_use_options_that_exist(file: Path) -> None:
    commands = re.findall(r"docsearch (index|compact|batch|serve) ([^'\n]*)", file.read_text("utf-8"))
    assert commands
    for command, arguments in commands:
        assert {word for word in arguments.split() if word.startswith("-")} <= options(command)


def test_ray_accepts_the_cluster_of_virtual_machines() -> None:
    pytest.importorskip("ray", reason="needs the extra ray")
    from ray.autoscaler._private.util import validate_config

    config = yaml.safe_load((DEPLOY / "cluster.yaml").read_text("utf-8"))
    validate_config({**config, "file_mounts": {}, "cluster_synced_files": []})
    assert config["head_node_type"] in config["available_node_types"]


def test_the_job_on_kubernetes_has_one_image_and_mounts_what_it_indexes() -> None:
    job, policy = yaml.safe_load_all((DEPLOY / "kuberay.yaml").read_text("utf-8"))
    assert (job["apiVersion"], job["kind"], policy["kind"]) == ("ray.io/v1", "RayJob", "NetworkPolicy")
    cluster = job["spec"]["rayClusterSpec"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    containers = [container for group in groups for container in group["template"]["spec"]["containers"]]
    assert len({container["image"] for container in containers}) == 1
    for group, container in zip(groups, containers, strict=True):
        mounted = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
        assert set(mounted.values()) == {volume["name"] for volume in group["template"]["spec"]["volumes"]}
        for place in re.findall(r" (/\w+)", job["spec"]["entrypoint"]):
            assert place in mounted


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    program = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:/usr/bin:/bin")
    if program is None:
        pytest.skip("needs hadolint")
    done = subprocess.run([program, DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0)
