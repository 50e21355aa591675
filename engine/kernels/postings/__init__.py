"""Scan of the posting lists of an inverted file over patch vectors."""
