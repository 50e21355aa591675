"""Takes pages with their vectors out of an index, in formats that other programs read, and into one."""
