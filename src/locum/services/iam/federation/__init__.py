"""Those who vouch for people whom an account does not know, and what it vouches for itself."""
