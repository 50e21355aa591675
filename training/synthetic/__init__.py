"""Draws synthetic pages with labels, as training data."""
