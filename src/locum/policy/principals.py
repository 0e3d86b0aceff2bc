"""Matching of the Principal and NotPrincipal elements against the caller.

IAM User Guide, "AWS JSON policy elements: Principal" and "NotPrincipal". The form in which an element names the caller
decides which implicit denies the grant of a resource policy bypasses ("Evaluating identity-based policies with
resource-based policies").
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from locum.core.principal import Principal, PrincipalKind
from locum.policy.document import Principals
from locum.policy.grammar import ROOT_ARN
from locum.policy.prepared import PreparedRequest


class Form(StrEnum):
    """The form in which a Principal element names the caller."""

    USER = "user"
    SESSION = "session"
    EVERYONE = "everyone"
    ROLE = "role"
    FEDERATING_USER = "federating user"
    ACCOUNT = "account"
    SERVICE = "service"
    PROVIDER = "identity provider"


Name = tuple[str, Form]


_UNNAMED: Final = frozenset({PrincipalKind.SERVICE, PrincipalKind.ANONYMOUS})


def names(principal: Principal) -> tuple[Name, ...]:
    """The AWS principal values that match this caller, the most specific first, each with its form.

    A root ARN is given as the account id, which it is equivalent to (SEMANTICS 10). Stored trust policies hold unique
    ids (12). A session ARN names that one session (8); the role ARN is the stored one, with its path (9).
    """
    kind = principal.kind
    if kind in _UNNAMED or principal.provider:
        return ()
    account = (principal.account, Form.ACCOUNT)
    if kind is PrincipalKind.ROOT:
        return (account,)
    if kind is PrincipalKind.USER:
        return (principal.arn, Form.USER), (principal.unique_id, Form.USER), account
    exact = (principal.arn, Form.SESSION)
    if kind is PrincipalKind.ROLE_SESSION:
        return exact, (principal.issuer_arn, Form.ROLE), (principal.unique_id, Form.ROLE), account
    if ROOT_ARN.fullmatch(principal.issuer_arn):
        return exact, account
    return exact, (principal.issuer_arn, Form.FEDERATING_USER), (principal.unique_id, Form.FEDERATING_USER), account


_MORE_SPECIFIC_THAN_EVERYONE: Final = frozenset({Form.USER, Form.SESSION})


class PrincipalTest:
    """A compiled Principal element. `source_condition`: its statement restricts on whose behalf a service calls."""

    __slots__ = ("_aws", "_canonical", "_everyone", "_everyone_includes_services", "_federated", "_service", "allows")

    def __init__(self, element: Principals, *, allows: bool, source_condition: bool = False) -> None:
        self.allows = allows
        self._everyone = element.anyone
        self._everyone_includes_services = self._everyone and (source_condition or not allows)
        self._aws = frozenset(_account_of(name) for name in element.aws)
        self._service = frozenset(element.service)
        self._federated = frozenset(element.federated)
        self._canonical = frozenset(element.canonical)

    def names(self, prepared: PreparedRequest) -> Form | None:
        """The form in which the element names the caller; None where it does not."""
        principal = prepared.principal
        if principal.kind is PrincipalKind.SERVICE:
            return self._service_form(principal.arn)
        if prepared.request.provider:
            return self._provider_form(prepared.request.provider)
        if principal.kind is PrincipalKind.ANONYMOUS:
            return Form.EVERYONE if self._everyone else None
        found = self._aws_form(principal)
        if found in _MORE_SPECIFIC_THAN_EVERYONE:
            return found
        if self._everyone:
            return Form.EVERYONE
        if found is None and prepared.request.canonical_user in self._canonical:
            return Form.ACCOUNT
        return found

    def _service_form(self, name: str) -> Form | None:
        """The form in which the element names a service principal.

        [U] SEMANTICS 16: a Deny for `*` includes services. An Allow for `*` does only where a condition restricts on
        whose behalf they call, as in SNS's "Publish messages to an Amazon SQS queue".
        """
        if name in self._service:
            return Form.SERVICE
        denied = not self.allows and "*" in self._service
        return Form.EVERYONE if self._everyone_includes_services or denied else None

    def _provider_form(self, name: str) -> Form | None:
        """The form in which the element names an identity provider.

        [U] SEMANTICS 16: a Deny for `*` includes federated principals, an Allow for `*` does not.
        """
        if name in self._federated:
            return Form.PROVIDER
        return Form.EVERYONE if not self.allows and (self._everyone or "*" in self._federated) else None

    def _aws_form(self, principal: Principal) -> Form | None:
        for name, form in names(principal):
            if name and name in self._aws:
                return form
        return None


class NotPrincipalTest:
    """A compiled NotPrincipal element, of a Deny statement: with Allow it is unsupported (SEMANTICS 14).

    "you must also specify the account ARN of the not-denied principal. Otherwise, the policy might deny access to
    the entire account containing the principal"; of a role session, the role and the session too. "don't use
    resource-based policy statements that include a NotPrincipal element with a Deny effect for IAM users or roles
    that have a permissions boundary policy attached" (SEMANTICS 13).
    """

    __slots__ = ("_listed", "allows")

    def __init__(self, element: Principals, *, allows: bool) -> None:
        self.allows = allows
        self._listed = element

    def names(self, prepared: PreparedRequest) -> Form | None:
        """`Form.EVERYONE` where the statement applies to the caller; None where the caller is exempt."""
        return None if self.allows or self._exempts(prepared) else Form.EVERYONE

    def _exempts(self, prepared: PreparedRequest) -> bool:
        if prepared.bounded:
            return False
        listed, principal = self._listed, prepared.principal
        if listed.anyone:
            return True
        if principal.kind is PrincipalKind.SERVICE:
            return principal.arn in listed.service
        if prepared.request.provider:
            return prepared.request.provider in listed.federated
        if principal.kind is PrincipalKind.ANONYMOUS:
            return False
        return not self.missing(prepared)

    def missing(self, prepared: PreparedRequest) -> tuple[str, ...]:
        """The principals that the element lacks for a user, role, federated or root caller to be exempt."""
        spelled = {_account_of(name) for name in self._listed.aws}
        wanted: dict[Form, list[str]] = {}
        for name, form in names(prepared.principal):
            wanted.setdefault(form, []).append(name)
        return tuple(spellings[0] for spellings in wanted.values() if spelled.isdisjoint(spellings))


def _account_of(name: str) -> str:
    """The account id of a root ARN; any other name unchanged."""
    match = ROOT_ARN.fullmatch(name)
    return match.group(2) if match else name
