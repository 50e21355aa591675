"""HTTP server: the search API, page images, heat maps, uploads, and the web page. Also the MCP server for agents."""
