"""Delegation requests: a product asks an account for access that lasts some hours."""
