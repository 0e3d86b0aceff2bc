"""The instance identity document and its signatures: dynamic/instance-identity/.

EC2 User Guide, "Instance identity documents". All three signatures are made with the installation's own key
(`credentials.identitykeys`), which is loaded, or made, when the first of them is asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from locum.core.clock import iso8601
from locum.credentials.identitykeys import IdentityKey
from locum.imds.texts import json_text
from locum.state import Instance

DOCUMENT: Final = "document"
_CACHE_SIZE: Final = 1024
"""The number of signatures at which all of them are dropped: each is made again in a millisecond."""


class IdentityDocuments:
    """The identity documents of all instances. `load` gives the key (it may take a while); None: there is none."""

    def __init__(self, load: Callable[[], IdentityKey] | None) -> None:
        self._load = load
        self._key: IdentityKey | None = None
        self._loading = asyncio.Lock()
        self._signed: dict[tuple[str, str], str] = {}

    def listed(self) -> tuple[str, ...]:
        """The names below dynamic/instance-identity/."""
        return (DOCUMENT,) if self._load is None else (DOCUMENT, "pkcs7", "rsa2048", "signature")

    async def read(self, instance: Instance, name: str) -> str | None:
        """The text at `name`; None where there is none."""
        if name not in self.listed():
            return None
        document = identity_document(instance)
        if name == DOCUMENT:
            return document
        kind = "signature" if name == "signature" else "pkcs7"
        found = self._signed.get((kind, document))
        if found is None:
            key = await self._loaded()
            sign = key.signature if kind == "signature" else key.pkcs7
            if len(self._signed) >= _CACHE_SIZE:
                self._signed.clear()
            found = self._signed[kind, document] = sign(document.encode())
        return found

    async def _loaded(self) -> IdentityKey:
        async with self._loading:
            if self._key is None:
                assert self._load is not None
                self._key = await asyncio.to_thread(self._load)
            return self._key


def identity_document(instance: Instance) -> str:
    """The document of `instance`."""
    return json_text(
        {
            "accountId": instance.account,
            "architecture": "x86_64",
            "availabilityZone": instance.zone,
            "billingProducts": None,
            "devpayProductCodes": None,
            "marketplaceProductCodes": None,
            "imageId": instance.attributes.get("ImageId"),
            "instanceId": instance.id,
            "instanceType": instance.instance_type,
            "kernelId": instance.attributes.get("KernelId"),
            "pendingTime": iso8601(instance.launched),
            "privateIp": instance.private_ip,
            "ramdiskId": instance.attributes.get("RamdiskId"),
            "region": instance.region,
            "version": "2017-09-30",
        }
    )
