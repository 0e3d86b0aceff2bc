"""moto, embedded: its service handlers called directly, without its server, dispatcher or authentication."""
