"""The vocabulary every other package speaks: ARNs, identifiers, principals, sessions, faults.

Standard library only. Nothing here reads a clock, draws a random number or opens a file.
"""
