"""The gateway: authentication of HTTP requests, their conversion to calls, and that of results to HTTP responses."""
