"""Reports on an account: credentials, last access, authorization details and a summary."""
