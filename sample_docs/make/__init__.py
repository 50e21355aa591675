"""Draws every document of sample_docs: `python -m sample_docs.make` from the repository's root."""
