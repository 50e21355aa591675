"""Trains the embedded model: synthetic and real pages in, weights out."""
