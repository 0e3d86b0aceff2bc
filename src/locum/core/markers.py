"""Pagination markers: the sort key of the last item of a page, in an opaque encoding.

The next page begins after that key, so that a marker stays valid whatever is added or removed in the meantime.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

_VERSION: Final = b"\x01"


def marker_of(key: str) -> str:
    """Encode `key` as a marker."""
    return base64.urlsafe_b64encode(_VERSION + key.encode()).decode()


def key_in(marker: str) -> str | None:
    """Decode the sort key in `marker`; None where it is not a marker."""
    try:
        data = base64.b64decode(marker, altchars=b"-_", validate=True)
        return data[len(_VERSION) :].decode() if data.startswith(_VERSION) else None
    except (binascii.Error, ValueError):
        return None
