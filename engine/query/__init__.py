"""A query before it meets an index: encoding, token weights, query by example."""
