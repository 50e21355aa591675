"""Python runs this as it starts, where this folder is on PYTHONPATH: `docsearch … --ray local` waits for its node."""

from __future__ import annotations

import sys

import patience

if "--ray" in sys.orig_argv:
    patience.patch(setattr)
