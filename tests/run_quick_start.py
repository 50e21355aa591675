"""Runs README's quick start line by line, as a newcomer would: `python tests/run_quick_start.py` (`make quickstart`).

The lines run in a temporary folder with a link to sample_docs, with the commands of the environment that runs this
script. `docsearch serve` is stopped as soon as it answers. Exits with 1 at the first line that fails.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADDRESS = re.compile(r"answers at (http://\S+?)/? ")
TIMEOUT_S = 3600
"""Of a line: no machine is too busy for it."""


def main() -> int:
    """Run the blocks of the section "Quick start"."""
    readme = (REPOSITORY / "README.md").read_text("utf-8")
    section = readme.split("\n## Quick start\n", 1)[1].split("\n## ", 1)[0]
    blocks = BLOCK.findall(section)
    assert len(blocks) >= 2, "README's quick start has commands and a Python example"
    binaries = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "sample_docs").symlink_to(REPOSITORY / "sample_docs")
        for language, text in blocks:
            if language == "python":
                run([sys.executable, "-c", text], folder, environment)
                continue
            for line in text.splitlines():
                words = shlex.split(line, comments=True)
                if words[:2] == ["docsearch", "serve"]:
                    serve(words, folder, environment)
                elif words:
                    run(words, folder, environment)
    print("every line of README's quick start works")
    return 0


def run(command: list[str], folder: str, environment: dict[str, str]) -> None:
    """One line, which has to exit with 0."""
    print("$", shlex.join(command), flush=True)
    done = subprocess.run(command, cwd=folder, env=environment, check=False, timeout=TIMEOUT_S)
    if done.returncode != 0:
        sys.exit(f"exit code {done.returncode}: {shlex.join(command)}")


def serve(command: list[str], folder: str, environment: dict[str, str]) -> None:
    """A line that runs until it is stopped; it has to answer first, at a port that is free."""
    command = [*command, "--port", "0"]
    print("$", shlex.join(command), flush=True)
    said = Path(folder, "serve.log")
    with said.open("w", encoding="utf-8") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stderr=log)
    try:
        deadline = time.monotonic() + TIMEOUT_S
        while (address := ADDRESS.search(said.read_text("utf-8"))) is None:
            if server.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"does not answer: {shlex.join(command)}\n{said.read_text('utf-8')}")
            time.sleep(0.2)
        with urllib.request.urlopen(f"{address[1]}/healthz", timeout=TIMEOUT_S):
            print(said.read_text("utf-8"), end="", flush=True)
    finally:
        server.terminate()
        server.wait(timeout=TIMEOUT_S)


if __name__ == "__main__":
    sys.exit(main())
