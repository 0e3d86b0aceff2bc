"""HTTP/1.1 over ASGI: listening sockets, reading of requests and writing of responses."""
