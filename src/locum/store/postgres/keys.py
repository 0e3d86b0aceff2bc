"""What audit rows are looked up by, as the database keeps it.

An index takes 2,704 bytes, text no NUL and no half of a surrogate pair; a caller chooses what is in an access key's id.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

_LONGEST: Final = 240
"""Bytes: what is longer is kept as its hash, which is as good for finding it."""
_MARK: Final = "\x01"


def keyed(text: str) -> str:
    """`text`, or an abbreviation of it that nothing else has."""
    if len(text) <= _LONGEST and text.isascii() and text.isprintable():
        return text
    whole = text.encode("utf-8", "surrogatepass")
    return _MARK + blake2b(whole, digest_size=20).hexdigest()
