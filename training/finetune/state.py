"""Checkpoints of a training run: parameters, optimizer moments and progress, from which a killed run resumes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ...engine.errors import UsageError
from ...engine.store.durable import atomic_file

MOMENTS = ("exp_avg", "exp_avg_sq")
"""AdamW's running means of gradients and of their squares, by torch's names."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Steps done, the seconds they took, and the results of the evaluations so far."""

    step: int = 0
    seconds: float = 0.0
    evaluations: tuple[Mapping[str, Any], ...] = ()


def save(
    file: Path,
    parameters: Mapping[str, nn.Parameter],
    optimizer: torch.optim.AdamW,
    progress: Progress,
    settings: Mapping[str, Any],
) -> None:
    """Write a checkpoint, atomically."""
    tensors: dict[str, Tensor] = {}
    for name, parameter in parameters.items():
        tensors[f"parameter/{name}"] = parameter.detach().cpu().contiguous()
        for moment in MOMENTS:
            if moment in (kept := optimizer.state.get(parameter, {})):
                tensors[f"{moment}/{name}"] = kept[moment].detach().cpu().contiguous()
    about = {"step": progress.step, "seconds": progress.seconds, "evaluations": progress.evaluations}
    metadata = {"progress": json.dumps(about), "settings": json.dumps(settings)}
    try:
        with atomic_file(file) as temporary:
            save_file(tensors, temporary, metadata=metadata)
    except (OSError, SafetensorError) as err:
        raise UsageError(f"{file}: cannot be written: {err}; make room, then run the same command again") from err


def restore(
    file: Path,
    parameters: Mapping[str, nn.Parameter],
    optimizer: torch.optim.AdamW,
    settings: Mapping[str, Any],
) -> Progress:
    """Load a checkpoint into the parameters and the optimizer; UsageError if its run had other settings."""
    try:
        with safe_open(file, framework="pt") as opened:
            metadata = opened.metadata()
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - it is no mapping
    except (OSError, SafetensorError) as err:
        raise UsageError(f"{file}: cannot be read: {err}; remove it to start again") from err
    check_settings(file, json.loads(metadata["settings"]), settings)
    progress = json.loads(metadata["progress"])
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(tensors[f"parameter/{name}"])
            if f"{MOMENTS[0]}/{name}" in tensors:
                optimizer.state[parameter] = {
                    "step": torch.tensor(float(progress["step"])),
                    **{moment: tensors[f"{moment}/{name}"].to(parameter.device) for moment in MOMENTS},
                }
    return Progress(progress["step"], progress["seconds"], tuple(progress["evaluations"]))


def check_settings(file: Path, recorded: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Raise UsageError with the settings that differ between the run on disk and the requested one."""
    other = [
        f"{name} {recorded.get(name)} instead of {asked.get(name)}"
        for name in sorted(recorded.keys() | asked.keys())
        if recorded.get(name) != asked.get(name)
    ]
    if other:
        raise UsageError(
            f"{file.parent.parent}: holds a run with other settings ({'; '.join(other)}); "
            "repeat its command to go on, or give another -o"
        )
