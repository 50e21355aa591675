"""Turns documents into an index: find the files, draw their pages, embed the pictures, store the vectors."""
