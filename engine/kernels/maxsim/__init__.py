"""MaxSim: the largest inner product of each query vector with the patches of each page.

`reference` defines it; `cpu` (with `compiled` and maxsim.c) and `triton` are the fast forms, tested against it.
"""

from .compiled import Part
from .cpu import PlacedPages, maxima_of_parts, products, token_maxima

__all__ = ["Part", "PlacedPages", "maxima_of_parts", "products", "token_maxima"]
