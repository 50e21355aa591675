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
import urllib.error
import urllib.request
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINE_TIMEOUT_S = 300
SERVE_TIMEOUT_S = 60
PORT = 8123


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
    done = subprocess.run(command, cwd=folder, env=environment, check=False, timeout=LINE_TIMEOUT_S)
    if done.returncode != 0:
        sys.exit(f"exit code {done.returncode}: {shlex.join(command)}")


def serve(command: list[str], folder: str, environment: dict[str, str]) -> None:
    """A line that runs until it is stopped; it has to answer first."""
    command = [*command, "--port", str(PORT)]
    print("$", shlex.join(command), flush=True)
    server = subprocess.Popen(command, cwd=folder, env=environment)
    try:
        deadline = time.monotonic() + SERVE_TIMEOUT_S
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/healthz", timeout=2):
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                if server.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"does not answer: {shlex.join(command)}")
                time.sleep(0.2)
    finally:
        server.terminate()
        server.wait(timeout=SERVE_TIMEOUT_S)


if __name__ == "__main__":
    sys.exit(main())
