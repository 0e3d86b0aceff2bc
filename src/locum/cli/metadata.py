"""The metadata service of a node, put together."""

from __future__ import annotations

from functools import partial

from locum.calls import Calls, Runtime
from locum.calls.backend_answers import told_by_backend
from locum.cli.options import Options
from locum.cli.storage import Storage
from locum.credentials.identitykeys import IdentityKey, open_identity_key
from locum.imds import MetadataService
from locum.imds.credentials import RoleCredentials
from locum.imds.held import Backend
from locum.imds.identity_document import IdentityDocuments
from locum.imds.throttle import Throttle


def metadata_service(runtime: Runtime, calls: Calls, storage: Storage, options: Options) -> MetadataService:
    """The metadata service, which acts by `calls`. Its identity documents are signed by the installation."""
    rate = options.imds_rate

    def identity_key() -> IdentityKey:
        now = runtime.clock.wall()
        return open_identity_key(storage.files.create, options.data, storage.keyring, runtime.entropy, now)

    return MetadataService(
        lambda: runtime.ledger.served,
        storage.keyring,
        runtime.clock,
        runtime.entropy,
        RoleCredentials(calls.make, runtime.injections.expired_at),
        Backend(partial(told_by_backend, runtime)),
        IdentityDocuments(identity_key),
        None if rate is None else Throttle(rate),
        runtime.injections,
    )
