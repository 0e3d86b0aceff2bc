"""Fixtures of the tests of the metadata service."""

from __future__ import annotations

from support.metadata import closed_afterwards

__all__ = ["closed_afterwards"]
