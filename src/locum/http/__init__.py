"""HTTP/1.1 over ASGI: listening sockets, whole requests in, answers out in one piece."""
