"""The real part of instances and functions: a namespace with 169.254.169.254 in it, and processes."""
