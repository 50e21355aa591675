"""Page scores from the maxima of query tokens, for very many pages: a fast form of `scoring.score_tokens`."""
