"""Indexing and searching on more than one machine, on a Ray cluster."""
