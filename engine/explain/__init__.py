"""Why a page was found: heat maps and text snippets."""
