"""User data as a program: a script, compressed or not, which an instance runs at its first start.

EC2 User Guide, "Run commands when you launch an EC2 instance with user data input": "User data shell scripts must start
with the #! characters and the path to the interpreter"; they run as root, and not again with later starts.
"""

from __future__ import annotations

import zlib
from typing import Final, NamedTuple

_GZIP: Final = b"\x1f\x8b"
_MOST: Final = 4 << 20  # octets, unpacked
_OTHERS: Final = (
    b"#cloud-config",
    b"content-type:",
    b"mime-version:",
    b"#include",
    b"#cloud-boothook",
    b"#part-handler",
)


class UserData(NamedTuple):
    """The `script` that is run, or the reason for the console why nothing is."""

    script: bytes | None
    reason: str = ""


def user_data(given: bytes) -> UserData:
    """The script in the user data `given` (decoded from base64, as EC2 keeps it)."""
    if given.startswith(_GZIP):
        try:
            unpacking = zlib.decompressobj(wbits=31)
            given = unpacking.decompress(given, _MOST)
        except zlib.error as error:
            return UserData(None, f"user data is not run: it cannot be unpacked: {error}")
        if not unpacking.eof:
            most = len(given) == _MOST
            why = f"unpacked it has more than {_MOST} bytes" if most else "it cannot be unpacked: it is cut short"
            return UserData(None, f"user data is not run: {why}")
    if given.startswith(b"#!"):
        return UserData(given)
    if given.lstrip().lower().startswith(_OTHERS):
        return UserData(None, "user data is not run: it is for cloud-init, which is not in this instance")
    return UserData(None, "user data is not run: it does not begin with #!" if given else "")
