"""The version of this package, in a module that everything may import."""

from __future__ import annotations

__version__ = "0.15.0"
