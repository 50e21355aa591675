"""Renders the pages of documents in child processes."""
