"""Functions made real: execution environments, their runtimes and the Runtime API."""
