"""What users prove themselves with: passwords, keys, certificates and second factors. And server certificates."""
