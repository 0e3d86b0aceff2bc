"""Parsing of assertions (saml-core-2.0-os, 2), for elements whose signature has been verified."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from locum.credentials.saml.errors import BadResponse
from locum.credentials.saml.xml import SAML, Element, instant, text_of

BEARER: Final = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
_UNSPECIFIED: Final = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
"""The Format of a NameID without one: saml-core-2.0-os, 2.2.2."""


class Confirmation(NamedTuple):
    """A SubjectConfirmation with its data. Times are epoch seconds."""

    method: str
    recipient: str
    not_before: float | None
    not_on_or_after: float | None


class Assertion(NamedTuple):
    """An assertion. Times are epoch seconds; `audiences` has a set per AudienceRestriction, all of which must hold.

    `name_id` is empty where the subject has none. `session_ends` is the earliest SessionNotOnOrAfter.
    """

    issuer: str
    issued_at: float
    name_id: str
    name_format: str
    confirmations: tuple[Confirmation, ...]
    not_before: float | None
    not_on_or_after: float | None
    audiences: tuple[frozenset[str], ...]
    attributes: Mapping[str, tuple[str, ...]]
    session_ends: float | None


def read_assertion(element: Element) -> Assertion:
    """Parse the assertion `element`. Raises BadResponse, BadXml."""
    issued_at = instant(element.get("IssueInstant"))
    if element.tag != f"{SAML}Assertion" or element.get("Version") != "2.0" or issued_at is None:
        raise BadResponse("there is no assertion of SAML 2.0")
    subject = _one(element, "Subject")
    conditions = _one(element, "Conditions")
    name = _one(subject, "NameID") if subject is not None else None
    ends = [instant(part.get("SessionNotOnOrAfter")) for part in element.findall(f"{SAML}AuthnStatement")]
    return Assertion(
        issuer=_issuer(element),
        issued_at=issued_at,
        name_id="" if name is None else text_of(name),
        name_format=_UNSPECIFIED if name is None else name.get("Format") or _UNSPECIFIED,
        confirmations=() if subject is None else _confirmations(subject),
        not_before=None if conditions is None else instant(conditions.get("NotBefore")),
        not_on_or_after=None if conditions is None else instant(conditions.get("NotOnOrAfter")),
        audiences=() if conditions is None else _audiences(conditions),
        attributes=_attributes(element),
        session_ends=min((end for end in ends if end is not None), default=None),
    )


def _one(element: Element, name: str) -> Element | None:
    """The child called `name`, which must not occur twice (saml-core-2.0-os); None where it is absent."""
    found = element.findall(SAML + name)
    if len(found) > 1:
        raise BadResponse(f"there is more than one {name}")
    return found[0] if found else None


def _issuer(element: Element) -> str:
    issuer = _one(element, "Issuer")
    if issuer is None:
        raise BadResponse("the assertion has no issuer")
    return text_of(issuer)


def _confirmations(subject: Element) -> tuple[Confirmation, ...]:
    return tuple(_confirmation(element) for element in subject.findall(f"{SAML}SubjectConfirmation"))


def _confirmation(element: Element) -> Confirmation:
    data, method = _one(element, "SubjectConfirmationData"), element.get("Method") or ""
    if data is None:
        return Confirmation(method, "", None, None)
    times = instant(data.get("NotBefore")), instant(data.get("NotOnOrAfter"))
    return Confirmation(method, data.get("Recipient") or "", *times)


def _audiences(conditions: Element) -> tuple[frozenset[str], ...]:
    restrictions = conditions.findall(f"{SAML}AudienceRestriction")
    return tuple(frozenset(map(text_of, each.findall(f"{SAML}Audience"))) for each in restrictions)


def _attributes(element: Element) -> dict[str, tuple[str, ...]]:
    """The attributes by name. The values of an attribute that occurs twice are joined."""
    found: dict[str, tuple[str, ...]] = {}
    for attribute in element.findall(f"{SAML}AttributeStatement/{SAML}Attribute"):
        name = attribute.get("Name") or ""
        found[name] = (*found.get(name, ()), *map(_value, attribute.findall(f"{SAML}AttributeValue")))
    return found


def _value(element: Element) -> str:
    """The text of an attribute value, or of the NameID in it (as in eduPersonTargetedID)."""
    names = element.findall(f"{SAML}NameID")
    return text_of(names[0] if len(names) == len(element) == 1 else element)
