"""The files of deploy/ray are what Ray and Kubernetes read, and their commands and options exist."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from docsearch.cli import app
from docsearch.commands.serve import DEFAULT_PORT

yaml = pytest.importorskip("yaml", reason="needs pyyaml")
DEPLOY = Path(__file__).resolve().parents[2] / "deploy/ray"
ROUTES = (DEPLOY.parents[1] / "server/routes.py").read_text("utf-8")


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
    containers = [container for group in groups(cluster) for container in group["template"]["spec"]["containers"]]
    assert len({container["image"] for container in containers}) == 1
    for group, container in zip(groups(cluster), containers, strict=True):
        mounted = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
        assert set(mounted.values()) == {volume["name"] for volume in group["template"]["spec"]["volumes"]}
        for place in re.findall(r" (/\w+)", job["spec"]["entrypoint"]):
            assert place in mounted


def objects(file: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The objects in a file for Kubernetes, by kind and name."""
    found = yaml.safe_load_all((DEPLOY / file).read_text("utf-8"))
    return {(each["kind"], each["metadata"]["name"]): each for each in found}


def groups(cluster: dict[str, Any]) -> list[dict[str, Any]]:
    """The groups of pods of a Ray cluster, its head first."""
    return [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]


def checkable(file: str) -> Iterator[dict[str, Any]]:
    """The objects in a file that Kubernetes itself knows, and the pods of Ray's clusters as templates of pods."""
    for (kind, name), each in objects(file).items():
        if kind in ("RayCluster", "RayJob"):
            cluster = each["spec"] if kind == "RayCluster" else each["spec"]["rayClusterSpec"]
            for group in groups(cluster):
                metadata = {"name": f"{name}-{group.get('groupName', 'head')}"}
                yield {"apiVersion": "v1", "kind": "PodTemplate", "metadata": metadata, "template": group["template"]}
        else:
            yield each


@pytest.mark.parametrize("file", ["kuberay.yaml", "kuberay-serve.yaml"])
def test_kubernetes_accepts_what_it_knows(file: str) -> None:
    kubernetes_validate = pytest.importorskip("kubernetes_validate", reason="needs kubernetes-validate")
    checked = [*checkable(file)]
    assert len(checked) > 2
    for each in checked:
        kubernetes_validate.validate(each, kubernetes_validate.latest_version(), strict=True)


def test_the_server_on_kubernetes_is_a_node_of_the_cluster_that_holds_the_shards() -> None:
    found = objects("kuberay-serve.yaml")
    (cluster,) = (each for (kind, _), each in found.items() if kind == "RayCluster")
    (server,) = (each for (kind, _), each in found.items() if kind == "Deployment")
    (service,) = (each for (kind, _), each in found.items() if kind == "Service")
    name, pod = cluster["metadata"]["name"], server["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    start, serve = container["args"][0].splitlines()
    assert f"--address={name}-head-svc:6379 --num-cpus=0" in start
    assert set(re.findall(r"--[a-z-]+", serve)) <= options("serve")
    of_cluster = [each["template"]["spec"]["containers"][0] for each in groups(cluster["spec"])]
    assert {each["image"] for each in of_cluster} == {container["image"]}
    token = {each["name"]: each for each in container["env"]}["RAY_AUTH_TOKEN"]["valueFrom"]["secretKeyRef"]
    assert token == {"name": name, "key": "auth_token"}

    assert server["spec"]["replicas"] == 1
    assert server["spec"]["selector"]["matchLabels"] == pod["metadata"]["labels"] == service["spec"]["selector"]
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    assert ports == {"http": DEFAULT_PORT}
    assert f"--port {DEFAULT_PORT} " in serve
    assert service["spec"]["ports"][0]["targetPort"] == "http"
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        asked = container[probe]["httpGet"]
        assert asked["port"] == "http"
        assert f'@api.get("{asked["path"]}"' in ROUTES

    volumes = {each["name"] for each in pod["spec"]["volumes"]}
    assert {each["name"] for each in container["volumeMounts"]} == volumes
    worker = of_cluster[1]
    store = {each["name"]: each["value"] for each in worker["env"]}["DOCSEARCH_SHARD_STORE"]
    assert [each["mountPath"] for each in worker["volumeMounts"]] == [store]


def test_only_the_nodes_of_a_cluster_and_the_operator_reach_it() -> None:
    found = objects("kuberay-serve.yaml")
    own = {"ray.io/cluster": "docsearch-search"}
    of_server = found["Deployment", "docsearch"]["spec"]["template"]["metadata"]["labels"]
    cluster, server = (found["NetworkPolicy", each]["spec"] for each in ("docsearch-search", "docsearch"))
    assert (cluster["podSelector"]["matchLabels"], server["podSelector"]["matchLabels"]) == (own, of_server)
    (nodes,) = (each["from"] for each in cluster["ingress"])
    assert [each["podSelector"]["matchLabels"] for each in nodes[:2]] == [own, of_server]
    assert nodes[2]["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "kuberay-operator"}
    assert server["ingress"] == [{"from": [{"podSelector": {"matchLabels": own}}]}, {"ports": [{"port": "http"}]}]


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    program = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:/usr/bin:/bin")
    if program is None:
        pytest.skip("needs hadolint")
    done = subprocess.run([program, DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0)
