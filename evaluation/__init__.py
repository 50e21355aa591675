"""Measures retrieval quality: nDCG, recall, what stage 1 and codecs lose."""
