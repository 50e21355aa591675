"""Opens the model in a folder with sentence-transformers, and says why it cannot be opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..errors import UsageError
from . import layouts
from .jina_v4.checkpoint import read_json

ERRORS = (OSError, ValueError, TypeError, KeyError, ImportError, RuntimeError, AttributeError)
"""What sentence-transformers and transformers raise on folders that they cannot open."""


def load(
    model_class: Callable[..., Any],
    folder: Path,
    *,
    device: str,
    unused: Sequence[str],
    local_files_only: bool = True,
) -> Any:
    """The model in `folder` on its device; `model_class` is a class of sentence-transformers.

    `unused` are the parts of its network, by parts of their names, that checkpoints may leave out. Raises UsageError
    if the folder cannot be opened, or if it lacks tensors that are used.
    """
    from . import device as devices

    chosen = devices.choose(device)
    try:
        model = model_class(
            str(folder),
            device=str(chosen),
            local_files_only=local_files_only,
            model_kwargs={"dtype": devices.compute_dtype(chosen), "use_safetensors": True},
        )
    except ERRORS as err:
        raise _cannot_open(folder, err) from err
    _require_tensors(model, folder, unused)
    return model


def _require_tensors(model: Any, folder: Path, unused: Sequence[str]) -> None:
    """Raise UsageError for a network with tensors that transformers found in no file and filled with random numbers.

    transformers marks the tensors that it read; a network without a mark was loaded by a version that sets none.
    """
    network = model.transformers_model
    tensors = {} if network is None else dict(network.named_parameters())
    missing = [name for name, tensor in tensors.items() if not getattr(tensor, "_is_hf_initialized", False)]
    random = [name for name in missing if not any(part in name for part in unused)]
    if random and len(missing) < len(tensors):
        raise UsageError(
            f"{folder}: {len(random)} tensors are not in its files and would be random, such as {random[0]}; "
            f"{layouts.COPY}"
        )


def _cannot_open(folder: Path, err: Exception) -> UsageError:
    """The error for a model that sentence-transformers cannot open, with the cause in its words."""
    text, config = str(err), read_json(folder / layouts.CONFIG)
    if "trust_remote_code" in text:
        return layouts.needs_own_code(folder)
    if "ignore_mismatched_sizes" in text:
        return UsageError(
            f"{folder}: its weights have other shapes than {layouts.CONFIG} says: it is of another model or "
            f"another size; {layouts.COPY}"
        )
    if "does not recognize this architecture" in text:
        if "auto_map" in config:
            return layouts.needs_own_code(folder)
        return UsageError(
            f"{folder}: its model_type {config.get('model_type')!r} is not known to the installed transformers; "
            "'pip install -U transformers' may bring it, or take another model (docs/models.md)"
        )
    reason = text.strip().partition("\n")[0]
    return UsageError(f"{folder}: sentence-transformers cannot open it: {reason}")
