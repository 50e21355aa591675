"""Whole synthetic pages by kind: letters, slides, posters, tables and others."""
