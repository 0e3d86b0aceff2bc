"""Attributes of a certificate, and which of them a profile makes session tags.

IAM Roles Anywhere User Guide, "Certificate attribute mapping": a tag is named `x509Subject/CN`, `x509Issuer/O`,
`x509SAN/DNS`, `x509SAN/URI`, `x509SAN/Name/CN`. A specifier is such a name without its field; `*` and `Name/*` are all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from cryptography import x509

from locum.services.rolesanywhere.faults import denied

_NAMES: Final = {
    x509.NameOID.COMMON_NAME: "CN",
    x509.NameOID.COUNTRY_NAME: "C",
    x509.NameOID.DN_QUALIFIER: "DNQualifier",
    x509.NameOID.DOMAIN_COMPONENT: "DC",
    x509.NameOID.EMAIL_ADDRESS: "E",
    x509.NameOID.GENERATION_QUALIFIER: "GenerationQualifier",
    x509.NameOID.GIVEN_NAME: "GivenName",
    x509.NameOID.INITIALS: "Initials",
    x509.NameOID.LOCALITY_NAME: "L",
    x509.NameOID.ORGANIZATION_NAME: "O",
    x509.NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    x509.NameOID.PSEUDONYM: "Pseudonym",
    x509.NameOID.SERIAL_NUMBER: "SerialNumber",
    x509.NameOID.STATE_OR_PROVINCE_NAME: "ST",
    x509.NameOID.STREET_ADDRESS: "STREET",
    x509.NameOID.SURNAME: "SN",
    x509.NameOID.TITLE: "T",
    x509.NameOID.USER_ID: "UID",
}
"""The relative distinguished names that become tags, by the names that tags have of them."""

_JOINED: Final = "/"
_SAN: Final = "x509SAN"
_IDENTITY: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+=,.@-")
"""STS API, SourceIdentity."""
_LONGEST_IDENTITY: Final = 64


def attributes_of(certificate: x509.Certificate) -> dict[str, str]:
    """The attributes of a verified certificate by the names of their tags."""
    found = {
        **{f"x509Issuer/{name}": value for name, value in _names(certificate.issuer).items()},
        **{f"x509Subject/{name}": value for name, value in _names(certificate.subject).items()},
    }
    return found | {f"{_SAN}/{name}": value for name, value in _alternatives(certificate)}


def mapped(attributes: Mapping[str, str], mappings: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """The attributes that `mappings` (specifiers by field) make tags, in the order of their names."""
    return {name: value for name, value in sorted(attributes.items()) if _is_mapped(name, mappings)}


def source_identity(certificate: x509.Certificate) -> str:
    """The source identity: the common name; empty where the subject has none. Raises Fault where it cannot be one.

    No character is replaced: two subjects must not have one identity.
    """
    name = _names(certificate.subject).get("CN", "")
    if not name:
        return ""
    text = f"CN={name}"
    if len(text) > _LONGEST_IDENTITY or not _IDENTITY.issuperset(text):
        raise denied("The common name of the certificate cannot be a source identity")
    return text


def _is_mapped(name: str, mappings: Mapping[str, tuple[str, ...]]) -> bool:
    field, _, specifier = name.partition("/")
    rules = mappings.get(field, ())
    return specifier in rules or "*" in rules or ("Name/*" in rules and specifier.startswith("Name/"))


def _names(name: x509.Name) -> dict[str, str]:
    """The relative distinguished names; the values of one that there are several of are joined."""
    found: dict[str, list[str]] = {}
    for attribute in name:
        known = _NAMES.get(attribute.oid)
        if known is not None:
            found.setdefault(known, []).append(str(attribute.value))
    return {known: _JOINED.join(values) for known, values in found.items()}


def _alternatives(certificate: x509.Certificate) -> Iterator[tuple[str, str]]:
    """The first alternative name of each type: "maps the first value of the following types"."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return
    for tag, kind in (("DNS", x509.DNSName), ("URI", x509.UniformResourceIdentifier)):
        for value in names.get_values_for_type(kind)[:1]:
            yield tag, str(value)
    for directory in names.get_values_for_type(x509.DirectoryName)[:1]:
        yield from ((f"Name/{known}", value) for known, value in _names(directory).items())
