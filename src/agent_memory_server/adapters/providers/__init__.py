"""Models that turn texts into vectors: one module per way to reach one, and wrappers that hold for all of them."""
