"""What the product needs from the outside, as small Protocols whose docstrings are their contracts."""
