"""Signing in to the console: passwords, MFA codes, tickets, and the events that CloudTrail has of it."""
