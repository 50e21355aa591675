"""The commands of `docsearch`, one module each."""
