"""Labs about trust policies."""

from __future__ import annotations

from typing import Final

from locum.labs import making, organizations
from locum.labs.documents import allow, trusting
from locum.labs.lab import ORGANIZATION, written
from locum.labs.world import Credentials, World

# -- another account, and an external id -----------------------------------------------------------------

_EXTERNAL_ID: Final = "customer-4711"


def _build_vendor(world: World) -> None:
    account = organizations.member(world)
    with world.administrator(account) as key:
        vendor = world.seen_by(key)
        making.user(vendor, "vendor", allow("sts:AssumeRole", world.arn("role", "audit")))
    making.role(world, "audit", trusting(AWS="arn:aws:iam::111122223333:root"), allow("iam:ListUsers"))
    world.note("external-id", _EXTERNAL_ID)


def _check_vendor(world: World) -> None:
    account, role = world.notes["account"], world.arn("role", "audit")
    with world.administrator(account) as key, world.user(world.name("vendor"), key) as vendor:
        word = "The vendor cannot assume the role with the external id"
        session = world.session(role, vendor, word, ExternalId=_EXTERNAL_ID)
        for given in ({}, {"ExternalId": "customer-4712"}):
            said = f"with {given['ExternalId']}, another customer's external id" if given else "without an external id"
            word = f"The vendor can assume the role {said}: whoever talks the vendor into it gets in"
            _cannot_assume(world, role, vendor, word, given)
        _cannot_assume(world, role, key, "Others of the vendor's account can assume the role", {"ExternalId": "none"})
    world.may("The role has lost its permission", "iam", "list_users", session)


def _cannot_assume(world: World, role: str, who: Credentials, word: str, given: dict[str, str]) -> None:
    name = world.name("check")
    world.must_not(word, "sts", "assume_role", who, RoleArn=role, RoleSessionName=name, **given)


def _solve_vendor(world: World) -> None:
    trust = trusting(
        {"StringEquals": {"sts:ExternalId": _EXTERNAL_ID}}, AWS=f"arn:aws:iam::{world.notes['account']}:root"
    )
    world.do("iam", "update_assume_role_policy", RoleName=world.name("audit"), PolicyDocument=trust)


EXTERNAL_ID: Final = written("external-id", _build_vendor, _check_vendor, _solve_vendor, requires=(ORGANIZATION,))

# -- a role that was made again --------------------------------------------------------------------------


def _caller(world: World, suffix: str) -> None:
    trust = trusting(AWS=f"arn:aws:iam::{world.account}:root")
    making.role(world, suffix, trust, allow("sts:AssumeRole", world.arn("role", "vault")))


def _build_again(world: World) -> None:
    _caller(world, "deploy")
    _caller(world, "other")
    making.role(world, "vault", trusting(AWS=world.arn("role", "deploy")), allow("iam:ListUsers"))
    name = world.name("deploy")
    world.do("iam", "delete_role_policy", RoleName=name, PolicyName=making.INLINE)
    world.do("iam", "delete_role", RoleName=name)
    _caller(world, "deploy")


def _check_again(world: World) -> None:
    vault = world.arn("role", "vault")
    with world.probe() as key:
        deploy = world.session(world.arn("role", "deploy"), key)
        other = world.session(world.arn("role", "other"), key)
        word = f"{world.name('deploy')} cannot assume {world.name('vault')}"
        session = world.session(vault, deploy, word)
        for name, who in ((world.name("other"), other), ("any user of the account", key)):
            _cannot_assume(
                world, vault, who, f"{name} can assume {world.name('vault')}, too: that is too much trust", {}
            )
    world.may("The role has lost its permission", "iam", "list_users", session)


def _solve_again(world: World) -> None:
    trust = trusting(AWS=world.arn("role", "deploy"))
    world.do("iam", "update_assume_role_policy", RoleName=world.name("vault"), PolicyDocument=trust)


RE_CREATED_ROLE: Final = written("re-created-role", _build_again, _check_again, _solve_again)
