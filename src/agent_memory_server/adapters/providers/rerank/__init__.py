"""Models that re-rank what a search found, behind an HTTP service."""
