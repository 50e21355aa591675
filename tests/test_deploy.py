"""The files of deploy/ are what their programs accept, and speak of commands, metrics and ports that exist."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from docsearch.cli import app
from docsearch.commands.serve import DEFAULT_PORT
from docsearch.server.metrics import Metrics

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
UNITS = sorted([*DEPLOY.glob("systemd/*.service"), *DEPLOY.glob("systemd/*.timer")])
GAUGES = re.compile(r'add_gauge\(\s*"(\w+)"')


def program(name: str) -> str:
    found = shutil.which(name, path=f"{Path(sys.executable).parent}:/usr/bin:/bin")
    if found is None:
        pytest.skip(f"needs {name}")
    return found


def options(command: str) -> set[str]:
    """The options of a docsearch command."""
    return {option for parameter in get_command(app).commands[command].params for option in parameter.opts}  # type: ignore[attr-defined]


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    done = subprocess.run([program("hadolint"), DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0)


def test_compose_is_valid_and_its_commands_exist() -> None:
    command = [program("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]
    for service in services.values():
        name, *arguments = service["command"]
        assert {each for each in arguments if each.startswith("--")} <= options(name)
        assert service["read_only"] is True
    assert services["serve"]["ports"] == [f"{DEFAULT_PORT}:{DEFAULT_PORT}"]


def test_the_image_serves_on_the_port_that_it_exposes() -> None:
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    assert set(re.findall(r"(?<![\d.])(\d{4})(?=[/\"\s:])", text)) == {str(DEFAULT_PORT)}
    arguments = json.loads(re.findall(r"^CMD (\[.*\])$", text, re.MULTILINE)[-1])
    assert {each for each in arguments if each.startswith("--")} <= options("serve")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_of_systemd_are_valid(unit: Path, tmp_path: Path) -> None:
    text = unit.read_text("utf-8")
    for line in re.findall(r"^ExecStart=/opt/docsearch/bin/docsearch (.*)$", text, re.MULTILINE):
        name, *arguments = line.split()
        assert {each for each in arguments if each.startswith("--")} <= options(name)
    for other in UNITS:  # the program is not installed here
        there = other.read_text("utf-8").replace("/opt/docsearch/bin/docsearch", "/bin/true")
        (tmp_path / other.name).write_text(there, "utf-8")
    done = subprocess.run(
        [program("systemd-analyze"), "verify", tmp_path / unit.name], capture_output=True, text=True, check=False
    )
    assert (done.stderr.strip(), done.returncode) == ("", 0)


def test_the_dashboard_asks_for_metrics_that_exist() -> None:
    gauges = (DEPLOY.parent / "server/collection_set.py").read_text("utf-8")
    exported = set(re.findall(r"^# TYPE (\w+)", Metrics().text().decode(), re.MULTILINE)) | set(GAUGES.findall(gauges))
    board = json.loads((DEPLOY / "grafana.json").read_text("utf-8"))
    asked = {
        name
        for panel in board["panels"]
        for target in panel["targets"]
        for name in re.findall(r"docsearch_\w+", target["expr"])
    }
    assert {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked} <= exported
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
