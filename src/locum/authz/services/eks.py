"""Amazon EKS: access entries by the principal that they are for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from locum.authz.call import Call
from locum.authz.functions import Functions, Values, own_arn
from locum.core.arn import Arn
from locum.core.partial_arn import Name, PartialArn
from locum.state import State


def _access_entry(state: State, call: Call, values: Values) -> Iterable[str]:
    """`access-entry/CLUSTER/TYPE/ACCOUNT/NAME/UUID` for a user or role; only the backend knows the UUID."""
    cluster, principal = values
    arn = Arn.find(principal or "")
    kind, account, name = (None, None, None) if arn is None else _identity(arn)
    entry = own_arn(call, "eks", "access-entry/", cluster, "/", kind, "/", account, "/", name, "/", None)
    if principal is not None and isinstance(entry, PartialArn):
        entry = PartialArn(entry.parts, Name("principalArn", principal))
    yield entry


def _identity(arn: Arn) -> tuple[str, str, str]:
    """The type, account and name, without its path, of a principal."""
    kind, _, path = arn.resource.partition("/")
    return kind, arn.account, path.rpartition("/")[2]


FUNCTIONS: Final = Functions(resolvers={"eks_access_entry": _access_entry})
