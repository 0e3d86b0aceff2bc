"""The gateway: HTTP requests into calls, their results into HTTP responses, and who signed."""
