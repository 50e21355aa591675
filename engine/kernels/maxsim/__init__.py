"""MaxSim: for each page and query vector the best match on the page, and their weighted sum."""

from .cpu import maxima_of_parts, products, token_maxima
from .reference import match, score

__all__ = ["match", "maxima_of_parts", "products", "score", "token_maxima"]
