"""Trains the embedded model `pixel`."""
