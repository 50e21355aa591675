"""After a writer is killed at any instant, the index has each committed page once, and the next run continues."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from docsearch.engine import store
from docsearch.engine.compression.codecs import decode
from docsearch.engine.records import Ragged
from docsearch.engine.store import layout

LONGEST_LIFE_S = 0.8
LINES_OF_A_LIFE = 12_000
LIFE_LIMIT_S = 600


def kill_after(index: Path, log: Path, synthetic: ModuleType, seed: int, life_s: float) -> None:
    """Kill a writer `life_s` seconds after it opened the index."""
    command = [sys.executable, str(synthetic.__file__), str(index), str(log), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        time.sleep(life_s)
        child.kill()
    assert child.returncode == -9


def kill_at_line(index: Path, log: Path, synthetic: ModuleType, seed: int, line: int) -> None:
    """Run a writer that kills itself at a line of the store's code."""
    command = [sys.executable, str(synthetic.__file__), str(index), str(log), str(seed), str(line)]
    assert subprocess.run(command, stdout=subprocess.DEVNULL, timeout=LIFE_LIMIT_S, check=False).returncode == -9


def check(index: Path, log: Path, synthetic: ModuleType) -> None:
    """Compare the index with the log, and its pages with what they must contain."""
    promised: dict[str, str] = {}
    for line in log.read_text().splitlines():
        what, path, *sha256 = line.split()
        if what == "committed":
            promised[path] = sha256[0]
        elif what == "beginning":  # another version replaces this one, which need not be complete any more
            if promised.get(path) == sha256[0]:
                promised.pop(path)
        else:  # removal has begun: it may still exist
            promised.pop(path, None)
    with store.open_snapshot(index) as snapshot:
        assert snapshot.verify() == []
        documents = snapshot.documents()
        refs = snapshot.refs(range(len(snapshot)))
        assert len({(ref.path, ref.page) for ref in refs}) == len(refs), "a page is stored twice"
        stored: dict[str, set[int]] = {}
        for ref in refs:
            stored.setdefault(ref.path, set()).add(ref.page)
        for path, version in promised.items():
            # The first pages of a next version may have replaced it.
            if documents[path].sha256 == version:
                assert stored[path] == set(range(1, synthetic.PAGES + 1))
        for block in snapshot.blocks():
            vectors = Ragged(decode(block.coded), block.offsets)
            for row, found in zip(block.rows.tolist(), vectors, strict=True):
                ref = refs[row]
                expected = synthetic.pages(ref.doc_id, ref.path, documents[ref.path].sha256, [ref.page])
                np.testing.assert_allclose(found.astype(np.float32), expected.vectors.values, atol=0.02)


def complete(index: Path, synthetic: ModuleType) -> None:
    """The next run: continues, completes every document, and leaves no folder that is not in the catalog."""
    with store.open_writer(index, fingerprint=synthetic.FINGERPRINT) as writer:
        for number in range(synthetic.DOCUMENTS):
            synthetic.add(writer, f"folder/{number}.pdf", version=1)
    with store.open_snapshot(index) as snapshot:
        assert len(snapshot) == synthetic.DOCUMENTS * synthetic.PAGES
        assert {row.state for row in snapshot.documents().values()} == {"done"}
        assert snapshot.verify() == []
        segments = snapshot.info()["segments"]
    assert len(list((index / layout.SEGMENTS).iterdir())) == segments


def kill_often(index: Path, log: Path, synthetic: ModuleType, kills: int, chance: random.Random) -> None:
    log.touch()
    for seed in range(kills):
        kill_after(index, log, synthetic, seed, chance.uniform(0, LONGEST_LIFE_S))
        check(index, log, synthetic)
    complete(index, synthetic)


def test_five_kills_at_random_instants_lose_nothing(index: Path, synthetic: ModuleType, tmp_path: Path) -> None:
    kill_often(index, tmp_path / "log", synthetic, 5, random.Random(5))


@pytest.mark.slow
def test_sixty_kills_at_random_instants_lose_nothing(index: Path, synthetic: ModuleType, tmp_path: Path) -> None:
    kill_often(index, tmp_path / "log", synthetic, 60, random.Random(60))


@pytest.mark.slow
def test_sixty_kills_between_two_lines_of_the_store_lose_nothing(
    index: Path, synthetic: ModuleType, tmp_path: Path
) -> None:
    log, chance = tmp_path / "log", random.Random(61)
    log.touch()
    complete(index, synthetic)
    for seed in range(60):
        kill_at_line(index, log, synthetic, seed, chance.randrange(1, LINES_OF_A_LIFE))
        check(index, log, synthetic)
    complete(index, synthetic)


def test_files_of_a_killed_writer_are_deleted_by_the_next(filled: Path) -> None:
    orphan = filled / layout.SEGMENTS / "00000004"
    unfinished = filled / layout.SEGMENTS / ".tmp-00000005"
    for folder in (orphan, unfinished):
        folder.mkdir()
        (folder / layout.VECTORS).write_bytes(b"half")
    half = filled / ".tmp-7-89abcdef.json"
    notes = filled / ".tmp-notes.txt"
    for file in (half, notes):
        file.write_bytes(b"half")
    with store.open_snapshot(filled), store.open_writer(filled, fingerprint=None):
        for path in (orphan, unfinished, half):
            assert not path.exists()
        assert notes.exists(), "a file of somebody else, in the same folder"
