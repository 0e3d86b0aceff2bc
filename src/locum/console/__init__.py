"""The console: web pages for a person who signs in, on an origin of its own.

It is a client of the plane's public API, with the person's own temporary credentials (ADR 42): it can do nothing that
its user may not.
"""
