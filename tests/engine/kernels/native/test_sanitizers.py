"""The kernels in C read and write only what they own, and do nothing that C leaves undefined.

They are compiled with the address and the undefined behaviour sanitizer, and the tests of the kernels run with this
library in a process of their own, on each instruction set that this CPU has.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import kernel_compiler
import pytest

pytestmark = pytest.mark.slow

SANITIZERS = ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")
TESTS = Path(__file__).parents[1]
RUN = """
import sys
from pathlib import Path
import pytest
from docsearch.engine.kernels.native import library
library.LIBRARY = Path(sys.argv[1])
assert library.load() is not None
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", *sys.argv[2:]]))
"""
"""Runs pytest with another library of kernels than the one that is installed."""


@pytest.fixture(scope="module")
def compiler() -> list[str]:
    """A C compiler with both sanitizers, as it is called."""
    command = kernel_compiler.find_compiler()
    if command is None or "ziglang" in command or not _runtime(command).is_file():
        pytest.skip("no C compiler with the address sanitizer, such as gcc")
    return command


@pytest.fixture(scope="module")
def library(compiler: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kernels, compiled with sanitizers."""
    made = tmp_path_factory.mktemp("sanitized") / kernel_compiler.LIBRARY.name
    kernel_compiler.compile_library(made, compiler, extra=SANITIZERS)
    return made


@pytest.mark.parametrize("name", ["test_maxsim.py", "test_postings.py", "test_token_scores.py"])
def test_sanitizers_find_nothing(name: str, library: Path, compiler: list[str]) -> None:
    environment = {
        **os.environ,
        "LD_PRELOAD": str(_runtime(compiler)),
        "ASAN_OPTIONS": "detect_leaks=0",  # Python keeps memory until it ends
        "PYTHONMALLOC": "malloc",
    }
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(library), str(TESTS / name)],
        env=environment, cwd=TESTS.parents[2], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


def test_sanitizers_find_a_read_past_the_lists(library: Path, compiler: list[str]) -> None:
    """Else the test above would prove nothing."""
    script = """
import sys
from pathlib import Path
import numpy as np
from docsearch.engine.kernels.native import library
library.LIBRARY = Path(sys.argv[1])
from docsearch.engine.compression.residual import Codebook
from docsearch.engine.kernels.postings.scan import Postings
assert library.load() is not None
codebook = Codebook(np.zeros((1, 128), np.float16))
postings = Postings(np.zeros(22 * 100, np.uint8), np.array([0, 200]), codebook)  # of 200 patches, 100 are there
page_rows, best = np.zeros(1, np.int32), np.zeros(1, np.float32)
postings.update_maxima(np.ones(128, np.float32), np.zeros(1, np.int64), np.zeros(1, np.float32), 0.0, page_rows, best)
"""
    environment = {**os.environ, "LD_PRELOAD": str(_runtime(compiler)), "ASAN_OPTIONS": "detect_leaks=0"}
    done = subprocess.run(
        [sys.executable, "-c", script, str(library)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "heap-buffer-overflow" in done.stderr


def _runtime(command: list[str]) -> Path:
    """The address sanitizer's shared library, which has to be loaded before Python."""
    found = subprocess.run(
        [*command, "-print-file-name=libasan.so"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return Path(found).resolve()
