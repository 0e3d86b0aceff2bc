"""The checks of `locum doctor`, by what they look at."""
