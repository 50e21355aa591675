"""MaxSim: for each page and query vector the best match on the page, and their weighted sum."""

from .cpu import token_maxima
from .reference import match, score

__all__ = ["match", "score", "token_maxima"]
