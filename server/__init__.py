"""Answers questions over HTTP, and shows pages and where on them the match is."""
