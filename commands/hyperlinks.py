"""Whether the terminal shows hyperlinks (the escape sequence OSC 8). Some of those that do not would print garbage."""

from __future__ import annotations

from collections.abc import Mapping

FORCED = "FORCE_HYPERLINK"
"""Set to 1 or 0, decides alone, as in other programs."""
PROGRAMS = ("iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "Tabby", "rio", "zed")
TERMINALS = ("xterm-kitty", "alacritty", "foot", "xterm-ghostty", "contour")
MARKS = ("WT_SESSION", "KONSOLE_VERSION", "KITTY_WINDOW_ID", "DOMTERM", "WEZTERM_PANE")
"""Variables that only terminals with hyperlinks set."""
VTE_VERSION_MIN = 5000
"""Terminals of VTE (GNOME Terminal and others) know hyperlinks since 0.50; 0.50.0 crashed on some."""


def are_known(environment: Mapping[str, str]) -> bool:
    """Whether the terminal of a process with this `environment` knows hyperlinks.

    >>> are_known({"TERM_PROGRAM": "iTerm.app"}), are_known({"TERM": "xterm"}), are_known({"VTE_VERSION": "7600"})
    (True, False, True)
    """
    if FORCED in environment:
        return environment[FORCED] not in ("", "0")
    vte = environment.get("VTE_VERSION", "")
    return (
        environment.get("TERM_PROGRAM") in PROGRAMS
        or environment.get("TERM", "").startswith(TERMINALS)
        or any(mark in environment for mark in MARKS)
        or (vte.isdigit() and int(vte) > VTE_VERSION_MIN)
    )
