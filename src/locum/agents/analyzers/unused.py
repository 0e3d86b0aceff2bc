"""Unused access: roles, access keys and passwords of users, and permissions of both, that nobody has used for so long.

IAM User Guide, "IAM Access Analyzer findings", "Create an IAM Access Analyzer unused access analyzer": only what has
been there for the whole tracking period is looked at, once a day. A role that is not used at all is one finding; the
permissions are looked at of users and roles that are.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from locum.agents.analyzers.resources import ROLE, Make, Named
from locum.agents.analyzers.upkeep import Analysis, common, failed, identity
from locum.analysis import unused as rules
from locum.calls import Runtime
from locum.core.arn import is_service_linked
from locum.core.clock import DAY
from locum.services.accessanalyzer.exclusions import age_of, is_excluded
from locum.services.accessanalyzer.lookups import findings_of
from locum.services.accessanalyzer.zones import accounts, covers
from locum.services.verbs import LastUse
from locum.state import Role, State, User
from locum.state.analyzers import UNUSED_PERMISSION, AccessFinding, Analyzer
from locum.state.arns import entity_by_arn, entity_of
from locum.state.attachments import identity_policies

USER: Final = "AWS::IAM::User"

_log: Final = logging.getLogger("locum.agents")


async def everything(runtime: Runtime, _make: Make, analyzer: Analyzer) -> tuple[list[Named], bool] | None:
    """All users and roles of the accounts of an analyzer, and those that it still has findings about.

    None while the role of the analyzer is not there, or it may not look at its organization.
    """
    state = runtime.ledger.state
    zone = accounts(state, analyzer)
    if not zone or entity_by_arn(state, Role, analyzer.role, analyzer.account) is None:
        return None
    known = [Named(it.type, it.resource) for it in findings_of(state, analyzer) if it.status != "RESOLVED"]
    return [*_entities(state, zone), *known], True


def _entities(state: State, zone: Iterable[str]) -> Iterator[Named]:
    for account in sorted(zone):
        for role in state.table(Role, account).values():
            if not is_service_linked(role.arn):
                yield Named(ROLE, role.arn)
        for user in state.table(User, account).values():
            yield Named(USER, user.arn)


def concerned(state: State, analyzer: Analyzer, arns: Iterable[str]) -> list[Named]:
    """The users and roles that have findings and were changed: a key that is deactivated is not unused any more."""
    changed = set(arns)
    if not changed or not accounts(state, analyzer):
        return []
    about = (it for it in findings_of(state, analyzer) if it.status != "RESOLVED" and it.resource in changed)
    return list(dict.fromkeys(Named(it.type, it.resource) for it in about))


async def analyzed(runtime: Runtime, analyzer: Analyzer, resource: Named, now: float) -> Analysis:
    """What of a user or role is not used, as it is `now`."""
    state = runtime.ledger.state
    entity = entity_of(state, resource.arn)
    if not isinstance(entity, User | Role) or not covers(state, analyzer, entity.account):
        return Analysis(resource, there=False, listed=False)
    try:
        uses = await runtime.ledger.read(lambda: runtime.usage.uses(entity.account, entity.id))
        findings = await asyncio.to_thread(_found, state, analyzer, entity, uses, now)
    except OSError:  # no descriptor is left, say
        raise
    except Exception:  # a fault barrier: a user or role that breaks has a finding that says so, and no other
        _log.exception("%s is not analyzed", resource.arn)
        return failed(analyzer, resource, entity.account, now, UNUSED_PERMISSION)._replace(listed=False)
    return Analysis(resource, there=True, owner=entity.account, findings=findings, listed=False)


def _found(
    state: State, analyzer: Analyzer, entity: User | Role, uses: Sequence[LastUse], now: float
) -> tuple[AccessFinding, ...]:
    """The findings about a user or role. One that is as young as the tracking period, or excluded, has none."""
    since = now - age_of(analyzer.configuration) * DAY
    if entity.created >= since or is_excluded(analyzer.configuration, entity.account, entity.tags):
        return ()
    told = _of_role(state, entity, uses, since) if isinstance(entity, Role) else _of_user(state, entity, uses, since)
    return tuple(_finding(analyzer, entity, kind, details, now) for kind, details in told)


Told = Iterator[tuple[str, list[dict[str, Any]]]]
"""The types of findings, and the structures of their findingDetails."""


def _of_role(state: State, role: Role, uses: Sequence[LastUse], since: float) -> Told:
    at = rules.last_use(uses)
    if rules.is_unused_role(role, at, since):
        yield "UnusedIAMRole", [{"unusedIamRoleDetails": _accessed(at)}]
    elif not is_service_linked(role.arn):
        yield from _of_permissions(state, role, uses, since)


def _of_user(state: State, user: User, uses: Sequence[LastUse], since: float) -> Told:
    for key, at in rules.unused_keys(state, user, uses, since):
        yield "UnusedIAMUserAccessKey", [{"unusedIamUserAccessKeyDetails": {"accessKeyId": key.id, **_accessed(at)}}]
    profile = rules.unused_password(state, user, since)
    if profile is not None:
        yield "UnusedIAMUserPassword", [{"unusedIamUserPasswordDetails": _accessed(profile.used)}]
    if max(rules.last_use(uses), rules.signed_in(state, user)) >= since:
        yield from _of_permissions(state, user, uses, since)


def _of_permissions(state: State, entity: User | Role, uses: Sequence[LastUse], since: float) -> Told:
    documents = [it.document for it in identity_policies(state, entity)]
    found = [_permissions(it) for it in rules.services(documents, uses, since) if it.unused or not it.active]
    if found:
        yield UNUSED_PERMISSION, found


def _permissions(service: rules.Service) -> dict[str, Any]:
    """UnusedPermissionDetails of a service: without actions, nothing of it is used."""
    told = {"serviceNamespace": service.namespace, **_accessed(service.at)}
    if service.active:
        told["actions"] = [{"action": it.name, **_accessed(it.at)} for it in service.unused]
    return {"unusedPermissionDetails": told}


def _accessed(at: float) -> dict[str, Any]:
    return {"lastAccessed": at} if at else {}


def _finding(
    analyzer: Analyzer, entity: User | Role, kind: str, details: list[dict[str, Any]], now: float
) -> AccessFinding:
    """A finding, whose id has the unique id in it: another user or role of the same name has other findings."""
    resource = Named(ROLE if isinstance(entity, Role) else USER, entity.arn)
    key = details[0].get("unusedIamUserAccessKeyDetails", {}).get("accessKeyId", "")
    told = {"type": kind, "unique": entity.id, "key": key}
    return AccessFinding(
        **common(analyzer, resource, entity.account, now),
        id=identity(analyzer, resource, told),
        finding_type=kind,
        details=tuple(details),
    )
