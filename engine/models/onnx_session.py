"""Graphs opened with ONNX Runtime on the CPU, each run on the thread that calls it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import onnxruntime as ort

WARNINGS = 3
"""ONNX Runtime's level for errors and worse, which are raised anyway."""

ort.set_default_logger_severity(WARNINGS)
if hasattr(ort, "disable_telemetry_events"):
    ort.disable_telemetry_events()  # on Windows its published builds send events


class Session(Protocol):
    """An opened graph. May be shared between threads."""

    def run(self, outputs: Sequence[str] | None, inputs: Mapping[str, np.ndarray]) -> list[Any]:
        """The arrays of the named `outputs`, or of all for None, given those of the graph's inputs by their names."""


def open_graph(graph: bytes) -> Session:
    """A graph in the ONNX format, ready to be run."""
    options = ort.SessionOptions()
    # Callers share their work over threads; more of them would compete.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # Plans are kept for each shape of the inputs, and no two pages have the same.
    options.enable_mem_pattern = False
    session: Session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return session
