"""Backends, which carry out calls that were authenticated and allowed. They are not trusted to check permissions."""

from locum.backends.port import Backend, BackendCall, Carried, Delivery, Origin

__all__ = ["Backend", "BackendCall", "Carried", "Delivery", "Origin"]
