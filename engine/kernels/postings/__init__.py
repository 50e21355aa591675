"""Posting lists of an inverted index over patch vectors: their layout, and the scan that updates MaxSim from them.

`reference` defines the scan; `scan` (with `postings.c`) is the fast form, tested against it.
"""
