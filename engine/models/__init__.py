"""Embedding models: pages, queries and texts to vectors. Each network is imported when a model is opened."""
