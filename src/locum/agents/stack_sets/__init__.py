"""Stack sets: what their operations do in the accounts of their instances."""
