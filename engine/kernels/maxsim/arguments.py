"""Checks of the arguments of MaxSim kernels: compiled code would read beyond an array smaller than it expects."""

from __future__ import annotations

import numpy as np

from ...compression.codecs import Coded, stored_dtype, stored_scales, stored_width
from ...records import I64


def check_query(query: np.ndarray, dim: int) -> None:
    """Raise ValueError unless `query` is (Q, `dim`) float32 and its numbers are finite."""
    if query.ndim != 2:
        raise ValueError(f"query vectors have shape {query.shape}, where (Q, D) is expected")
    if query.shape[1] != dim:
        raise ValueError(f"query vectors have {query.shape[1]} dimensions, the stored vectors {dim}")
    if query.dtype != np.float32:
        raise ValueError(f"query vectors are {query.dtype}, where float32 is expected")
    if not np.isfinite(query).all():
        raise ValueError("query vectors contain NaN or infinity")


def check_stored(coded: Coded, begins: I64, lengths: I64, *, codec: str, dim: int) -> None:
    """Raise ValueError unless `coded` has the arrays that vectors of `dim` dimensions have in `codec`.

    The vectors of its n pages have to be among them: a page begins at the row `begins` (n,) and has `lengths` (n,).
    """
    count = len(coded)
    if (coded.codec, coded.dim) != (codec, dim):
        raise ValueError(
            f"stored vectors of {coded.dim} dimensions in {coded.codec} after others of {dim} dimensions in {codec}"
        )
    _check_array("values", coded.values, stored_dtype(codec), (count, stored_width(codec, dim)))
    scales = stored_scales(codec, count)
    if scales is not None:
        _check_array("scales", coded.scales, *scales)
    if codec == "residual":
        _check_array("visual words", coded.words, "<u2", (count,))
        if coded.codebook is None or coded.codebook.centroids.shape[1] != dim:
            raise ValueError(f"vectors in residual need a codebook with centroids of {dim} dimensions")
    if not len(begins):
        return
    ends = begins + lengths
    if begins.min() < 0 or lengths.min() < 0 or ends.max() > count:
        raise ValueError(f"pages take the rows {begins.min()} to {ends.max()} of {count} stored vectors")


def _check_array(name: str, array: np.ndarray | None, dtype: str, shape: tuple[int, ...]) -> None:
    if array is None or array.shape != shape or array.dtype.str != dtype:
        found = "missing" if array is None else f"{array.dtype} {array.shape}"
        raise ValueError(f"{name} of stored vectors are {found}, where {np.dtype(dtype)} {shape} is expected")
