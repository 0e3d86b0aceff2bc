"""Agents, which act without a request: deliveries of committed effects, and the hosts of instances and functions."""
