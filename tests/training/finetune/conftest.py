"""Training tests run in one thread, which is faster for tiny networks and adds in the same order every time; their
checkpoints are those of steps, not of the clock.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from docsearch.training.finetune import loop


@pytest.fixture(scope="module", autouse=True)
def _no_checkpoint_by_the_clock() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(loop, "SAVE_AFTER_S", float("inf"))
        yield


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
