"""Service-linked roles: the names and policies of each service's role, and the task of deleting one.

IAM User Guide, "Create a service-linked role". Services choose the names, so they are data:
`data/service_linked_roles.txt`, collected from the services' guides and from AWS managed policies that contain them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Final, NamedTuple

from locum.core.arn import iam_arn
from locum.state.entities import AWS_MANAGED_ACCOUNT, Entity

PATH: Final = "/aws-service-role/"
PREFIX: Final = "AWSServiceRoleFor"
_DOMAIN: Final = ".amazonaws.com"
_DATA: Final = Path(__file__).parent / "data" / "service_linked_roles.txt"


class LinkedService(NamedTuple):
    """The service-linked role of the service `principal`: its name without suffix, and the ARNs of its policies.

    `takes_suffix`: an account may have several, distinguished by a CustomSuffix.
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
        """The role's name, with `suffix` unless that is empty."""
        return f"{self.role}_{suffix}" if suffix else self.role


class RoleDeletion(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="role-deletion"):
    """The task of deleting a service-linked role, completed at once.

    It failed where something was using the role: the ARNs `used_by`.
    """

    key_field: ClassVar[str] = "id"

    id: str
    requested: int
    used_by: tuple[str, ...] = ()


def linked_service(principal: str) -> LinkedService | None:
    """The service-linked role of `principal` (`autoscaling.amazonaws.com`); None where that is not a service principal.

    A service that the table lacks gets a name by the convention of most services: its name in camel case, with the
    labels before it in the principal appended after an underscore.
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
    policies = () if policy == "-" else (iam_arn(AWS_MANAGED_ACCOUNT, "policy", PATH, policy),)
    return LinkedService(principal, PREFIX + name, policies, "suffix" in flags)


def _camel(label: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in label.split("-"))
