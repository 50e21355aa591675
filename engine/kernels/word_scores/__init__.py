"""Page scores from the maxima of query tokens, for very many pages."""
