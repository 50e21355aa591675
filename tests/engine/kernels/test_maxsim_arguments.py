"""What kernels of MaxSim refuse, on the CPU by each instruction set and in Triton: no array is read beyond its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from toy_codebook import codebook, encoded

from docsearch.engine.compression import codecs
from docsearch.engine.compression.codecs import Coded
from docsearch.engine.kernels import maxsim
from docsearch.engine.kernels.maxsim import reference
from docsearch.engine.kernels.native.library import NUMPY, SWITCH, available_settings
from docsearch.engine.records import Ragged

DIM = 64
SIZES = [5, 0, 3]
TOLERANCE = 2**-15
"""As in test_maxsim.py: half a step of a query in 16 bits."""
Maxima = Callable[[np.ndarray, Coded, np.ndarray], np.ndarray]


def in_triton(query: np.ndarray, coded: Coded, offsets: np.ndarray) -> np.ndarray:
    import torch

    from docsearch.engine.kernels.maxsim import triton

    return triton.token_maxima(query, coded, offsets, device="cuda" if torch.cuda.is_available() else "cpu")


def products(query: np.ndarray, coded: Coded, offsets: np.ndarray) -> np.ndarray:
    """The products with all vectors, from which the maxima of the pages are taken."""
    found = maxsim.products(query, coded)
    pages = np.split(found, offsets[1:-1])
    return np.array([page.max(axis=0, initial=-np.inf) for page in pages])


KERNELS: dict[str, Maxima] = {"maxima": maxsim.token_maxima, "products": products, "triton": in_triton}


CASES = [*((setting, name) for setting in available_settings() for name in ("maxima", "products")), (NUMPY, "triton")]


@pytest.fixture(params=CASES, ids="-".join)
def maxima(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Maxima:
    """Each kernel, by each instruction set of this CPU and by numpy; Triton's in its interpreter."""
    setting, name = request.param
    monkeypatch.setenv(SWITCH, setting)
    if name == "triton":
        pytest.importorskip("triton", reason="needs triton: the extra 'gpu', on Linux")
    return KERNELS[name]


def pages(codec: str, dim: int = DIM) -> tuple[Coded, np.ndarray]:
    return encoded(codec, vectors(sum(SIZES), dim).astype(np.float16)), np.concatenate([[0], np.cumsum(SIZES)])


def vectors(count: int, dim: int = DIM) -> np.ndarray:
    drawn = np.random.default_rng(count).standard_normal((count, dim)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def wanted(query: np.ndarray, coded: Coded, offsets: np.ndarray) -> np.ndarray:
    return reference.token_maxima(query, Ragged(codecs.decode(coded), offsets))


def with_nan(query: np.ndarray, number: float) -> np.ndarray:
    query[1, 3] = number
    return query


QUERIES = {
    "too few dimensions": (vectors(3, 32), "32 dimensions, the stored vectors 64"),
    "one dimension too few": (vectors(3, 63), "63 dimensions, the stored vectors 64"),
    "too many dimensions": (vectors(3, 128), "128 dimensions, the stored vectors 64"),
    "no vectors, too few dimensions": (np.zeros((0, 32), np.float32), "32 dimensions, the stored vectors 64"),
    "one vector": (vectors(1)[0], r"shape \(64,\)"),
    "a batch": (vectors(6).reshape(2, 3, DIM), r"shape \(2, 3, 64\)"),
    "float64": (vectors(3).astype(np.float64), "float64, where float32"),
    "float16": (vectors(3).astype(np.float16), "float16, where float32"),
    "int8": (np.ones((3, DIM), np.int8), "int8, where float32"),
    "other byte order": (vectors(3).astype(">f4"), ">f4, where float32"),
    "NaN": (with_nan(vectors(3), np.nan), "NaN or infinity"),
    "infinity": (with_nan(vectors(3), -np.inf), "NaN or infinity"),
}


@pytest.mark.parametrize("kind", QUERIES)
@pytest.mark.parametrize("codec", codecs.CODECS)
def test_a_query_that_does_not_fit_the_pages_is_refused(maxima: Maxima, codec: str, kind: str) -> None:
    query, message = QUERIES[kind]
    with pytest.raises(ValueError, match=message):
        maxima(query, *pages(codec))


def without_last(array: np.ndarray | None) -> np.ndarray:
    assert array is not None
    return array[:-1]


OF_ALL: dict[str, Callable[[Coded], Coded]] = {
    "too narrow": lambda coded: replace(coded, values=coded.values[:, :-1]),
    "too wide": lambda coded: replace(coded, values=np.repeat(coded.values, 2, axis=1)),
    "another type": lambda coded: replace(coded, values=coded.values.astype(np.int16)),
    "more dimensions than numbers": lambda coded: replace(coded, dim=2 * DIM),
}
OF_SCALED: dict[str, Callable[[Coded], Coded]] = {
    "fewer scales": lambda coded: replace(coded, scales=without_last(coded.scales)),
    "no scales": lambda coded: replace(coded, scales=None),
    "scales of another type": lambda coded: replace(coded, scales=np.asarray(coded.scales, np.float32)),
}
OF_RESIDUAL: dict[str, Callable[[Coded], Coded]] = {
    "fewer visual words": lambda coded: replace(coded, words=without_last(coded.words)),
    "no visual words": lambda coded: replace(coded, words=None),
    "no codebook": lambda coded: replace(coded, codebook=None),
    "centroids of another dimension": lambda coded: replace(coded, codebook=codebook(32)),
}
CHANGES = [
    *((codec, kind, change) for codec in codecs.CODECS for kind, change in OF_ALL.items()),
    *((codec, kind, change) for codec in codecs.CODECS if codec != "float16" for kind, change in OF_SCALED.items()),
    *(("residual", kind, change) for kind, change in OF_RESIDUAL.items()),
]


@pytest.mark.parametrize(("codec", "change"), [pytest.param(c, f, id=f"{c}-{kind}") for c, kind, f in CHANGES])
def test_stored_arrays_that_do_not_fit_their_codec_are_refused(
    maxima: Maxima, codec: str, change: Callable[[Coded], Coded]
) -> None:
    coded, offsets = pages(codec)
    other = change(coded)
    with pytest.raises(ValueError, match=r"stored vectors|centroids of 64 dimensions"):
        maxima(vectors(3, other.dim), other, offsets)


@pytest.mark.parametrize("codec", codecs.CODECS)
@pytest.mark.parametrize("offsets", [[0, 5, 9], [-1, 5, 8], [0, 9, 8]])
def test_pages_beyond_the_stored_vectors_are_refused(codec: str, offsets: list[int]) -> None:
    with pytest.raises(ValueError, match="of 8 stored vectors"):
        maxsim.token_maxima(vectors(3), pages(codec)[0], np.array(offsets))


def test_parts_in_several_codecs_or_dimensions_are_refused() -> None:
    for other in (pages("int4"), pages("int8", 32)):
        with pytest.raises(ValueError, match="after others of 64 dimensions in int8"):
            maxsim.maxima_of_parts(vectors(3), [pages("int8"), other])


@pytest.mark.parametrize("codec", codecs.CODECS)
def test_arrays_need_not_be_contiguous(maxima: Maxima, codec: str) -> None:
    coded, offsets = pages(codec)
    apart = replace(
        coded,
        values=np.asfortranarray(coded.values),
        scales=None if coded.scales is None else np.repeat(coded.scales, 2, axis=0)[::2],
        words=None if coded.words is None else np.repeat(coded.words, 2)[::2],
    )
    query = np.asfortranarray(vectors(3))
    for each in (query, vectors(6)[::2], vectors(3)[::-1]):
        np.testing.assert_allclose(maxima(each, apart, offsets), wanted(each, coded, offsets), atol=TOLERANCE)


@pytest.mark.parametrize("codec", codecs.CODECS)
def test_queries_and_pages_without_vectors_have_no_maxima(maxima: Maxima, codec: str) -> None:
    coded, offsets = pages(codec)
    assert maxima(vectors(3)[:0], coded, offsets).shape == (3, 0)
    none = maxima(vectors(2), coded[:0], np.zeros(4, np.int64))
    np.testing.assert_array_equal(none, np.full((3, 2), -np.inf, np.float32))


@pytest.mark.parametrize("codec", codecs.CODECS)
def test_a_damaged_page_changes_no_other_one(maxima: Maxima, codec: str) -> None:
    """NaN in the first page, where a codec has floats."""
    coded, offsets = pages(codec)
    values, scales = coded.values.copy(), None if coded.scales is None else coded.scales.copy()
    damaged = values if codec == "float16" else scales
    assert damaged is not None
    damaged[0] = np.nan if damaged.dtype == np.float16 else 255
    query = vectors(3)
    found = maxima(query, replace(coded, values=values, scales=scales), offsets)
    np.testing.assert_allclose(found[1:], wanted(query, coded, offsets)[1:], atol=TOLERANCE)
