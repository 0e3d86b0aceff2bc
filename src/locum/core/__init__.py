"""Values that all other packages share: ARNs, identifiers, principals, sessions, HTTP messages, errors.

Standard library only. Nothing here reads a clock, generates a random number or opens a file, except for the
system clock and entropy in `clock`.
"""
