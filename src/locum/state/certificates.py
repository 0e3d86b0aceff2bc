"""Entities of other credentials: SSH keys, signing and server certificates, service-specific credentials."""

from __future__ import annotations

from typing import ClassVar

from locum.state.entities import Entity, Named, Tags


class SshPublicKey(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="ssh-public-key"):
    """An SSH public key of `user` (a user key).

    `body` is in OpenSSH's format, without comment; `fingerprint` its MD5.
    """

    id: str
    user: str
    body: str
    fingerprint: str
    active: bool = True
    uploaded: int


class SigningCertificate(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="signing-certificate"):
    """An X.509 signing certificate of `user` (a user key; empty for the root user), in PEM as uploaded.

    `digest` is the SHA-256 of its DER form, in hexadecimal.
    """

    id: str
    user: str
    body: str
    digest: str
    active: bool = True
    uploaded: int


class ServerCertificate(Named, frozen=True, kw_only=True, omit_defaults=True, tag="server-certificate"):
    """A server certificate: PEM as uploaded. `private_key` is sealed under the key ring; no operation returns it.

    `created` is the time of the upload, `expires` the certificate's notAfter.
    """

    arn_kind: ClassVar[str] = "server-certificate"

    body: str
    chain: str = ""
    private_key: bytes
    expires: int
    tags: Tags = {}


class ServiceSpecificCredential(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="service-credential"):
    """A user name and password (or an API key) for one service, of `user` (a user key).

    `secret` is sealed under the key ring. `alias` is the service user name or the credential's alias.
    `expires` 0: never.
    """

    id: str
    user: str
    service: str
    alias: str
    secret: bytes
    active: bool = True
    created: int
    expires: int = 0
