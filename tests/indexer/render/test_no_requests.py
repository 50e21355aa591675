"""No document makes its renderer ask a server, or draw a file that lies beside it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import hostile

pytest.importorskip("pymupdf", reason="MuPDF reads these kinds")

from docsearch.indexer.discover import Document
from docsearch.indexer.render.renderer import PageRendered, Renderer

RENDER = """
import sys
from pathlib import Path
from docsearch.indexer.discover import Document
from docsearch.indexer.render.renderer import PageRendered, Renderer

files = [Path(line) for line in sys.stdin.read().split("\\n") if line]
with Renderer(dpi=40, max_pixels=1_000_000) as renderer:
    events = list(renderer.render((Document(file.name, file, 0, 0), frozenset()) for file in files))
print(sum(isinstance(event, PageRendered) for event in events))
"""


def pages(files: list[Path]) -> list[PageRendered]:
    with Renderer(dpi=40, max_pixels=1_000_000) as renderer:
        events = list(renderer.render((Document(file.name, file, 0, 0), frozenset()) for file in files))
    return [event for event in events if isinstance(event, PageRendered)]


def test_no_document_asks_a_server(tmp_path: Path, listener: tuple[str, list[object]]) -> None:
    url, seen = listener
    files = hostile.write_all(tmp_path, url)
    assert len(pages(files)) > len(files) // 2
    assert seen == []


def test_no_document_shows_a_file_beside_it(tmp_path: Path) -> None:
    red = tmp_path / "red.png"
    Image.new("RGB", (90, 90), (255, 0, 0)).save(red)
    for number, url in enumerate((red.as_uri(), "red.png", str(red))):
        (tmp_path / str(number)).mkdir()
        for page in pages(hostile.write_all(tmp_path / str(number), url)):
            pixels = page.image.pixels
            assert not ((pixels[..., 0] > 200) & (pixels[..., 1] < 60)).any(), page.document.path


def test_no_document_makes_its_renderer_open_a_network_socket(tmp_path: Path) -> None:
    if (strace := shutil.which("strace")) is None:
        pytest.skip("needs strace")
    files = hostile.write_all(tmp_path, "http://192.0.2.1/x.png")
    trace = tmp_path / "trace.txt"
    command = [strace, "-f", "-qq", "-e", "trace=socket,connect", "-o", str(trace), sys.executable, "-c", RENDER]
    done = subprocess.run(
        command, input="\n".join(map(str, files)), capture_output=True, text=True, check=False, timeout=300
    )
    if "ptrace" in done.stderr:
        pytest.skip("strace may not trace here")
    assert int(done.stdout) > len(files) // 2
    assert re.findall(r".*AF_INET.*", trace.read_text()) == []
