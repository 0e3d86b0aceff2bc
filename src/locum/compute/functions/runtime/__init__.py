"""The runtimes of our own, which are seen as /var/runtime: programs for other interpreters than Locum's."""
