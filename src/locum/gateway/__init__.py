"""The one front door, for Locum's own services and the guarded ones alike."""
