"""What the product does: one verb per module, over ports."""
