"""Pixels or text to vectors; the only place that imports torch models."""
