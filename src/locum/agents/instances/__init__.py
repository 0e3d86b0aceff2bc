"""Agents of instances: their hosts, launchers, processes and agents, and what is done to them when it is due."""
