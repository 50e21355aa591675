"""The number format that models compute in, as the environment requests it."""

from __future__ import annotations

import os

from ..errors import UsageError

ARITHMETIC_VARIABLE = "DOCSEARCH_ARITHMETIC"
"""Environment variable with the number format that models compute in, read when a model is loaded; by default, the
fastest that the model and the device support.
"""
INT8, BFLOAT16, FLOAT32 = "int8", "bfloat16", "float32"
ARITHMETICS = (INT8, BFLOAT16, FLOAT32)
"""Values of ARITHMETIC_VARIABLE, fastest first. `pixel` computes in int8 or float32, other models in the others."""


def requested_arithmetic() -> str | None:
    """The value of ARITHMETIC_VARIABLE, None if it is not set. Raises UsageError if it is not one of ARITHMETICS."""
    requested = os.environ.get(ARITHMETIC_VARIABLE) or None
    if requested is not None and requested not in ARITHMETICS:
        raise UsageError(
            f"{ARITHMETIC_VARIABLE}={requested}: the values are {', '.join(ARITHMETICS)}; "
            "unset it to use the fastest that this device supports"
        )
    return requested
