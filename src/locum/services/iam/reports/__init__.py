"""What is told about an account: who may do what, who last did it, and what there is."""
