"""Answers a query from an index; knows nothing of PDF files."""
