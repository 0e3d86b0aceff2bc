"""Requests of the Cloud Control API: the reconciler that makes, changes and deletes resources."""
