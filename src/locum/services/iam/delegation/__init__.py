"""Delegation requests, by which a product provider requests temporary access to an account."""
