"""Builds an index from documents: find the files, render their pages, embed the images, store the vectors."""
