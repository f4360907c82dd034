"""Wire models to domain values, and domain values to the members of an answer."""
