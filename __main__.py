"""Runs the `docsearch` command line: `python -m docsearch`."""

from .cli import main

main()
