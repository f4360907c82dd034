"""The second door: the same operations as tools of the Model Context Protocol."""
