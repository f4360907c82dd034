"""The embedding model all-MiniLM-L6-v2 as data files, described by the one called `model.json`."""

from __future__ import annotations

from pathlib import Path


def directory() -> Path:
    """The folder that holds the files. Nothing is fetched: they are part of the installation."""
    return Path(__file__).parent
