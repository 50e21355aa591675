"""Numeric kernels: a fast form of each operation, tested against a slow reference. No files, models or options."""
