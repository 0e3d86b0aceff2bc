"""Measurements of Locum and comparable programs in one run on one machine. `make bench`."""
