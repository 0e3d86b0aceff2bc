"""Carry out a call that was authenticated and allowed. A backend is guarded, never trusted to guard."""

from locum.backends.port import Backend, BackendCall, Carried, Delivery, Origin

__all__ = ["Backend", "BackendCall", "Carried", "Delivery", "Origin"]
