"""What makes an instance or a function real: a namespace with 169.254.169.254 in it, and processes."""
