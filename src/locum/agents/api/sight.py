"""What an account may see of an explanation: its own policies, not those of the owner of a resource or an organization.

AWS tells the caller of which type the policy is that denies, and no more of what another account has: neither its text
nor its statements. Policies of an organization are the management account's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from locum.authz.organizations import organization_context
from locum.policy import PolicyType
from locum.state import State

_OF_ORGANIZATION: Final = frozenset({PolicyType.SCP, PolicyType.RCP})
_NAMES_OF_ORGANIZATION: Final = ("SCP ", "RCP ")
"""How the names of their policies begin (`state.organizations.Attached`)."""

Explanation = Mapping[str, Any]


class Sight(NamedTuple):
    """What `account` sees. `management`: it manages an organization, whose policies are its own.

    `endpoint` owns the VPC endpoint that a call came through.
    """

    account: str
    management: bool
    endpoint: str = ""

    def sees(self, kind: str, resource_account: str) -> bool:
        """Whether policies of a type are its own, in a decision on a resource of `resource_account`."""
        own = resource_account == self.account
        if kind in _OF_ORGANIZATION:
            return self.management and (own or kind == PolicyType.SCP)
        if kind == PolicyType.RESOURCE:
            return own
        return kind != PolicyType.ENDPOINT or self.endpoint == self.account

    def names(self, names: Iterable[str]) -> list[str]:
        """Those of the deciding statements of a call on what is its own that it sees, by their names in records."""
        return [name for name in names if self.management or not name.startswith(_NAMES_OF_ORGANIZATION)]

    def explanation(self, whole: Explanation | None) -> dict[str, Any] | None:
        """What it sees of an explanation (`authz.Authorization.explanation`)."""
        if whole is None:
            return None
        return {**whole, "checks": [self._check(check) for check in whole["checks"]]}

    def _check(self, check: Explanation) -> dict[str, Any]:
        owner, inner = str(check["resourceAccount"]), check["explanation"]
        foreign = owner not in ("", self.account)
        statements = self._seen(inner["statements"], owner)
        misses = self._seen(inner["nearMisses"], owner)
        some_hidden = len(statements) < len(inner["statements"])
        outcomes = {
            kind: outcome
            for kind, outcome in inner["outcomes"].items()
            if self.sees(kind, owner) or kind == inner["deniedBy"]
        }
        shown = {**inner, "statements": statements, "nearMisses": misses, "outcomes": outcomes}
        if foreign or some_hidden:  # the remedies speak of all policies
            shown["changes"] = []
        if foreign:  # conditions are told with the values that they met: tags of the resource, say
            shown |= {"nearMisses": [], "statements": [{**it, "met": [], "failed": None} for it in statements]}
        return {**check, "context": {}, "explanation": shown}

    def _seen(self, reports: Iterable[Explanation], owner: str) -> list[Explanation]:
        return [it for it in reports if self.sees(it["policyType"], owner)]


def sight(state: State | None, account: str, endpoint: str = "") -> Sight:
    """What `account` sees in a decision on `state`; None where that is not known any more."""
    management = state is not None and organization_context(state, account).management
    return Sight(account, management, endpoint)


def deciding(seen: Explanation | None, names: Iterable[str]) -> Iterator[Explanation]:
    """The statements of a seen explanation that are among `names`, as records name them, each once."""
    wanted, found = set(names), set[tuple[str, str, int]]()
    for check in () if seen is None else seen["checks"]:
        for it in check["explanation"]["statements"]:
            key = it["policy"], it["policyArn"], it["statement"]
            if it["matched"] and name_of(it) in wanted and key not in found:
                found.add(key)
                yield it


def name_of(statement: Explanation) -> str:
    """A statement as records name it: the policy, and its Sid or its number."""
    return f"{statement['policy']}#{statement['sid'] or statement['statement']}"
