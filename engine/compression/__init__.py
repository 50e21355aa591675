"""Codecs for patch vectors, token pooling, and the visual words that both the codecs and stage 1 build on."""
