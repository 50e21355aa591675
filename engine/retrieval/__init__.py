"""Stage 1: indexes that propose candidate pages."""
