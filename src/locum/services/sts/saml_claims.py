"""The condition keys, tags and session name in the attributes of an assertion.

IAM User Guide, "Configure SAML assertions for the authentication response": the attributes, and "Mapping SAML
attributes to AWS trust policy context keys"; the multivalued keys are in the Service Authorization Reference.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Final

from locum.core.principal import ContextValue
from locum.credentials.saml import Assertion
from locum.services.sts.assumed import NAME
from locum.services.sts.faults import invalid_identity_token

AWS: Final = "https://aws.amazon.com/SAML/Attributes/"
ROLE: Final = f"{AWS}Role"
SESSION_NAME: Final = f"{AWS}RoleSessionName"
SOURCE_IDENTITY: Final = f"{AWS}SourceIdentity"
TRANSITIVE: Final = f"{AWS}TransitiveTagKeys"
TAG: Final = f"{AWS}PrincipalTag:"

_NAME_SHOWN: Final = "[a-zA-Z_0-9+=,.@-]{2,64}"
"""The pattern of NAME as in AWS's message."""

_FORMAT: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:"

_PERSON: Final = "urn:oid:1.3.6.1.4.1.5923.1.1.1."
_ORGANIZATION: Final = "urn:oid:1.3.6.1.4.1.5923.1.2.1."
_CLAIM: Final = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"

_MULTIVALUED: Final[Mapping[str, str]] = {
    f"{_PERSON}1": "saml:edupersonaffiliation",
    f"{_PERSON}2": "saml:edupersonnickname",
    f"{_PERSON}4": "saml:edupersonorgunitdn",
    f"{_PERSON}7": "saml:edupersonentitlement",
    f"{_PERSON}9": "saml:edupersonscopedaffiliation",
    f"{_PERSON}10": "saml:edupersontargetedid",
    f"{_PERSON}11": "saml:edupersonassurance",
    f"{_ORGANIZATION}2": "saml:eduorghomepageuri",
    f"{_ORGANIZATION}3": "saml:eduorgidentityauthnpolicyuri",
    f"{_ORGANIZATION}4": "saml:eduorglegalname",
    f"{_ORGANIZATION}5": "saml:eduorgsuperioruri",
    f"{_ORGANIZATION}6": "saml:eduorgwhitepagesuri",
    "urn:oid:2.5.4.3": "saml:cn",
}
_SINGLE: Final[Mapping[str, str]] = {
    f"{_PERSON}3": "saml:edupersonorgdn",
    f"{_PERSON}5": "saml:edupersonprimaryaffiliation",
    f"{_PERSON}6": "saml:edupersonprincipalname",
    f"{_PERSON}8": "saml:edupersonprimaryorgunitdn",
    f"{_CLAIM}name": "saml:name",
    "http://schemas.xmlsoap.org/claims/CommonName": "saml:commonname",
    f"{_CLAIM}givenname": "saml:givenname",
    f"{_CLAIM}surname": "saml:surname",
    f"{_CLAIM}emailaddress": "saml:mail",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/primarygroupsid": "saml:primarygroupsid",
    "2.5.4.3": "saml:commonname",
    "2.5.4.4": "saml:surname",
    "2.4.5.42": "saml:givenname",
    "2.5.4.45": "saml:x500uniqueidentifier",
    "0.9.2342.19200300100.1.1": "saml:uid",
    "0.9.2342.19200300100.1.3": "saml:mail",
    "0.9.2342.19200300.100.1.45": "saml:organizationstatus",
}
"""Condition keys (lower-case) by the name of the attribute; 2.4.5.42 is as on the page."""


def name_qualifier(issuer: str, account: str, provider_name: str) -> str:
    """The NameQualifier. STS API: BASE64 ( SHA1 ( "https://example.com/saml" + "123456789012" + "/MySAMLIdP" ) )."""
    digest = hashlib.sha1(f"{issuer}{account}/{provider_name}".encode(), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def subject_type(name_format: str) -> str:
    """The SubjectType. STS API: "If the format includes the prefix [...], that prefix is removed"."""
    return name_format.removeprefix(_FORMAT)


def names_role(assertion: Assertion, role_arn: str, provider_arn: str) -> bool:
    """Whether the Role attribute has the role and the provider: "a comma-separated pair of strings", in any order."""
    pairs = [tuple(part.strip() for part in value.split(",")) for value in assertion.attributes.get(ROLE, ())]
    return (role_arn, provider_arn) in pairs or (provider_arn, role_arn) in pairs


def session_name(assertion: Assertion) -> str:
    """The RoleSessionName. Raises InvalidIdentityToken."""
    values = assertion.attributes.get(SESSION_NAME, ())
    if len(values) != 1 or not values[0]:
        raise invalid_identity_token("RoleSessionName is required in AuthnResponse")
    if not NAME.fullmatch(values[0]):
        raise invalid_identity_token(f"RoleSessionName in AuthnResponse must match {_NAME_SHOWN}")
    return values[0]


def source_identity(assertion: Assertion) -> str:
    """The SourceIdentity, empty where there is none. Raises InvalidIdentityToken."""
    values = assertion.attributes.get(SOURCE_IDENTITY, ())
    if not values:
        return ""
    if len(values) != 1 or not NAME.fullmatch(values[0]) or values[0].lower().startswith("aws:"):
        raise invalid_identity_token(f'Source Identity must match {_NAME_SHOWN} and not begin with "aws:"')
    return values[0]


def session_tags(assertion: Assertion) -> dict[str, str]:
    """The session tags, each an attribute with one value. Raises InvalidIdentityToken."""
    tags = {}
    for name, values in assertion.attributes.items():
        if name.startswith(TAG):
            if len(values) != 1:
                raise invalid_identity_token(f"PrincipalTag {name.removeprefix(TAG)} must have exactly one value")
            tags[name.removeprefix(TAG)] = values[0]
    return tags


def transitive_keys(assertion: Assertion) -> tuple[str, ...]:
    """The transitive tag keys."""
    return assertion.attributes.get(TRANSITIVE, ())


def attribute_keys(assertion: Assertion) -> dict[str, ContextValue]:
    """The condition keys for the attributes of common directories."""
    keys: dict[str, ContextValue] = {}
    for name, values in assertion.attributes.items():
        if values and name in _MULTIVALUED:
            keys[_MULTIVALUED[name]] = values
        elif values and name in _SINGLE:
            keys[_SINGLE[name]] = values[0]
    return keys
