"""Search over the shards of a collection on a Ray cluster, with the hits of one index."""
