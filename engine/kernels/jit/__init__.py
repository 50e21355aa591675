"""Compiles kernels for the processor at hand."""
