"""Generates the documents of sample_docs: `python -m sample_docs.make`, run in the root of the repository."""
