"""Mapped tensors are what the library safetensors reads; a damaged file is an error that says what to do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from docsearch.engine.errors import UsageError
from docsearch.engine.models.mapped_tensors import open_tensors
from docsearch.engine.models.pixel import spec


@pytest.mark.parametrize("name", spec.FILES)
def test_the_files_that_ship_are_read_as_by_safetensors(name: str) -> None:
    wanted, found = load_file(spec.FOLDER / name), open_tensors(spec.FOLDER / name)
    assert found.keys() == wanted.keys()
    for key, tensor in wanted.items():
        np.testing.assert_array_equal(found[key], tensor, strict=True)


def test_scalars_and_empty_tensors_are_read(tmp_path: Path) -> None:
    file = tmp_path / "a.safetensors"
    save_file({"scalar": np.array(3, np.int64), "empty": np.zeros((0, 4), np.float32)}, file, {"note": "x"})
    found = open_tensors(file)
    assert found["scalar"].shape == ()
    assert int(found["scalar"]) == 3
    assert found["empty"].shape == (0, 4)
    assert found.keys() == {"scalar", "empty"}


@pytest.mark.parametrize("cut", [0, 4, 40, -1])
def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, cut: int) -> None:
    file = tmp_path / "a.safetensors"
    save_file({"a": np.ones((3, 5), np.float32)}, file)
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(UsageError, match="not a whole safetensors file"):
        open_tensors(file)


@pytest.mark.parametrize(
    "header", ['{"a": 1}', "[]", '{"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 4]}}', "nonsense"]
)
def test_another_header_is_refused(tmp_path: Path, header: str) -> None:
    file = tmp_path / "a.safetensors"
    file.write_bytes(len(header).to_bytes(8, "little") + header.encode() + bytes(36))
    with pytest.raises(UsageError, match="not a whole safetensors file"):
        open_tensors(file)
