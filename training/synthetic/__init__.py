"""Synthetic training data: pages drawn at random, with a label for every word, figure and kind of page."""
