"""Stage 1: indexes that propose candidate pages, as derived files in parts (`tiers`)."""
