"""Embedders around an embedder. Each keeps the port's promises and passes its contract suite."""
