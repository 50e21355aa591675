"""Tests that draw examples draw the same ones in every ordinary run, and new ones when asked to search."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hypothesis_profiles import DEFAULT_EXAMPLES, SWITCH

SCRIPT = """
import sys
import hypothesis_profiles
hypothesis_profiles.load_profile()
from hypothesis import given, strategies

if "loaded" in sys.argv:
    import some_constants

drawn = []

@given(strategies.integers(0, 10**12), strategies.text())
def draw(number, text):
    drawn.append((number, text))

draw()
print(len(drawn), ascii(drawn))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "script.py").write_text(SCRIPT, "utf-8")
    numbers = [number * 1_234_567 for number in range(1, 400)]
    (tmp_path / "some_constants.py").write_text(f"NUMBERS = {numbers}\n", "utf-8")
    return tmp_path


def drawn(folder: Path, *arguments: str, times: str = "") -> tuple[int, str]:
    environment = {**os.environ, SWITCH: times, "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "script.py", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True, timeout=300)
    count, _, values = done.stdout.partition(" ")
    return int(count), values


def test_examples_are_the_same_in_every_run_whatever_else_is_loaded(folder: Path) -> None:
    first = drawn(folder)
    assert first[0] == DEFAULT_EXAMPLES
    assert drawn(folder, "loaded") == first
    assert not list(folder.glob(".hypothesis/examples/*"))


def test_a_search_draws_more_examples_and_new_ones(folder: Path) -> None:
    first, second = drawn(folder, times="3"), drawn(folder, times="3")
    assert first[0] == second[0] == 3 * DEFAULT_EXAMPLES
    assert first[1] != second[1]
