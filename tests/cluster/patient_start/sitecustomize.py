"""Python runs this as it starts, where this folder is on PYTHONPATH: `docsearch … --ray local` waits for its node."""

from __future__ import annotations

import os
import sys

import patience

if "--ray" in sys.orig_argv:
    os.environ.setdefault("RAY_AUTH_MODE", "token")  # as docsearch does for "local" before ray is imported
    patience.patch(setattr)
