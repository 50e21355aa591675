"""Indexing on a Ray cluster: workers render, embed and write segments; one coordinator commits them to the index."""
