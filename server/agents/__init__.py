"""What agents get of indexes: the tools of `docsearch mcp`, and the programs that it is set up in."""
