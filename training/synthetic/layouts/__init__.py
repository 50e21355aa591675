"""Layouts of whole synthetic pages by kind: letters, slides, posters, tables and others."""
