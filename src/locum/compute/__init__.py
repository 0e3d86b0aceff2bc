"""What makes an instance real: a network namespace with 169.254.169.254 in it, and a process inside."""
