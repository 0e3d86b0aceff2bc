"""Agents of Lambda functions: the host that invokes them, their logs, and the readers of their event sources."""
