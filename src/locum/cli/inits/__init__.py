"""What a plane has from the start: scripts, configurations, templates and identities in a directory."""
