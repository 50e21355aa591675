"""`python -m docsearch` is the `docsearch` command."""

from .cli import main

main()
