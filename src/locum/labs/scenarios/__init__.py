"""The labs, by what they are about."""
