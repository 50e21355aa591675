"""Stage 2: exact late-interaction scores of candidate pages."""
