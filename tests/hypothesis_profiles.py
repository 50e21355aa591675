"""The examples that Hypothesis tests properties with: the same in every run, or new ones in a search for faults.

With DOCSEARCH_EXAMPLES=20, each test of a property draws 20 times as many examples as usual, new ones in each run.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

SWITCH = "DOCSEARCH_EXAMPLES"
TIMES = int(os.environ.get(SWITCH) or 0)
UNTIMED = [HealthCheck.too_slow]
"""What every test suppresses: a draw that takes long on a busy machine is no fault."""
DEFAULT_EXAMPLES = 100


def load_profile() -> None:
    """Select the examples for this run."""
    repeatable = TIMES == 0
    settings.register_profile(
        "docsearch",
        deadline=None,
        suppress_health_check=UNTIMED,
        max_examples=examples(DEFAULT_EXAMPLES),
        derandomize=repeatable,
        print_blob=True,
        **({"database": None} if repeatable else {}),
    )
    settings.load_profile("docsearch")
    if repeatable:
        # Hypothesis also draws constants of the modules that happen to be loaded: examples would change with the choice
        # and order of tests, and with any edit of the sources. Their pool is empty at first, and stays so.
        providers._get_local_constants = lambda: providers._local_constants


def examples(count: int) -> int:
    """How many examples a test draws in this run where it draws `count` in an ordinary one."""
    return count * max(TIMES, 1)
