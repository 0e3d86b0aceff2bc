"""Actors: the caller of a call, as a value that can be stored.

    actor                                       as a value
    a signed caller                             `Caller`
    a service principal, for a resource         `service_principal`: a Caller with a `source`
    a service with its caller's permissions     `on_behalf_of`: the Caller with the service in `via`
    a service-linked role, a passed role        `ServiceRole`: becomes a Caller once the service has assumed the role

There is no other way for anything inside Locum to read or change resources of an account. No actor holds a secret.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from locum.core.principal import Caller, Principal, Source


@dataclass(frozen=True, slots=True)
class ServiceRole:
    """A role that a service assumes for its calls: a service-linked role, or one that was passed to the service.

    `service` is the service principal (`lambda.amazonaws.com`) that the role's trust policy must allow, `role` the
    role's ARN, `session_name` the name of the session, `source` the resource that the role was passed for. `tags` are
    the session tags that the service sets, all of them transitive.
    """

    service: str
    role: str
    session_name: str
    source: Source
    tags: tuple[tuple[str, str], ...] = ()

    @property
    def account(self) -> str:
        """The account that the service acts for."""
        return self.source.account

    @property
    def assuming(self) -> Caller:
        """The caller that assumes the role: the service principal."""
        return Caller(Principal.service(self.service), source=self.source)


Actor = Caller | ServiceRole


def service_principal(service: str, account: str, arn: str = "") -> Caller:
    """The service principal `service` (`sns.amazonaws.com`), acting for the resource `arn` of `account`."""
    return Caller(Principal.service(service), source=Source(account, arn))


def on_behalf_of(caller: Caller, service: str) -> Caller:
    """`caller` for a call that the service principal `service` makes with the caller's permissions.

    IAM User Guide, "Forward access sessions".
    """
    return replace(caller, via=(*caller.via, service))
