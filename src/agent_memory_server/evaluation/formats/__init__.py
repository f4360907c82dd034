"""Readers of conversation files, one module per format. Each knows its own shape, and reads nothing from elsewhere."""
