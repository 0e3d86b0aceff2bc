"""The identities of an account of a plane, read by calls, in the form of the details of an account."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol, TypeVar

from locum.cli.accounts import details
from locum.cli.accounts.details import LISTS, Page
from locum.cli.accounts.model import Account
from locum.cli.accounts.values import Place

A = TypeVar("A")
B = TypeVar("B")

_AWS: Final = "arn:aws:iam::aws:"
_DESCRIBED: Final = ("Description", "MaxSessionDuration")


class Client(Protocol):
    """Makes calls, of several threads at once; `client.LastingClient` does. `threads` are those that pay."""

    threads: int

    def call(self, service: str, operation: str, region: str = "", /, **parameters: Any) -> dict[str, Any]:
        """The answer of a call, by its boto3 name. Raises CallFailed."""


def at_once(client: Client, function: Callable[[A], B], items: Iterable[A]) -> list[B]:
    """`function` of each item, in their order; several at once where that pays."""
    if client.threads <= 1:
        return [function(item) for item in items]
    with ThreadPoolExecutor(client.threads) as threads:
        return list(threads.map(function, items))


def details_of(client: Client) -> dict[str, Any]:
    """The account's details as one page, with what AWS's command does not tell. Raises CallFailed."""
    found: dict[str, Any] = {name: [] for name in LISTS}
    for page in _pages(client, "get_account_authorization_details"):
        for name in LISTS:
            found[name] += page.get(name, [])
    roles = {role["RoleName"]: role for page in _pages(client, "list_roles") for role in page["Roles"]}
    for role in found["RoleDetailList"]:
        told = roles.get(role["RoleName"], {})
        role |= {name: told[name] for name in _DESCRIBED if name in told}
    arns = [one["Arn"] for one in client.call("iam", "list_open_id_connect_providers")["OpenIDConnectProviderList"]]
    providers = at_once(
        client, lambda arn: client.call("iam", "get_open_id_connect_provider", OpenIDConnectProviderArn=arn), arns
    )
    found["OpenIDConnectProviderList"] = providers
    names = [one["InstanceProfileName"] for page in _pages(client, "list_instance_profiles")
             for one in page["InstanceProfiles"]]  # fmt: skip
    profiles = at_once(client, lambda n: client.call("iam", "get_instance_profile", InstanceProfileName=n), names)
    found["InstanceProfileList"] = [one["InstanceProfile"] for one in profiles]

    def described(policy: dict[str, Any]) -> dict[str, Any]:
        if policy["Arn"].startswith(_AWS):
            return policy
        told = client.call("iam", "get_policy", PolicyArn=policy["Arn"])["Policy"]
        return {**policy, "Description": told.get("Description", ""), "Tags": told.get("Tags", [])}

    found["Policies"] = at_once(client, described, found["Policies"])
    return dict(plain(found))


def account_of(client: Client) -> Account:
    """The account. Raises CallFailed."""
    return details.account([Page(Place(details_of(client), "the plane's answer: "))])


def _pages(client: Client, operation: str) -> Iterator[dict[str, Any]]:
    marker: dict[str, str] = {}
    while True:
        page = client.call("iam", operation, MaxItems=1000, **marker)
        yield page
        if not page.get("IsTruncated"):
            return
        marker = {"Marker": page["Marker"]}


def plain(value: Any) -> Any:
    """`value` as JSON has it: times as AWS's command line writes them, without what is about the answer."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items() if name != "ResponseMetadata"}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, datetime.datetime) else value
