"""Understudy: staging databases that look like production and know nobody in it."""

__version__ = "0.1.0"
