"""Which node of an installation has the embedded backend: one, whose data directory has what the backend holds.

Another one would be a second backend, of which clients would see now this and now that one. So the owner is a file of
the installation, and a lease says that it is there.
"""

from __future__ import annotations

from typing import Final

from locum.agents.lease_keeper import TERM
from locum.core.errors import ConfigurationError
from locum.store.installation_files import InstallationFiles
from locum.store.leases import Leases

BACKEND: Final = "embedded-backend"
"""The lease, and the file. What holds the one and is in the other is a node with its directory, which may come back."""


def claim_backend(leases: Leases, files: InstallationFiles, node: str, own: str, *, new: bool = False) -> None:
    """Take the embedded backend for `node`, which the directory `own` has; `new`: another one's place, which is gone.

    Raises ConfigurationError where another node has one, StorageError.
    """
    holder = f"{node} {own}"
    owner = files.create(BACKEND, holder.encode).decode()
    if (owner.rpartition(" ")[2] != own and not new) or not leases.take(BACKEND, holder, TERM):
        other = (leases.holder(BACKEND) or owner).partition(" ")[0]
        raise ConfigurationError(
            f"node {other} has the embedded backend, and there is one in an installation: have it serve that with "
            "--serve-backend HOST:PORT, and give this node --backend '*=locum://HOST:PORT'; or give all another "
            f"backend, or '*=none'. Where {other} is gone for good, --new-backend begins with an empty one here"
        )
    if owner != holder:
        files.write(BACKEND, holder.encode())
