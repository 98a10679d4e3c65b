"""Seller console: three programs (console, engine, platform), one set of words, one set of rules."""

__version__ = "0.1.0"
