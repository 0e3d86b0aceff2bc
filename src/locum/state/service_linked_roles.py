"""Service-linked roles: what AWS calls the role that is linked to a service, and what it may do.

IAM User Guide, "Create a service-linked role". The names are the services' own choice, so they are data:
`data/service_linked_roles.txt`, gathered from the services' guides and from AWS's managed policies that name them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Final, NamedTuple

from locum.core.arn import iam_arn
from locum.state.entities import MANAGED, Entity

PATH: Final = "/aws-service-role/"
PREFIX: Final = "AWSServiceRoleFor"
_DOMAIN: Final = ".amazonaws.com"
_DATA: Final = Path(__file__).parent / "data" / "service_linked_roles.txt"


class LinkedService(NamedTuple):
    """The role of the service `principal`: its name without a suffix, and the ARNs of its policies.

    `takes_suffix`: there may be several of them in an account, told apart by a CustomSuffix.
    """

    principal: str
    role: str
    policies: tuple[str, ...] = ()
    takes_suffix: bool = False

    @property
    def path(self) -> str:
        """The path of the role."""
        return f"{PATH}{self.principal}/"

    def role_name(self, suffix: str) -> str:
        """The role's name, with `suffix` where that is not empty."""
        return f"{self.role}_{suffix}" if suffix else self.role


class RoleDeletion(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="role-deletion"):
    """The task of deleting a service-linked role: over as soon as it was asked for."""

    key_field: ClassVar[str] = "id"

    id: str
    requested: int


def linked_service(principal: str) -> LinkedService | None:
    """What is known of the service `principal` (`autoscaling.amazonaws.com`); None where that names no service.

    A service that the table does not have gets the name that most services chose: theirs, in camel case, what
    stands before it in the principal behind an underscore.
    """
    known = _table().get(principal)
    if known is not None:
        return known
    labels = principal.removesuffix(_DOMAIN).split(".")
    if not principal.endswith(_DOMAIN) or not all(label.replace("-", "").isalnum() for label in labels):
        return None
    *parts, service = map(_camel, labels)
    return LinkedService(principal, "_".join([PREFIX + service, *parts]))


@cache
def _table() -> Mapping[str, LinkedService]:
    rows = (line.split() for line in _DATA.read_text("utf-8").splitlines() if not line.startswith("#"))
    return MappingProxyType({row[0]: _service(*row) for row in rows})


def _service(principal: str, name: str, policy: str, *flags: str) -> LinkedService:
    policies = () if policy == "-" else (iam_arn(MANAGED, "policy", PATH, policy),)
    return LinkedService(principal, PREFIX + name, policies, "suffix" in flags)


def _camel(label: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in label.split("-"))
