"""The organization: its tree of units and accounts with their policies, and the page of a root, unit or account."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.responses import Response

from locum.console.aws import Aws, CallFailed, attempt
from locum.console.person import Person, View, url

KINDS: Final = {"SERVICE_CONTROL_POLICY": "SCP", "RESOURCE_CONTROL_POLICY": "RCP"}
"""The types of policies that the console shows, with the short names that people have for them."""
_SERVICE: Final = "organizations"
_MOST_UNITS: Final = 200
"""Units that the tree has at most: each takes two calls."""


@dataclass(slots=True)
class Node:
    """A root or unit with what is in it."""

    id: str
    name: str
    kind: str
    units: list[Node] = field(default_factory=list)
    accounts: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Tree:
    """The roots of an organization. `policies` are by the id of their target. `whole`: no unit was left out."""

    roots: list[Node]
    policies: Mapping[str, list[dict[str, Any]]]
    whole: bool = True

    def nodes(self) -> Iterator[tuple[str, Node]]:
        """All roots and units, with their names and those above them, each before what is in it."""
        waiting = [(node.name, node) for node in reversed(self.roots)]
        while waiting:
            name, node = waiting.pop()
            yield name, node
            waiting += [(f"{name} / {unit.name}", unit) for unit in reversed(node.units)]

    def places(self) -> list[tuple[str, str]]:
        """The id and the long name of all roots and units."""
        return [(node.id, name) for name, node in self.nodes()]

    def accounts(self) -> list[dict[str, Any]]:
        """All accounts."""
        return [account for _, node in self.nodes() for account in node.accounts]


async def show(person: Person) -> Response:
    """The tree, or the form that makes an organization."""
    try:
        organization = (await person.aws.call(_SERVICE, "describe_organization"))["Organization"]
    except CallFailed as failed:
        if failed.code != "AWSOrganizationsNotInUseException":
            raise
        return person.page("organization_none.html")
    roots, tree = await asyncio.gather(
        attempt(person.aws.listed(_SERVICE, "list_roots", "Roots")), attempt(tree_of(person.aws))
    )
    return person.page("organization.html", organization=organization, roots=roots, tree=tree, kinds=KINDS)


async def tree_of(aws: Aws) -> Tree:
    """The organization as a tree. Raises CallFailed."""
    roots, policies = await asyncio.gather(aws.listed(_SERVICE, "list_roots", "Roots"), _by_target(aws))
    tree = Tree([Node(root["Id"], root["Name"], "ROOT") for root in roots], policies)
    level = tree.roots
    seen = 0
    while level and tree.whole:
        await asyncio.gather(*(_fill(aws, node) for node in level))
        level = [unit for node in level for unit in node.units]
        seen += len(level)
        tree.whole = seen <= _MOST_UNITS
    return tree


async def _fill(aws: Aws, node: Node) -> None:
    units, accounts = await asyncio.gather(
        aws.listed(_SERVICE, "list_organizational_units_for_parent", "OrganizationalUnits", ParentId=node.id),
        aws.listed(_SERVICE, "list_accounts_for_parent", "Accounts", ParentId=node.id),
    )
    node.units = [Node(unit["Id"], unit["Name"], "ORGANIZATIONAL_UNIT") for unit in units]
    node.accounts = accounts


async def _by_target(aws: Aws) -> dict[str, list[dict[str, Any]]]:
    """The policies that are attached, by the id of what they are attached to. Raises CallFailed."""
    found: dict[str, list[dict[str, Any]]] = {}
    every = await every_policy(aws)
    targets = await asyncio.gather(
        *(aws.listed(_SERVICE, "list_targets_for_policy", "Targets", PolicyId=policy["Id"]) for policy in every)
    )
    for policy, attached in zip(every, targets, strict=True):
        for target in attached:
            found.setdefault(target["TargetId"], []).append(policy)
    return found


async def every_policy(aws: Aws) -> list[dict[str, Any]]:
    """The policies of the organization, SCPs first. Raises CallFailed."""
    lists = await asyncio.gather(*(aws.listed(_SERVICE, "list_policies", "Policies", Filter=kind) for kind in KINDS))
    return [policy for policies in lists for policy in policies]


async def show_target(person: Person) -> Response:
    """The page of a root, a unit or an account."""
    own_id = person.path["id"]
    target = await _described(person.aws, own_id)
    tree, parents, policies = await asyncio.gather(
        attempt(tree_of(person.aws)), attempt(_parents(person.aws, own_id)), attempt(every_policy(person.aws))
    )
    values = {"tree": tree, "parents": parents, "policies": policies, "kinds": KINDS}
    return person.page("organization_target.html", target=target, kind=kind_of(own_id), **values)


def kind_of(own_id: str) -> str:
    """What an id is of: a root, a unit or an account."""
    return "root" if own_id.startswith("r-") else "unit" if own_id.startswith("ou-") else "account"


async def _described(aws: Aws, own_id: str) -> dict[str, Any]:
    """A root, unit or account. Raises CallFailed."""
    kind = kind_of(own_id)
    found: dict[str, Any]
    if kind == "account":
        found = (await aws.call(_SERVICE, "describe_account", AccountId=own_id))["Account"]
    elif kind == "unit":
        answer = await aws.call(_SERVICE, "describe_organizational_unit", OrganizationalUnitId=own_id)
        found = answer["OrganizationalUnit"]
    else:
        roots = [it for it in await aws.listed(_SERVICE, "list_roots", "Roots") if it["Id"] == own_id]
        if not roots:
            raise CallFailed("TargetNotFoundException", f"There is no root {own_id}.", "organizations:ListRoots")
        found = roots[0]
    return found


async def _parents(aws: Aws, own_id: str) -> list[dict[str, Any]]:
    if kind_of(own_id) == "root":
        return []
    return await aws.listed(_SERVICE, "list_parents", "Parents", ChildId=own_id)


ROUTES: Final[tuple[tuple[str, str, View], ...]] = (
    ("GET", url("organization"), show),
    ("GET", f"{url('organization')}/{{id}}", show_target),
)
