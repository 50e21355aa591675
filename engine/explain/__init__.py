"""Why a page was found: heat maps (ColPali's similarity maps) and text snippets."""
