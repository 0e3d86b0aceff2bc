"""Credentials of users: passwords, keys, certificates and MFA devices; and server certificates."""
