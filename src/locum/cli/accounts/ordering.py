"""Roles in an order in which each can be made at once, for tools that make each with its whole trust policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from locum.cli.accounts.documents import principals, without_principals
from locum.cli.accounts.model import Account, Role
from locum.core.arn import iam_arn


class Exported(NamedTuple):
    """The files of an export, by name, and what is told of it."""

    files: Mapping[str, str]
    told: list[str]


def in_order(account: Account) -> tuple[list[Role], list[str]]:
    """The roles, each after those that its trust policy names, and what is told.

    A role that names itself, or is in a circle of roles, trusts them not: none of them can be the first.
    """
    roles = {iam_arn(account.id, "role", one.path, one.name): one for one in account.roles.values()}
    ordered: dict[str, Role] = {}
    told: list[str] = []
    for start in roles:
        _visit(start, roles, ordered, told)
    return list(ordered.values()), told


def _visit(start: str, roles: Mapping[str, Role], ordered: dict[str, Role], told: list[str]) -> None:
    """Add a role after those that it needs; what is under way, `path`, cannot be needed. Without recursion."""
    path: list[str] = []
    waiting = [start]
    while waiting:
        arn = waiting[-1]
        if arn in ordered:
            waiting.pop()
            continue
        if path and path[-1] == arn:  # all that it needs is there, or cannot be
            path.pop()
            waiting.pop()
            ordered[arn] = _without(roles[arn], set(principals(roles[arn].trust)) & (roles.keys() - ordered), told)
            continue
        path.append(arn)
        needed = sorted(set(principals(roles[arn].trust)) & roles.keys())
        waiting += [one for one in needed if one not in ordered and one not in path]


def _without(role: Role, circular: set[str], told: list[str]) -> Role:
    told += (f"role {role.name}: {one} in its trust policy, which is made later" for one in sorted(circular))
    return replace(role, trust=without_principals(role.trust, circular)) if circular else role
