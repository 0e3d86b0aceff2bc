"""Entities of IAM Roles Anywhere. Their ids are UUIDs, unique in an account and a region. Times are epoch seconds."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from locum.core.arn import PARTITION
from locum.state.autoscaling import regional
from locum.state.entities import Entity, Tags


class AnywhereEntity(Entity, frozen=True, kw_only=True, omit_defaults=True):
    """A resource of IAM Roles Anywhere; `arn_kind` is its kind in its ARN."""

    arn_kind: ClassVar[str]

    region: str
    id: str
    created: int
    updated: int
    enabled: bool = False

    @property
    def key(self) -> str:
        return regional(self.region, self.id)

    @property
    def arn(self) -> str:
        """Its ARN."""
        return f"arn:{PARTITION}:rolesanywhere:{self.region}:{self.account}:{self.arn_kind}/{self.id}"


class TrustAnchor(AnywhereEntity, frozen=True, kw_only=True, omit_defaults=True, tag="trust-anchor"):
    """A trust anchor. `certificates` are those of its authorities in PEM, `notifications` its settings as they are
    shown, save for the defaults."""

    arn_kind = "trust-anchor"

    name: str
    certificates: str
    notifications: tuple[dict[str, Any], ...] = ()
    tags: Tags = {}


class AnywhereProfile(AnywhereEntity, frozen=True, kw_only=True, omit_defaults=True, tag="anywhere-profile"):
    """A profile: the roles that may be assumed with it, and what limits their sessions.

    `mappings` are the specifiers by certificate field. `seconds` is the longest session.
    """

    arn_kind = "profile"

    name: str
    created_by: str
    roles: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    session_policy: str = ""
    seconds: int = 3600
    takes_session_name: bool = False
    requires_instance: bool = False
    mappings: dict[str, tuple[str, ...]] = {}
    tags: Tags = {}


class RevocationList(AnywhereEntity, frozen=True, kw_only=True, omit_defaults=True, tag="revocation-list"):
    """A certificate revocation list of the trust anchor with the ARN `anchor`; `data` is in PEM."""

    arn_kind = "crl"

    name: str
    anchor: str
    data: bytes
    tags: Tags = {}


class SeenCertificate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A certificate that somebody was authenticated by, in PEM; `serial` in decimal."""

    serial: str
    issuer: str
    certificate: str
    seen: int


class CertificateSubject(AnywhereEntity, frozen=True, kw_only=True, omit_defaults=True, tag="certificate-subject"):
    """The subject of certificates that sessions were created with; `name` is its distinguished name (RFC 4514)."""

    arn_kind = "subject"

    name: str
    seen: int
    credentials: tuple[SeenCertificate, ...] = ()
    tags: Tags = {}
