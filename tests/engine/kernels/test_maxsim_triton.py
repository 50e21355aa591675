"""The Triton kernel of MaxSim, tested against the reference: on a GPU if there is one, else in Triton's interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hypothesis_profiles import examples

pytest.importorskip("triton", reason="needs triton: the extra 'gpu', on Linux")

from docsearch.engine.compression import codecs
from docsearch.engine.compression.residual import Codebook
from docsearch.engine.errors import IndexDamaged
from docsearch.engine.kernels.maxsim import reference
from docsearch.engine.kernels.maxsim import triton as gpu
from docsearch.engine.records import Ragged

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
SIZES = st.lists(st.sampled_from([0, 1, 2, 63, 64, 65, 129]), min_size=1, max_size=5)
SEEDS = st.integers(0, 9)
WORDS = 40
"""Centroids of the codec residual."""
TOLERANCE = 2e-6
"""A float32 sum of products in another order."""
few_examples = settings(max_examples=examples(20))


def unit(count: int, dim: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def ragged(sizes: list[int], dim: int, seed: int) -> Ragged:
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return Ragged(unit(sum(sizes), dim, seed).astype(np.float16), offsets)


def on_device(values: np.ndarray, offsets: list[int] | np.ndarray) -> gpu.DevicePages:
    return gpu.DevicePages(
        torch.tensor(values, device=DEVICE), None, torch.tensor(offsets, dtype=torch.int64, device=DEVICE)
    )


def coded(codec: str, values: np.ndarray) -> codecs.Coded:
    """Vectors (T, D) in a codec; those in residual have the nearest of a few centroids."""
    if codec != "residual":
        return codecs.encode(codec, values)
    codebook = Codebook(unit(WORDS, values.shape[1], 77).astype(np.float16))
    words = (values.astype(np.float32) @ codebook.centroids_f32.T).argmax(axis=1).astype(np.uint16)
    return codecs.encode(codec, values, words, codebook)


def maxima(query: np.ndarray, pages: Ragged, codec: str = "float16") -> np.ndarray:
    return gpu.token_maxima(query, coded(codec, pages.values), pages.offsets, device=DEVICE)


def assert_same(got: np.ndarray, wanted: np.ndarray) -> None:
    """The same bits on a GPU. The interpreter multiplies with numpy, whose sums depend on the place of a row."""
    np.testing.assert_allclose(got, wanted, rtol=0, atol=0 if DEVICE == "cuda" else TOLERANCE)


@few_examples
@given(SIZES, st.sampled_from([1, 3, 32, 70]), st.sampled_from([1, 7, 64, 128]), st.sampled_from(gpu.CODECS), SEEDS)
def test_maxima_of_encoded_pages_equal_the_reference_on_decoded_ones(
    sizes: list[int], tokens: int, dim: int, codec: str, seed: int
) -> None:
    pages, query = ragged(sizes, dim, seed), unit(tokens, dim, seed + 100)
    stored = Ragged(codecs.decode(coded(codec, pages.values)), pages.offsets)
    np.testing.assert_allclose(maxima(query, pages, codec), reference.token_maxima(query, stored), atol=TOLERANCE)


@pytest.mark.gpu
@pytest.mark.skipif(DEVICE == "cpu", reason="needs a CUDA device: Triton's interpreter multiplies bfloat16's bits")
@few_examples
@given(SIZES, SEEDS)
def test_maxima_of_bfloat16_pages_equal_the_reference(sizes: list[int], seed: int) -> None:
    query = unit(5, 64, seed + 100)
    values = torch.tensor(unit(sum(sizes), 64, seed)).bfloat16()
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    pages = gpu.DevicePages(values.to(DEVICE), None, torch.tensor(offsets, device=DEVICE))
    got = gpu.page_maxima(torch.tensor(query, device=DEVICE), pages).cpu().numpy()
    # Two bfloat16 terms of 8 bits each keep 16 bits of the query.
    wanted = reference.token_maxima(query, Ragged(values.float().numpy(), offsets))
    np.testing.assert_allclose(got, wanted, atol=2**-15)


def test_a_query_in_one_part_errs_by_its_rounding() -> None:
    pages, query = ragged([129, 1, 63], 128, 1), unit(9, 128, 2)
    device = on_device(pages.values, pages.offsets)
    got = gpu.page_maxima(torch.tensor(query, device=DEVICE), device, parts=1).cpu().numpy()
    error = np.abs(got - reference.token_maxima(query, pages)).max()
    assert TOLERANCE < error <= 2**-11


def test_other_numbers_of_parts_are_refused() -> None:
    pages = ragged([1], 16, 0)
    with pytest.raises(ValueError, match="not 3"):
        gpu.page_maxima(torch.tensor(unit(1, 16, 0), device=DEVICE), on_device(pages.values, pages.offsets), parts=3)


@few_examples
@given(SIZES, st.sampled_from(gpu.CODECS), SEEDS)
def test_a_page_alone_has_the_maxima_it_has_among_others(sizes: list[int], codec: str, seed: int) -> None:
    pages, query = ragged(sizes, 64, seed), unit(4, 64, seed + 100)
    together = maxima(query, pages, codec)
    for row in range(len(pages)):
        assert_same(maxima(query, Ragged.of([pages[row]]), codec)[0], together[row])


@few_examples
@given(SIZES, st.randoms(use_true_random=False), SEEDS)
def test_rows_may_come_in_any_order_and_twice(sizes: list[int], order: object, seed: int) -> None:
    pages, query = ragged(sizes, 32, seed), unit(3, 32, seed + 100)
    rows = [order.randrange(len(sizes)) for _ in range(2 * len(sizes))]  # type: ignore[attr-defined]
    device = on_device(pages.values, pages.offsets)
    some = gpu.page_maxima(torch.tensor(query, device=DEVICE), device, torch.tensor(rows, device=DEVICE))
    assert_same(some.cpu().numpy(), maxima(query, pages)[rows])


@pytest.mark.parametrize("size", [1, 63, 64, 65, 129])
@pytest.mark.parametrize("dim", [64, 50])
@pytest.mark.parametrize("beside", [np.nan, 100.0, -100.0])
def test_memory_around_a_page_does_not_change_its_maxima(size: int, dim: int, beside: float) -> None:
    own = unit(size, dim, 3).astype(np.float16)
    around = np.full((200, dim), beside, np.float16)
    query = unit(4, dim, 4)
    pages = on_device(np.concatenate([around, own, around]), [200, 200 + size, 200 + size])
    got = gpu.page_maxima(torch.tensor(query, device=DEVICE), pages).cpu().numpy()
    np.testing.assert_allclose(got[0], reference.token_maxima(query, Ragged.of([own]))[0], atol=TOLERANCE)
    assert (got[1] == -np.inf).all()


@pytest.mark.parametrize("codec", gpu.CODECS)
def test_negative_similarities_stay_negative(codec: str) -> None:
    vectors = np.repeat(unit(1, 64, 5), 65, axis=0).astype(np.float16)
    got = maxima(-unit(1, 64, 5), Ragged.of([vectors, vectors[:1]]), codec)
    np.testing.assert_allclose(got, -1, atol=2.5e-2 if codec == "residual" else 1e-2)  # its steps are logarithmic


def test_equal_pages_have_equal_maxima() -> None:
    page = unit(70, 128, 6).astype(np.float16)
    got = maxima(unit(8, 128, 7), Ragged.of([page, page[::-1].copy(), np.concatenate([page, page])]))
    assert_same(got[0], got[1])
    assert_same(got[0], got[2])


def test_no_query_vectors_or_no_patches_give_empty_maxima() -> None:
    assert maxima(unit(0, 16, 0), ragged([3, 1], 16, 0)).shape == (2, 0)
    assert maxima(unit(2, 16, 0), Ragged(np.zeros((0, 16), np.float16), np.zeros(1, np.int64))).shape == (0, 2)
    assert (maxima(unit(2, 16, 0), ragged([0, 0], 16, 0)) == -np.inf).all()


def test_many_query_vectors_are_scored_in_several_launches(monkeypatch: pytest.MonkeyPatch) -> None:
    pages, query = ragged([65, 0, 3], 64, 11), unit(9, 64, 12)
    at_once = maxima(query, pages, "residual")
    monkeypatch.setattr(gpu, "PRODUCTS_BYTES", 4 * WORDS * 4)
    assert_same(maxima(query, pages, "residual"), at_once)


def test_a_patch_with_an_unknown_visual_word_is_refused() -> None:
    good = coded("residual", unit(3, 64, 13).astype(np.float16))
    bad = replace(good, words=np.array([0, WORDS, 1], np.uint16))
    with pytest.raises(IndexDamaged, match=f"visual word {WORDS}"):
        gpu.token_maxima(unit(1, 64, 14), bad, np.array([0, 3]), device=DEVICE)


def test_a_configuration_is_that_of_one_type() -> None:
    shape: dict[str, object] = dict.fromkeys(gpu.TUNED_FOR, 1)
    known = [(*shape.values(), "torch.float16", "torch.int64", "torch.float32")]
    half, brain = torch.zeros(1, dtype=torch.float16), torch.zeros(1, dtype=torch.bfloat16)
    assert gpu.is_tuned(known, shape, [half, half])
    assert not gpu.is_tuned(known, shape, [brain, brain])
    assert not gpu.is_tuned(known, shape, [torch.zeros(1, dtype=torch.int8), half])
    assert not gpu.is_tuned(known, {**shape, "DIM": 2}, [half, half])


@pytest.mark.slow
def test_pages_beyond_two_to_the_31_numbers_are_scored() -> None:
    """Needs 2 GiB of memory."""
    dim, far = 128, 2**31 // 128 + 5
    values = np.zeros((far + 3, dim), np.int8)
    values[far:] = np.arange(3 * dim).reshape(3, dim) % 100 + 1
    pages = gpu.DevicePages(
        torch.from_numpy(values).to(DEVICE),
        torch.full((len(values),), 0.01, dtype=torch.float16, device=DEVICE),
        torch.tensor([0, 1, far, far + 3], device=DEVICE),
    )
    query, rows = unit(3, dim, 8), torch.tensor([2], device=DEVICE)
    got = gpu.page_maxima(torch.tensor(query, device=DEVICE), pages, rows).cpu().numpy()
    wanted = (values[far:].astype(np.float32) * np.float32(np.float16(0.01)) @ query.T).max(axis=0)
    np.testing.assert_allclose(got[0], wanted, rtol=1e-5, atol=1e-5)


COMPILE = """
import sys
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from docsearch.engine.compression.codecs import PACKED_BITS
from docsearch.engine.kernels.maxsim import triton as gpu

arch, width, codec = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
wide = min(max(triton.next_power_of_2(width), 16), 256)
config = gpu._untuned_config(wide)
half = "*bf16" if codec == "bfloat16" else "*fp16"
values = {"float16": "*fp16", "bfloat16": "*bf16", "int8": "*i8"}.get(codec, "*u8")
bits, scaled = PACKED_BITS.get(codec, 0), codec not in ("float16", "bfloat16")
types = dict.fromkeys(("offsets", "rows"), "*i64")
residual = codec == "residual"
scales = "*u8" if residual else "*fp16" if scaled else "*i64"
types |= {"values": values, "scales": scales, "terms": half, "out": "*fp32"}
types |= {"words": "*i16", "products": "*fp32", "levels": "*fp32"} if residual else dict.fromkeys(
    ("words", "products", "levels"), "*i64"
)
types["width"] = "i32"
fixed = {"WIDTH": wide, "DIM": 128, "BLOCK_D": 128, "PARTS": 2, "SCALED": scaled, "BITS": bits}
fixed |= {"RESIDUAL": residual}
fixed |= config.kwargs
if width == 1:
    fixed["width"] = 1  # a launch makes a constant of an argument that is 1
signature = {name: "constexpr" if name in fixed else types[name] for name in gpu._kernel.arg_names}
source = ASTSource(gpu._kernel, signature, fixed)
options = {"num_warps": config.num_warps, "num_stages": config.num_stages, "enable_fp_fusion": True}
built = triton.compile(source, target=GPUTarget("cuda", arch, 32), options=options)
print(built.metadata.shared, "wgmma" in built.asm["ptx"], "mma.sync" in built.asm["ptx"])
"""


@pytest.mark.slow
@pytest.mark.parametrize("codec", ["float16", "bfloat16", "int8", "int4", "binary", "residual"])
@pytest.mark.parametrize("width", [1, 32, 200])
@pytest.mark.parametrize(("arch", "instruction"), [(80, 2), (90, 1)])
def test_kernel_compiles_to_tensor_cores(arch: int, instruction: int, width: int, codec: str) -> None:
    """Compiles for Ampere and Hopper, on any machine."""
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    command = [sys.executable, "-c", COMPILE, str(arch), str(width), codec]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    shared_bytes, *found = done.stdout.split()
    assert found[instruction - 1] == "True"
    assert int(shared_bytes) <= 99 << 10, "the shared memory of the smallest Ampere"


@pytest.mark.gpu
@pytest.mark.skipif(DEVICE == "cpu", reason="needs a CUDA device")
def test_tuned_launches_give_what_untuned_ones_do(monkeypatch: pytest.MonkeyPatch) -> None:
    pages, query = ragged([700, 0, 129, 1] * 40, 128, 9), unit(96, 128, 10)
    untuned = maxima(query, pages)
    monkeypatch.setattr(gpu, "TUNED_WORK", 0)
    np.testing.assert_allclose(maxima(query, pages), untuned, atol=TOLERANCE)
