"""What templates have as a layer."""

VERSION = 1
