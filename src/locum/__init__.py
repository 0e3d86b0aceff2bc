"""Locum: AWS's identity plane on your own machine."""

__version__ = "0.1.0"
