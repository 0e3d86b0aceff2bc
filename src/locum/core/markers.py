"""Markers of pages: the sort key of the last item that was answered, made opaque.

The next page begins behind it. So a marker stays good whatever is added or removed in the meantime.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

_VERSION: Final = b"\x01"


def marker_of(key: str) -> str:
    """The marker that carries `key`."""
    return base64.urlsafe_b64encode(_VERSION + key.encode()).decode()


def key_in(marker: str) -> str | None:
    """The sort key that `marker` carries; None where it is no marker that was given out."""
    try:
        data = base64.b64decode(marker, altchars=b"-_", validate=True)
        return data[len(_VERSION) :].decode() if data.startswith(_VERSION) else None
    except (binascii.Error, ValueError):
        return None
