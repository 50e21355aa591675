"""Readers of the field's benchmarks: pages as pictures, queries, and which pages answer them."""
