"""Renders pages of PDFs and image files to pixels, in child processes."""
