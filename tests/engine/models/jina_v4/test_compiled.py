"""Layers compiled by torch.compile: the same vectors, one compilation for all layers, and nothing by default."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch._dynamo.testing import CompileCounterWithBackend

from docsearch.engine.errors import UsageError
from docsearch.engine.models import compiled
from docsearch.engine.models.jina_v4.encoder import JinaV4
from docsearch.engine.models.jina_v4.network import text_layers

ATOL = 1e-5
TEXTS = ["revenue", "the revenue of the year before", "a chart of it"]
compiles_c = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")


def opened(folder: Path) -> JinaV4:
    return JinaV4.open(str(folder), device="cpu", dtype="float32")


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # by inductor itself
@pytest.mark.parametrize("backend", ["aot_eager", pytest.param("inductor", marks=[pytest.mark.slow, compiles_c])])
def test_compiled_layers_give_the_same_vectors(folder: Path, monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    wanted = opened(folder).encode_texts(TEXTS)
    torch.compiler.reset()
    counted = CompileCounterWithBackend(backend)
    monkeypatch.setattr(compiled, "BACKEND", counted)
    monkeypatch.setenv(compiled.COMPILE_VARIABLE, "default")
    encoder = opened(folder)
    for texts in (TEXTS, TEXTS[:1], TEXTS[1:]):
        encoder.encode_texts(texts)
    found = encoder.encode_texts(TEXTS)
    np.testing.assert_allclose(found.vectors.values, wanted.vectors.values, atol=ATOL)
    np.testing.assert_allclose(found.single, wanted.single, atol=ATOL)
    assert 0 < counted.frame_count < len(text_layers(encoder.network)) * 2
    torch.compiler.reset()


def test_nothing_is_compiled_by_default(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(compiled.COMPILE_VARIABLE, raising=False)
    assert all(layer._compiled_call_impl is None for layer in text_layers(opened(folder).network))


def test_an_unknown_mode_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(compiled.COMPILE_VARIABLE, "faster")
    with pytest.raises(UsageError, match="DOCSEARCH_TORCH_COMPILE=faster: the values are default, reduce-overhead"):
        opened(folder).prepare()
