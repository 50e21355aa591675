"""Codecs for patch vectors, token pooling, and the visual words they build on."""
