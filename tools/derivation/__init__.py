"""Providers of types that have no table by hand, derived from published data."""
